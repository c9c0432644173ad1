/**
 * The tree of replicas and layers: Poseidon with arity 8 from the leaves up, and one top level of arity 2 or 4
 * for what is left, so 8^k·{1, 2, 4} leaves: every power of two (Filecoin's shapes 8-0-0, 8-2-0, 8-4-0, 8-8-2 …
 * named by their leaf counts).
 */
import { assert } from "@holdfast/base";
import { assertFrs, isFr } from "../field/index.ts";
import { exactLog2, nodeBytes, type TreeHasher } from "./hasher.ts";
import { treeKernel } from "./kernel.ts";

const baseArity = 8;
const baseLog2 = 3;

function hashRow(row: Uint8Array, arity: number, room?: Uint8Array): Uint8Array {
  assert(row.length % (arity * nodeBytes) === 0, "the row is made of whole groups");
  assertFrs(row);
  return treeKernel.poseidonRow(row, arity, room);
}

/**
 * Poseidon tree over any power of two of leaves. Nodes must be canonical field elements: building or hashing
 * throws field/not-canonical otherwise, and verifying is false.
 */
export const poseidonHasher: TreeHasher = {
  name: "poseidon",
  shapeOf(leafCount) {
    const height = exactLog2(leafCount);
    if (height === undefined) return undefined;
    const shape = Array.from({ length: Math.floor(height / baseLog2) }, () => baseArity);
    const left = 2 ** (height % baseLog2);
    return left === 1 ? shape : [...shape, left];
  },
  isNode: isFr,
  hash: (children) => hashRow(children, children.length / nodeBytes),
  hashRow,
};
