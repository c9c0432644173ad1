/**
 * Piece inclusion from a list of pieces, in the order in which they lie in the sector: commitments are enough,
 * no data is read. Source: Filecoin specs, sector data layout.
 */
import { fromHex, parseCid, toHex } from "@holdfast/base";
import {
  inclusionOffset,
  layoutPieces,
  type PieceInfo,
  pieceCid,
  pieceCommitment,
  provePieceInclusion,
  verifyPieceInclusion,
} from "@holdfast/proofs/piece";
import { offlineErrors } from "./errors.ts";
import type { InclusionFile } from "./proof-file.ts";

export interface ListedPiece {
  /** 32 bytes in hex. */
  readonly commP: string;
  /** 128·2^k. */
  readonly paddedBytes: number;
}

/** Errors `cid/malformed`, `pieces/bad-cid`. */
export function commPOfCid(text: string): string {
  return toHex(pieceCommitment(parseCid(text)));
}

/**
 * The proof that piece `index` (from 0) lies under commD of the sector that these pieces make.
 * Errors `pieces/bad-size`, `pieces/bad-sector-size`, `pieces/too-large`, `pieces/no-such-piece`.
 */
export function proveInclusion(
  listed: readonly ListedPiece[],
  sectorBytes: number,
  index: number,
): InclusionFile {
  const pieces: PieceInfo[] = listed.map(({ commP, paddedBytes }) => ({
    commitment: fromHex(commP),
    paddedBytes,
  }));
  const { commD, placements } = layoutPieces(pieces, sectorBytes);
  const proof = provePieceInclusion(pieces, sectorBytes, index);
  const { commP = "", paddedBytes = 0 } = listed[index] ?? {};
  return {
    kind: "piece-inclusion",
    sectorBytes,
    commD: toHex(commD),
    pieceCid: pieceCid(fromHex(commP)).toString(),
    commP,
    paddedBytes,
    offsetPaddedBytes: placements[index]?.offsetPaddedBytes ?? 0,
    proof: toHex(proof),
  };
}

/** What was checked, in words. Error `proof/invalid`. */
export function checkInclusion(file: InclusionFile): readonly string[] {
  const { commD, commP, sectorBytes, paddedBytes, offsetPaddedBytes } = file;
  const proof = fromHex(file.proof);
  const statement = { commD: fromHex(commD), sectorBytes, commP: fromHex(commP), paddedBytes, proof };
  if (!verifyPieceInclusion(statement)) {
    throw offlineErrors.invalid({ what: "its siblings do not lead from commP to commD" });
  }
  if (inclusionOffset(proof) !== offsetPaddedBytes) {
    throw offlineErrors.invalid({ what: `the piece does not begin at ${offsetPaddedBytes}` });
  }
  return [
    "the siblings lead from commP to commD",
    "the piece is a whole, aligned subtree of the stated size at the stated offset",
  ];
}
