/**
 * When a miner proves what. A proving period is divided evenly into deadlines, and each sector belongs to one
 * of them, so that the work of a large miner spreads over the period; the periods of different miners are
 * shifted against each other by the hash of the address. The window of a deadline that starts at epoch s is
 * challenged by the randomness of s, takes proofs at the heights s+1 … s+W, and is judged at s+W+1.
 *
 * Invariant: what a window asks for is fixed before s. From `declarationCutoffEpochs` before s until the
 * window has closed the deadline is frozen: no sector joins it, and no fault or recovery of its sectors is
 * declared; only the proof itself can leave sectors out, at a price. A window that would start before the
 * genesis does not exist. Source: Filecoin specs, Window PoSt (deadlines, challenge, fault cutoff).
 */
import type { Address, Epoch } from "@holdfast/base";
import { addressBytes, addressHash, bigEndian, concatBytes, epoch, readBigEndian } from "@holdfast/base";
import type { NetworkParams } from "../../types/params.ts";
import type { Sector } from "./state.ts";

type WindowParams = Pick<
  NetworkParams,
  "provingPeriodEpochs" | "deadlinesPerPeriod" | "proofWindowEpochs" | "declarationCutoffEpochs"
>;

/** Tags of the chain's randomness; each purpose has its own. */
export const randomnessTags = {
  /** Goes into the replica; entropy: miner ‖ sector number. */
  sealTicket: "ticket-seal",
  /** Chooses the challenges of the seal proof; entropy: miner ‖ sector number. */
  sealSeed: "seal",
  /** Chooses the challenges of a deadline's proof of spacetime; entropy: miner. */
  windowPost: "window-post",
} as const;

/** The miner's address (22 bytes) and the sector number (8 bytes, big-endian). */
export function sealEntropy(miner: Address, sectorId: number): Uint8Array {
  return concatBytes(addressBytes(miner), bigEndian(sectorId, 8));
}

/** One turn of one deadline. */
export interface DeadlineWindow {
  /** Which deadline of the period: 0 … deadlinesPerPeriod − 1. */
  readonly index: number;
  /** The epoch whose randomness is the challenge; proofs are accepted at the heights after it. */
  readonly start: Epoch;
  /** The last height at which a proof is accepted. */
  readonly lastEpoch: Epoch;
  /** The epoch of the judgement. */
  readonly judgedAt: Epoch;
}

/** Epochs from the start of one deadline to the start of the next. */
export function deadlineEpochs(params: WindowParams): number {
  return params.provingPeriodEpochs / params.deadlinesPerPeriod;
}

/** Epochs by which the miner's periods are shifted: 0 … provingPeriodEpochs − 1. */
export function provingOffset(params: WindowParams, miner: Address): number {
  return Number(readBigEndian(addressHash(miner).subarray(0, 8)) % BigInt(params.provingPeriodEpochs));
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

function windowFrom(params: WindowParams, miner: Address, start: number): DeadlineWindow {
  const turn = (start - provingOffset(params, miner)) / deadlineEpochs(params);
  return {
    index: modulo(turn, params.deadlinesPerPeriod),
    start: epoch(start),
    lastEpoch: epoch(start + params.proofWindowEpochs),
    judgedAt: epoch(start + params.proofWindowEpochs + 1),
  };
}

/**
 * The window whose turn it is at a height: start < height ≤ start + length, so that a message executed there
 * can prove it while height ≤ lastEpoch. Null before the miner's first window.
 */
export function windowAt(params: WindowParams, miner: Address, height: Epoch): DeadlineWindow | null {
  const length = deadlineEpochs(params);
  const start = height - 1 - modulo(height - 1 - provingOffset(params, miner), length);
  return start < 0 ? null : windowFrom(params, miner, start);
}

/** The window that is judged at an epoch which `nextJudgementAfter` gave. */
export function windowJudgedAt(params: WindowParams, miner: Address, judgedAt: Epoch): DeadlineWindow {
  return windowFrom(params, miner, judgedAt - params.proofWindowEpochs - 1);
}

/** The first window of a deadline that starts at or after a height. */
export function nextWindowOf(
  params: WindowParams,
  miner: Address,
  index: number,
  height: Epoch,
): DeadlineWindow {
  const first = provingOffset(params, miner) + index * deadlineEpochs(params);
  const start = height + modulo(first - height, params.provingPeriodEpochs);
  return windowFrom(params, miner, start);
}

/** The first epoch after a height at which one of the miner's deadlines is judged. */
export function nextJudgementAfter(params: WindowParams, miner: Address, height: Epoch): Epoch {
  const length = deadlineEpochs(params);
  const first = modulo(provingOffset(params, miner), length) + params.proofWindowEpochs + 1;
  if (height < first) return epoch(first);
  return epoch(height + length - modulo(height - first, length));
}

/** True from the cutoff before a window of the deadline to the window's last epoch. */
export function isFrozen(params: WindowParams, miner: Address, index: number, height: Epoch): boolean {
  const { provingPeriodEpochs: period, declarationCutoffEpochs: cutoff } = params;
  const first = provingOffset(params, miner) + index * deadlineEpochs(params);
  const start = height + cutoff - modulo(height + cutoff - first, period);
  return start >= 0 && height <= start + params.proofWindowEpochs;
}

/**
 * True if the window that starts at `start` asks for this sector of its deadline: it was active before, lives
 * longer, and is healthy or was declared recovering before.
 */
export function isDue(sector: Sector, start: number): boolean {
  if (sector.activatedAt >= start || sector.expiration <= start) return false;
  if (sector.faultySince === null) return true;
  return sector.recoveringSince !== null && sector.recoveringSince < start;
}

/** True if a proof for the window that starts at `start` was accepted for this sector. */
export function isProven(sector: Sector, start: number): boolean {
  return sector.lastProven !== null && sector.lastProven > start;
}

/** The sectors that a proof of the window must still cover, in the given (ascending) order. */
export function sectorsToProve(sectors: Iterable<Sector>, start: number): Sector[] {
  return [...sectors].filter((sector) => isDue(sector, start) && !isProven(sector, start));
}
