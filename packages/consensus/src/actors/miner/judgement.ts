/**
 * The judgement of a deadline after its window, called by the market's tick. What was due and not proven
 * becomes faulty and loses its power; faults cost a fee out of the sector's own pledge; a sector that
 * stays faulty is terminated. Sectors whose life is over and pre-commitments that were never proven leave
 * here. Invariants: what leaves `lockedPledge` is either burnt in this call or free balance after it; the
 * work is bounded by the sectors of this deadline and the pre-commitments that are void.
 */
import type { AttoFil, SectorId } from "@holdfast/base";
import { addAtto, addEpochs, assert, subAtto, zeroAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import type { OnDeadline, OnDeadlineResult } from "../calls.ts";
import { burn } from "../kit.ts";
import { readMiner, writeMiner } from "./access.ts";
import { loadDeadlineSectors, loadDeadlines, putDeadlineSectors } from "./deadlines.ts";
import { expiredPreCommitFee, maxFaultyPeriods, missedProofFee, ongoingFaultFee } from "./penalties.ts";
import { SectorSet } from "./sector-set.ts";
import type { MinerState, Sector } from "./state.ts";
import { loadExpiringPreCommits, loadPreCommits, loadSectors } from "./state.ts";
import { deadlineEpochs, isDue, isProven, nextJudgementAfter, windowJudgedAt } from "./windows.ts";

/** What one sector contributes to a judgement. */
interface Judgement {
  /** The new record; undefined if it leaves; the same object if nothing changed. */
  readonly after: Sector | undefined;
  readonly burnt: AttoFil;
  /** What leaves the lock: the fee, or all of the pledge. */
  readonly unlocked: AttoFil;
  readonly powerRemoved: bigint;
  /** By how much the bytes of faulty sectors change. */
  readonly faultyChange: bigint;
  /** It leaves, and was not proven when it had to be. */
  readonly endsFaulty?: boolean;
}

/** The fault of a sector at this judgement, if any: its fee and its new record. */
function punish(ctx: ActorContext, sector: Sector, start: number): Judgement {
  const isMissed = isDue(sector, start) && !isProven(sector, start);
  if (sector.faultySince === null && !isMissed) return unchanged(sector);
  const wasHealthy = sector.faultySince === null;
  const bytes = BigInt(sector.sectorBytes);
  const powerRemoved = wasHealthy ? bytes : 0n;
  const faultyPeriods = sector.faultyPeriods + 1;
  if (faultyPeriods >= maxFaultyPeriods) {
    const { pledge } = sector;
    const faultyChange = wasHealthy ? 0n : -bytes;
    return {
      after: undefined,
      burnt: pledge,
      unlocked: pledge,
      powerRemoved,
      faultyChange,
      endsFaulty: true,
    };
  }
  const fee = isMissed ? missedProofFee(sector.pledge) : ongoingFaultFee(sector.pledge);
  const after: Sector = {
    ...sector,
    pledge: subAtto(sector.pledge, fee),
    faultySince: sector.faultySince ?? ctx.height,
    // A recovery that was announced and not proven has to be announced again.
    recoveringSince: isMissed ? null : sector.recoveringSince,
    faultyPeriods,
  };
  return { after, burnt: fee, unlocked: fee, powerRemoved, faultyChange: powerRemoved };
}

function unchanged(sector: Sector): Judgement {
  return { after: sector, burnt: zeroAtto, unlocked: zeroAtto, powerRemoved: 0n, faultyChange: 0n };
}

/** First the fault, then the end of the sector's life, which frees what is left of the pledge. */
function judgeSector(ctx: ActorContext, sector: Sector, start: number, chainStalled: boolean): Judgement {
  const judged = chainStalled ? unchanged(sector) : punish(ctx, sector, start);
  const { after } = judged;
  if (after === undefined || after.expiration > ctx.height) return judged;
  const endsFaulty = after.faultySince !== null;
  const bytes = BigInt(after.sectorBytes);
  return {
    after: undefined,
    burnt: judged.burnt,
    unlocked: addAtto(judged.unlocked, after.pledge),
    powerRemoved: judged.powerRemoved + (endsFaulty ? 0n : bytes),
    faultyChange: judged.faultyChange - (endsFaulty ? bytes : 0n),
    endsFaulty,
  };
}

/** What all judgements of one call come to. */
class Tally {
  burnt: AttoFil = zeroAtto;
  unlocked: AttoFil = zeroAtto;
  powerRemoved = 0n;
  faultyChange = 0n;

  add({ burnt, unlocked, powerRemoved, faultyChange }: Omit<Judgement, "after" | "endsFaulty">): void {
    this.burnt = addAtto(this.burnt, burnt);
    this.unlocked = addAtto(this.unlocked, unlocked);
    this.powerRemoved += powerRemoved;
    this.faultyChange += faultyChange;
  }
}

/** Void pre-commitments lose a fee; the rest of their pledge is free again. */
function expirePreCommits(ctx: ActorContext, state: MinerState, tally: Tally) {
  const preCommits = loadPreCommits(ctx.store, state);
  const expiring = loadExpiringPreCommits(ctx.store, state);
  const due: number[] = [];
  const numbers: SectorId[] = [];
  for (const [judgedAt, root] of expiring.entries()) {
    if (judgedAt > ctx.height) break;
    due.push(judgedAt);
    for (const sectorId of SectorSet.load(ctx.store, root).numbers()) numbers.push(sectorId);
  }
  for (const judgedAt of due) expiring.delete(judgedAt);
  for (const sectorId of numbers) {
    const preCommit = preCommits.get(sectorId);
    if (preCommit === undefined) continue;
    preCommits.delete(sectorId);
    const burnt = expiredPreCommitFee(preCommit.pledge);
    tally.add({ burnt, unlocked: preCommit.pledge, powerRemoved: 0n, faultyChange: 0n });
  }
  return { preCommits: preCommits.flush(), expiringPreCommits: expiring.flush(), left: preCommits.count };
}

/** Judges the sectors of the deadline whose window has closed. */
function judgeSectors(ctx: ActorContext, state: MinerState, given: OnDeadline, tally: Tally) {
  const { index, start } = windowJudgedAt(ctx.params, ctx.message.to, given.deadline);
  const sectors = loadSectors(ctx.store, state);
  const deadlines = loadDeadlines(ctx.store, state);
  const members = loadDeadlineSectors(ctx.store, deadlines, index);
  const gone: SectorId[] = [];
  const lost: SectorId[] = [];
  for (const sectorId of members.set.numbers()) {
    const sector = sectors.get(sectorId);
    assert(sector !== undefined, "a deadline has only sectors that exist");
    const judged = judgeSector(ctx, sector, start, given.chainStalled);
    tally.add(judged);
    if (judged.after === undefined) {
      sectors.delete(sectorId);
      gone.push(sectorId);
      // Faulty to its own end: too late to break a deal, but the last vouchers are for what was not proven.
      if (sector.expiration > ctx.height || judged.endsFaulty) lost.push(sectorId);
    } else if (judged.after !== sector) sectors.set(sectorId, judged.after);
  }
  if (gone.length > 0) {
    for (const sectorId of gone) members.set.delete(sectorId);
    putDeadlineSectors(deadlines, index, { set: members.set, count: members.count - gone.length });
  }
  return { sectors: sectors.flush(), deadlines: deadlines.flush(), left: sectors.count, lost };
}

/**
 * Judges one deadline; for the market's tick only. The deadlines that a standing chain has passed are skipped:
 * nobody could prove, so the next one after the present is the next to be judged.
 */
export function onDeadline(ctx: ActorContext, given: OnDeadline): OnDeadlineResult {
  const state = readMiner(ctx);
  const tally = new Tally();
  const { left: preCommitsLeft, ...afterExpiry } = expirePreCommits(ctx, state, tally);
  const { left: sectorsLeft, lost, ...afterJudgement } = judgeSectors(ctx, state, given, tally);
  const following = given.chainStalled
    ? nextJudgementAfter(ctx.params, ctx.message.to, ctx.height)
    : addEpochs(given.deadline, deadlineEpochs(ctx.params));
  const next = preCommitsLeft + sectorsLeft === 0 ? null : following;
  const { burnt, unlocked, powerRemoved } = tally;
  const faulty = state.faulty + tally.faultyChange;
  writeMiner(ctx, {
    ...state,
    ...afterExpiry,
    ...afterJudgement,
    power: state.power - powerRemoved,
    faulty,
    lockedPledge: subAtto(state.lockedPledge, unlocked),
    burnt: addAtto(state.burnt, burnt),
    deadline: next,
  });
  burn(ctx, burnt);
  return { powerRemoved, faulty, next, lost };
}
