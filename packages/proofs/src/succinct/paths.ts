/** Leaves and paths of replica trees as circuits take them: field elements, level by level. */
import { frFromBytes, frsFromBytes } from "../field/index.ts";
import { type MerkleTree, nodeBytes, openPath, poseidonHasher } from "../merkle/index.ts";

/** A leaf as a field element. */
export function leafAt(tree: MerkleTree, node: number): bigint {
  return frFromBytes(tree.leaves.subarray(node * nodeBytes, (node + 1) * nodeBytes));
}

/** A path as the circuit takes it: per level the siblings, the node itself left out. */
export function pathOf(tree: MerkleTree, index: number): readonly (readonly bigint[])[] {
  return levelsOfPath(tree.leafCount, frsFromBytes(openPath(tree, index)));
}

/** The siblings of a path in a tree of so many leaves, level by level. */
export function levelsOfPath(leafCount: number, siblings: readonly bigint[]): readonly (readonly bigint[])[] {
  let at = 0;
  return (poseidonHasher.shapeOf(leafCount) ?? []).map((arity) => {
    at += arity - 1;
    return siblings.slice(at - arity + 1, at);
  });
}
