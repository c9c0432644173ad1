/**
 * The payment broker against a model of twenty lines: any sequence of calls by payers, targets and
 * strangers gives the predicted exit codes, channels and balances, and the money is exact after each.
 */
import type { Address, AttoFil } from "@holdfast/base";
import { attoFil, channelId, epoch, nonce } from "@holdfast/base";
import type { ActorContext, Channel, CodeTable, Voucher } from "@holdfast/consensus";
import {
  brokerStateCodec,
  findChannel,
  listChannels,
  readActor,
  signVoucher,
  vmExitCodes as x,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenBroker } from "./canaries.ts";
import { type Account, alice, bob, carol, openingBalance, owner, testNetworkId, World } from "./world.ts";

const payers = [alice, carol] as const;
const targets = [bob, owner] as const;
const everyone = [alice, bob, carol, owner] as const;
const person = fc.constantFrom(...everyone);
/** Of a voucher, beyond what was redeemed before; may lead below zero. */
const step = fc.integer({ min: -1, max: 5 });
/** Which of the channels that were ever opened; also used for one that never was. */
const pick = fc.nat({ max: 5 });

type Op =
  | { kind: "open"; from: Account; target: Account; value: number; life: number }
  | {
      kind: "redeem" | "close";
      pick: number;
      step: number;
      later: number;
      by: "target" | Account;
      forged: boolean;
    }
  | { kind: "extend"; pick: number; by: "payer" | Account; longer: number; value: number }
  | { kind: "cancel" | "reclaim"; pick: number; by: "payer" | Account }
  | { kind: "wait"; epochs: number };

const by = <R extends string>(role: R) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(role) }, { weight: 1, arbitrary: person });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      from: fc.constantFrom(...payers),
      target: fc.constantFrom(...targets),
      value: fc.integer({ min: 0, max: 10 }),
      life: fc.integer({ min: -1, max: 25 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("redeem" as const, "redeem" as const, "close" as const),
      pick,
      step,
      later: fc.constantFrom(0, 0, 0, 0, 3),
      by: by("target" as const),
      forged: fc.constantFrom(false, false, false, false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("extend" as const),
      pick,
      by: by("payer" as const),
      longer: fc.integer({ min: -2, max: 10 }),
      value: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("cancel" as const, "reclaim" as const, "reclaim" as const),
      pick,
      by: by("payer" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), epochs: fc.integer({ min: 1, max: 9 }) }),
  },
);

interface ModelChannel {
  payer: Account;
  id: number;
  target: Account;
  amount: number;
  redeemed: number;
  eol: number;
  agreedEol: number;
  open: boolean;
}

/** What the broker should do, in numbers of attoFIL. */
class Model {
  readonly channels: ModelChannel[] = [];
  readonly spent = new Map<Address, number>();

  pay(account: Account, value: number): void {
    this.spent.set(account.address, (this.spent.get(account.address) ?? 0) - value);
  }
  at(index: number): ModelChannel | undefined {
    return this.channels[index % Math.max(1, this.channels.length)];
  }
  settle(channel: ModelChannel, upTo: number): void {
    this.pay(channel.target, upTo - channel.redeemed);
    channel.redeemed = upTo;
    channel.open = upTo < channel.amount;
  }
  refund(channel: ModelChannel): void {
    this.pay(channel.payer, channel.amount - channel.redeemed);
    channel.open = false;
  }
}

function cachedVoucher(): (given: Omit<Voucher, "signature">, key: Account) => Voucher {
  const known = new Map<string, Voucher>();
  return (given, key) => {
    const name = JSON.stringify([given, key.address], (_, v) => (typeof v === "bigint" ? `${v}` : v));
    const voucher = known.get(name) ?? signVoucher(key.privateKey, testNetworkId, given);
    known.set(name, voucher);
    return voucher;
  };
}
const sign = cachedVoucher();

