/**
 * Piece inclusion: a piece is a whole subtree of the sector's data tree, shown by the siblings from the piece's
 * root up to commD. A proof is the piece's first leaf (8 bytes, little-endian) and those siblings.
 * Invariant: a piece of a stated size has one height, so the proof has exactly sector height − piece height
 * siblings. That count is what stops a prover from passing an inner node, or commP stored as a leaf, for a
 * piece; and with the alignment, it leaves one encoding per position.
 * Source: rust-fil-proofs 2019, piece inclusion proofs; its checks, made strict.
 */
import { assert, equalBytes, littleEndian, readLittleEndian } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { assertPieceCommitment, isPieceCommitment } from "./cid.ts";
import type { PieceInfo } from "./comm-p.ts";
import { piecesErrors } from "./errors.ts";
import { placePieces, subtreeRoot } from "./layout.ts";
import { pieceHeight, pieceHeightOrThrow, sectorHeightOrThrow } from "./size.ts";
import { hashPair } from "./zero.ts";

const positionBytes = 8;
/** Byte offsets of leaves up to this one are safe integers. */
const maxLeaf = 2n ** 48n - 1n;

export interface PieceInclusionStatement {
  readonly commD: Uint8Array;
  /** Padded bytes of the sector. */
  readonly sectorBytes: number;
  readonly commP: Uint8Array;
  /** Padded bytes of the piece. */
  readonly paddedBytes: number;
  readonly proof: Uint8Array;
}

/**
 * Proves that piece number `index` of a sector laid out by `layoutPieces` lies under its commD. Needs the
 * commitments of all pieces, no data.
 * Throws pieces/no-such-piece, and as layoutPieces does for a list that it refuses.
 */
export function provePieceInclusion(
  pieces: readonly PieceInfo[],
  sectorBytes: number,
  index: number,
): Uint8Array {
  const sizes = pieces.map(({ paddedBytes }) => paddedBytes);
  const placements = placePieces(sizes, sectorBytes);
  for (const { commitment } of pieces) assertPieceCommitment(commitment);
  const piece = pieces[index];
  const placement = placements[index];
  if (piece === undefined || placement === undefined) {
    throw piecesErrors.noSuchPiece({ index, count: pieces.length });
  }
  const first = pieceHeightOrThrow(piece.paddedBytes);
  const levels = sectorHeightOrThrow(sectorBytes) - first;
  const position = placement.offsetPaddedBytes / nodeBytes;
  const proof = new Uint8Array(positionBytes + levels * nodeBytes);
  proof.set(littleEndian(position, positionBytes));
  for (let level = 0; level < levels; level += 1) {
    const width = 2 ** (first + level);
    const node = Math.floor(position / width);
    const sibling = node % 2 === 0 ? node + 1 : node - 1;
    const root = subtreeRoot(pieces, placements, sibling * width, first + level);
    proof.set(root, positionBytes + level * nodeBytes);
  }
  return proof;
}

/** The offset in the padded sector that an inclusion proof claims; `undefined` if it is too short to say. */
export function inclusionOffset(proof: Uint8Array): number | undefined {
  if (proof.length < positionBytes) return undefined;
  const leaf = readLittleEndian(proof.subarray(0, positionBytes));
  return leaf > maxLeaf ? undefined : Number(leaf) * nodeBytes;
}

/** Whether the proof shows the piece in the sector. Never throws: whatever is malformed is `false`. */
export function verifyPieceInclusion(statement: PieceInclusionStatement): boolean {
  const { commD, sectorBytes, commP, paddedBytes, proof } = statement;
  const top = pieceHeight(sectorBytes);
  const first = pieceHeight(paddedBytes);
  if (top === undefined || first === undefined || first > top) return false;
  if (!isPieceCommitment(commD) || !isPieceCommitment(commP)) return false;
  if (proof.length !== positionBytes + (top - first) * nodeBytes) return false;
  const offset = inclusionOffset(proof);
  if (offset === undefined || offset % paddedBytes !== 0 || offset + paddedBytes > sectorBytes) return false;
  let node = commP;
  let position = offset / paddedBytes;
  for (let at = positionBytes; at < proof.length; at += nodeBytes) {
    const sibling = proof.subarray(at, at + nodeBytes);
    if (!isPieceCommitment(sibling)) return false;
    node = position % 2 === 0 ? hashPair(node, sibling) : hashPair(sibling, node);
    position = Math.floor(position / 2);
  }
  assert(position === 0, "the path used every bit of the position");
  return equalBytes(node, commD);
}
