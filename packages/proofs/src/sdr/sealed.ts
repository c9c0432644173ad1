/**
 * What SDR sealing leaves behind. `aux` is needed once, for the seal proof:
 *
 *   data tree      leaves, then rows (SHA-256)
 *   labels         layer 1, 2, …: one sector each
 *   column tree    leaves (column hashes), then rows (Poseidon)
 *   replica tree   leaves, then rows (Poseidon): the layout of every kind, which proofs of spacetime open
 *
 * On our chain commR is the root of the replica tree, and commR* is what Filecoin calls commR: Poseidon of
 * the column tree's root and of that one. Source: Filecoin specs, SDR.
 */
import { concatBytes } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import {
  type Commitment,
  type MerkleTree,
  parseTree,
  poseidonHasher,
  rowsLength,
  sha254Hasher,
} from "../merkle/index.ts";
import type { StoredTree } from "../seal-io/index.ts";
import type { SdrShape } from "./params.ts";

/** The parts of `aux`. */
export interface SdrTrees {
  readonly data: MerkleTree;
  /** Labels of layer 1, 2, …, 32 bytes for each node. */
  readonly labels: readonly Uint8Array[];
  readonly columns: MerkleTree;
  readonly replica: MerkleTree;
}

function dataTreeLength({ sectorBytes, nodes }: SdrShape): number {
  return sectorBytes + rowsLength(sha254Hasher, nodes);
}

function poseidonTreeLength({ sectorBytes, nodes }: SdrShape): number {
  return sectorBytes + rowsLength(poseidonHasher, nodes);
}

/** Bytes of `aux` of a sector sealed with SDR. */
export function sdrAuxLength(shape: SdrShape): number {
  return dataTreeLength(shape) + shape.layers * shape.sectorBytes + 2 * poseidonTreeLength(shape);
}

/** Where the labels of a layer (from 1) begin. */
export function labelsOffset(shape: SdrShape, layer: number): number {
  return dataTreeLength(shape) + (layer - 1) * shape.sectorBytes;
}

/** The trees in a stored `aux`. */
export function storedSdrTrees(shape: SdrShape): {
  readonly data: StoredTree;
  readonly columns: StoredTree;
  readonly replica: StoredTree;
} {
  const leafCount = shape.nodes;
  const columns = labelsOffset(shape, shape.layers + 1);
  return {
    data: { hasher: sha254Hasher, leafCount, offset: 0 },
    columns: { hasher: poseidonHasher, leafCount, offset: columns },
    replica: { hasher: poseidonHasher, leafCount, offset: columns + poseidonTreeLength(shape) },
  };
}

/** Views of the parts of `aux`, without copying. Throws proofs/bad-length. */
export function parseSdrAux(shape: SdrShape, aux: Uint8Array): SdrTrees {
  const expected = sdrAuxLength(shape);
  if (aux.length !== expected) {
    throw proofsErrors.badLength({ what: "the seal's auxiliary data", length: aux.length, expected });
  }
  let end = 0;
  const take = (length: number): Uint8Array => {
    end += length;
    return aux.subarray(end - length, end);
  };
  const { nodes, layers, sectorBytes } = shape;
  const data = parseTree(sha254Hasher, nodes, take(dataTreeLength(shape)));
  const labels = Array.from({ length: layers }, () => take(sectorBytes));
  const columns = parseTree(poseidonHasher, nodes, take(poseidonTreeLength(shape)));
  const replica = parseTree(poseidonHasher, nodes, take(poseidonTreeLength(shape)));
  return { data, labels, columns, replica };
}

/** Filecoin's commR from the roots of the column tree and the replica tree, both canonical. */
export function sdrCommR(commC: Uint8Array, commRLast: Uint8Array): Commitment {
  return poseidonHasher.hash(concatBytes(commC, commRLast));
}
