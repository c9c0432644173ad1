/** Errors of the compatibility kind. They are for callers; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const zigzag2019Errors = defineErrors("zigzag2019", {
  badSectorSize: {
    exit: "usage",
    message: (data: { sectorBytes: number; smallest: number; largest: number }) =>
      `a zigzag-2019 sector cannot have ${data.sectorBytes} bytes`,
    fix: (data) => `use a power of two from ${data.smallest} to ${data.largest} bytes`,
  },
  tooMuchData: {
    exit: "usage",
    message: (data: { userBytes: number; capacity: number }) =>
      `${data.userBytes} user bytes do not fit into a sector that holds ${data.capacity}`,
    fix: "use a larger sector size, or pass less data",
  },
  badLength: {
    exit: "usage",
    message: (data: { what: string; length: number; expected: number }) =>
      `${data.what} has ${data.length} bytes, not ${data.expected}`,
    fix: "pass exactly that many bytes",
  },
  badNumber: {
    exit: "usage",
    message: (data: { what: string; value: string; least: string; most: string }) =>
      `${data.what} is ${data.value}, not a whole number from ${data.least} to ${data.most}`,
    fix: "pass a number within these limits",
  },
  badTaper: {
    exit: "usage",
    message: (data: { taper: number }) => `the taper ${data.taper} is not from 0 to below 1`,
    fix: "pass the share of challenges that each layer before the last loses, for example 1/3",
  },
  badLeafCount: {
    exit: "usage",
    message: (data: { leafCount: number }) => `a tree of the era cannot have ${data.leafCount} leaves`,
    fix: "give two leaves of 32 bytes or more",
  },
  badIndex: {
    exit: "usage",
    message: (data: { index: number; leafCount: number }) =>
      `no leaf ${data.index} in a tree of ${data.leafCount} leaves`,
    fix: "ask for a leaf index from 0 to the leaf count − 1",
  },
  malformedInput: {
    exit: "usage",
    message: (data: { what: string; count: number; expected: number }) =>
      `there are ${data.count} ${data.what}, not ${data.expected}`,
    fix: "pass as many as the parameters of the proof say",
  },
  invalidCommitment: {
    exit: "usage",
    message: (data: { sector: number; expected: string; found: string }) =>
      `the tree of sector ${data.sector} has the root ${data.found}, its commitment is ${data.expected}`,
    fix: "build the tree from the replica that the commitment was made of",
  },
});

/** Refuses what is no whole number in [least, most]. Throws zigzag2019/bad-number. */
export function checkNumber(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw zigzag2019Errors.badNumber({ what, value: `${value}`, least: `${least}`, most: `${most}` });
}

/** Refuses bytes of another length. Throws zigzag2019/bad-length. */
export function checkLength(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) throw zigzag2019Errors.badLength({ what, length: bytes.length, expected });
}
