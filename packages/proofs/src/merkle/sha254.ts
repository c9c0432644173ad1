/**
 * The binary tree of unsealed data: node = sha2-256(left ‖ right) with the two top bits cleared, so that every
 * node is below 2^254 and so a field element ("sha2-256-trunc254-padded" of the multicodec table).
 * Source: Filecoin specs, piece commitments.
 */
import { assert } from "@holdfast/base";
import { exactLog2, nodeBytes, type TreeHasher } from "./hasher.ts";
import { treeKernel } from "./kernel.ts";

const arity = 2;

/** Binary sha2-256-trunc254 tree over any power of two of leaves. Leaves may be any 32 bytes. */
export const sha254Hasher: TreeHasher = {
  name: "sha2-256-trunc254",
  shapeOf(leafCount) {
    const height = exactLog2(leafCount);
    return height === undefined ? undefined : Array.from({ length: height }, () => arity);
  },
  isNode: (node) => node.length === nodeBytes,
  hash(children) {
    assert(children.length === arity * nodeBytes, "a sha2-256-trunc254 node has two children");
    return treeKernel.sha256Pairs(children);
  },
  hashRow(row, rowArity, room) {
    assert(rowArity === arity && row.length % (arity * nodeBytes) === 0, "the row is made of whole pairs");
    return treeKernel.sha256Pairs(row, room);
  },
};
