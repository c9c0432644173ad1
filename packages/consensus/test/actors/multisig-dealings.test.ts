/**
 * A multisig among the other actors: it opens payment channels, is paid through them, and owns a miner. All of it
 * by proposals; and what fails for want of money waits for the money.
 */
import type { Address, ChannelId, Codec } from "@holdfast/base";
import { attoFil, decode, encode, epoch, filToAtto } from "@holdfast/base";
import {
  methods,
  none,
  type Proposal,
  readChannel,
  readMinerState,
  signVoucher,
  type Voucher,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { created, open, pays, trio, view } from "./multisigs.ts";
import {
  type Account,
  alice,
  bob,
  carol,
  createMiner,
  owner,
  testNetworkId,
  World,
  worker,
} from "./world.ts";

const fil = filToAtto;

function calls<P>(to: Address, method: string, codec: Codec<P>, params: P, value = attoFil(0n)): Proposal {
  return { to, method, params: encode(codec, params), value };
}

/** Proposed by alice, approved by bob. */
function agreed(world: World, multisig: Address, proposal: Proposal) {
  const { returns } = world.send(alice, multisig, "multisig.propose", proposal);
  const transactionId = returns?.transactionId ?? -1;
  const { hash } = open(world, multisig, transactionId);
  const approved = world.send(bob, multisig, "multisig.approve", { transactionId, hash });
  world.money();
  return { ref: { transactionId, hash }, outcome: approved.returns?.outcome };
}

function opensChannel(world: World, multisig: Address, signer: Account, target = owner.address): ChannelId {
  const params = { target, eol: epoch(500), signer: signer.address };
  const { broker } = world.builtins;
  const codec = methods.broker.openChannel.params;
  const { outcome } = agreed(world, multisig, calls(broker, "openChannel", codec, params, fil(4n)));
  expect(outcome?.exitCode).toBe(0);
  return decode(methods.broker.openChannel.returns, outcome?.returns ?? new Uint8Array(0));
}

function voucherOf(
  payer: Address,
  channel: ChannelId,
  signer: Account,
  over: Partial<Voucher> = {},
): Voucher {
  const terms = {
    payer,
    channel,
    target: owner.address,
    amount: fil(1n),
    validAt: epoch(0),
    condition: null,
  };
  return signVoucher(signer.privateKey, testNetworkId, { ...terms, ...over });
}

const redeemed = (world: World, voucher: Voucher, by: Account = owner) =>
  world.send(by, world.builtins.broker, "broker.redeem", { voucher, redeemerParams: new Uint8Array(0) });

describe("a payment channel of a multisig", () => {
  it("is opened through a proposal, and its vouchers are those of the account that it names", () => {
    const world = new World();
    const multisig = created(world);
    const channel = opensChannel(world, multisig, carol);
    const of = () => readChannel(world.store, world.state, multisig, channel);
    expect(of()).toMatchObject({ amount: fil(4n), signer: carol.address, eol: 500 });
    expect(view(world, multisig).balance).toBe(fil(6n));
    expect(redeemed(world, voucherOf(multisig, channel, alice)).exitCode).toBe(x.voucherSignatureInvalid);
    expect(redeemed(world, voucherOf(multisig, channel, carol)).returns).toBe(fil(1n));
    expect(of()?.redeemed).toBe(fil(1n));
  });

  it("never has the number of an earlier one, so that no old voucher fits", () => {
    const world = new World();
    const multisig = created(world);
    const first = opensChannel(world, multisig, carol);
    const all = voucherOf(multisig, first, carol, { amount: fil(4n) });
    expect(redeemed(world, all).exitCode).toBe(0);
    const second = opensChannel(world, multisig, carol);
    expect(second).not.toBe(first);
    expect(redeemed(world, all).exitCode).toBe(x.channelNotFound);
  });

  it("ends like any other: cancelled and reclaimed by proposals", () => {
    const world = new World();
    const multisig = created(world);
    const channel = opensChannel(world, multisig, carol);
    const own = { channel };
    const { broker } = world.builtins;
    const { cancel, reclaim } = methods.broker;
    expect(agreed(world, multisig, calls(broker, "cancel", cancel.params, own)).outcome?.exitCode).toBe(0);
    world.skipTo(world.height + world.params.channelCancelDelayEpochs + 1);
    expect(agreed(world, multisig, calls(broker, "reclaim", reclaim.params, own)).outcome?.exitCode).toBe(0);
    expect(view(world, multisig).balance).toBe(fil(10n));
  });

  it("is not for accounts, and not without a deposit", () => {
    const world = new World();
    const multisig = created(world);
    const params = { target: owner.address, eol: epoch(500), signer: carol.address };
    const { broker } = world.builtins;
    const value = fil(1n);
    const own = world.send(alice, broker, "broker.openChannel", params, { value });
    expect(own.exitCode).toBe(x.payerCanSign);
    const codec = methods.broker.openChannel.params;
    const empty = agreed(world, multisig, calls(broker, "openChannel", codec, params));
    expect(empty.outcome?.exitCode).toBe(x.emptyDeposit);
    const old = { target: owner.address, eol: epoch(500) };
    const { createChannel } = methods.broker;
    const create = calls(broker, "createChannel", createChannel.params, old, value);
    expect(agreed(world, multisig, create).outcome?.exitCode).toBe(x.notAccount);
  });
});

describe("a multisig that owns a miner", () => {
  function ownsMiner(world: World): { readonly multisig: Address; readonly miner: Address } {
    const miner = createMiner(world);
    const multisig = created(world);
    world.send(owner, miner, "miner.changeOwner", { owner: multisig });
    const accept = calls(miner, "acceptOwner", methods.miner.acceptOwner.params, none);
    expect(agreed(world, multisig, accept).outcome?.exitCode).toBe(0);
    expect(readMinerState(world.store, world.state, miner).owner).toBe(multisig);
    return { multisig, miner };
  }

  it("withdraws by a proposal, and waits for the money that is not there yet", () => {
    const world = new World();
    const { multisig, miner } = ownsMiner(world);
    const { withdraw } = methods.miner;
    const takes = (amount: bigint) =>
      calls(miner, "withdraw", withdraw.params, { amount: attoFil(amount) } as never);
    expect(agreed(world, multisig, takes(fil(10n))).outcome?.exitCode).toBe(0);
    expect(view(world, multisig).balance).toBe(fil(20n));
    const early = agreed(world, multisig, takes(fil(3n)));
    expect(early.outcome?.exitCode).toBe(x.withdrawTooLarge);
    world.transfer(alice, miner, fil(3n));
    const again = world.send(alice, multisig, "multisig.approve", early.ref);
    expect(again.returns?.outcome?.exitCode).toBe(0);
    expect(view(world, multisig)).toMatchObject({ balance: fil(23n), transactions: [] });
    world.money();
  });

  it("redeems the vouchers that are for it by a proposal", () => {
    const world = new World();
    const { multisig } = ownsMiner(world);
    const { broker } = world.builtins;
    const target = { target: multisig, eol: epoch(500) };
    const { returns } = world.send(carol, broker, "broker.createChannel", target, { value: fil(5n) });
    const voucher = voucherOf(carol.address, returns as ChannelId, carol, {
      target: multisig,
      amount: fil(2n),
    });
    expect(redeemed(world, voucher, alice).exitCode).toBe(x.wrongTarget);
    const params = { voucher, redeemerParams: new Uint8Array(0) };
    const redeem = calls(broker, "redeem", methods.broker.redeem.params, params);
    expect(agreed(world, multisig, redeem).outcome?.exitCode).toBe(0);
    expect(view(world, multisig).balance).toBe(fil(12n));
  });

  it("has its say about the worker, and nobody else has", () => {
    const world = new World();
    const { multisig, miner } = ownsMiner(world);
    const { changeWorker } = methods.miner;
    const params = {
      worker: bob.address,
      workerKey: readMinerState(world.store, world.state, miner).workerKey,
    };
    expect(world.send(worker, miner, "miner.changeWorker", params).exitCode).toBe(x.notOwner);
    const change = calls(miner, "changeWorker", changeWorker.params, params);
    expect(agreed(world, multisig, change).outcome?.exitCode).toBe(0);
  });
});

describe("a transaction that fails for want of money", () => {
  it("stays open with its approvals, and any signer tries it again", () => {
    const world = new World();
    const multisig = created(world);
    const { ref, outcome } = agreed(world, multisig, pays(owner.address, fil(12n)));
    expect(outcome?.exitCode).toBe(x.fundsLocked);
    expect(open(world, multisig, ref.transactionId).approvals).toEqual([alice.address, bob.address]);
    world.transfer(carol, multisig, fil(2n));
    const again = world.send(alice, multisig, "multisig.approve", ref);
    expect(again.returns?.outcome?.exitCode).toBe(0);
    expect(view(world, multisig)).toMatchObject({ balance: 0n, transactions: [] });
    expect(world.send(bob, multisig, "multisig.approve", ref).exitCode).toBe(x.transactionNotFound);
    world.money();
  });

  it("is cancelled by its proposer like any other", () => {
    const world = new World();
    const multisig = created(world);
    const { ref } = agreed(world, multisig, pays(owner.address, fil(12n)));
    expect(world.send(alice, multisig, "multisig.cancel", ref).exitCode).toBe(0);
    expect(view(world, multisig).transactions).toEqual([]);
  });

  it("stays open where one signer is enough, and executes when that one repeats it", () => {
    const world = new World();
    const multisig = created(world, { signers: [trio[0] as Address], threshold: 1 });
    const proposed = world.send(alice, multisig, "multisig.propose", pays(bob.address, fil(11n)));
    expect(proposed.returns?.outcome?.exitCode).toBe(x.fundsLocked);
    const { transactionId, hash } = open(world, multisig, 0);
    world.transfer(bob, multisig, fil(1n));
    const again = world.send(alice, multisig, "multisig.approve", { transactionId, hash });
    expect(again.returns?.outcome?.exitCode).toBe(0);
  });
});
