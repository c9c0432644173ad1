/**
 * Where pieces lie in a sector, and the sector's commD: pieces in the given order, each at a multiple of its
 * own padded size, zero pieces between them and behind the last. So every piece is a subtree of the data tree
 * and commD follows from the piece commitments alone. Source: Filecoin specs, sector data layout.
 */
import { nodeBytes } from "../merkle/index.ts";
import { assertPieceCommitment } from "./cid.ts";
import type { PieceInfo } from "./comm-p.ts";
import { piecesErrors } from "./errors.ts";
import { TreeFold } from "./fold.ts";
import { pieceHeightOrThrow, sectorHeightOrThrow } from "./size.ts";

export interface PiecePlacement {
  /** Position in the list of pieces. */
  readonly index: number;
  /** Offset in the padded sector. */
  readonly offsetPaddedBytes: number;
}

export interface SectorLayout {
  readonly placements: readonly PiecePlacement[];
  /** Root of the whole sector's data tree. */
  readonly commD: Uint8Array;
}

/**
 * Offsets of pieces in a sector of `sectorBytes` padded bytes.
 * Throws pieces/bad-size, pieces/bad-sector-size, pieces/too-large.
 */
export function placePieces(paddedSizes: readonly number[], sectorBytes: number): readonly PiecePlacement[] {
  sectorHeightOrThrow(sectorBytes);
  let end = 0;
  const placements = paddedSizes.map((paddedBytes, index) => {
    pieceHeightOrThrow(paddedBytes);
    const offsetPaddedBytes = Math.ceil(end / paddedBytes) * paddedBytes;
    end = offsetPaddedBytes + paddedBytes;
    return { index, offsetPaddedBytes };
  });
  if (end > sectorBytes) throw piecesErrors.tooLarge({ neededBytes: end, sectorBytes });
  return placements;
}

/**
 * Places pieces in order in a sector of `sectorBytes` padded bytes and folds their commitments to commD.
 * Throws pieces/bad-size, pieces/bad-sector-size, pieces/bad-commitment, pieces/too-large.
 */
export function layoutPieces(pieces: readonly PieceInfo[], sectorBytes: number): SectorLayout {
  const sizes = pieces.map(({ paddedBytes }) => paddedBytes);
  const placements = placePieces(sizes, sectorBytes);
  const fold = new TreeFold();
  for (const { commitment, paddedBytes } of pieces) {
    assertPieceCommitment(commitment);
    const height = pieceHeightOrThrow(paddedBytes);
    fold.align(height);
    fold.add(height, commitment);
  }
  return { placements, commD: fold.finish(sectorHeightOrThrow(sectorBytes)) };
}

/** The root of the subtree of `height` at `leaf` in the layout: placed pieces folded, zeros elsewhere. */
export function subtreeRoot(
  pieces: readonly PieceInfo[],
  placements: readonly PiecePlacement[],
  leaf: number,
  height: number,
): Uint8Array {
  const start = leaf * nodeBytes;
  const end = start + nodeBytes * 2 ** height;
  const fold = new TreeFold();
  for (const { index, offsetPaddedBytes } of placements) {
    const piece = pieces[index];
    if (piece === undefined || offsetPaddedBytes < start || offsetPaddedBytes >= end) continue;
    const pieceHeight = pieceHeightOrThrow(piece.paddedBytes);
    fold.align(pieceHeight);
    fold.add(pieceHeight, piece.commitment);
  }
  return fold.finish(height);
}
