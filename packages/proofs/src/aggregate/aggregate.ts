/**
 * An aggregate: many small files in one piece, each at a multiple of its own padded size and so a whole subtree,
 * and the index at the end. Its commitment follows from the files' commitments alone. Source: FRC-0058.
 */
import { assert, concatBytes, toHex } from "@holdfast/base";
import { unpadUser } from "../fr32/index.ts";
import { exactLog2, nodeBytes } from "../merkle/index.ts";
import {
  isPieceCommitment,
  maxUserBytes,
  type PieceInfo,
  pieceHeightOrThrow,
  piecesErrors,
} from "../piece/index.ts";
import { indexArea, minAggregateBytes } from "./area.ts";
import { encodeEntry, entryBytes, type Segment } from "./entry.ts";
import { aggregateErrors } from "./errors.ts";
import { type KnownSubtree, SparseTree } from "./sparse-tree.ts";

export interface Aggregate extends PieceInfo {
  /** One per piece, in the given order. */
  readonly segments: readonly Segment[];
  readonly tree: SparseTree;
}

/** What lies in an aggregate from its first user byte to its last. */
export type AggregatePart =
  | { readonly kind: "zeros"; readonly userBytes: number }
  /** The file's bytes, and zeros up to `userBytes`. */
  | { readonly kind: "piece"; readonly index: number; readonly userBytes: number }
  | { readonly kind: "index"; readonly bytes: Uint8Array };

function checkedHeight({ commitment, paddedBytes }: PieceInfo): number {
  if (!isPieceCommitment(commitment)) {
    throw piecesErrors.badCommitment({ hex: toHex(commitment.subarray(0, nodeBytes + 1)) });
  }
  return pieceHeightOrThrow(paddedBytes);
}

/** Places pieces one behind the other, each at a multiple of its size. Throws pieces/bad-size, bad-commitment. */
function place(pieces: readonly PieceInfo[]): { segments: Segment[]; endPaddedBytes: number } {
  let end = 0;
  const segments = pieces.map((piece) => {
    checkedHeight(piece);
    const { commitment, paddedBytes } = piece;
    const offsetPaddedBytes = Math.ceil(end / paddedBytes) * paddedBytes;
    end = offsetPaddedBytes + paddedBytes;
    return { commitment, paddedBytes, offsetPaddedBytes };
  });
  return { segments, endPaddedBytes: end };
}

/** Whether an aggregate of this size has the room and the entries for pieces that end at `endPaddedBytes`. */
function fits(paddedBytes: number, endPaddedBytes: number, count: number): boolean {
  const area = indexArea(paddedBytes);
  return endPaddedBytes <= area.offsetPaddedBytes && count <= area.entries;
}

/**
 * Aggregates pieces in the given order; `paddedBytes` (default: as few as hold them) is the aggregate's size,
 * 128·2^k. Sorting the pieces by falling size leaves no gaps.
 * Throws aggregate/empty, aggregate/too-many-pieces, aggregate/too-large, pieces/bad-size, pieces/bad-commitment.
 */
export function aggregatePieces(pieces: readonly PieceInfo[], paddedBytes?: number): Aggregate {
  if (pieces.length === 0) throw aggregateErrors.empty({ pieces: 0 });
  const { segments, endPaddedBytes } = place(pieces);
  let size = paddedBytes ?? minAggregateBytes;
  while (paddedBytes === undefined && !fits(size, endPaddedBytes, pieces.length)) size *= 2;
  const height = pieceHeightOrThrow(size);
  const area = indexArea(size);
  if (pieces.length > area.entries) {
    throw aggregateErrors.tooManyPieces({
      pieces: pieces.length,
      entries: area.entries,
      paddedBytes: size,
    });
  }
  if (endPaddedBytes > area.offsetPaddedBytes) {
    const neededBytes = endPaddedBytes + area.paddedBytes;
    throw aggregateErrors.tooLarge({ neededBytes, paddedBytes: size });
  }
  const tree = new SparseTree(height, known(segments, area.offsetPaddedBytes));
  return { commitment: tree.root, paddedBytes: size, segments, tree };
}

function* known(segments: readonly Segment[], indexOffset: number): Generator<KnownSubtree> {
  for (const [i, segment] of segments.entries()) {
    const { commitment, paddedBytes, offsetPaddedBytes } = segment;
    const height = exactLog2(paddedBytes / nodeBytes);
    assert(height !== undefined, "a piece is a subtree");
    yield { height, index: offsetPaddedBytes / paddedBytes, root: commitment };
    const entry = encodeEntry(segment);
    const leaf = (indexOffset + i * entryBytes) / nodeBytes;
    yield { height: 0, index: leaf, root: entry.slice(0, nodeBytes) };
    yield { height: 0, index: leaf + 1, root: entry.slice(nodeBytes) };
  }
}

/** The used part of the index, padded form: 64 bytes per piece. */
export function indexBytes({ segments }: Pick<Aggregate, "segments">): Uint8Array {
  return concatBytes(...segments.map(encodeEntry));
}

/**
 * The content of the aggregate in order, so that a host writes it without holding it: the user bytes of all
 * parts together are exactly those of the aggregate.
 */
export function* aggregateParts(aggregate: Aggregate): Generator<AggregatePart> {
  let end = 0;
  for (const [index, { offsetPaddedBytes, paddedBytes }] of aggregate.segments.entries()) {
    const start = maxUserBytes(offsetPaddedBytes);
    if (start > end) yield { kind: "zeros", userBytes: start - end };
    yield { kind: "piece", index, userBytes: maxUserBytes(paddedBytes) };
    end = start + maxUserBytes(paddedBytes);
  }
  const area = indexArea(aggregate.paddedBytes);
  if (area.startUserBytes > end) yield { kind: "zeros", userBytes: area.startUserBytes - end };
  const used = indexBytes(aggregate);
  const padded = new Uint8Array(Math.ceil(used.length / (2 * entryBytes)) * 2 * entryBytes);
  padded.set(used);
  const bytes = unpadUser(padded);
  yield { kind: "index", bytes };
  if (bytes.length < area.userBytes) yield { kind: "zeros", userBytes: area.userBytes - bytes.length };
}
