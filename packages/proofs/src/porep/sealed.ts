/**
 * What sealing leaves behind. `aux` is needed once, for the seal proof: the data tree and then one tree per
 * layer, each in the layout "leaves, then rows". Its last part is the replica's tree, which every later
 * proof needs.
 */
import { proofsErrors } from "../errors.ts";
import { frFromBytes, frToBytes } from "../field/index.ts";
import {
  type Commitment,
  type MerkleTree,
  nodeBytes,
  parseTree,
  poseidonHasher,
  rowsLength,
  sha254Hasher,
} from "../merkle/index.ts";
import { poseidonHash } from "../poseidon/index.ts";
import type { SectorProfile } from "../profiles.ts";
import type { StoredTree } from "../seal-io/index.ts";

export interface SealedReplica {
  /** The last layer: what the miner keeps in place of the data. */
  readonly replica: Uint8Array;
  /** Root of the replica's tree. */
  readonly commR: Commitment;
  /** Binds the replica id and the roots of all layers. */
  readonly commRStar: Commitment;
  /** Everything the seal proof needs; can go once that is on the chain. */
  readonly aux: Uint8Array;
  /** The replica's tree, leaves and rows: what proofs of spacetime need. */
  readonly replicaTree: Uint8Array;
}

/** What a seal comes to, wherever its bytes went. */
export interface SealOutcome {
  readonly commD: Commitment;
  readonly commR: Commitment;
  readonly commRStar: Commitment;
}

/** A seal in memory, from its `aux`; the replica's tree is its last part. */
export function sealedReplica(
  profile: Pick<SectorProfile, "sectorBytes" | "nodes">,
  { commR, commRStar }: SealOutcome,
  aux: Uint8Array,
): SealedReplica {
  const replicaTree = aux.slice(aux.length - layerTreeLength(profile));
  return { replica: replicaTree.slice(0, profile.sectorBytes), commR, commRStar, aux, replicaTree };
}

/** The parts of `aux`. */
export interface SealTrees {
  readonly data: MerkleTree;
  /** Outputs of layer 1, 2, …; the last is the replica. */
  readonly layers: readonly MerkleTree[];
}

/** Bytes of the data tree at the start of `aux`. */
export function dataTreeLength(profile: SectorProfile): number {
  return profile.sectorBytes + rowsLength(sha254Hasher, profile.nodes);
}

/** Bytes of the tree of one layer; also the length of `replicaTree`. */
export function layerTreeLength(profile: Pick<SectorProfile, "sectorBytes" | "nodes">): number {
  return profile.sectorBytes + rowsLength(poseidonHasher, profile.nodes);
}

export function auxLength(profile: SectorProfile): number {
  return dataTreeLength(profile) + profile.layers * layerTreeLength(profile);
}

/** Where the tree of `layer` (from 1) starts in `aux`. */
export function layerOffset(profile: SectorProfile, layer: number): number {
  return dataTreeLength(profile) + (layer - 1) * layerTreeLength(profile);
}

/** The trees in a stored `aux`: of the data, then of each layer's output. */
export function storedTrees(profile: SectorProfile): {
  readonly data: StoredTree;
  readonly layers: readonly StoredTree[];
} {
  const leafCount = profile.nodes;
  return {
    data: { hasher: sha254Hasher, leafCount, offset: 0 },
    layers: Array.from({ length: profile.layers }, (_none, i) => ({
      hasher: poseidonHasher,
      leafCount,
      offset: layerOffset(profile, i + 1),
    })),
  };
}

/** Views of the trees in `aux`, without copying. Throws proofs/bad-length. */
export function parseAux(profile: SectorProfile, aux: Uint8Array): SealTrees {
  const expected = auxLength(profile);
  if (aux.length !== expected) {
    throw proofsErrors.badLength({ what: "the seal's auxiliary data", length: aux.length, expected });
  }
  const length = layerTreeLength(profile);
  const layers = Array.from({ length: profile.layers }, (_none, i) => {
    const start = layerOffset(profile, i + 1);
    return parseTree(poseidonHasher, profile.nodes, aux.subarray(start, start + length));
  });
  const data = parseTree(sha254Hasher, profile.nodes, aux.subarray(0, dataTreeLength(profile)));
  return { data, layers };
}

/** The replica's tree from its stored form. Throws proofs/bad-length. */
export function parseReplicaTree(profile: SectorProfile, replicaTree: Uint8Array): MerkleTree {
  const expected = layerTreeLength(profile);
  if (replicaTree.length !== expected) {
    throw proofsErrors.badLength({ what: "the replica's tree", length: replicaTree.length, expected });
  }
  return parseTree(poseidonHasher, profile.nodes, replicaTree);
}

/** Roots that one hash of commR* takes beside the accumulator: Poseidon of arity 11. */
const rootsPerHash = 10;

/**
 * commR*: Poseidon, chained, over the replica id and the layer roots, the first layer first; a short last
 * step is filled with zeros, which is unambiguous because the replica id binds the number of layers. All
 * inputs are canonical field elements.
 */
export function commRStarOf(replicaId: Uint8Array, layerRoots: readonly Uint8Array[]): Commitment {
  let accumulator = frFromBytes(replicaId);
  for (let at = 0; at < layerRoots.length; at += rootsPerHash) {
    const roots = layerRoots.slice(at, at + rootsPerHash).map(frFromBytes);
    const zeros = new Array<bigint>(rootsPerHash - roots.length).fill(0n);
    accumulator = poseidonHash([accumulator, ...roots, ...zeros]);
  }
  return frToBytes(accumulator);
}

/** Bytes of a commitment. */
export const commitmentBytes = nodeBytes;
