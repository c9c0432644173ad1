/**
 * The index area: the last bytes of an aggregate, with room for a number of entries that depends on its size
 * alone, so that whoever holds the aggregate knows where to read. Source: FRC-0058.
 */
import { maxUserBytes, pieceHeightOrThrow, piecesErrors } from "../piece/index.ts";
import { entryBytes } from "./entry.ts";

/** The index takes at most about this part of the aggregate. */
const bytesPerIndexByte = 2048;
const minEntries = 4;
/** Half of it is index. */
export const minAggregateBytes = 2 * minEntries * entryBytes;

export interface IndexArea {
  /** Room for this many entries, used or not. */
  readonly entries: number;
  readonly paddedBytes: number;
  readonly offsetPaddedBytes: number;
  /** The same place in user bytes. */
  readonly startUserBytes: number;
  readonly userBytes: number;
}

/** Where the index of an aggregate of `paddedBytes` (128·2^k, at least 512) lies. Throws pieces/bad-size. */
export function indexArea(paddedBytes: number): IndexArea {
  pieceHeightOrThrow(paddedBytes);
  if (paddedBytes < minAggregateBytes) throw piecesErrors.badSize({ paddedBytes });
  const entries = Math.max(minEntries, Math.floor(paddedBytes / bytesPerIndexByte / entryBytes));
  const areaBytes = entries * entryBytes;
  return {
    entries,
    paddedBytes: areaBytes,
    offsetPaddedBytes: paddedBytes - areaBytes,
    startUserBytes: maxUserBytes(paddedBytes - areaBytes),
    userBytes: maxUserBytes(areaBytes),
  };
}