function openChannel(world: World, model: Model, given: Op & { kind: "open" }): void {
  const { from, target, life, value } = given;
  const id = readActor(world.store, world.state, from.address)?.nonce ?? nonce(0);
  const eol = Math.max(0, world.height + 1 + life);
  const expected = value === 0 ? x.emptyDeposit : life <= 0 ? x.endInPast : x.ok;
  const params = { target: target.address, eol: epoch(eol) };
  const options = { value: attoFil(value) };
  const { exitCode } = world.send(from, world.builtins.broker, "broker.createChannel", params, options);
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  model.pay(from, -value);
  model.channels.push({
    payer: from,
    id,
    target,
    amount: value,
    redeemed: 0,
    eol,
    agreedEol: eol,
    open: true,
  });
}

function expectedOfVoucher(
  channel: ModelChannel,
  given: Op & { kind: "redeem" | "close" },
  sender: Account,
  height: number,
): number {
  if (!channel.open) return x.channelNotFound;
  if (sender !== channel.target) return x.wrongTarget;
  if (given.later > 0) return x.voucherTooEarly;
  if (height >= channel.eol) return x.channelEnded;
  if (channel.redeemed + given.step > channel.amount) return x.amountAboveChannel;
  const leastStep = given.kind === "close" ? 0 : 1;
  if (given.step < leastStep) return x.alreadyRedeemed;
  return given.forged ? x.voucherSignatureInvalid : x.ok;
}

function useVoucher(world: World, model: Model, given: Op & { kind: "redeem" | "close" }): void {
  const channel = model.at(given.pick);
  if (channel === undefined) return;
  const height = world.height + 1;
  const sender = given.by === "target" ? channel.target : given.by;
  const voucher = sign(
    {
      payer: channel.payer.address,
      channel: channelId(channel.id),
      target: channel.target.address,
      amount: attoFil(channel.redeemed + given.step),
      validAt: epoch(given.later === 0 ? 0 : height + given.later),
      condition: null,
    },
    given.forged ? bob : channel.payer,
  );
  const expected = expectedOfVoucher(channel, given, sender, height);
  const params = { voucher, redeemerParams: new Uint8Array(0) };
  const { exitCode } = world.send(sender, world.builtins.broker, `broker.${given.kind}`, params);
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  model.settle(channel, channel.redeemed + given.step);
  channel.eol = channel.agreedEol;
  if (given.kind === "close" && channel.open) model.refund(channel);
}

function extendChannel(world: World, model: Model, given: Op & { kind: "extend" }): void {
  const channel = model.at(given.pick);
  if (channel === undefined) return;
  const sender = given.by === "payer" ? channel.payer : given.by;
  const eol = channel.agreedEol + given.longer;
  const isOwn = channel.open && sender === channel.payer;
  // A stranger's own channel can have the same id.
  if (!isOwn && model.channels.some((one) => one.payer === sender && one.id === channel.id && one.open))
    return;
  const inPast = eol <= world.height + 1 ? x.endInPast : x.ok;
  const expected = !isOwn ? x.channelNotFound : given.longer < 0 ? x.endNotLater : inPast;
  const params = { channel: channelId(channel.id), eol: epoch(Math.max(0, eol)) };
  const options = { value: attoFil(given.value) };
  const { exitCode } = world.send(sender, world.builtins.broker, "broker.extend", params, options);
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  model.pay(sender, -given.value);
  channel.amount += given.value;
  channel.eol = eol;
  channel.agreedEol = eol;
}

function endChannel(world: World, model: Model, given: Op & { kind: "cancel" | "reclaim" }): void {
  const channel = model.at(given.pick);
  if (channel === undefined) return;
  const sender = given.by === "payer" ? channel.payer : given.by;
  const isOwn = channel.open && sender === channel.payer;
  if (!isOwn && model.channels.some((one) => one.payer === sender && one.id === channel.id && one.open))
    return;
  const height = world.height + 1;
  const tooEarly = given.kind === "reclaim" && height < channel.eol;
  const expected = !isOwn ? x.channelNotFound : tooEarly ? x.channelStillOpen : x.ok;
  const params = { channel: channelId(channel.id) };
  const { exitCode } = world.send(sender, world.builtins.broker, `broker.${given.kind}`, params);
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  if (given.kind === "reclaim") model.refund(channel);
  else channel.eol = Math.min(channel.eol, height + world.params.channelCancelDelayEpochs);
}

