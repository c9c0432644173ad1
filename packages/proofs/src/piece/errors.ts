/** Errors of pieces: what a caller asked for; a false inclusion proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const piecesErrors = defineErrors("pieces", {
  empty: {
    exit: "usage",
    message: (data: { userBytes: number }) => `a piece of ${data.userBytes} bytes has no commitment`,
    fix: "give at least one byte",
  },
  badSize: {
    exit: "usage",
    message: (data: { paddedBytes: number }) =>
      `a piece cannot have ${data.paddedBytes} padded bytes: its size is 128·2^k`,
    fix: "use the padded size that comes with the piece commitment",
  },
  badSectorSize: {
    exit: "usage",
    message: (data: { sectorBytes: number }) =>
      `a sector cannot have ${data.sectorBytes} bytes: its size is 128·2^k`,
    fix: "use a sector size from the table of sector sizes",
  },
  badCommitment: {
    exit: "usage",
    message: (data: { hex: string }) =>
      `${data.hex === "" ? "no bytes" : data.hex} is no piece commitment: 32 bytes with two zero top bits`,
    fix: "compute the commitment with commP",
  },
  badCid: {
    exit: "usage",
    message: (data: { cid: string }) => `${data.cid} is not a piece CID (fil-commitment-unsealed)`,
    fix: "give the piece CID (it starts with baga6ea4seaq), not the CID of the payload",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { neededBytes: number; sectorBytes: number }) =>
      `the pieces need ${data.neededBytes} padded bytes with their alignment, the sector has ${data.sectorBytes}`,
    fix: "put fewer or smaller pieces into the sector, or use a larger sector size",
  },
  noSuchPiece: {
    exit: "not-found",
    message: (data: { index: number; count: number }) => `no piece ${data.index} among ${data.count} pieces`,
    fix: "ask for a piece index from 0 to the number of pieces − 1",
  },
});
