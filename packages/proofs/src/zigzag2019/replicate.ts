/**
 * Replication of the era: layers forward and reversed in turns, each encoded in place over the one before, and
 * a tree over the input of the first layer and over every output.
 * Extraction goes back from the last layer, each in its own direction. The source derived the directions by
 * toggling from the first, which is right for an even number of layers alone; here any number extracts.
 * Source: rust-fil-proofs 2019 (layered_drgporep).
 */
import { concatBytes } from "@holdfast/base";
import { assertFrs } from "../field/index.ts";
import { runSteps, type Steps } from "../porep/index.ts";
import { runEraLayer } from "./encoding.ts";
import { checkLength, checkNumber } from "./errors.ts";
import { type EraGraph, eraDirection } from "./graph.ts";
import { type EraHasher, pedersenEraHasher } from "./hashers.ts";
import { type EraTree, eraNodeBytes, nextRowSteps } from "./tree.ts";

export interface EraReplication {
  readonly graph: EraGraph;
  readonly layers: number;
  /** 0 adds the key; its proofs of replication always used 0. */
  readonly slothRounds: number;
  readonly hasher: EraHasher;
}

export interface EraReplica {
  readonly replica: Uint8Array;
  /** Root of the data, then of the output of each layer. */
  readonly roots: readonly Uint8Array[];
  /** The trees of these roots; empty if they were not kept. */
  readonly trees: readonly EraTree[];
}

/** The replication that the API of the era made. */
export function eraReplication(graph: EraGraph, layers: number): EraReplication {
  return { graph, layers, slothRounds: 0, hasher: pedersenEraHasher };
}

function checkReplication(replication: EraReplication, replicaId: Uint8Array, data: Uint8Array): void {
  checkNumber("the number of layers", replication.layers, 1, 255);
  checkNumber("the number of sloth rounds", replication.slothRounds, 0, 1000);
  checkLength("the replica id", replicaId, eraNodeBytes);
  checkLength("the sector", data, replication.graph.nodes * eraNodeBytes);
  assertFrs(replicaId);
  assertFrs(data);
}

/** A node of a tree costs so many times the encoding of a node (measured); for progress only. */
const treeWeight = 10;

/** Builds a tree; keeps its rows only if asked, because they are as large as the sector again. */
function* treeSteps(hasher: EraHasher, leaves: Uint8Array, keep: boolean): Generator<number, EraTree, void> {
  const rows = [keep ? leaves.slice() : leaves];
  let row = leaves;
  for (let height = 0; row.length > eraNodeBytes; height += 1) {
    const steps = nextRowSteps(hasher, row, height);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) yield step.value * treeWeight;
    row = step.value;
    if (keep) rows.push(row);
  }
  return { hasher, leafCount: leaves.length / eraNodeBytes, rows, root: row };
}

/**
 * Replicates `data` (canonical field elements, one for each node of the graph); yields the share done.
 * Throws zigzag2019/bad-length, zigzag2019/bad-number, field/not-canonical.
 */
export function replicateEraSteps(
  replication: EraReplication,
  replicaId: Uint8Array,
  data: Uint8Array,
  keepTrees: boolean,
): Steps<EraReplica> {
  return replicateEraInPlace(replication, replicaId, concatBytes(data), keepTrees);
}

/** `replicateEraSteps` of data that become the replica, aligned to words. */
export function* replicateEraInPlace(
  replication: EraReplication,
  replicaId: Uint8Array,
  replica: Uint8Array,
  keepTrees: boolean,
): Steps<EraReplica> {
  checkReplication(replication, replicaId, replica);
  const { graph, layers, slothRounds, hasher } = replication;
  const total = graph.nodes * (layers + (layers + 1) * treeWeight);
  const trees: EraTree[] = [];
  let done = 0;
  for (let layer = 0; layer <= layers; layer += 1) {
    const building = treeSteps(hasher, replica, keepTrees);
    let step = building.next();
    for (; step.done !== true; step = building.next()) {
      done += step.value;
      yield done / total;
    }
    trees.push(step.value);
    if (layer === layers) break;
    const input = { bytes: replica, replicaId, mode: "encode" } as const;
    for (const nodes of runEraLayer(graph, eraDirection(layer), input, slothRounds)) {
      done += nodes;
      yield done / total;
    }
  }
  yield 1;
  return { replica, roots: trees.map(({ root }) => root), trees: keepTrees ? trees : [] };
}

/** `replicateEraSteps` without a pause, with all trees: for proofs. */
export function replicateEra(
  replication: EraReplication,
  replicaId: Uint8Array,
  data: Uint8Array,
): EraReplica {
  return runSteps(replicateEraSteps(replication, replicaId, data, true));
}

/** The data of a replica; yields the share done. Throws as `replicateEraSteps`. */
export function* extractEraSteps(
  replication: EraReplication,
  replicaId: Uint8Array,
  replica: Uint8Array,
): Steps<Uint8Array> {
  checkReplication(replication, replicaId, replica);
  const { graph, layers, slothRounds } = replication;
  const data = concatBytes(replica);
  let done = 0;
  for (let layer = layers - 1; layer >= 0; layer -= 1) {
    const output = { bytes: data, replicaId, mode: "decode" } as const;
    for (const nodes of runEraLayer(graph, eraDirection(layer), output, slothRounds)) {
      done += nodes;
      yield done / (graph.nodes * layers);
    }
  }
  yield 1;
  return data;
}

/** `extractEraSteps` without a pause. */
export function extractEra(
  replication: EraReplication,
  replicaId: Uint8Array,
  replica: Uint8Array,
): Uint8Array {
  return runSteps(extractEraSteps(replication, replicaId, replica));
}
