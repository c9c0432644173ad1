/** Payment channels: opening, vouchers and their conditions, closing, extending, cancelling, reclaiming. */
import type { Address, AttoFil, ChannelId } from "@holdfast/base";
import { attoFil, channelId, epoch, filToAtto } from "@holdfast/base";
import type { Predicate, Voucher } from "@holdfast/consensus";
import {
  listChannels,
  none,
  pieceInclusionPredicate,
  pieceInclusionRedemption,
  readChannel,
  signVoucher,
  vmExitCodes,
} from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld } from "./miner-world.ts";
import {
  type Account,
  alice,
  badProof,
  bob,
  carol,
  goodProof,
  hash32,
  openingBalance,
  owner,
  testNetworkId,
  World,
} from "./world.ts";

let world: World;
let broker: Address;
beforeEach(() => {
  world = new World();
  broker = world.builtins.broker;
});

const nothing = new Uint8Array(0);
const fil = filToAtto;

function open(value: AttoFil = fil(10n), eol = 500, target = bob.address, from = alice) {
  return world.send(from, broker, "broker.createChannel", { target, eol: epoch(eol) }, { value });
}
/** Opens a channel of 10 FIL from alice to bob that ends at 500. */
function opened(): ChannelId {
  const { returns } = open();
  if (returns === undefined) throw new RangeError("opened");
  return returns;
}
function voucher(channel: ChannelId, amount: AttoFil, over: Partial<Voucher> = {}, by = alice): Voucher {
  return signVoucher(by.privateKey, testNetworkId, {
    payer: alice.address,
    channel,
    target: bob.address,
    amount,
    validAt: epoch(0),
    condition: null,
    ...over,
  });
}
function redeem(given: Voucher, from: Account = bob, redeemerParams: Uint8Array = nothing) {
  return world.send(from, broker, "broker.redeem", { voucher: given, redeemerParams });
}
function close(given: Voucher, from: Account = bob, redeemerParams: Uint8Array = nothing) {
  return world.send(from, broker, "broker.close", { voucher: given, redeemerParams });
}
const reclaim = (channel: ChannelId, from = alice) => world.send(from, broker, "broker.reclaim", { channel });
const cancel = (channel: ChannelId, from = alice) => world.send(from, broker, "broker.cancel", { channel });
const extend = (channel: ChannelId, eol: number, value = fil(0n), from = alice) =>
  world.send(from, broker, "broker.extend", { channel, eol: epoch(eol) }, { value });
const channelOf = (channel: ChannelId) => readChannel(world.store, world.state, alice.address, channel);

describe("createChannel", () => {
  it("holds the value in escrow; the id is the message's nonce", () => {
    world.transfer(alice, carol.address, fil(1n));
    expect(opened()).toBe(1);
    expect(channelOf(channelId(1))).toEqual({
      target: bob.address,
      amount: fil(10n),
      redeemed: 0n,
      ...{ eol: 500, agreedEol: 500, signer: null },
    });
    expect(world.balance(broker)).toBe(fil(10n));
    expect(world.money().escrow).toBe(fil(10n));
    expect(open().returns).toBe(2);
    expect(world.ask(broker, "broker.getEscrow", none).returns).toBe(fil(20n));
  });

  it("needs a deposit", () => {
    expect(open(fil(0n)).exitCode).toBe(vmExitCodes.emptyDeposit);
  });

  it("must end in the future", () => {
    const next = world.height + 1;
    expect(open(fil(1n), next).exitCode).toBe(vmExitCodes.endInPast);
    expect(open(fil(1n), world.height + 2).exitCode).toBe(0);
  });

  it("gives the value back if it is refused", () => {
    open(fil(10n), 0);
    expect(world.balance(alice.address)).toBe(openingBalance);
    expect(world.balance(broker)).toBe(0n);
  });

  it("runs out of gas like any call", () => {
    const params = { target: bob.address, eol: epoch(500) };
    const options = { value: fil(1n), gasLimit: 3_500 };
    const { exitCode } = world.send(alice, broker, "broker.createChannel", params, options);
    expect(exitCode).toBe(vmExitCodes.outOfGas);
    expect(world.money().escrow).toBe(0n);
  });

  it("has no methods beyond its table", () => {
    for (const method of ["update", "toString", "constructor", "__proto__"]) {
      const { exitCode } = world.sendRaw(alice, broker, method, nothing);
      expect(exitCode).toBe(vmExitCodes.unknownMethod);
    }
  });
});

