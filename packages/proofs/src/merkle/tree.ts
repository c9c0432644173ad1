/**
 * Merkle trees over 32-byte leaves: build, open, verify.
 * Layout: leaves first, then each row, the root last, all in one run of bytes, so that a stored tree answers a
 * path by offsets alone. `rows` is that layout without its leaves (which the caller usually stores anyway:
 * they are the sector). A tree of one leaf has no rows; its root is the leaf.
 * Invariant: a path holds, per level from the leaves up, the siblings in order without the node itself; the
 * leaf index fixes every position, so there is exactly one encoding of a path.
 */
import { equalBytes } from "@holdfast/base";
import { merkleErrors } from "./errors.ts";
import { type Commitment, hashRowInto, nodeBytes, type TreeHasher } from "./hasher.ts";

export interface MerkleTree {
  readonly hasher: TreeHasher;
  readonly leafCount: number;
  readonly leaves: Uint8Array;
  /** Every row above the leaves, the root last; empty when there is one leaf. */
  readonly rows: Uint8Array;
  readonly root: Commitment;
}

/** A run of bytes in the layout "leaves, then rows". */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

function shapeOrThrow(hasher: TreeHasher, leafCount: number): readonly number[] {
  const shape = hasher.shapeOf(leafCount);
  if (shape === undefined) throw merkleErrors.badLeafCount({ hasher: hasher.name, leafCount });
  return shape;
}

/** Bytes of all rows above the leaves, the root included. Throws merkle/bad-leaf-count. */
export function rowsLength(hasher: TreeHasher, leafCount: number): number {
  let count = leafCount;
  let nodes = 0;
  for (const arity of shapeOrThrow(hasher, leafCount)) {
    count /= arity;
    nodes += count;
  }
  return nodes * nodeBytes;
}

/** Bytes of a path in a tree of this many leaves. Throws merkle/bad-leaf-count. */
export function pathLength(hasher: TreeHasher, leafCount: number): number {
  return shapeOrThrow(hasher, leafCount).reduce((sum, arity) => sum + arity - 1, 0) * nodeBytes;
}

/** Builds a tree over `leaves` (32 bytes each). Throws merkle/bad-leaf-count. */
export function buildTree(hasher: TreeHasher, leaves: Uint8Array): MerkleTree {
  const leafCount = leaves.length / nodeBytes;
  const rows = new Uint8Array(rowsLength(hasher, leafCount));
  let row = leaves;
  let at = 0;
  for (const arity of shapeOrThrow(hasher, leafCount)) {
    const place = rows.subarray(at, at + row.length / arity);
    hashRowInto(hasher, row, arity, place);
    row = place;
    at += row.length;
  }
  return { hasher, leafCount, leaves, rows, root: row.slice(0, nodeBytes) };
}

/**
 * A tree from stored parts, without hashing: the root is the last node of `rows`.
 * Throws merkle/bad-leaf-count, merkle/bad-length.
 */
export function treeFromParts(hasher: TreeHasher, leaves: Uint8Array, rows: Uint8Array): MerkleTree {
  const leafCount = leaves.length / nodeBytes;
  const expected = rowsLength(hasher, leafCount);
  if (rows.length !== expected) {
    throw merkleErrors.badLength({ what: "the rows of the tree", length: rows.length, expected });
  }
  const root = rows.length === 0 ? leaves.slice() : rows.slice(rows.length - nodeBytes);
  return { hasher, leafCount, leaves, rows, root };
}

/** The layout of a tree file: leaves, then rows, the root last. */
export function serializeTree(tree: MerkleTree): Uint8Array {
  const bytes = new Uint8Array(tree.leaves.length + tree.rows.length);
  bytes.set(tree.leaves);
  bytes.set(tree.rows, tree.leaves.length);
  return bytes;
}

