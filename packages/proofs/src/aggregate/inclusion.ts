/**
 * Proof that a file lies in an aggregate and that the index says where: the siblings from the file's subtree up
 * to the aggregate's commitment, and those from its index entry. Both positions are in the proof; the entry
 * itself is not, because the verifier makes it from the file's commitment, size and position.
 *
 * Invariant: both paths have exactly the length that the sizes ask for, the entry lies in the index area and the
 * file in front of it. The encoding is canonical CBOR, [[position, siblings], [position, siblings]], as
 * go-data-segment writes it. Source: FRC-0058; its reference leaves the size of the aggregate to the proof and
 * lets a file reach into the index, both are checked here.
 */
import { c, type Decoded, decode, encode, equalBytes } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { hashPair, isPieceCommitment, type PieceInfo, pieceHeight } from "../piece/index.ts";
import type { Aggregate } from "./aggregate.ts";
import { indexArea, minAggregateBytes } from "./area.ts";
import { encodeEntry, entryBytes } from "./entry.ts";
import { aggregateErrors } from "./errors.ts";

/** Siblings in a tree of 2^48 bytes. */
const maxSiblings = 43;
const pathCodec = c.tuple("path", {
  index: c.uint(),
  siblings: c.list(c.fixedBytes(nodeBytes), maxSiblings),
});
const proofCodec = c.tuple("aggregate inclusion", { segment: pathCodec, entry: pathCodec });
/** Two paths, three bytes beside each sibling at most, and heads. */
const maxProofBytes = 2 * (maxSiblings * (nodeBytes + 3) + 16);

type Path = Decoded<typeof pathCodec>;

export interface AggregateInclusionStatement {
  /** Commitment and size of the aggregate, as the chain has them. */
  readonly aggregate: PieceInfo;
  /** Commitment and size of the file, as its owner has them. */
  readonly piece: PieceInfo;
  readonly proof: Uint8Array;
}

/** Proves that piece number `index` lies in the aggregate. Throws aggregate/no-such-piece. */
export function proveAggregateInclusion(aggregate: Aggregate, index: number): Uint8Array {
  const segment = aggregate.segments[index];
  const height = segment && pieceHeight(segment.paddedBytes);
  if (segment === undefined || height === undefined) {
    throw aggregateErrors.noSuchPiece({ index, count: aggregate.segments.length });
  }
  const position = segment.offsetPaddedBytes / segment.paddedBytes;
  const entry = indexArea(aggregate.paddedBytes).offsetPaddedBytes / entryBytes + index;
  return encode(proofCodec, {
    segment: { index: position, siblings: aggregate.tree.path(height, position) },
    entry: { index: entry, siblings: aggregate.tree.path(1, entry) },
  });
}

/** Where the file lies according to the proof, in padded bytes; `undefined` for what is no proof. */
export function aggregateInclusionOffset(piece: PieceInfo, proof: Uint8Array): number | undefined {
  const parsed = parse(proof);
  return parsed === undefined ? undefined : parsed.segment.index * piece.paddedBytes;
}

/**
 * Whether the proof shows the file in the aggregate and its entry in the index. Never throws: whatever is
 * malformed is `false`.
 */
export function verifyAggregateInclusion(statement: AggregateInclusionStatement): boolean {
  const { aggregate, piece, proof } = statement;
  const top = pieceHeight(aggregate.paddedBytes);
  const first = pieceHeight(piece.paddedBytes);
  if (top === undefined || first === undefined || aggregate.paddedBytes < minAggregateBytes) return false;
  if (!isPieceCommitment(aggregate.commitment) || !isPieceCommitment(piece.commitment)) return false;
  const parsed = parse(proof);
  if (parsed === undefined) return false;
  const { segment, entry } = parsed;
  if (segment.siblings.length !== top - first || entry.siblings.length !== top - 1) return false;
  const area = indexArea(aggregate.paddedBytes);
  const offsetPaddedBytes = segment.index * piece.paddedBytes;
  const entryOffset = entry.index * entryBytes;
  if (offsetPaddedBytes + piece.paddedBytes > area.offsetPaddedBytes) return false;
  if (entryOffset < area.offsetPaddedBytes || entryOffset >= aggregate.paddedBytes) return false;
  const encoded = encodeEntry({ ...piece, offsetPaddedBytes });
  const entryNode = hashPair(encoded.subarray(0, nodeBytes), encoded.subarray(nodeBytes));
  return (
    leadsTo(aggregate.commitment, piece.commitment, segment) &&
    leadsTo(aggregate.commitment, entryNode, entry)
  );
}

function parse(proof: Uint8Array): Decoded<typeof proofCodec> | undefined {
  if (proof.length > maxProofBytes) return undefined;
  try {
    return decode(proofCodec, proof);
  } catch {
    return undefined; // whatever a peer sends is a proof or none
  }
}

function leadsTo(root: Uint8Array, start: Uint8Array, { index, siblings }: Path): boolean {
  let node = start;
  let position = index;
  for (const sibling of siblings) {
    if (!isPieceCommitment(sibling)) return false;
    node = position % 2 === 0 ? hashPair(node, sibling) : hashPair(sibling, node);
    position = Math.floor(position / 2);
  }
  return position === 0 && equalBytes(node, root);
}
