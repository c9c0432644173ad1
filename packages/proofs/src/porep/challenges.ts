/**
 * The challenges of a seal proof. They depend on the commitment (commR*) and on chain randomness that is
 * drawn after the commitment is on the chain, so they cannot be tried out beforehand. Every layer has its
 * own.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { challengedNodes, layerDirection, type ZigzagGraph } from "../graph/index.ts";
import type { SectorProfile } from "../profiles.ts";

/** Challenged nodes per layer, the first layer first; ascending and distinct within a layer. */
export type SealChallenges = readonly (readonly number[])[];

const domain = utf8Bytes("holdfast seal challenges 1\n");

/** `replicaId`, `commRStar`, `seed`: 32 bytes each. */
export function pollSeal(
  profile: SectorProfile,
  replicaId: Uint8Array,
  commRStar: Uint8Array,
  seed: Uint8Array,
): SealChallenges {
  const common = concatBytes(domain, replicaId, commRStar, seed);
  return profile.sealChallenges.map((count, i) => {
    const key = sha256(concatBytes(common, bigEndian(i + 1, 4)));
    return challengedNodes(key, count, profile.nodes);
  });
}

/** A challenged node with its parents in the order in which its key takes them. */
export interface ChallengedNode {
  readonly node: number;
  readonly parents: readonly number[];
}

/** Which nodes the proof opens: per layer the challenged ones with parents, and per tree all leaves. */
export interface SealOpenings {
  readonly layers: readonly (readonly ChallengedNode[])[];
  /** Leaves to open, ascending: of the data tree, then of the tree of layer 1, 2, … */
  readonly leaves: readonly (readonly number[])[];
}

/**
 * A node of layer l is shown with its parents in the tree of l, and as it was before in the tree of l − 1.
 */
export function sealOpenings(graph: ZigzagGraph, challenges: SealChallenges): SealOpenings {
  const layers = challenges.map((nodes, i) =>
    nodes.map((node) => ({ node, parents: graph.parentsOf(layerDirection(i + 1), node) })),
  );
  const opened = Array.from({ length: challenges.length + 1 }, () => new Set<number>());
  layers.forEach((nodes, i) => {
    for (const { node, parents } of nodes) {
      opened[i]?.add(node);
      for (const encoded of [node, ...parents]) opened[i + 1]?.add(encoded);
    }
  });
  return { layers, leaves: opened.map((set) => [...set].sort((a, b) => a - b)) };
}
