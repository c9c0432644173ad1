/** Pieces: commitments, CIDs, their layout in a sector, and proofs that a sector holds one. */
export { isPieceCommitment, pieceCid, pieceCommitment } from "./cid.ts";
export { CommPStream, commP, type PieceInfo, type RowObserver } from "./comm-p.ts";
export { piecesErrors } from "./errors.ts";
export { type NodeObserver, TreeFold } from "./fold.ts";
export {
  inclusionOffset,
  type PieceInclusionStatement,
  provePieceInclusion,
  verifyPieceInclusion,
} from "./inclusion.ts";
export { layoutPieces, type PiecePlacement, placePieces, type SectorLayout } from "./layout.ts";
export {
  maxUserBytes,
  minPaddedPieceBytes,
  paddedPieceBytes,
  pieceAlignment,
  pieceHeight,
  pieceHeightOrThrow,
} from "./size.ts";
export { hashPair, zeroNode, zeroPieceCommitment } from "./zero.ts";
