/** A miner's money with the idle space actor, the way files leave it, and how all of it is lost at once. */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { addAtto, addEpochs, addressBytes, attoFil, c, subAtto, zeroAtto } from "@holdfast/base";
import { type IdleState, releaseIdleFiles } from "@holdfast/proofs/idle";
import { codeNames } from "../../types/builtins.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { burn, none, pay } from "../kit.ts";
import {
  mustOperate,
  profileOf,
  readIdle,
  readMiner,
  readOperated,
  withoutTerm,
  withPower,
  writeMiner,
} from "./access.ts";
import { freshState, type OfIdleMiner } from "./certify.ts";
import type { IdleMiner } from "./state.ts";
import { idleActorStateCodec, loadIdleMiners } from "./state.ts";

export interface WithdrawIdle {
  readonly miner: Address;
  readonly amount: AttoFil;
}
export const withdrawIdleCodec: Codec<WithdrawIdle> = c.tuple("WithdrawIdle", {
  miner: c.address,
  amount: c.attoFil,
});

export interface ReleaseIdle {
  readonly miner: Address;
  /** Files from the front. */
  readonly count: number;
}
export const releaseIdleCodec: Codec<ReleaseIdle> = c.tuple("ReleaseIdle", {
  miner: c.address,
  count: c.uint(2 ** 32),
});

/** Adds the value to what a miner has free; anyone may. `idleUnknownMiner`. */
export function depositIdle(ctx: ActorContext, { miner }: OfIdleMiner): None {
  const record = readMiner(ctx, miner);
  return writeMiner(ctx, miner, record, { ...record, free: addAtto(record.free, ctx.message.value) });
}

/**
 * Pays free money out to the miner's owner; not while a challenge is open, whose fee it answers for.
 * `idleUnknownMiner`, `notMinersOperator`, `idleAtStake`, `idleDepositTooSmall`.
 */
export function withdrawIdle(ctx: ActorContext, { miner, amount }: WithdrawIdle): None {
  const record = readMiner(ctx, miner);
  const { owner } = mustOperate(ctx, miner);
  if (record.challenge !== null) ctx.fail(vmExitCodes.idleAtStake, "a challenge is open");
  if (amount < 0n) ctx.fail(vmExitCodes.negativeValue, "an amount cannot be negative");
  if (amount > record.free) {
    ctx.fail(vmExitCodes.idleDepositTooSmall, `${record.free} attoFIL are free`);
  }
  writeMiner(ctx, miner, record, { ...record, free: subAtto(record.free, amount) });
  pay(ctx, owner, amount);
  return none;
}

/**
 * Files go from the front: they are claimed no longer, count no longer, and their pledge is bound: it is
 * free when no consensus fault of the time when they counted can be reported any more. An open challenge asks for
 * them all the same. `idleUnknownMiner`, `notMinersOperator`, `idleReleaseInvalid`.
 */
export function releaseIdle(ctx: ActorContext, { miner, count }: ReleaseIdle): IdleState {
  const profile = profileOf(ctx);
  const record = readOperated(ctx, miner);
  const claimed = record.state.rear - record.state.front;
  const released = releaseIdleFiles(record.state, count);
  if ("refused" in released) {
    return ctx.fail(vmExitCodes.idleReleaseInvalid, `${claimed} files are claimed, not ${count}`);
  }
  const freed = attoFil((record.pledge * BigInt(count)) / BigInt(claimed));
  const after: IdleMiner = {
    ...record,
    state: released.state,
    pledge: subAtto(record.pledge, freed),
    bound: addAtto(record.bound, freed),
    boundUntil: addEpochs(ctx.height, ctx.params.finalityEpochs + 1),
  };
  writeMiner(ctx, miner, record, withPower(ctx, profile, after));
  return released.state;
}

/**
 * A miner leaves: everything that it has here goes to its owner, and its record goes. It claims nothing and nothing is
 * asked of it. `idleUnknownMiner`, `notMinersOperator`, `idleAtStake`.
 */
export function leaveIdle(ctx: ActorContext, { miner }: OfIdleMiner): None {
  const record = readMiner(ctx, miner);
  const { owner } = mustOperate(ctx, miner);
  const { state, challenge, announcement } = record;
  const isAtStake = state.rear > state.front || record.bound > 0n;
  if (challenge !== null || announcement !== null || isAtStake) {
    const text = "files are claimed or announced, or were not long ago, or a challenge is open";
    ctx.fail(vmExitCodes.idleAtStake, text);
  }
  const actor = readIdle(ctx);
  const miners = loadIdleMiners(ctx.store, actor);
  miners.delete(addressBytes(miner));
  ctx.writeState(idleActorStateCodec, { ...actor, miners: miners.flush() });
  pay(ctx, owner, addAtto(record.free, record.pledge));
  return none;
}

/** What is left of a miner that has lost everything: its free money. `lost` is to be burnt. */
export function emptied(
  ctx: ActorContext,
  record: IdleMiner,
): { readonly record: IdleMiner; readonly lost: AttoFil } {
  const lost = addAtto(record.pledge, record.announcement?.pledge ?? zeroAtto);
  const state = freshState(ctx, record.state.miner, profileOf(ctx));
  return {
    lost,
    record: {
      ...record,
      state,
      pledge: zeroAtto,
      announcement: null,
      challenge: null,
      power: 0n,
      faultySince: null,
      faults: 0,
      burnt: addAtto(record.burnt, lost),
    },
  };
}

/**
 * A miner to the actor: it was punished for a consensus fault. What it released lately is lost too. Nothing happens if
 * it has no idle space here.
 * `idleNotMiner` for all but miners.
 */
export function minerSlashed(ctx: ActorContext): None {
  const miner = ctx.message.from;
  if (ctx.codeNameOf(miner) !== codeNames.miner) ctx.fail(vmExitCodes.idleNotMiner, `${miner} is no miner`);
  const record = loadIdleMiners(ctx.store, readIdle(ctx)).get(addressBytes(miner));
  if (record === undefined) return none;
  const { record: after, lost } = emptied(ctx, record);
  const { bound } = withoutTerm(record, ctx.height);
  const released = { ...withoutTerm(after, ctx.height), bound: zeroAtto, burnt: addAtto(after.burnt, bound) };
  writeMiner(ctx, miner, record, released);
  burn(ctx, addAtto(lost, bound));
  return none;
}
