/** Idle space on the chain: how it comes in, counts, and leaves. */
import { type AttoFil, attoFil, epoch, filToAtto } from "@holdfast/base";
import {
  expiredAnnouncementFee,
  readElectionFacts,
  readPower,
  signBlock,
  vmExitCodes,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { filled, type IdleSpace, idleWorld, registered, smallProfile, verifiers } from "./idle-world.ts";
import { alice, bob, createMiner, owner, sum, testNetworkId, World, worker } from "./world.ts";

/** A set of 128 KiB counts a quarter. */
const setPower = 32_768n;
const codes = vmExitCodes;
const oneSet = smallProfile.keptLayers;

const power = (world: World): bigint => readPower(world.store, world.state);

describe("registering", () => {
  it("needs a network that counts idle space", () => {
    const world = new World();
    const miner = createMiner(world);
    expect(world.send(worker, world.builtins.idle, "idle.register", { miner }).exitCode).toBe(
      codes.idleNotOffered,
    );
  });

  it("is for the worker and the owner of a miner, once", () => {
    const world = idleWorld();
    const miner = createMiner(world);
    const { idle } = world.builtins;
    const tryAs = (who: typeof owner, of = miner) =>
      world.send(who, idle, "idle.register", { miner: of }).exitCode;
    expect(tryAs(bob)).toBe(codes.notMinersOperator);
    expect(tryAs(bob, bob.address)).toBe(codes.idleNotMiner);
    expect(tryAs(owner)).toBe(0);
    expect(tryAs(worker)).toBe(codes.idleMinerExists);
    expect(world.ask(idle, "idle.getMiner", { miner: bob.address }).exitCode).toBe(codes.idleUnknownMiner);
  });

  it("binds all files to randomness that nobody knew before", () => {
    const [one, other] = [registered(), registered()];
    expect(one.record.state.nonce).toEqual(other.record.state.nonce);
    const world = idleWorld();
    world.mineTo(3);
    expect(registered(world).record.state.nonce).not.toEqual(one.record.state.nonce);
  });

  it("keeps a deposit that only the owner gets back", () => {
    const space = registered();
    const { world, miner } = space;
    const { idle } = world.builtins;
    expect(world.send(bob, idle, "idle.deposit", { miner }, { value: filToAtto(2) }).exitCode).toBe(0);
    expect(world.money().idle).toBe(filToAtto(37));
    const before = world.balance(owner.address);
    const withdraw = (who: typeof owner, amount: bigint) =>
      world.send(who, idle, "idle.withdraw", { miner, amount: attoFil(amount) }).exitCode;
    expect(withdraw(bob, 1n)).toBe(codes.notMinersOperator);
    expect(withdraw(worker, filToAtto(8))).toBe(codes.idleDepositTooSmall);
    expect(withdraw(worker, -1n)).toBe(codes.negativeValue);
    expect(withdraw(worker, filToAtto(7))).toBe(0);
    expect(world.balance(owner.address)).toBe(sum(before, filToAtto(7)));
    world.money();
  });
});

describe("certifying", () => {
  it("counts what a seated verifier certifies and the chain has looked at, by the network's weight", () => {
    const space = registered();
    const before = power(space.world);
    space.fill(oneSet);
    const { state, pledge, free } = space.record;
    expect([state.front, state.rear, state.sequence]).toEqual([0, 4, 2]);
    expect([pledge, free]).toEqual([filToAtto(1), filToAtto(4)]);
    expect(power(space.world)).toBe(before + setPower);
    const facts = readElectionFacts(space.world.store, space.world.state, space.miner);
    expect(facts?.power).toBe(setPower);
    space.world.money();
  });

  it("wants a pledge for what is announced, and one announcement at a time", () => {
    const space = registered(idleWorld(), attoFil(filToAtto(1) / 2n));
    expect(space.announce().exitCode).toBe(0);
    expect(space.announce().exitCode).toBe(codes.idleAnnounced);
    expect(space.record.free).toBe(0n);
    expect(registered(idleWorld(), attoFil(filToAtto(1) / 2n - 1n)).announce().exitCode).toBe(
      codes.idlePledgeTooSmall,
    );
  });

  it("takes a tenth of the pledge of what is not certified in time", () => {
    const space = registered();
    const { world } = space;
    space.announce();
    world.mineTo(world.height + world.params.idle.drawDelayEpochs);
    const ready = space.certification();
    const pledge = space.record.announcement?.pledge ?? attoFil(0);
    world.mineTo(world.height + world.params.idle.certifyEpochs);
    expect([codes.idleTooLate, codes.idleNotAnnounced]).toContain(space.certify(ready).exitCode);
    world.mineTo(world.height + world.params.idle.lotEpochs);
    expect(space.record.announcement).toBeNull();
    expect(space.record.burnt).toBe(expiredAnnouncementFee(pledge));
    expect(power(world)).toBe(0n);
    expect(world.send(worker, world.builtins.idle, "idle.giveUp", { miner: space.miner }).exitCode).toBe(
      codes.idleNotAnnounced,
    );
    space.announce();
    expect(world.send(worker, world.builtins.idle, "idle.giveUp", { miner: space.miner }).exitCode).toBe(0);
    expect(space.record.burnt).toBe(2n * expiredAnnouncementFee(pledge));
    world.money();
  });

  it("draws what is asked after the announcement, never before", () => {
    const space = registered();
    space.announce();
    expect(space.certify(space.certification()).exitCode).toBe(codes.idleTooEarly);
  });

  it("refuses a kept layer that was not announced, or is not the next", () => {
    const space = registered();
    space.announce();
    space.world.mineTo(space.world.height + 3);
    const given = space.certification();
    const other = { ...given.append, validUntil: epoch(9_998) };
    expect(space.certify({ ...given, append: other }).exitCode).toBe(codes.idleNotAnnounced);
    expect(space.certify(given).exitCode).toBe(0);
    expect(space.certify(given).exitCode).toBe(codes.idleNotAnnounced);
    expect(space.announce(given.append).exitCode).toBe(0);
    space.world.mineTo(space.world.height + 3);
    expect(space.certify({ ...given, proof: given.proof }).exitCode).toBe(codes.idleLayersInvalid);
  });

  it("refuses certificates for another state, by strangers, or without a seat", () => {
    const space = registered();
    space.announce();
    space.world.mineTo(space.world.height + 3);
    const given = space.certification();
    const after = space.after();
    const refused = (certificate: typeof given.certificate) =>
      space.certify({ ...given, certificate }).exitCode;
    const seats = space.seated(space.randomness());
    const without = verifiers.find((one) => !seats.includes(one));
    if (without === undefined) throw new RangeError("two of three have seats");
    const wider = { ...after, rear: 4, top: new Uint8Array(32) };
    expect(refused(space.certificate(wider))).toBe(codes.idleCertificateInvalid);
    expect(refused(space.certificate({ ...after, sequence: 2 }))).toBe(codes.idleCertificateInvalid);
    expect(refused(space.certificate(after, without))).toBe(codes.verifierNotSeated);
    expect(refused(space.certificate(after, bob))).toBe(codes.verifierNotSeated);
    const forged = { ...given.certificate, signature: space.certificate(after, bob).signature };
    expect(refused(forged)).toBe(codes.idleCertificateInvalid);
    expect(space.certify(given).exitCode).toBe(0);
  });

  it("a verifier that certifies what was never made is caught by the chain's own look", () => {
    const space = registered();
    const honest = space.append();
    // Columns that nobody labelled under a root of the right form, and a verifier that signs for them.
    const columnRoot = new Uint8Array(32).fill(7);
    const forged = { ...honest, roots: { ...honest.roots, columnRoot } };
    space.announce(forged);
    space.world.mineTo(space.world.height + 3);
    const { proof } = space.certification(honest);
    const certificate = space.certificate(space.after(forged));
    const given = { miner: space.miner, append: forged, certificate, proof };
    expect(space.certify(given).exitCode).toBe(codes.idleCommitInvalid);
    expect(power(space.world)).toBe(0n);
  });
});

/** Two blocks of one height by the miner's worker. */
function faultOf({ world, miner }: IdleSpace) {
  const block = (parentWeight: bigint) =>
    signBlock(worker.privateKey, testNetworkId, {
      miner,
      height: world.height,
      parents: [],
      parentWeight,
      parentState: world.state,
      ticket: new Uint8Array(96),
      electionProof: new Uint8Array(96),
      winningPost: new Uint8Array(0),
      stateRoot: world.state,
      messages: world.state,
      receipts: world.state,
      timestampMs: 1,
    });
  return { first: block(1n), second: block(2n), witness: null };
}

describe("a registration with nothing at stake", () => {
  it("costs a tick nothing until something is announced", () => {
    const space = registered();
    const { world } = space;
    expect(space.record.due).toBeNull();
    space.announce();
    expect(space.record.due).not.toBeNull();
    world.mineTo(world.height + 40);
    expect([space.record.announcement, space.record.due]).toEqual([null, null]);
    space.announce();
    expect(space.record.due).toBe(world.height + world.params.idle.lotEpochs);
    world.money();
  });
});

describe("leaving", () => {
  it("gives everything back to the owner of one that claims nothing, and lets it come again", () => {
    const space = filled({ lotEpochs: 20 });
    const { world, miner } = space;
    const { idle } = world.builtins;
    const leave = (who = worker) => world.send(who, idle, "idle.leave", { miner }).exitCode;
    expect(leave(bob)).toBe(codes.notMinersOperator);
    expect(leave()).toBe(codes.idleAtStake);
    world.send(worker, idle, "idle.release", { miner, count: 4 });
    expect(leave()).toBe(codes.idleAtStake);
    world.mineTo(world.height + world.params.finalityEpochs + 1);
    const before = world.balance(owner.address);
    expect(leave()).toBe(0);
    expect(world.balance(owner.address)).toBe(sum(before, filToAtto(5)));
    expect(leave()).toBe(codes.idleUnknownMiner);
    const first = space.world.height;
    expect(world.send(owner, idle, "idle.register", { miner }, { value: filToAtto(3) }).exitCode).toBe(0);
    space.tree.cut(0);
    space.fill(1);
    world.mineTo(first + 60);
    expect(space.record.faults).toBeGreaterThan(0);
    world.money();
  });

  it("is what a consensus fault does to a miner, without the money", () => {
    const space = filled();
    const { world, miner } = space;
    expect(world.send(worker, world.builtins.idle, "idle.minerSlashed", {}).exitCode).toBe(
      codes.idleNotMiner,
    );
    const headers = faultOf(space);
    const { exitCode } = world.send(bob, miner, "miner.reportConsensusFault", headers);
    expect(exitCode).toBe(0);
    expect([space.record.pledge, space.record.state.rear, power(world)]).toEqual([0n, 0, 0n]);
    world.money();
  });
});

describe("what is released", () => {
  it("answers for consensus faults until none of its time can be reported", () => {
    const space = filled({ lotEpochs: 1_000 });
    const { world, miner } = space;
    const { idle } = world.builtins;
    world.send(worker, idle, "idle.release", { miner, count: 4 });
    expect([space.record.free, space.record.bound]).toEqual([filToAtto(4), filToAtto(1)]);
    const withdraw = (amount: AttoFil) =>
      world.send(owner, idle, "idle.withdraw", { miner, amount }).exitCode;
    expect(withdraw(filToAtto(5))).toBe(codes.idleDepositTooSmall);
    world.money();
    const headers = faultOf(space);
    expect(world.send(bob, miner, "miner.reportConsensusFault", headers).exitCode).toBe(0);
    expect([space.record.free, space.record.bound]).toEqual([filToAtto(4), 0n]);
    expect(space.record.burnt).toBe(filToAtto(1));
    world.money();
  });

  it("is free afterwards, and asks for no look of the tick", () => {
    const space = filled({ lotEpochs: 60 });
    const { world, miner } = space;
    const { idle } = world.builtins;
    world.send(worker, idle, "idle.release", { miner, count: 4 });
    world.mineTo(world.height + 60 + world.params.finalityEpochs);
    expect(space.record.due).toBeNull();
    const amount = filToAtto(5);
    expect(world.send(owner, idle, "idle.withdraw", { miner, amount }).exitCode).toBe(0);
    expect([space.record.free, space.record.bound]).toEqual([0n, 0n]);
    world.money();
  });
});

describe("verifiers", () => {
  it("are admitted by the network's authority, with a bond, for a time", () => {
    const world = idleWorld();
    const { idle } = world.builtins;
    const admit = (who: typeof bob, change = {}) =>
      world.send(who, idle, "idle.admitVerifier", {
        peerId: "v",
        operator: bob.address,
        expires: epoch(50),
        ...change,
      }).exitCode;
    expect(admit(bob)).toBe(codes.notAuthorized);
    expect(admit(alice, { expires: epoch(1) })).toBe(codes.verifierInvalid);
    expect(admit(alice, { peerId: " " })).toBe(codes.verifierInvalid);
    expect(admit(alice)).toBe(0);
    const verifier = bob.address;
    expect(world.send(bob, idle, "idle.postBond", { verifier }, { value: filToAtto(10) }).exitCode).toBe(0);
    expect(admit(alice, { expires: epoch(60) })).toBe(0);
    const found = world
      .ask(idle, "idle.getVerifiers", {})
      .returns?.find(({ operator }) => operator === verifier);
    expect([found?.bond, found?.expires]).toEqual([filToAtto(10), 60]);
    world.money();
  });

  it("leave, and get their bond back when nothing that they signed counts any more", () => {
    const world = idleWorld();
    const { idle } = world.builtins;
    const [one] = verifiers;
    if (one === undefined) return;
    world.transfer(alice, one.address, filToAtto(1));
    const verifier = one.address;
    const withdraw = () => world.send(bob, idle, "idle.withdrawBond", { verifier }).exitCode;
    expect(world.send(bob, idle, "idle.removeVerifier", { verifier }).exitCode).toBe(codes.notAuthorized);
    expect(world.send(one, idle, "idle.removeVerifier", { verifier }).exitCode).toBe(0);
    expect(withdraw()).toBe(codes.verifierBound);
    world.mineTo(world.height + world.params.finalityEpochs);
    expect(withdraw()).toBe(0);
    expect(world.balance(verifier)).toBe(filToAtto(11));
    expect(withdraw()).toBe(codes.verifierUnknown);
    expect(world.send(one, idle, "idle.postBond", { verifier }, { value: attoFil(1n) }).exitCode).toBe(
      codes.verifierUnknown,
    );
    world.money();
  });
});
