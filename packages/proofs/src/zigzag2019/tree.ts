/**
 * Merkle trees of the era: binary, the data are the leaves, and a row of odd length repeats its last node when
 * it is hashed. The hash of a row depends on its height.
 * Paths carry for each level the sibling and whether the node itself is the right child; a path therefore
 * states its own index, and a verifier must compare both that index and the number of levels with what it
 * expects: the era compared the index alone.
 * Source: rust-fil-proofs 2019 and its fork of merkle_light.
 */
import { concatBytes, equalBytes } from "@holdfast/base";
import { treeKernel } from "../merkle/index.ts";
import { checkNumber, zigzag2019Errors } from "./errors.ts";
import { type EraHasher, pedersenEraHasher } from "./hashers.ts";

export const eraNodeBytes = 32;

export interface EraTree {
  readonly hasher: EraHasher;
  readonly leafCount: number;
  /** The leaves first, the root last; each row as concatenated nodes, without the repeated one. */
  readonly rows: readonly Uint8Array[];
  readonly root: Uint8Array;
}

export interface EraPathStep {
  readonly sibling: Uint8Array;
  /** The node on the path is the right child. */
  readonly isRight: boolean;
}

export interface EraMerkleProof {
  readonly root: Uint8Array;
  /** From the leaf's sibling upwards. */
  readonly path: readonly EraPathStep[];
  readonly leaf: Uint8Array;
}

/** Levels above the leaves: ⌈log2 leafCount⌉. */
export function eraTreeHeight(leafCount: number): number {
  return leafCount <= 1 ? 0 : 32 - Math.clz32(leafCount - 1);
}

/** Pairs that are hashed before a caller hears how far the work is: a tenth of a second of the reference. */
const plainSlicePairs = 512;
/** A compiled kernel takes ten milliseconds for so many. */
const kernelSlicePairs = 8192;

/** Hashes the row above `row`; yields after every slice how many nodes it has. */
export function* nextRowSteps(
  hasher: EraHasher,
  row: Uint8Array,
  height: number,
): Generator<number, Uint8Array, void> {
  const pairBytes = 2 * eraNodeBytes;
  const whole =
    row.length % pairBytes === 0 ? row : concatBytes(row, row.subarray(row.length - eraNodeBytes));
  const parents = new Uint8Array(whole.length / 2);
  const slicePairs = treeKernel.pedersenRow === undefined ? plainSlicePairs : kernelSlicePairs;
  for (let from = 0; from < whole.length; from += slicePairs * pairBytes) {
    const to = Math.min(whole.length, from + slicePairs * pairBytes);
    parents.set(hasher.hashRow(whole.subarray(from, to), height), from / 2);
    yield (to - from) / pairBytes;
  }
  return parents;
}

function checkLeaves(leaves: Uint8Array): number {
  const leafCount = leaves.length / eraNodeBytes;
  if (!Number.isInteger(leafCount) || leafCount < 2) throw zigzag2019Errors.badLeafCount({ leafCount });
  return leafCount;
}

/** A tree over `leaves` (32 bytes each, two or more). Throws zigzag2019/bad-leaf-count. */
export function buildEraTree(hasher: EraHasher, leaves: Uint8Array): EraTree {
  const leafCount = checkLeaves(leaves);
  const rows: Uint8Array[] = [leaves.slice()];
  let row = leaves;
  for (let height = 0; row.length > eraNodeBytes; height += 1) {
    const steps = nextRowSteps(hasher, row, height);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    row = step.value;
    rows.push(row);
  }
  return { hasher, leafCount, rows, root: row };
}

/** The root of `2^levels` leaves that are all zero. */
export function zeroEraRoot(levels: number, hasher: EraHasher = pedersenEraHasher): Uint8Array {
  checkNumber("the number of levels", levels, 0, 62);
  let node: Uint8Array = new Uint8Array(eraNodeBytes);
  for (let height = 0; height < levels; height += 1) node = hasher.hashRow(concatBytes(node, node), height);
  return node;
}

function nodeAt(row: Uint8Array, index: number): Uint8Array {
  return row.slice(index * eraNodeBytes, (index + 1) * eraNodeBytes);
}

/** The proof of one leaf. Throws zigzag2019/bad-index. */
export function openEraTree(tree: EraTree, index: number): EraMerkleProof {
  if (!Number.isInteger(index) || index < 0 || index >= tree.leafCount) {
    throw zigzag2019Errors.badIndex({ index, leafCount: tree.leafCount });
  }
  const path: EraPathStep[] = [];
  let at = index;
  for (const row of tree.rows.slice(0, -1)) {
    const isRight = at % 2 === 1;
    const last = row.length / eraNodeBytes - 1;
    path.push({ sibling: nodeAt(row, isRight ? at - 1 : Math.min(at + 1, last)), isRight });
    at = Math.floor(at / 2);
  }
  return { root: tree.root.slice(), path, leaf: nodeAt(tree.rows[0] as Uint8Array, index) };
}

/** The leaf index that a path states by its directions. */
export function eraPathIndex(path: readonly EraPathStep[]): number {
  return path.reduce((index, { isRight }, level) => index + (isRight ? 2 ** level : 0), 0);
}

/**
 * Whether the proof leads from its own leaf to its own root and states `index`. What it does not say: that
 * the root is the right one, and that the path has as many levels as the tree.
 */
export function eraProofHolds(hasher: EraHasher, proof: EraMerkleProof, index: number): boolean {
  if (eraPathIndex(proof.path) !== index) return false;
  let node = proof.leaf;
  proof.path.forEach(({ sibling, isRight }, height) => {
    node = hasher.hashRow(isRight ? concatBytes(sibling, node) : concatBytes(node, sibling), height);
  });
  return equalBytes(node, proof.root);
}

/** The byte form of the era: for each level the sibling and one byte for `isRight`, then leaf and root. */
export function serializeEraProof({ path, leaf, root }: EraMerkleProof): Uint8Array {
  const steps = path.flatMap(({ sibling, isRight }) => [sibling, Uint8Array.of(isRight ? 1 : 0)]);
  return concatBytes(...steps, leaf, root);
}
