/** The multisig actor: every rule by itself. */
import type { Address } from "@holdfast/base";
import { attoFil, encode, epoch, filToAtto } from "@holdfast/base";
import {
  lockedAt,
  maxOpenTransactions,
  multisigGovernance,
  none,
  type Proposal,
  transactionHash,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { create, created, noParams, open, pays, trio, view } from "./multisigs.ts";
import {
  type Account,
  alice,
  bob,
  carol,
  createMiner,
  openingBalance,
  owner,
  pledge,
  World,
  worker,
} from "./world.ts";

type Change = keyof typeof multisigGovernance;
function toItself<C extends Change>(
  multisig: Address,
  method: C,
  params: Parameters<(typeof multisigGovernance)[C]["apply"]>[2],
): Proposal {
  const { params: codec } = multisigGovernance[method];
  return { to: multisig, value: attoFil(0n), method, params: encode(codec as never, params as never) };
}

/** Proposed by the first, approved by the others in turn; the last outcome. */
function agree(world: World, multisig: Address, proposal: Proposal, by: readonly Account[]) {
  const [first = alice, ...others] = by;
  let done = world.send(first, multisig, "multisig.propose", proposal);
  const transactionId = done.returns?.transactionId ?? -1;
  for (const other of others) {
    const { hash } = open(world, multisig, transactionId);
    done = world.send(other, multisig, "multisig.approve", { transactionId, hash });
  }
  return done;
}

describe("createMultisig", () => {
  it("makes a multisig with the value as its balance and the signers in order", () => {
    const world = new World();
    const multisig = created(world);
    expect(view(world, multisig)).toMatchObject({
      threshold: 2,
      balance: filToAtto(10n),
      freeBalance: filToAtto(10n),
      lock: null,
      transactions: [],
    });
    expect(new Set(view(world, multisig).signers)).toEqual(new Set(trio));
    expect(world.balance(owner.address)).toBe(openingBalance - filToAtto(10n));
    const other = created(world, { signers: [...trio].reverse() });
    expect(view(world, other).signers).toEqual(view(world, multisig).signers);
    world.money();
  });

  it("refuses no signers, one twice, and thresholds that nobody could reach or that ask for nobody", () => {
    const world = new World();
    expect(create(world, { signers: [] }).exitCode).toBe(x.signersInvalid);
    expect(create(world, { signers: [alice.address, alice.address] }).exitCode).toBe(x.signersInvalid);
    expect(create(world, { threshold: 4 }).exitCode).toBe(x.thresholdInvalid);
    expect(create(world, { threshold: 0 }).exitCode).toBe(x.thresholdInvalid);
    expect(create(world, { unlockEpochs: 5, value: attoFil(0n) }).exitCode).toBe(x.lockInvalid);
    expect(world.balance(owner.address)).toBe(openingBalance);
    world.money();
  });

  it("is the only way to make one", () => {
    const world = new World();
    const { exitCode } = world.sendRaw(alice, created(world), "constructor", noParams);
    expect(exitCode).toBe(x.unknownMethod);
  });
});

describe("a transaction", () => {
  it("executes with the approval that reaches the threshold, and not before", () => {
    const world = new World();
    const multisig = created(world);
    const proposed = world.send(alice, multisig, "multisig.propose", pays(owner.address, 7n));
    expect(proposed.returns).toEqual({ transactionId: 0, outcome: null });
    expect(world.balance(owner.address)).toBe(openingBalance - filToAtto(10n));
    const { hash } = open(world, multisig, 0);
    const approved = world.send(carol, multisig, "multisig.approve", { transactionId: 0, hash });
    expect(approved.returns).toEqual({ transactionId: 0, outcome: { exitCode: 0, returns: noParams } });
    expect(world.balance(owner.address)).toBe(openingBalance - filToAtto(10n) + 7n);
    expect(view(world, multisig).transactions).toEqual([]);
    world.money();
  });

  it("executes at once if one signer is enough", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1 });
    expect(agree(world, multisig, pays(owner.address, 1n), [bob]).returns?.outcome?.exitCode).toBe(0);
  });

  it("calls methods of actors in the multisig's name and returns what they return", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1 });
    const call = {
      to: createMiner(world),
      value: attoFil(0n),
      method: "getOwner",
      params: Uint8Array.of(0x80),
    };
    const { returns } = world.send(alice, multisig, "multisig.propose", call);
    expect(returns?.outcome?.exitCode).toBe(0);
    expect(returns?.outcome?.returns.length).toBeGreaterThan(20);
  });

  it("is done also if the call fails, and the money stays", () => {
    const world = new World();
    const multisig = created(world);
    const miner = createMiner(world);
    const call = { to: miner, value: attoFil(5n), method: "getOwner", params: Uint8Array.of(0x80) };
    const { exitCode, returns } = agree(world, multisig, call, [alice, bob]);
    expect(exitCode).toBe(0);
    expect(returns?.outcome?.exitCode).toBe(x.notPayable);
    expect(view(world, multisig)).toMatchObject({ balance: filToAtto(10n), transactions: [] });
  });

  it("is nobody's but the signers'", () => {
    const world = new World();
    const multisig = created(world);
    expect(world.send(owner, multisig, "multisig.propose", pays(owner.address, 1n)).exitCode).toBe(
      x.notSigner,
    );
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 1n));
    const { hash } = open(world, multisig, 0);
    for (const path of ["multisig.approve", "multisig.cancel"] as const) {
      expect(world.send(owner, multisig, path, { transactionId: 0, hash }).exitCode).toBe(x.notSigner);
    }
  });

  it("counts a signer once", () => {
    const world = new World();
    const multisig = created(world);
    world.send(alice, multisig, "multisig.propose", pays(alice.address, 1n));
    const { hash } = open(world, multisig, 0);
    const again = world.send(alice, multisig, "multisig.approve", { transactionId: 0, hash });
    expect(again.exitCode).toBe(x.alreadyApproved);
  });

  it("is approved by its content and not by its number alone", () => {
    const world = new World();
    const multisig = created(world);
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 1n));
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 2n));
    const { hash } = open(world, multisig, 1);
    const wrong = world.send(bob, multisig, "multisig.approve", { transactionId: 0, hash });
    expect(wrong.exitCode).toBe(x.transactionMismatch);
    const unknown = world.send(bob, multisig, "multisig.approve", { transactionId: 2, hash });
    expect(unknown.exitCode).toBe(x.transactionNotFound);
  });

  it("is cancelled by its proposer only, and then gone", () => {
    const world = new World();
    const multisig = created(world);
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 1n));
    const { hash } = open(world, multisig, 0);
    const ref = { transactionId: 0, hash };
    expect(world.send(bob, multisig, "multisig.cancel", ref).exitCode).toBe(x.notProposer);
    expect(world.send(alice, multisig, "multisig.cancel", ref).exitCode).toBe(0);
    expect(world.send(bob, multisig, "multisig.approve", ref).exitCode).toBe(x.transactionNotFound);
  });

  it("cannot spend more than there is", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1 });
    const all = filToAtto(10n);
    const tooMuch = agree(world, multisig, pays(owner.address, all + 1n), [alice]);
    expect(tooMuch.returns?.outcome?.exitCode).toBe(x.fundsLocked);
    expect(agree(world, multisig, pays(owner.address, all), [alice]).returns?.outcome?.exitCode).toBe(0);
    expect(view(world, multisig).balance).toBe(0n);
  });

  it("cannot take money out of nowhere", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1 });
    const { exitCode } = agree(world, multisig, pays(owner.address, -1n), [alice]);
    expect(exitCode).not.toBe(0);
    expect(view(world, multisig).balance).toBe(filToAtto(10n));
  });

  it("waits beside so many others and no more", () => {
    const world = new World();
    const multisig = created(world);
    const one = pays(owner.address, 1n);
    for (let i = 0; i < maxOpenTransactions; i++) {
      expect(world.send(alice, multisig, "multisig.propose", one).exitCode).toBe(0);
    }
    expect(world.send(alice, multisig, "multisig.propose", one).exitCode).toBe(x.tooManyTransactions);
  });

  it("cannot be kept from its signers by two who fill the list together: they are removed", () => {
    const world = new World();
    const signers = [...trio, owner.address, worker.address];
    const multisig = created(world, { signers, threshold: 3 });
    const huge = { to: owner.address, value: attoFil(0n), method: "x", params: new Uint8Array(32_768) };
    for (let transactionId = 0; transactionId < maxOpenTransactions; transactionId++) {
      world.send(alice, multisig, "multisig.propose", huge);
      // What has a second approval is rewritten when the first one goes: the costliest removal.
      const hash = transactionHash(multisig, transactionId, huge);
      world.send(carol, multisig, "multisig.approve", { transactionId, hash });
    }
    for (const signer of [alice.address, carol.address]) {
      const removal = toItself(multisig, "removeSigner", { signer, decrease: false });
      const done = agree(world, multisig, removal, [bob, owner, worker]);
      expect(done.returns?.outcome?.exitCode).toBe(0);
    }
    expect(view(world, multisig).transactions).toEqual([]);
    expect(view(world, multisig).signers).toHaveLength(3);
  });
});

