/** Errors of aggregates: what a caller asked for; a false proof or a bad entry of a peer is no error. */
import { defineErrors } from "@holdfast/base";

export const aggregateErrors = defineErrors("aggregate", {
  empty: {
    exit: "usage",
    message: (data: { pieces: number }) => `an aggregate of ${data.pieces} pieces has no index`,
    fix: "give at least one piece",
  },
  tooManyPieces: {
    exit: "usage",
    message: (data: { pieces: number; entries: number; paddedBytes: number }) =>
      `the index of an aggregate of ${data.paddedBytes} padded bytes has ${data.entries} entries, ` +
      `not ${data.pieces}`,
    fix: "make a larger aggregate, or several",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { neededBytes: number; paddedBytes: number }) =>
      `the pieces and the index need ${data.neededBytes} padded bytes, the aggregate has ${data.paddedBytes}`,
    fix: "make a larger aggregate, or several; the largest pieces first leave the fewest gaps",
  },
  noSuchPiece: {
    exit: "not-found",
    message: (data: { index: number; count: number }) => `no piece ${data.index} among ${data.count} pieces`,
    fix: "ask for a piece index from 0 to the number of pieces − 1",
  },
  badIndexLength: {
    exit: "usage",
    message: (data: { length: number; expected: number }) =>
      `the index area has ${data.length} bytes, not ${data.expected}`,
    fix: "read the whole area that indexArea names, in the form that the function asks for",
  },
});
