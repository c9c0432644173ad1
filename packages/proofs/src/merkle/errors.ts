/** Errors of Merkle trees. They are for callers; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const merkleErrors = defineErrors("merkle", {
  badLeafCount: {
    exit: "usage",
    message: (data: { hasher: string; leafCount: number }) =>
      `a tree of ${data.hasher} cannot have ${data.leafCount} leaves`,
    fix: "give a whole number of 32-byte leaves whose count the hasher has a shape for (a power of two)",
  },
  badLength: {
    exit: "usage",
    message: (data: { what: string; length: number; expected: number }) =>
      `${data.what} has ${data.length} bytes, not ${data.expected}`,
    fix: "build the tree again from its leaves: the stored bytes are cut or belong to another tree",
  },
  badIndex: {
    exit: "usage",
    message: (data: { index: number; leafCount: number }) =>
      `no leaf ${data.index} in a tree of ${data.leafCount} leaves`,
    fix: "ask for a leaf index from 0 to the leaf count − 1",
  },
});