describe("redeem", () => {
  it("pays the difference to what was redeemed before", () => {
    const channel = opened();
    expect(redeem(voucher(channel, fil(3n))).returns).toBe(fil(3n));
    expect(redeem(voucher(channel, fil(5n))).returns).toBe(fil(2n));
    expect(world.balance(bob.address)).toBe(openingBalance + fil(5n));
    expect(channelOf(channel)?.redeemed).toBe(fil(5n));
    expect(world.money().escrow).toBe(fil(5n));
  });

  it("is too early before validAt and too late from the end on", () => {
    const channel = opened();
    const given = voucher(channel, fil(3n), { validAt: epoch(10) });
    world.mineTo(8);
    expect(redeem(given).exitCode).toBe(vmExitCodes.voucherTooEarly);
    expect(world.height).toBe(9);
    expect(redeem(given).exitCode).toBe(0);
    expect(redeem(given).exitCode).toBe(vmExitCodes.alreadyRedeemed);
    world.mineTo(498);
    expect(redeem(voucher(channel, fil(4n))).exitCode).toBe(0);
    expect(redeem(voucher(channel, fil(5n))).exitCode).toBe(vmExitCodes.channelEnded);
    expect(world.height).toBe(500);
  });

  it("refuses as much as was redeemed, or less, or a negative amount", () => {
    const channel = opened();
    redeem(voucher(channel, fil(3n)));
    for (const amount of [fil(3n), fil(2n), fil(0n), attoFil(-1n)]) {
      expect(redeem(voucher(channel, amount)).exitCode).toBe(vmExitCodes.alreadyRedeemed);
    }
    expect(world.balance(bob.address)).toBe(openingBalance + fil(3n));
  });

  it("refuses more than the channel holds", () => {
    const channel = opened();
    const { exitCode } = redeem(voucher(channel, attoFil(fil(10n) + 1n)));
    expect(exitCode).toBe(vmExitCodes.amountAboveChannel);
    expect(redeem(voucher(channel, fil(10n))).returns).toBe(fil(10n));
  });

  it("refuses an unknown channel", () => {
    opened();
    expect(redeem(voucher(channelId(7), fil(1n))).exitCode).toBe(vmExitCodes.channelNotFound);
    const other = voucher(channelId(0), fil(1n), { payer: carol.address }, carol);
    expect(redeem(other).exitCode).toBe(vmExitCodes.channelNotFound);
  });

  it("pays the channel's target only, whatever the voucher says", () => {
    const channel = opened();
    expect(redeem(voucher(channel, fil(1n)), carol).exitCode).toBe(vmExitCodes.wrongTarget);
    const forCarol = voucher(channel, fil(1n), { target: carol.address });
    expect(redeem(forCarol, carol).exitCode).toBe(vmExitCodes.wrongTarget);
    expect(redeem(forCarol, bob).exitCode).toBe(vmExitCodes.wrongTarget);
  });

  it("refuses a voucher of which one field was changed after signing", () => {
    const channel = opened();
    const other = opened();
    const good = voucher(channel, fil(3n), { validAt: epoch(1) });
    const changed: Partial<Voucher>[] = [
      { amount: fil(4n) },
      { channel: other },
      { validAt: epoch(0) },
      { condition: { to: carol.address, method: "", params: nothing } },
      { signature: new Uint8Array(65) },
      { signature: signVoucher(carol.privateKey, testNetworkId, good).signature },
    ];
    for (const over of changed) {
      expect(redeem({ ...good, ...over }).exitCode).toBe(vmExitCodes.voucherSignatureInvalid);
    }
    expect(redeem(good).exitCode).toBe(0);
  });

  it("deletes a channel with which nothing remains to be done", () => {
    const channel = opened();
    redeem(voucher(channel, fil(10n)));
    expect(channelOf(channel)).toBeUndefined();
    expect(listChannels(world.store, world.state, alice.address)).toEqual([]);
    expect(world.balance(broker)).toBe(0n);
    expect(reclaim(channel).exitCode).toBe(vmExitCodes.channelNotFound);
    expect(redeem(voucher(channel, fil(10n))).exitCode).toBe(vmExitCodes.channelNotFound);
  });

  it("takes no money", () => {
    const channel = opened();
    const params = { voucher: voucher(channel, fil(1n)), redeemerParams: nothing };
    const { exitCode } = world.send(bob, broker, "broker.redeem", params, { value: fil(1n) });
    expect(exitCode).toBe(vmExitCodes.notPayable);
  });
});

