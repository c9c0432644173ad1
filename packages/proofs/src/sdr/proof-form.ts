/**
 * The vanilla SDR seal proof: columns and Merkle openings themselves.
 *
 *   1 byte       1, the vanilla form
 *   32           commC, root of the column tree
 *   32 · L · c   labels in layer 1 … L of the c opened columns: the challenged nodes and their parents
 *   openings     of the column tree at these (the siblings alone: the leaves are the hashes of the columns),
 *                of the data tree and of the replica tree at the challenged nodes
 *
 * Columns and leaves are in ascending order, each once. No index, count or length is in it: all follow from
 * the challenges and the graph. Source: Filecoin specs, SDR (what its circuit opens).
 */
import { nodeBytes, poseidonHasher, sha254Hasher } from "../merkle/index.ts";
import { openingLength } from "../openings/index.ts";
import { formBytes, type SealChallenges } from "../porep/index.ts";
import type { SdrGraph } from "./graph.ts";
import type { SdrShape } from "./params.ts";

/** Which nodes a proof opens; each list ascending and distinct. */
export interface SdrOpenings {
  readonly challenged: readonly number[];
  /** The challenged nodes and their parents. */
  readonly columns: readonly number[];
  /** Parents of each challenged node, in the order in which its labels take them. */
  readonly parents: ReadonlyMap<number, readonly number[]>;
}

export function sdrOpenings(graph: SdrGraph, challenges: SealChallenges): SdrOpenings {
  const challenged = ascending(challenges.flat());
  const parents = new Map(challenged.map((node) => [node, graph.parentsOf(node)]));
  return { challenged, columns: ascending([...challenged, ...[...parents.values()].flat()]), parents };
}

function ascending(nodes: readonly number[]): readonly number[] {
  return [...new Set(nodes)].sort((a, b) => a - b);
}

/** Lengths of the parts of a proof. */
export interface SdrProofLengths {
  /** Form and commC. */
  readonly head: number;
  readonly columns: number;
  /** Of the column tree, without the leaves. */
  readonly siblings: number;
  readonly data: number;
  readonly replica: number;
}

export function sdrProofLengths({ nodes, layers }: SdrShape, openings: SdrOpenings): SdrProofLengths {
  const { challenged, columns } = openings;
  const leaves = columns.length * nodeBytes;
  return {
    head: formBytes + nodeBytes,
    columns: leaves * layers,
    siblings: openingLength(poseidonHasher, nodes, columns) - leaves,
    data: openingLength(sha254Hasher, nodes, challenged),
    replica: openingLength(poseidonHasher, nodes, challenged),
  };
}
