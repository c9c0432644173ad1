/** Leaves and paths of stored trees of Poseidon as circuits take them: field elements, level by level. */
import { frFromBytes } from "../field/index.ts";
import { nodeBytes, poseidonHasher } from "../merkle/index.ts";
import { type NodeLookup, pathStored, type StoredTree } from "../seal-io/index.ts";

/** Where a leaf and the siblings of its path lie. */
export function leafNodes(tree: StoredTree, leaf: number): readonly number[] {
  return [tree.offset + leaf * nodeBytes, ...pathStored(tree, leaf)];
}

/** A leaf that was read, as a field element. */
export function leafAt(tree: StoredTree, nodeAt: NodeLookup, leaf: number): bigint {
  return frFromBytes(nodeAt(tree.offset + leaf * nodeBytes));
}

/** A path that was read: per level the siblings, the node itself left out. */
export function pathAt(tree: StoredTree, nodeAt: NodeLookup, leaf: number): readonly (readonly bigint[])[] {
  const siblings = pathStored(tree, leaf).map((offset) => frFromBytes(nodeAt(offset)));
  let at = 0;
  return (poseidonHasher.shapeOf(tree.leafCount) ?? []).map((arity) => {
    at += arity - 1;
    return siblings.slice(at - arity + 1, at);
  });
}