describe("close", () => {
  it("pays the voucher, sends the rest back and deletes the channel", () => {
    const channel = opened();
    redeem(voucher(channel, fil(2n)));
    expect(close(voucher(channel, fil(3n))).returns).toBe(fil(1n));
    expect(world.balance(bob.address)).toBe(openingBalance + fil(3n));
    expect(world.balance(alice.address)).toBe(openingBalance - fil(3n));
    expect(channelOf(channel)).toBeUndefined();
    expect(world.balance(broker)).toBe(0n);
    expect(close(voucher(channel, fil(3n))).exitCode).toBe(vmExitCodes.channelNotFound);
  });

  it("works with the last redeemed voucher, but not with an older one", () => {
    const channel = opened();
    redeem(voucher(channel, fil(3n)));
    expect(close(voucher(channel, fil(2n))).exitCode).toBe(vmExitCodes.alreadyRedeemed);
    expect(close(voucher(channel, fil(3n))).returns).toBe(0n);
    expect(world.balance(alice.address)).toBe(openingBalance - fil(3n));
  });

  it("is for the target only", () => {
    const channel = opened();
    expect(close(voucher(channel, fil(3n)), alice).exitCode).toBe(vmExitCodes.wrongTarget);
    expect(close(voucher(channel, fil(3n)), carol).exitCode).toBe(vmExitCodes.wrongTarget);
  });
});

describe("extend", () => {
  it("moves the end later and adds the value", () => {
    const channel = opened();
    expect(extend(channel, 600, fil(5n)).exitCode).toBe(0);
    expect(channelOf(channel)).toMatchObject({ amount: fil(15n), eol: 600, agreedEol: 600 });
    expect(extend(channel, 600).exitCode).toBe(0);
    expect(world.money().escrow).toBe(fil(15n));
    expect(redeem(voucher(channel, fil(15n))).exitCode).toBe(0);
  });

  it("never moves the end earlier, and gives the value back then", () => {
    const channel = opened();
    expect(extend(channel, 499, fil(5n)).exitCode).toBe(vmExitCodes.endNotLater);
    expect(world.balance(alice.address)).toBe(openingBalance - fil(10n));
  });

  it("does not measure by a cancelled end, and takes the cancellation back", () => {
    const channel = opened();
    cancel(channel);
    expect(extend(channel, 499).exitCode).toBe(vmExitCodes.endNotLater);
    expect(extend(channel, 500).exitCode).toBe(0);
    expect(channelOf(channel)?.eol).toBe(500);
  });

  it("opens an ended channel again only towards the future", () => {
    const channel = opened();
    world.mineTo(520);
    expect(extend(channel, 510).exitCode).toBe(vmExitCodes.endInPast);
    expect(extend(channel, 600).exitCode).toBe(0);
    expect(redeem(voucher(channel, fil(1n))).exitCode).toBe(0);
  });

  it("is for the payer's own channel", () => {
    expect(extend(opened(), 600, fil(1n), bob).exitCode).toBe(vmExitCodes.channelNotFound);
  });
});

describe("cancel and reclaim", () => {
  it("reclaims from the end on, not before", () => {
    const channel = opened();
    redeem(voucher(channel, fil(4n)));
    world.mineTo(498);
    expect(reclaim(channel).exitCode).toBe(vmExitCodes.channelStillOpen);
    expect(world.height).toBe(499);
    expect(reclaim(channel).returns).toBe(fil(6n));
    expect(world.balance(alice.address)).toBe(openingBalance - fil(4n));
    expect(channelOf(channel)).toBeUndefined();
    expect(reclaim(channel).exitCode).toBe(vmExitCodes.channelNotFound);
    world.money();
  });

  it("is for the payer only", () => {
    const channel = opened();
    world.mineTo(500);
    expect(reclaim(channel, bob).exitCode).toBe(vmExitCodes.channelNotFound);
    expect(cancel(channel, bob).exitCode).toBe(vmExitCodes.channelNotFound);
  });

  it("a cancellation leaves the target the network's delay", () => {
    const channel = opened();
    expect(cancel(channel).exitCode).toBe(0);
    const end = world.height + world.params.channelCancelDelayEpochs;
    expect(channelOf(channel)).toMatchObject({ eol: end, agreedEol: 500 });
    world.mineTo(end - 2);
    expect(reclaim(channel).exitCode).toBe(vmExitCodes.channelStillOpen);
    expect(reclaim(channel).returns).toBe(fil(10n));
  });

  it("a cancellation never moves the end later", () => {
    const channel = opened();
    world.mineTo(497);
    cancel(channel);
    expect(channelOf(channel)?.eol).toBe(500);
    cancel(channel);
    expect(channelOf(channel)?.eol).toBe(500);
  });

  it("a redemption takes the cancellation back", () => {
    const channel = opened();
    cancel(channel);
    redeem(voucher(channel, fil(1n)));
    expect(channelOf(channel)?.eol).toBe(500);
  });
});