/** Inverse of `serializeTree`, without copying or hashing. Throws merkle/bad-leaf-count, merkle/bad-length. */
export function parseTree(hasher: TreeHasher, leafCount: number, bytes: Uint8Array): MerkleTree {
  const leavesLength = leafCount * nodeBytes;
  const expected = leavesLength + rowsLength(hasher, leafCount);
  if (bytes.length !== expected) {
    throw merkleErrors.badLength({ what: "the tree", length: bytes.length, expected });
  }
  return treeFromParts(hasher, bytes.subarray(0, leavesLength), bytes.subarray(leavesLength));
}

/**
 * Where the bytes of a path lie in the layout "leaves, then rows", in path order; for readers of tree files.
 * Throws merkle/bad-leaf-count, merkle/bad-index.
 */
export function pathRanges(hasher: TreeHasher, leafCount: number, index: number): readonly ByteRange[] {
  const shape = shapeOrThrow(hasher, leafCount);
  if (!Number.isInteger(index) || index < 0 || index >= leafCount) {
    throw merkleErrors.badIndex({ index, leafCount });
  }
  const ranges: ByteRange[] = [];
  let rowStart = 0;
  let count = leafCount;
  let node = index;
  for (const arity of shape) {
    const position = node % arity;
    const first = rowStart + (node - position) * nodeBytes;
    if (position > 0) ranges.push({ offset: first, length: position * nodeBytes });
    const after = arity - 1 - position;
    if (after > 0) ranges.push({ offset: first + (position + 1) * nodeBytes, length: after * nodeBytes });
    rowStart += count * nodeBytes;
    count /= arity;
    node = (node - position) / arity;
  }
  return ranges;
}

/** The path of one leaf: siblings only, from the leaves up. Throws merkle/bad-index. */
export function openPath(tree: MerkleTree, index: number): Uint8Array {
  const path = new Uint8Array(pathLength(tree.hasher, tree.leafCount));
  let at = 0;
  for (const { offset, length } of pathRanges(tree.hasher, tree.leafCount, index)) {
    const inRows = offset - tree.leaves.length;
    path.set(
      inRows >= 0
        ? tree.rows.subarray(inRows, inRows + length)
        : tree.leaves.subarray(offset, offset + length),
      at,
    );
    at += length;
  }
  return path;
}

/**
 * Whether `leaf` is leaf number `index` of the tree of exactly `leafCount` leaves under `root`. Never throws:
 * any malformed input (a wrong length, an index out of range, a node that is no field element) is `false`.
 */
export function verifyPath(
  hasher: TreeHasher,
  root: Uint8Array,
  leafCount: number,
  index: number,
  leaf: Uint8Array,
  path: Uint8Array,
): boolean {
  const shape = hasher.shapeOf(leafCount);
  if (shape === undefined || !Number.isInteger(index) || index < 0 || index >= leafCount) return false;
  const siblings = shape.reduce((sum, arity) => sum + arity - 1, 0);
  if (path.length !== siblings * nodeBytes || leaf.length !== nodeBytes || root.length !== nodeBytes) {
    return false;
  }
  if (!hasher.isNode(leaf) || !allNodes(hasher, path)) return false;
  let node = leaf;
  let position = index;
  let at = 0;
  for (const arity of shape) {
    const within = position % arity;
    const before = within * nodeBytes;
    const children = new Uint8Array(arity * nodeBytes);
    children.set(path.subarray(at, at + before));
    children.set(node, before);
    children.set(path.subarray(at + before, at + (arity - 1) * nodeBytes), before + nodeBytes);
    node = hasher.hash(children);
    at += (arity - 1) * nodeBytes;
    position = (position - within) / arity;
  }
  return equalBytes(node, root);
}

function allNodes(hasher: TreeHasher, nodes: Uint8Array): boolean {
  for (let at = 0; at < nodes.length; at += nodeBytes) {
    if (!hasher.isNode(nodes.subarray(at, at + nodeBytes))) return false;
  }
  return true;
}
