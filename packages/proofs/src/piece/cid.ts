/**
 * Piece CIDs: CIDv1 with codec fil-commitment-unsealed and multihash sha2-256-trunc254-padded, whose digest is
 * the commitment itself; text "baga6ea4seaq…". Source: the multicodec table; Filecoin specs, commitments.
 */
import { type CID, cidFromBytes, concatBytes, toHex } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { piecesErrors } from "./errors.ts";

/** fil-commitment-unsealed */
const pieceCodec = 0xf101;
/** sha2-256-trunc254-padded */
const pieceHash = 0x1012;
/** Varints of version 1, codec, hash and digest length. */
const prefix = Uint8Array.of(0x01, 0x81, 0xe2, 0x03, 0x92, 0x20, nodeBytes);

/** Whether these are 32 bytes below 2^254, as every node of a data tree is. */
export function isPieceCommitment(commitment: Uint8Array): boolean {
  return commitment.length === nodeBytes && (commitment[nodeBytes - 1] as number) < 0x40;
}

/** Throws pieces/bad-commitment. */
export function assertPieceCommitment(commitment: Uint8Array): void {
  if (isPieceCommitment(commitment)) return;
  throw piecesErrors.badCommitment({ hex: toHex(commitment.subarray(0, nodeBytes + 1)) });
}

/** The CID of a piece commitment (of commP or commD). Throws pieces/bad-commitment. */
export function pieceCid(commitment: Uint8Array): CID {
  assertPieceCommitment(commitment);
  return cidFromBytes(concatBytes(prefix, commitment));
}

/** The commitment in a piece CID. Throws pieces/bad-cid. */
export function pieceCommitment(cid: CID): Uint8Array {
  const { code, digest } = cid.multihash;
  if (cid.version !== 1 || cid.code !== pieceCodec || code !== pieceHash || !isPieceCommitment(digest)) {
    throw piecesErrors.badCid({ cid: cid.toString().slice(0, 120) });
  }
  return digest.slice();
}