describe("conditions", () => {
  const pieces = [{ commP: hash32("piece"), paddedBytes: 256 }];

  it("a deal's voucher pays when the pieces are proven to be in a healthy sector", () => {
    const m = createMinerWorld(world, fil(10n));
    m.addSector(1);
    const channel = opened();
    const given = voucher(channel, fil(3n), { condition: pieceInclusionPredicate(m.miner, pieces) });
    const at = (proof: Uint8Array) => pieceInclusionRedemption([{ sectorId: 1 as never, proof }]);
    expect(redeem(given).exitCode).toBe(vmExitCodes.conditionNotMet);
    expect(redeem(given, bob, at(badProof)).exitCode).toBe(vmExitCodes.conditionNotMet);
    m.proveHome();
    m.declareFaults([1], owner);
    expect(redeem(given, bob, at(goodProof)).exitCode).toBe(vmExitCodes.conditionNotMet);
    m.declareRecovery([1]);
    m.mineToWindow();
    m.post();
    expect(close(given, bob, at(badProof)).exitCode).toBe(vmExitCodes.conditionNotMet);
    expect(redeem(given, bob, at(goodProof)).returns).toBe(fil(3n));
    expect(close(given, bob, at(goodProof)).returns).toBe(0n);
    world.money();
  });

  it("is not asked before the cheap checks have passed", () => {
    const m = createMinerWorld(world, fil(10n));
    m.addSector(1);
    const condition = pieceInclusionPredicate(m.miner, pieces);
    const channel = opened();
    const location = pieceInclusionRedemption([{ sectorId: 1 as never, proof: goodProof }]);
    redeem(voucher(channel, fil(3n), { condition, validAt: epoch(400) }), bob, location);
    redeem(voucher(channel, fil(3n), { condition }), carol, location);
    redeem(voucher(channel, fil(3n), { condition }, carol), bob, location);
    expect(m.world.verifier.inclusions).toEqual([]);
  });

  it("cannot call the broker back, an unknown actor or an unknown method", () => {
    const channel = opened();
    const conditions: Predicate[] = [
      { to: broker, method: "getEscrow", params: Uint8Array.of(0x80) },
      { to: hashAddress(), method: "verify", params: nothing },
      { to: world.builtins.market, method: "verify", params: nothing },
      { to: world.builtins.reward, method: "awardBlock", params: nothing },
    ];
    for (const condition of conditions) {
      const { exitCode } = redeem(voucher(channel, fil(1n), { condition }));
      expect(exitCode).toBe(vmExitCodes.conditionNotMet);
    }
    expect(world.balance(broker)).toBe(fil(10n));
  });

  const hashAddress = (): Address => createMinerWorld(new World(), fil(10n)).miner;
});

describe("getters", () => {
  it("give a channel, pages of channels and an unsigned voucher", () => {
    const ids = [opened(), opened(), opened()];
    const payer = alice.address;
    const page = (from: number, limit: number) =>
      world.ask(broker, "broker.ls", { payer, from: channelId(from), limit }).returns?.map(({ id }) => id);
    expect(page(0, 10)).toEqual(ids);
    expect(page(1, 1)).toEqual([ids[1]]);
    expect(
      world.ask(broker, "broker.ls", { payer: carol.address, from: channelId(0), limit: 9 }).returns,
    ).toEqual([]);
    const [channel = channelId(0)] = ids;
    expect(world.ask(broker, "broker.getChannel", { payer, channel }).returns).toEqual(channelOf(channel));
    const missing = world.ask(broker, "broker.getChannel", { payer, channel: channelId(9) });
    expect(missing.exitCode).toBe(vmExitCodes.channelNotFound);
    const draft = { channel, amount: fil(2n), validAt: epoch(3), condition: null };
    const drafted = world.ask(broker, "broker.voucher", draft, payer).returns;
    expect(drafted).toEqual({ ...draft, payer, target: bob.address, signature: new Uint8Array(65) });
    const tooMuch = { ...draft, amount: fil(11n) };
    expect(world.ask(broker, "broker.voucher", tooMuch, payer).exitCode).toBe(vmExitCodes.amountAboveChannel);
    expect(world.ask(broker, "broker.voucher", draft, bob.address).exitCode).toBe(
      vmExitCodes.channelNotFound,
    );
  });
});
