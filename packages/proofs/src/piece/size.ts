/**
 * Sizes of pieces. A piece is Fr32-padded and zero-filled to 128·2^k bytes, so that it is a subtree of the
 * sector's data tree. Source: Filecoin specs, pieces.
 */
import { paddedBlockBytes, paddedLength, userBlockBytes } from "../fr32/index.ts";
import { exactLog2, nodeBytes } from "../merkle/index.ts";
import { piecesErrors } from "./errors.ts";

/** The smallest piece: 4 leaves, 127 user bytes. */
export const minPaddedPieceBytes = paddedBlockBytes;

/** Padded bytes, 128·2^k, of a piece of this many user bytes (≥ 1). Throws pieces/empty. */
export function paddedPieceBytes(userBytes: number): number {
  if (!(userBytes > 0)) throw piecesErrors.empty({ userBytes });
  let padded = minPaddedPieceBytes;
  while (padded < paddedLength(userBytes)) padded *= 2;
  return padded;
}

/** User bytes that fill a piece or a sector of this padded size, 128·2^k. */
export function maxUserBytes(paddedBytes: number): number {
  return (paddedBytes / paddedBlockBytes) * userBlockBytes;
}

/** Levels above the leaves of a subtree of `paddedBytes`, or `undefined` if that is not 128·2^k. */
export function pieceHeight(paddedBytes: number): number | undefined {
  return paddedBytes < minPaddedPieceBytes ? undefined : exactLog2(paddedBytes / nodeBytes);
}

/** The height of a piece. Throws pieces/bad-size. */
export function pieceHeightOrThrow(paddedBytes: number): number {
  const height = pieceHeight(paddedBytes);
  if (height === undefined) throw piecesErrors.badSize({ paddedBytes });
  return height;
}

/** The height of a sector's data tree. Throws pieces/bad-sector-size. */
export function sectorHeightOrThrow(sectorBytes: number): number {
  const height = pieceHeight(sectorBytes);
  if (height === undefined) throw piecesErrors.badSectorSize({ sectorBytes });
  return height;
}

/**
 * Zero bytes to write before and after a piece of `userBytes` when `writtenUserBytes` are already in the
 * sector, so that it starts at a multiple of its own size; all in user bytes.
 */
export function pieceAlignment(writtenUserBytes: number, userBytes: number): { left: number; right: number } {
  const needed = maxUserBytes(paddedPieceBytes(Math.max(1, userBytes)));
  return { left: (needed - (writtenUserBytes % needed)) % needed, right: needed - userBytes };
}