describe("a change of the multisig itself", () => {
  it("needs the same approvals as money does", () => {
    const world = new World();
    const multisig = created(world);
    const change = toItself(multisig, "addSigner", { signer: owner.address, increase: true });
    expect(world.sendRaw(alice, multisig, "addSigner", change.params).exitCode).toBe(x.unknownMethod);
    expect(agree(world, multisig, change, [alice]).returns?.outcome).toBeNull();
    expect(view(world, multisig).threshold).toBe(2);
    expect(agree(world, multisig, change, [alice, bob]).returns?.outcome?.exitCode).toBe(0);
    expect(view(world, multisig)).toMatchObject({ threshold: 3 });
    expect(view(world, multisig).signers).toContain(owner.address);
  });

  it("takes a leaving signer's approvals along", () => {
    const world = new World();
    const multisig = created(world);
    world.send(carol, multisig, "multisig.propose", pays(owner.address, 1n));
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 2n));
    const leave = toItself(multisig, "removeSigner", { signer: carol.address, decrease: false });
    expect(agree(world, multisig, leave, [alice, bob]).returns?.outcome?.exitCode).toBe(0);
    const open = view(world, multisig).transactions.map(({ transactionId }) => transactionId);
    expect(open).toEqual([1]);
    expect(agree(world, multisig, pays(owner.address, 1n), [carol]).exitCode).toBe(x.notSigner);
  });

  it("never leaves too few signers for the threshold, nor one of them twice", () => {
    const world = new World();
    const multisig = created(world, { signers: [alice.address, bob.address] });
    const refused = (change: Proposal) =>
      agree(world, multisig, change, [alice, bob]).returns?.outcome?.exitCode;
    expect(refused(toItself(multisig, "removeSigner", { signer: bob.address, decrease: false }))).toBe(
      x.thresholdInvalid,
    );
    expect(refused(toItself(multisig, "setThreshold", { threshold: 3 }))).toBe(x.thresholdInvalid);
    expect(refused(toItself(multisig, "setThreshold", { threshold: 0 }))).toBe(x.thresholdInvalid);
    expect(refused(toItself(multisig, "addSigner", { signer: bob.address, increase: false }))).toBe(
      x.signersInvalid,
    );
    expect(refused(toItself(multisig, "swapSigner", { from: bob.address, to: alice.address }))).toBe(
      x.signersInvalid,
    );
    expect(refused(toItself(multisig, "removeSigner", { signer: carol.address, decrease: false }))).toBe(
      x.notSigner,
    );
    // Who can never sign must not be counted on.
    const itself = toItself(multisig, "addSigner", { signer: multisig, increase: true });
    expect(refused(itself)).toBe(x.signersInvalid);
    expect(view(world, multisig)).toMatchObject({ threshold: 2 });
  });

  it("is refused when it is proposed if it could never be done", () => {
    const world = new World();
    const multisig = created(world);
    const unknown = { to: multisig, value: attoFil(0n), method: "burn", params: noParams };
    expect(agree(world, multisig, unknown, [alice]).exitCode).toBe(x.unknownMethod);
    const malformed = { ...unknown, method: "setThreshold" };
    expect(agree(world, multisig, malformed, [alice]).exitCode).toBe(x.invalidParams);
    const paid = { ...toItself(multisig, "setThreshold", { threshold: 1 }), value: attoFil(1n) };
    expect(agree(world, multisig, paid, [alice]).exitCode).toBe(x.notPayable);
  });

  it("to a lower threshold lets a signer settle what has enough approvals now", () => {
    const world = new World();
    const multisig = created(world);
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 1n));
    const lower = toItself(multisig, "setThreshold", { threshold: 1 });
    expect(agree(world, multisig, lower, [bob, carol]).returns?.outcome?.exitCode).toBe(0);
    const { hash } = open(world, multisig, 0);
    const settled = world.send(alice, multisig, "multisig.approve", { transactionId: 0, hash });
    expect(settled.returns?.outcome?.exitCode).toBe(0);
  });
});

