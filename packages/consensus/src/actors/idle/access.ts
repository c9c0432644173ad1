/** Reading and writing the state, who may speak for a miner, and what its money covers. */
import type { Address, AttoFil } from "@holdfast/base";
import {
  addAtto,
  addressBytes,
  attoFil,
  ceilDivAtto,
  getObject,
  minAtto,
  putObject,
  subAtto,
  zeroAtto,
} from "@holdfast/base";
import { type IdleProfile, idleFileBytes, idleProfiles } from "@holdfast/proofs/idle";
import { codeNames } from "../../types/builtins.ts";
import type { IdleParams } from "../../types/idle.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { getPartiesCall, idlePowerCall } from "../calls.ts";
import { callActor, type None, none } from "../kit.ts";
import type { IdleActorState, IdleMiner, IdleVerifier } from "./state.ts";
import { byOperator, idleActorStateCodec, idleVerifiersCodec, loadIdleMiners } from "./state.ts";

export const readIdle = (ctx: ActorContext): IdleActorState => ctx.readState(idleActorStateCodec);

/** The profile of the network's files; `idleNotOffered`. */
export function profileOf(ctx: ActorContext): IdleProfile {
  const profile = idleProfiles.get(ctx.params.idle.profile);
  return profile ?? ctx.fail(vmExitCodes.idleNotOffered, "this network counts no idle space");
}

export function readVerifiers(ctx: ActorContext, state = readIdle(ctx)): readonly IdleVerifier[] {
  return getObject(ctx.store, idleVerifiersCodec, state.verifiers);
}

export function writeVerifiers(ctx: ActorContext, verifiers: readonly IdleVerifier[]): None {
  const ordered = [...verifiers].sort(byOperator);
  ctx.writeState(idleActorStateCodec, {
    ...readIdle(ctx),
    verifiers: putObject(ctx.store, idleVerifiersCodec, ordered),
  });
  return none;
}

/** What was bound is free once no block of its time can be held against the miner any more. */
export function withoutTerm(record: IdleMiner, height: number): IdleMiner {
  if (record.bound === 0n || height < record.boundUntil) return record;
  return { ...record, free: addAtto(record.free, record.bound), bound: zeroAtto };
}

/** The record of a miner; `idleUnknownMiner`. */
export function readMiner(ctx: ActorContext, miner: Address): IdleMiner {
  const found = loadIdleMiners(ctx.store, readIdle(ctx)).get(addressBytes(miner));
  return found === undefined
    ? ctx.fail(vmExitCodes.idleUnknownMiner, `${miner} has not registered its idle space`)
    : withoutTerm(found, ctx.height);
}

/** Only who works for the miner or owns it speaks for it; `idleNotMiner`, `notMinersOperator`. */
export function mustOperate(ctx: ActorContext, miner: Address): { readonly owner: Address } {
  if (ctx.codeNameOf(miner) !== codeNames.miner) {
    ctx.fail(vmExitCodes.idleNotMiner, `there is no miner at ${miner}`);
  }
  const { owner, worker } = callActor(ctx, miner, getPartiesCall, none);
  const { from } = ctx.message;
  if (from !== owner && from !== worker) {
    ctx.fail(vmExitCodes.notMinersOperator, "only the miner's worker or owner may do this");
  }
  return { owner };
}

/** The record of a miner for whoever speaks for it. */
export function readOperated(ctx: ActorContext, miner: Address): IdleMiner {
  profileOf(ctx);
  const record = readMiner(ctx, miner);
  mustOperate(ctx, miner);
  return record;
}

/** Stores a record and tells the market what has changed of its power. */
export function writeMiner(ctx: ActorContext, miner: Address, before: IdleMiner, after: IdleMiner): None {
  const state = readIdle(ctx);
  const miners = loadIdleMiners(ctx.store, state);
  miners.set(addressBytes(miner), after);
  ctx.writeState(idleActorStateCodec, { ...state, miners: miners.flush() });
  return reportPower(ctx, miner, before.power, after.power);
}

export function reportPower(ctx: ActorContext, miner: Address, before: bigint, after: bigint): None {
  if (before === after) return none;
  const change = { miner, added: after, removed: before };
  return callActor(ctx, ctx.builtins.market, idlePowerCall, change);
}

/** Power of so many files, in bytes of sectors. */
export function powerOfFiles(profile: IdleProfile, params: IdleParams, files: number): bigint {
  return (BigInt(files) * BigInt(idleFileBytes(profile)) * BigInt(params.weightPercent)) / 100n;
}

/** What is locked for so many files. */
export function pledgeOfFiles(profile: IdleProfile, params: IdleParams, files: number): AttoFil {
  return ceilDivAtto(params.pledgePerGiB, BigInt(files) * BigInt(idleFileBytes(profile)), 2n ** 30n);
}

/** What a healthy miner's files count, nothing while it is faulty. */
export function withPower(ctx: ActorContext, profile: IdleProfile, miner: IdleMiner): IdleMiner {
  const files = miner.faultySince === null ? miner.state.rear - miner.state.front : 0;
  return { ...miner, power: powerOfFiles(profile, ctx.params.idle, files) };
}

/** Takes an amount, or all there is, out of what a miner has here: pledged first, bound, free, announced. */
export function fined(
  miner: IdleMiner,
  amount: AttoFil,
): { readonly miner: IdleMiner; readonly fee: AttoFil } {
  const fromPledge = minAtto(miner.pledge, amount);
  const fromBound = minAtto(miner.bound, subAtto(amount, fromPledge));
  const fromFree = minAtto(miner.free, subAtto(amount, addAtto(fromPledge, fromBound)));
  const announced = miner.announcement?.pledge ?? attoFil(0);
  const fromAnnounced = minAtto(announced, subAtto(amount, addAtto(fromPledge, fromBound, fromFree)));
  const fee = addAtto(fromPledge, fromBound, fromFree, fromAnnounced);
  return {
    fee,
    miner: {
      ...miner,
      pledge: subAtto(miner.pledge, fromPledge),
      bound: subAtto(miner.bound, fromBound),
      free: subAtto(miner.free, fromFree),
      announcement:
        miner.announcement === null
          ? null
          : { ...miner.announcement, pledge: subAtto(announced, fromAnnounced) },
      burnt: addAtto(miner.burnt, fee),
    },
  };
}
