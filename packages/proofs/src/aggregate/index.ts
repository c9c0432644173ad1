/** Aggregates: many small files in one piece, found by an index, each with a proof of its own. */
export {
  type Aggregate,
  type AggregatePart,
  aggregateParts,
  aggregatePieces,
  indexBytes,
} from "./aggregate.ts";
export { type IndexArea, indexArea } from "./area.ts";
export { decodeEntry, encodeEntry, entryBytes, type Segment } from "./entry.ts";
export { aggregateErrors } from "./errors.ts";
export {
  type AggregateInclusionStatement,
  aggregateInclusionOffset,
  proveAggregateInclusion,
  verifyAggregateInclusion,
} from "./inclusion.ts";
export { findSegment, readIndex, readUserIndex, segmentRange } from "./read.ts";
export { SparseTree } from "./sparse-tree.ts";