describe("a lock", () => {
  it("frees the first deposit evenly, rounded against the spender", () => {
    const lock = { amount: attoFil(10n), start: epoch(100), durationEpochs: 3 };
    expect([99, 100, 101, 102, 103, 104].map((height) => lockedAt(lock, height))).toEqual([
      10n,
      10n,
      7n,
      4n,
      0n,
      0n,
    ]);
    expect(lockedAt(null, 5)).toBe(0n);
  });

  it("keeps what is locked and lets go of what is not", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1, unlockEpochs: 100, value: attoFil(1_000n) });
    const start = world.height;
    world.mineTo(start + 49);
    const spend = (value: bigint) =>
      agree(world, multisig, pays(owner.address, value), [alice]).returns?.outcome?.exitCode;
    expect(spend(501n)).toBe(x.fundsLocked);
    expect(spend(510n)).toBe(0);
    world.mineTo(start + 100);
    expect(view(world, multisig).freeBalance).toBe(490n);
    expect(spend(490n)).toBe(0);
    world.money();
  });

  it("is made once: no signers can shorten it", () => {
    const world = new World();
    const multisig = created(world, { threshold: 1 });
    const lock = (amount: bigint) =>
      toItself(multisig, "lockBalance", { amount: attoFil(amount), start: epoch(0), durationEpochs: 50 });
    const outcome = (amount: bigint) =>
      agree(world, multisig, lock(amount), [alice]).returns?.outcome?.exitCode;
    expect(outcome(0n)).toBe(x.lockInvalid);
    expect(outcome(pledge)).toBe(0);
    expect(outcome(1n)).toBe(x.lockInvalid);
  });
});

describe("what a multisig says of itself", () => {
  it("is what the chain has", () => {
    const world = new World();
    const multisig = created(world, { threshold: 2, unlockEpochs: 10, value: attoFil(100n) });
    world.send(alice, multisig, "multisig.propose", pays(owner.address, 3n));
    const answer = world.ask(multisig, "multisig.getMultisig", none).returns;
    expect(answer).toMatchObject({ threshold: 2, openTransactions: 1 });
    const { returns } = world.ask(multisig, "multisig.getTransaction", { transactionId: 0 });
    expect(returns).toMatchObject({ to: owner.address, value: 3n, approvals: [alice.address] });
    const missing = world.ask(multisig, "multisig.getTransaction", { transactionId: 1 });
    expect(missing.exitCode).toBe(x.transactionNotFound);
    expect(world.ask(multisig, "multisig.getFreeBalance", none).returns).toBeLessThan(100n);
  });
});
