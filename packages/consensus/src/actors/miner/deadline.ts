/**
 * The judgement at the end of a proof window, called by the market's tick. What was due and not proven
 * becomes faulty and loses its power; faults cost a fee out of the sector's own pledge; a sector that
 * stays faulty is terminated. Sectors whose life is over and pre-commitments that were never proven leave
 * here. Invariant: what leaves `lockedPledge` is either burnt in this call or free balance after it.
 */
import type { Amt, AttoFil } from "@holdfast/base";
import { addAtto, addEpochs, subAtto, zeroAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import type { OnDeadline, OnDeadlineResult } from "../calls.ts";
import { burn } from "../kit.ts";
import { readMiner, writeMiner } from "./access.ts";
import { expiredPreCommitFee, maxFaultyPeriods, missedProofFee, ongoingFaultFee } from "./penalties.ts";
import { isDue, isProven, nextDeadlineAfter, startOfDeadline } from "./periods.ts";
import { isPreCommitExpired } from "./seal.ts";
import type { PreCommit, Sector } from "./state.ts";
import { loadPreCommits, loadSectors } from "./state.ts";

/** What one sector or pre-commitment contributes to a deadline. */
interface Judgement<T> {
  /** The new record; undefined if it leaves; the same object if nothing changed. */
  readonly after: T | undefined;
  readonly burnt: AttoFil;
  /** What leaves the lock: the fee, or all of the pledge. */
  readonly unlocked: AttoFil;
  readonly powerRemoved: bigint;
}

function unchanged<T>(record: T): Judgement<T> {
  return { after: record, burnt: zeroAtto, unlocked: zeroAtto, powerRemoved: 0n };
}

/** An expired pre-commitment loses a fee; the rest of its pledge is free again. */
function judgePreCommit(ctx: ActorContext, preCommit: PreCommit): Judgement<PreCommit> {
  if (!isPreCommitExpired(ctx, preCommit)) return unchanged(preCommit);
  const burnt = expiredPreCommitFee(preCommit.pledge);
  return { after: undefined, burnt, unlocked: preCommit.pledge, powerRemoved: 0n };
}

/** The fault of a sector at this deadline, if any: its fee and its new record. */
function punish(ctx: ActorContext, sector: Sector, periodStart: number): Judgement<Sector> {
  const isMissed = isDue(sector, periodStart) && !isProven(sector, periodStart);
  if (sector.faultySince === null && !isMissed) return unchanged(sector);
  const powerRemoved = sector.faultySince === null ? BigInt(sector.sectorBytes) : 0n;
  const faultyPeriods = sector.faultyPeriods + 1;
  if (faultyPeriods >= maxFaultyPeriods) {
    return { after: undefined, burnt: sector.pledge, unlocked: sector.pledge, powerRemoved };
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
  return { after, burnt: fee, unlocked: fee, powerRemoved };
}

/** First the fault, then the end of the sector's life, which frees what is left of the pledge. */
function judgeSector(ctx: ActorContext, sector: Sector, given: OnDeadline): Judgement<Sector> {
  const periodStart = startOfDeadline(ctx.params, given.deadline);
  const judged = given.chainStalled ? unchanged(sector) : punish(ctx, sector, periodStart);
  const { after } = judged;
  if (after === undefined || after.expiration > ctx.height) return judged;
  return {
    after: undefined,
    burnt: judged.burnt,
    unlocked: addAtto(judged.unlocked, after.pledge),
    powerRemoved: judged.powerRemoved + (after.faultySince === null ? BigInt(after.sectorBytes) : 0n),
  };
}

/** What all judgements of one deadline come to. */
class Tally {
  burnt: AttoFil = zeroAtto;
  unlocked: AttoFil = zeroAtto;
  powerRemoved = 0n;

  /** Judges every record of a table and changes the table accordingly. */
  judgeAll<T>(table: Amt<T>, judge: (record: T) => Judgement<T>): void {
    for (const [id, record] of [...table.entries()]) {
      const { after, burnt, unlocked, powerRemoved } = judge(record);
      if (after === undefined) table.delete(id);
      else if (after !== record) table.set(id, after);
      this.burnt = addAtto(this.burnt, burnt);
      this.unlocked = addAtto(this.unlocked, unlocked);
      this.powerRemoved += powerRemoved;
    }
  }
}

/** Judges all sectors and pre-commitments; for the market's tick only. */
export function onDeadline(ctx: ActorContext, given: OnDeadline): OnDeadlineResult {
  const state = readMiner(ctx);
  const preCommits = loadPreCommits(ctx.store, state);
  const sectors = loadSectors(ctx.store, state);
  const tally = new Tally();
  tally.judgeAll(preCommits, (preCommit) => judgePreCommit(ctx, preCommit));
  tally.judgeAll(sectors, (sector) => judgeSector(ctx, sector, given));
  const { burnt, unlocked, powerRemoved } = tally;
  const isEmpty = preCommits.count === 0 && sectors.count === 0;
  const following = given.chainStalled
    ? nextDeadlineAfter(ctx.params, ctx.message.to, ctx.height)
    : addEpochs(given.deadline, ctx.params.provingPeriodEpochs);
  const next = isEmpty ? null : following;
  writeMiner(ctx, {
    ...state,
    preCommits: preCommits.flush(),
    sectors: sectors.flush(),
    power: state.power - powerRemoved,
    lockedPledge: subAtto(state.lockedPledge, unlocked),
    burnt: addAtto(state.burnt, burnt),
    deadline: next,
  });
  burn(ctx, burnt);
  return { powerRemoved, next };
}
