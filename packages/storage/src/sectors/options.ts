/** The limits of a storage, in one table, with what a small node wants as defaults. */
import { assert } from "@holdfast/base";
import { maxUserBytes } from "@holdfast/proofs";
import type { SectorTotal } from "../store/index.ts";

export interface StorageLimits {
  /** Padded bytes of new sectors. */
  readonly sectorBytes: number;
  /** Further sizes of new sectors, side by side: a piece that fits nowhere opens the smallest that takes it. */
  readonly otherSectorBytes: readonly number[];
  /** Whether plain copies stay after a sector is on the chain: reads need no unsealing, for more disk. */
  readonly keepUnsealed: boolean;
  /** Whether the trees of replicas on the chain are kept: else each proof hashes them anew, for half the disk. */
  readonly keepTrees: boolean;
  /** Bytes that all sectors together may take, at their largest; undefined: as much as the volume has. */
  readonly maxBytes: number | undefined;
  /** Sectors that take pieces at a time; a piece that fits into none closes the fullest. */
  readonly maxStagedSectors: number;
  /** Of a sector's bytes: with fewer in the fullest of them, it stays open for more pieces… */
  readonly minFillPercent: number;
  /** …while there are no more than so many. */
  readonly maxUnfilledSectors: number;
  readonly maxPiecesPerSector: number;
  readonly maxPieceKeyBytes: number;
  /** What has come of a piece whose sender can go on anywhere is made durable after so many bytes… */
  readonly partBytes: number;
  /** …or after so long, whatever is first. */
  readonly partMs: number;
  /** Seals of sectors from this size on write down each layer that is done, to go on there if they are cut off. */
  readonly checkpointFromBytes: number;
  /** Throws why there may not be so many sectors, the one that is opened among them; undefined: any number. */
  readonly checkSectors: ((sectors: readonly SectorTotal[]) => void) | undefined;
  /** Volumes are emptied when somebody asks (a job of a queue), and not by the storage itself. */
  readonly isDrainedByJobs: boolean;
}

export const defaultLimits: Omit<StorageLimits, "sectorBytes"> = {
  otherSectorBytes: [],
  keepUnsealed: true,
  keepTrees: true,
  maxBytes: undefined,
  maxStagedSectors: 4,
  minFillPercent: 0,
  maxUnfilledSectors: 16,
  maxPiecesPerSector: 512,
  maxPieceKeyBytes: 256,
  partBytes: 64 * 2 ** 20,
  partMs: 10_000,
  checkpointFromBytes: 8 * 2 ** 20,
  checkSectors: undefined,
  isDrainedByJobs: false,
};

/** Rows of a listing: when nothing is said, and at most. */
export const pageCounts = { usual: 100, most: 1_000 } as const;

/** An offset in the padded sector as an offset in the user bytes of the staged file. */
export function userOffset(offsetPaddedBytes: number): number {
  const offset = maxUserBytes(offsetPaddedBytes);
  assert(Number.isSafeInteger(offset), "a piece starts at a whole block of 128 padded bytes");
  return offset;
}

/** Sizes of new sectors, the smallest first. */
export function sectorSizesOf({ sectorBytes, otherSectorBytes }: StorageLimits): number[] {
  return [...new Set([sectorBytes, ...otherSectorBytes])].sort((a, b) => a - b);
}

/** Where the last piece of a staged file ends. */
export function stagedEnd(
  slots: readonly { readonly offsetPaddedBytes: number; readonly userBytes: number }[],
): number {
  return Math.max(0, ...slots.map((slot) => userOffset(slot.offsetPaddedBytes) + slot.userBytes));
}
