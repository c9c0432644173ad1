/**
 * Finding the files of an aggregate from its index, which anybody may have written: entries that are none, that
 * point outside the aggregate or into the index, are left out, so a bad entry hides no other one. What an entry
 * points at is known only when its commitment has been computed. Source: FRC-0058, processing by providers.
 */
import { equalBytes } from "@holdfast/base";
import { padUser } from "../fr32/index.ts";
import { maxUserBytes, type PieceInfo } from "../piece/index.ts";
import { indexArea } from "./area.ts";
import { decodeEntry, entryBytes, type Segment } from "./entry.ts";
import { aggregateErrors } from "./errors.ts";

/**
 * The segments of an index area in its padded form, in the order of their entries.
 * Throws pieces/bad-size, aggregate/bad-index-length.
 */
export function readIndex(paddedIndex: Uint8Array, aggregatePaddedBytes: number): Segment[] {
  const area = indexArea(aggregatePaddedBytes);
  if (paddedIndex.length !== area.paddedBytes) {
    throw aggregateErrors.badIndexLength({ length: paddedIndex.length, expected: area.paddedBytes });
  }
  const segments: Segment[] = [];
  for (let at = 0; at < paddedIndex.length; at += entryBytes) {
    const segment = decodeEntry(paddedIndex.subarray(at, at + entryBytes));
    if (segment === undefined) continue;
    if (segment.offsetPaddedBytes + segment.paddedBytes <= area.offsetPaddedBytes) segments.push(segment);
  }
  return segments;
}

/**
 * The same from the user bytes of the area (`indexArea` says where they lie).
 * Throws pieces/bad-size, aggregate/bad-index-length.
 */
export function readUserIndex(userIndex: Uint8Array, aggregatePaddedBytes: number): Segment[] {
  const area = indexArea(aggregatePaddedBytes);
  if (userIndex.length !== area.userBytes) {
    throw aggregateErrors.badIndexLength({ length: userIndex.length, expected: area.userBytes });
  }
  return readIndex(padUser(userIndex), aggregatePaddedBytes);
}

/** The first segment with this commitment and size. */
export function findSegment(segments: readonly Segment[], piece: PieceInfo): Segment | undefined {
  return segments.find(
    ({ commitment, paddedBytes }) =>
      paddedBytes === piece.paddedBytes && equalBytes(commitment, piece.commitment),
  );
}

/** Where a segment lies in the user bytes of the aggregate, its zero fill included. */
export function segmentRange({ offsetPaddedBytes, paddedBytes }: Segment): {
  readonly startUserBytes: number;
  readonly userBytes: number;
} {
  return { startUserBytes: maxUserBytes(offsetPaddedBytes), userBytes: maxUserBytes(paddedBytes) };
}
