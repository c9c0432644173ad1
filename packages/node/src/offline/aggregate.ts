/**
 * Aggregates by hand: many small pieces in one, with an index at the end and a proof for each piece.
 * Source: FRC-0058, verifiable data aggregation.
 */
import { fromHex, toHex } from "@holdfast/base";
import {
  type AggregatePart,
  aggregateInclusionOffset,
  aggregateParts,
  aggregatePieces,
  pieceCid,
  proveAggregateInclusion,
  verifyAggregateInclusion,
} from "@holdfast/proofs";
import { offlineErrors } from "./errors.ts";
import type { ListedPiece } from "./inclusion.ts";
import type { AggregateFile } from "./proof-file.ts";

export interface MadeAggregate {
  readonly paddedBytes: number;
  /** 32 bytes in hex. */
  readonly commP: string;
  readonly pieceCid: string;
  /** One for each piece, in the given order. */
  readonly proofs: readonly AggregateFile[];
  /** The content, first byte to last. */
  readonly parts: Iterable<AggregatePart>;
}

/** Errors `aggregate/…`, `pieces/bad-size`. */
export function makeAggregate(listed: readonly ListedPiece[], paddedBytes?: number): MadeAggregate {
  const pieces = listed.map((piece) => ({
    commitment: fromHex(piece.commP),
    paddedBytes: piece.paddedBytes,
  }));
  const aggregate = aggregatePieces(pieces, paddedBytes);
  const commP = toHex(aggregate.commitment);
  return {
    paddedBytes: aggregate.paddedBytes,
    commP,
    pieceCid: pieceCid(aggregate.commitment).toString(),
    proofs: aggregate.segments.map(({ commitment, offsetPaddedBytes, ...segment }, index) => ({
      kind: "aggregate-inclusion",
      aggregateBytes: aggregate.paddedBytes,
      aggregateCommP: commP,
      pieceCid: pieceCid(commitment).toString(),
      commP: toHex(commitment),
      paddedBytes: segment.paddedBytes,
      offsetPaddedBytes,
      proof: toHex(proveAggregateInclusion(aggregate, index)),
    })),
    parts: aggregateParts(aggregate),
  };
}

/** What was checked, in words. Error `proof/invalid`. */
export function checkAggregate(file: AggregateFile): readonly string[] {
  const aggregate = { commitment: fromHex(file.aggregateCommP), paddedBytes: file.aggregateBytes };
  const piece = { commitment: fromHex(file.commP), paddedBytes: file.paddedBytes };
  const proof = fromHex(file.proof);
  if (!verifyAggregateInclusion({ aggregate, piece, proof })) {
    throw offlineErrors.invalid({
      what: "its siblings do not lead from the piece and its entry to the aggregate",
    });
  }
  if (aggregateInclusionOffset(piece, proof) !== file.offsetPaddedBytes) {
    throw offlineErrors.invalid({ what: `the piece does not begin at ${file.offsetPaddedBytes}` });
  }
  return [
    "the siblings lead from commP to the aggregate's commitment",
    "the index of the aggregate has an entry that says where the piece lies",
    "the piece is a whole, aligned subtree of the stated size at the stated offset",
  ];
}
