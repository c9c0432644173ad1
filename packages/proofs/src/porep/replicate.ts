/**
 * Sealing and its inverse. Replicating encodes the data layer by layer, forward and reversed in turns, and
 * builds a Poseidon tree over every layer's output; extracting decodes the layers from the last to the
 * first, each in its own direction, so any number of layers extracts.
 */
import { equalBytes, toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { graphOf } from "../graph/index.ts";
import {
  buildTree,
  nodeBytes,
  poseidonHasher,
  rowsLength,
  serializeTree,
  sha254Hasher,
  startRows,
} from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";
import type { Steps } from "./hooks.ts";
import { replicaIdOf, type SectorIdentity, topByteMask } from "./identity.ts";
import { zigzagKeysOf } from "./keys.ts";
import { runLayer } from "./layer.ts";
import {
  auxLength,
  commRStarOf,
  layerOffset,
  layerTreeLength,
  parseReplicaTree,
  type SealedReplica,
} from "./sealed.ts";
import { isBelowModulus, wordsOf, wordsPerNode } from "./words.ts";

/** The tree of a layer costs about three times its encoding (measured in TypeScript); for progress only. */
const encodeShare = 0.25;

function checkLength(what: string, bytes: Uint8Array, profile: SectorProfile): void {
  const expected = profile.sectorBytes;
  if (bytes.length !== expected) throw proofsErrors.badLength({ what, length: bytes.length, expected });
}

function checkPadded(data: Uint8Array): void {
  for (let node = 0; node * nodeBytes < data.length; node += 1) {
    const top = data[node * nodeBytes + nodeBytes - 1] as number;
    if (top > topByteMask) throw proofsErrors.notPadded({ node });
  }
}

/**
 * Seals `data` (Fr32-padded, exactly sectorBytes). Throws proofs/bad-length, proofs/not-padded,
 * proofs/comm-d-mismatch.
 */
export function* replicateSteps(
  profile: SectorProfile,
  identity: SectorIdentity,
  data: Uint8Array,
): Steps<SealedReplica> {
  checkLength("the sector's data", data, profile);
  checkPadded(data);
  const replicaId = replicaIdOf(profile, identity);
  const dataTree = buildTree(sha254Hasher, data);
  if (!equalBytes(dataTree.root, identity.commD)) {
    throw proofsErrors.commDMismatch({ expected: toHex(identity.commD), found: toHex(dataTree.root) });
  }
  const graph = graphOf(identity.networkId, profile);
  const keyDerivation = zigzagKeysOf(profile);
  const aux = new Uint8Array(auxLength(profile));
  aux.set(serializeTree(dataTree));
  const rowBytes = rowsLength(poseidonHasher, profile.nodes);
  const roots: Uint8Array[] = [];
  let input = data;
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    const share = (ofLayer: number): number => (layer - 1 + ofLayer) / profile.layers;
    const start = layerOffset(profile, layer);
    const leaves = aux.subarray(start, start + profile.sectorBytes);
    leaves.set(input);
    const encode = { bytes: leaves, replicaId, number: layer, keyDerivation, mode: "encode" } as const;
    for (const done of runLayer(graph, encode)) {
      yield share((done / profile.nodes) * encodeShare);
    }
    const rows = aux.subarray(start + profile.sectorBytes, start + layerTreeLength(profile));
    const tree = startRows(poseidonHasher, leaves, rows);
    while (tree.advance()) yield share(encodeShare + tree.doneRatio * (1 - encodeShare));
    tree.finish();
    yield share(1);
    roots.push(rows.slice(rowBytes - nodeBytes));
    input = leaves;
  }
  yield 1;
  return sealedReplica(profile, replicaId, aux, roots);
}

function sealedReplica(
  profile: SectorProfile,
  replicaId: Uint8Array,
  aux: Uint8Array,
  roots: readonly Uint8Array[],
): SealedReplica {
  const replicaTree = aux.slice(layerOffset(profile, profile.layers));
  return {
    replica: replicaTree.slice(0, profile.sectorBytes),
    commR: parseReplicaTree(profile, replicaTree).root,
    commRStar: commRStarOf(replicaId, roots),
    aux,
    replicaTree,
  };
}

/**
 * The padded data of a replica. Whether it is the data that was sealed shows its commitment: commD of the
 * identity. Throws proofs/bad-length, proofs/not-a-replica.
 */
export function* extractSteps(
  profile: SectorProfile,
  identity: SectorIdentity,
  replica: Uint8Array,
): Steps<Uint8Array> {
  checkLength("the replica", replica, profile);
  const graph = graphOf(identity.networkId, profile);
  const keyDerivation = zigzagKeysOf(profile);
  const replicaId = replicaIdOf(profile, identity);
  const data = new Uint8Array(replica); // not slice(): on a Buffer of Node that is a view
  const words = wordsOf(data);
  for (let node = 0; node < profile.nodes; node += 1) {
    if (!isBelowModulus(words, node * wordsPerNode)) throw proofsErrors.notAReplica({ node });
  }
  for (let layer = profile.layers; layer >= 1; layer -= 1) {
    const decode = { bytes: data, replicaId, number: layer, keyDerivation, mode: "decode" } as const;
    for (const done of runLayer(graph, decode)) {
      yield (profile.layers - layer + done / profile.nodes) / profile.layers;
    }
  }
  yield 1;
  return data;
}
