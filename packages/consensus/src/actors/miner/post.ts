/**
 * Proof of spacetime: in the window of each of its deadlines a miner shows that it still holds the sectors of
 * that deadline. The challenge is the chain's randomness at the window's start, so it cannot be answered in
 * advance; the window is short, so a replica cannot be made again in time. One message proves one or more
 * partitions; what it cannot prove it names, and pays for. Sectors that were declared recovering before the
 * window become healthy with the proof. Source: Filecoin specs, Window PoSt (partitions, skipped faults).
 */
import type { Address, AttoFil, Codec, Epoch, SectorId } from "@holdfast/base";
import { addAtto, addressBytes, c, subAtto, zeroAtto } from "@holdfast/base";
import { maxParamBytes } from "../../types/message.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { burn, callActor, none } from "../kit.ts";
import { readAsOperator, writeMiner } from "./access.ts";
import {
  loadDeadlineSectors,
  loadDeadlines,
  maxPartitionsPerPost,
  partitionIndexCodec,
  partitionMembers,
} from "./deadlines.ts";
import { skippedSectorFee } from "./penalties.ts";
import { windowPostSnarks } from "./snarks.ts";
import type { MinerState, Sector } from "./state.ts";
import { loadSectors, maxSectorsPerMiner, sectorNumberCodec } from "./state.ts";
import { isDue, isProven, randomnessTags, windowAt } from "./windows.ts";

export interface SubmitPost {
  /** Start of the window, the epoch of the challenge; it says which deadline is proven. */
  readonly windowStart: Epoch;
  /** Ascending. A partition is proven once in a window. */
  readonly partitions: readonly number[];
  /** Sectors of these partitions that cannot be proven, ascending. */
  readonly skipped: readonly SectorId[];
  /**
   * Proof over all other sectors that the partitions ask for, in ascending order of their numbers; empty if
   * there is none.
   */
  readonly proof: Uint8Array;
}
export const submitPostCodec: Codec<SubmitPost> = c.tuple("SubmitPost", {
  windowStart: c.epoch,
  partitions: c.list(partitionIndexCodec, maxPartitionsPerPost),
  skipped: c.list(sectorNumberCodec, maxSectorsPerMiner),
  proof: c.bytes(maxParamBytes),
});

/** Entropy of a window's challenge. */
export function windowPostEntropy(miner: Address): Uint8Array {
  return addressBytes(miner);
}

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0));

/** The sectors that the named partitions still have to prove, ascending; see `submitPost` for the exit codes. */
function sectorsAskedFor(ctx: ActorContext, state: MinerState, index: number, given: SubmitPost): Sector[] {
  const { windowStart: start, partitions } = given;
  if (partitions.length === 0 || !isAscending(partitions)) {
    ctx.fail(vmExitCodes.invalidPartitions, "partitions are named in ascending order, at least one");
  }
  const numbers = [...loadDeadlineSectors(ctx.store, loadDeadlines(ctx.store, state), index).set.numbers()];
  const sectors = loadSectors(ctx.store, state);
  const asked: Sector[] = [];
  for (const partition of partitions) {
    const members = partitionMembers(ctx.params, numbers, partition);
    ctx.chargeSectors(members.length);
    if (members.length === 0) {
      ctx.fail(vmExitCodes.invalidPartitions, `deadline ${index} has no partition ${partition}`);
    }
    const due = members.flatMap((id) => sectors.get(id) ?? []).filter((sector) => isDue(sector, start));
    if (due.length === 0) {
      ctx.fail(vmExitCodes.nothingToProve, `no sector of partition ${partition} is due`);
    }
    const open = due.filter((sector) => !isProven(sector, start));
    if (open.length === 0) {
      ctx.fail(vmExitCodes.postAlreadySubmitted, `partition ${partition} is proven already`);
    }
    asked.push(...open);
  }
  return asked;
}

/** Divides what is asked for into what the proof covers and what it skips. */
function divide(ctx: ActorContext, asked: readonly Sector[], skipped: readonly SectorId[]) {
  if (!isAscending(skipped))
    ctx.fail(vmExitCodes.sectorNotDue, "skipped sectors are named in ascending order");
  const names = new Set(skipped);
  const toProve = asked.filter(({ sectorId }) => !names.has(sectorId));
  const toSkip = asked.filter(({ sectorId }) => names.has(sectorId));
  if (toSkip.length !== skipped.length) {
    ctx.fail(vmExitCodes.sectorNotDue, "a skipped sector is not asked for by these partitions");
  }
  return { toProve, toSkip };
}

function verify(ctx: ActorContext, toProve: readonly Sector[], { windowStart, proof }: SubmitPost): boolean {
  if (toProve.length === 0) return proof.length === 0;
  const miner = ctx.message.to;
  const snarks = windowPostSnarks(ctx.params, toProve);
  ctx.chargeProof("post", proof.length, { ...snarks, sectors: toProve.length });
  return ctx.verifier.verifyPost({
    classes: ctx.params.sectorClasses,
    kind: "window",
    seed: ctx.rand(windowStart, randomnessTags.windowPost, windowPostEntropy(miner)),
    miner,
    sectors: toProve.map(({ sectorId, sectorBytes, commR }) => ({ sectorId, sectorBytes, commR })),
    proof,
  });
}

/**
 * Proves partitions of the deadline whose window is open. A skipped sector becomes faulty, loses its power and
 * pays a fee at once. `notWorker`, `proofWindowClosed`, `invalidPartitions`, `nothingToProve`,
 * `postAlreadySubmitted`, `sectorNotDue`, `postProofInvalid`.
 */
export function submitPost(ctx: ActorContext, given: SubmitPost): None {
  const state = readAsOperator(ctx);
  const window = windowAt(ctx.params, ctx.message.to, ctx.height);
  if (window === null || window.start !== given.windowStart || ctx.height > window.lastEpoch) {
    return ctx.fail(vmExitCodes.proofWindowClosed, `the window of epoch ${given.windowStart} is not open`);
  }
  const asked = sectorsAskedFor(ctx, state, window.index, given);
  const { toProve, toSkip } = divide(ctx, asked, given.skipped);
  if (!verify(ctx, toProve, given)) {
    ctx.fail(vmExitCodes.postProofInvalid, "the proof of spacetime does not verify");
  }
  const sectors = loadSectors(ctx.store, state);
  let added = 0n;
  let removed = 0n;
  let fees: AttoFil = zeroAtto;
  for (const sector of toProve) {
    if (sector.faultySince !== null) added += BigInt(sector.sectorBytes);
    const healthy = { faultySince: null, recoveringSince: null, faultyPeriods: 0 };
    sectors.set(sector.sectorId, { ...sector, ...healthy, lastProven: ctx.height });
  }
  for (const sector of toSkip) {
    if (sector.faultySince === null) removed += BigInt(sector.sectorBytes);
    const fee = skippedSectorFee(sector.pledge);
    fees = addAtto(fees, fee);
    const faulty = { faultySince: sector.faultySince ?? ctx.height, recoveringSince: null };
    sectors.set(sector.sectorId, { ...sector, ...faulty, pledge: subAtto(sector.pledge, fee) });
  }
  const faulty = state.faulty + removed - added;
  if (added !== removed) callActor(ctx, ctx.builtins.market, updatePowerCall, { added, removed, faulty });
  writeMiner(ctx, {
    ...state,
    sectors: sectors.flush(),
    power: state.power + added - removed,
    faulty,
    lockedPledge: subAtto(state.lockedPledge, fees),
    burnt: addAtto(state.burnt, fees),
  });
  burn(ctx, fees);
  return none;
}
