/**
 * Proving periods. Every miner proves all its sectors once per period; the periods of different miners
 * are shifted against each other by the hash of the address, so that the work spreads. The period that
 * starts at epoch s is challenged by the randomness of s, takes proofs at the heights s+1 … s+W, and is
 * judged at its deadline s+W+1. Which sectors it asks for is fixed before s: nothing that happens after
 * the challenge is known can shrink the set but a declared fault, which costs power.
 */
import type { Address, Epoch } from "@holdfast/base";
import { addressBytes, addressHash, bigEndian, concatBytes, epoch, readBigEndian } from "@holdfast/base";
import type { NetworkParams } from "../../types/params.ts";
import type { Sector } from "./state.ts";

type PeriodParams = Pick<NetworkParams, "provingPeriodEpochs" | "proofWindowEpochs">;

/** Tags of the chain's randomness; each purpose has its own. */
export const randomnessTags = {
  /** Goes into the replica; entropy: miner ‖ sector number. */
  sealTicket: "ticket-seal",
  /** Chooses the challenges of the seal proof; entropy: miner ‖ sector number. */
  sealSeed: "seal",
  /** Chooses the challenges of a period's proof of spacetime; entropy: miner. */
  windowPost: "window-post",
} as const;

/** The miner's address (22 bytes) and the sector number (8 bytes, big-endian). */
export function sealEntropy(miner: Address, sectorId: number): Uint8Array {
  return concatBytes(addressBytes(miner), bigEndian(sectorId, 8));
}

/** Epochs by which the miner's periods are shifted: 0 … provingPeriodEpochs − 1. */
export function provingOffset(params: PeriodParams, miner: Address): number {
  return Number(readBigEndian(addressHash(miner).subarray(0, 8)) % BigInt(params.provingPeriodEpochs));
}

/**
 * Start s of the period to which a height belongs (s < height ≤ s + period), i.e. a message executed at
 * this height can prove it. Null before the miner's first period.
 */
export function periodStartAt(params: PeriodParams, miner: Address, height: Epoch): Epoch | null {
  const period = params.provingPeriodEpochs;
  const offset = provingOffset(params, miner);
  const start = offset + Math.floor((height - 1 - offset) / period) * period;
  return start < 0 ? null : epoch(start);
}

/** The epoch at which a period is judged. */
export function deadlineOf(params: PeriodParams, periodStart: Epoch): Epoch {
  return epoch(periodStart + params.proofWindowEpochs + 1);
}

/** Start of the period that is judged at a deadline; it may lie before genesis. */
export function startOfDeadline(params: PeriodParams, deadline: Epoch): number {
  return deadline - params.proofWindowEpochs - 1;
}

/** The first deadline of the miner after a height. */
export function nextDeadlineAfter(params: PeriodParams, miner: Address, height: Epoch): Epoch {
  const period = params.provingPeriodEpochs;
  const first = provingOffset(params, miner) + params.proofWindowEpochs + 1;
  return epoch(first + (Math.floor((height - first) / period) + 1) * period);
}

/**
 * True if the period that starts at `periodStart` asks for this sector: it was active before, lives
 * longer, and is healthy or was declared recovering before.
 */
export function isDue(sector: Sector, periodStart: number): boolean {
  if (sector.activatedAt >= periodStart || sector.expiration <= periodStart) return false;
  if (sector.faultySince === null) return true;
  return sector.recoveringSince !== null && sector.recoveringSince < periodStart;
}

/** True if a proof for the period that starts at `periodStart` was accepted for this sector. */
export function isProven(sector: Sector, periodStart: number): boolean {
  return sector.lastProven !== null && sector.lastProven > periodStart;
}

/** The sectors that a proof of the period must cover, in the given (ascending) order. */
export function sectorsToProve(sectors: Iterable<Sector>, periodStart: number): Sector[] {
  return [...sectors].filter((sector) => isDue(sector, periodStart) && !isProven(sector, periodStart));
}