function apply(world: World, model: Model, given: Op): void {
  if (given.kind === "open") openChannel(world, model, given);
  else if (given.kind === "extend") extendChannel(world, model, given);
  else if (given.kind === "wait") world.skipTo(world.height + given.epochs);
  else if ("step" in given) useVoucher(world, model, given);
  else endChannel(world, model, given);
}

function compare(world: World, model: Model): void {
  const { escrow } = world.money();
  expect(world.balance(world.builtins.broker)).toBe(escrow);
  for (const payer of payers) {
    const expected = model.channels
      .filter((channel) => channel.open && channel.payer === payer)
      .map(({ id, target, amount: paidIn, redeemed, eol, agreedEol }) => ({
        id,
        channel: {
          target: target.address,
          amount: BigInt(paidIn),
          redeemed: BigInt(redeemed),
          eol,
          agreedEol,
          signer: null,
        },
      }))
      .sort((a, b) => a.id - b.id);
    expect(listChannels(world.store, world.state, payer.address)).toEqual(expected);
  }
  // Carol also earns the blocks' rewards, so her balance follows from the sum of all money.
  for (const { address } of everyone.filter((one) => one !== carol)) {
    const spent = BigInt(model.spent.get(address) ?? 0);
    expect(world.balance(address)).toBe(openingBalance - spent);
  }
}

function property(codes?: CodeTable) {
  return fc.property(fc.array(op, { minLength: 10, maxLength: 30 }), (ops) => {
    const world = new World(codes === undefined ? {} : { codes });
    const model = new Model();
    for (const one of ops) {
      apply(world, model, one);
      compare(world, model);
    }
  });
}

const nothing = new Uint8Array(0);
const rest = (channel: Channel, upTo: AttoFil) => attoFil(channel.amount - upTo);
function channelOf(ctx: ActorContext, voucher: Voucher): Channel {
  const channel = findChannel(ctx.store, ctx.readState(brokerStateCodec), voucher.payer, voucher.channel);
  if (channel === undefined) return ctx.fail(x.channelNotFound, "no channel");
  return channel;
}

const canaries: { readonly [mistake: string]: CodeTable } = {
  "close refunds twice": brokenBroker("close", (ctx, { voucher }, run) => {
    const channel = channelOf(ctx, voucher);
    const paid = run();
    ctx.send(voucher.payer, "", rest(channel, voucher.amount), nothing);
    return paid;
  }),
  "redeem pays the amount instead of the difference": brokenBroker("redeem", (ctx, { voucher }, run) => {
    const { redeemed, target } = channelOf(ctx, voucher);
    const paid = run();
    ctx.send(target, "", redeemed, nothing);
    return paid;
  }),
  "reclaim leaves the channel": brokenBroker("reclaim", (ctx, _, run) => {
    const before = ctx.readState(brokerStateCodec);
    const paid = run();
    ctx.writeState(brokerStateCodec, before);
    return paid;
  }),
  "extend forgets the value": brokenBroker("extend", (ctx, _, run) => {
    const result = run();
    const state = ctx.readState(brokerStateCodec);
    ctx.writeState(brokerStateCodec, { ...state, escrow: attoFil(state.escrow - ctx.message.value) });
    return result;
  }),
};

describe("payment broker", () => {
  it("control: a wrapped method without a mistake is not caught", () => {
    const unbroken = brokenBroker("close", (_, __, run) => run());
    fc.assert(property(unbroken), { numRuns: 10 });
  });

  it("does what the model says, with exact money", () => {
    fc.assert(property(), { numRuns: 60 });
  });

  for (const [mistake, codes] of Object.entries(canaries)) {
    it(`canary: ${mistake}`, () => {
      expect(fc.check(property(codes), { numRuns: 200, seed: 7, endOnFailure: true }).failed).toBe(true);
    });
  }
});
