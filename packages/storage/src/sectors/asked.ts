/** Whether a piece that somebody wants to add is one, and whether it is the one that is known by its key already. */
import { equalBytes, utf8Bytes } from "@holdfast/base";
import { isPieceCommitment, maxUserBytes, paddedPieceBytes } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { PieceRow } from "../store/index.ts";
import { type StorageLimits, sectorSizesOf } from "./options.ts";
import type { NewPiece } from "./types.ts";

type AskedPiece = Omit<NewPiece, "source">;

/** Throws storage/bad-piece-key, bad-piece, piece-too-large. */
export function checkAsked(
  { pieceKey, commP, paddedBytes, userBytes }: AskedPiece,
  limits: StorageLimits,
): void {
  const { maxPieceKeyBytes } = limits;
  const sectorBytes = Math.max(...sectorSizesOf(limits));
  const keyBytes = utf8Bytes(pieceKey).length;
  if (keyBytes === 0 || keyBytes > maxPieceKeyBytes) {
    throw storageErrors.badPieceKey({ bytes: keyBytes, maxBytes: maxPieceKeyBytes });
  }
  const refuse = (reason: string) => storageErrors.badPiece({ pieceKey, reason });
  if (!isPieceCommitment(commP)) throw refuse("commP is not 32 bytes below 2^254");
  if (!Number.isSafeInteger(userBytes) || userBytes < 1) throw refuse(`it has ${userBytes} bytes`);
  const capacity = maxUserBytes(sectorBytes);
  if (userBytes > capacity || paddedBytes > sectorBytes) {
    throw storageErrors.pieceTooLarge({ pieceKey, userBytes, maxUserBytes: capacity });
  }
  const least = paddedPieceBytes(userBytes);
  if (!Number.isInteger(Math.log2(paddedBytes)) || paddedBytes < least) {
    throw refuse(`${paddedBytes} is no padded size of ${userBytes} bytes (${least} is the least)`);
  }
}

export function isSamePiece(known: PieceRow, asked: AskedPiece): boolean {
  return (
    equalBytes(known.commP, asked.commP) &&
    known.paddedBytes === asked.paddedBytes &&
    known.userBytes === asked.userBytes
  );
}
