/**
 * Many leaves of one tree opened together. Both sides know which leaves (they follow from the challenges),
 * so an opening holds no index: the leaves in ascending order, then per level from the leaves up, the nodes
 * that are needed beside the known ones, from left to right. A node that two paths share is there once or
 * not at all.
 * Invariant: for given leaf indices there is exactly one length and one encoding, so nothing can be added,
 * left out or reordered without the verifier noticing.
 */
import { assert, equalBytes } from "@holdfast/base";
import { type MerkleTree, nodeBytes, type TreeHasher } from "../merkle/index.ts";

/** The groups of one level that lie above known nodes, by the index of their parent. */
interface Level {
  readonly arity: number;
  readonly parents: readonly number[];
  /** Per parent: which of its children are known from below. */
  readonly known: ReadonlySet<number>;
}

function levelsOf(hasher: TreeHasher, leafCount: number, leaves: readonly number[]): readonly Level[] {
  const shape = hasher.shapeOf(leafCount);
  assert(shape !== undefined, "the tree has a shape");
  assert(leaves.length > 0, "something is opened");
  const levels: Level[] = [];
  let indices = leaves;
  for (const arity of shape) {
    const parents = [...new Set(indices.map((index) => Math.floor(index / arity)))];
    levels.push({ arity, parents, known: new Set(indices) });
    indices = parents;
  }
  return levels;
}

/** A node of a tree: level 0 are the leaves. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The nodes of the opening of these leaves (distinct, ascending, at least one) in its order. */
export function openingNodes(
  hasher: TreeHasher,
  leafCount: number,
  leaves: readonly number[],
): readonly TreeNode[] {
  const nodes: TreeNode[] = leaves.map((index) => ({ level: 0, index }));
  for (const [level, { arity, parents, known }] of levelsOf(hasher, leafCount, leaves).entries()) {
    for (const parent of parents) {
      for (let index = parent * arity; index < (parent + 1) * arity; index += 1) {
        if (!known.has(index)) nodes.push({ level, index });
      }
    }
  }
  return nodes;
}

/** Bytes of the opening of these leaves (distinct, ascending, at least one). */
export function openingLength(hasher: TreeHasher, leafCount: number, leaves: readonly number[]): number {
  const siblings = levelsOf(hasher, leafCount, leaves).reduce(
    (sum, { arity, parents, known }) => sum + parents.length * arity - known.size,
    0,
  );
  return (leaves.length + siblings) * nodeBytes;
}

/** Opens these leaves (distinct, ascending, at least one). */
export function openLeaves(tree: MerkleTree, leaves: readonly number[]): Uint8Array {
  const rows = [tree.leaves];
  let start = 0;
  let count = tree.leafCount;
  for (const arity of tree.hasher.shapeOf(tree.leafCount) ?? []) {
    count /= arity;
    rows.push(tree.rows.subarray(start, start + count * nodeBytes));
    start += count * nodeBytes;
  }
  const nodes = openingNodes(tree.hasher, tree.leafCount, leaves);
  const opening = new Uint8Array(nodes.length * nodeBytes);
  nodes.forEach(({ level, index }, i) => {
    const row = rows[level] ?? tree.leaves;
    opening.set(row.subarray(index * nodeBytes, (index + 1) * nodeBytes), i * nodeBytes);
  });
  return opening;
}

/** The opened leaves of an opening, by index, before anything is verified. */
export function openedLeaves(
  leaves: readonly number[],
  opening: Uint8Array,
): ReadonlyMap<number, Uint8Array> {
  return new Map(leaves.map((leaf, i) => [leaf, opening.subarray(i * nodeBytes, (i + 1) * nodeBytes)]));
}

/**
 * Whether these are the leaves with these indices of the tree of exactly `leafCount` leaves under `root`.
 * Never throws on bad bytes: a wrong length or a node that the hasher does not take is `false`.
 */
export function verifyOpening(
  hasher: TreeHasher,
  root: Uint8Array,
  leafCount: number,
  leaves: readonly number[],
  opening: Uint8Array,
): boolean {
  if (opening.length !== openingLength(hasher, leafCount, leaves)) return false;
  for (let at = 0; at < opening.length; at += nodeBytes) {
    if (!hasher.isNode(opening.subarray(at, at + nodeBytes))) return false;
  }
  let row = openedLeaves(leaves, opening);
  let at = leaves.length * nodeBytes;
  for (const { arity, parents } of levelsOf(hasher, leafCount, leaves)) {
    const groups = new Uint8Array(parents.length * arity * nodeBytes);
    parents.forEach((parent, i) => {
      for (let child = 0; child < arity; child += 1) {
        let node = row.get(parent * arity + child);
        if (node === undefined) {
          node = opening.subarray(at, at + nodeBytes);
          at += nodeBytes;
        }
        groups.set(node, (i * arity + child) * nodeBytes);
      }
    });
    row = openedLeaves(parents, hasher.hashRow(groups, arity));
  }
  const top = row.get(0);
  return top !== undefined && equalBytes(top, root);
}
