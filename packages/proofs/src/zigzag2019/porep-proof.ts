/**
 * The vanilla seal proof of the era: for each partition and layer the challenged nodes before and after, and
 * the thirteen parents, each with its value and a whole Merkle proof.
 * Values stand beside the proofs that should open to them, and roots beside the roots that they should be: the
 * form is redundant, and what a verifier does not compare, a forger chooses.
 * Source: rust-fil-proofs of May 2019 (drgporep, layered_drgporep).
 */
import { concatBytes } from "@holdfast/base";
import { frFromBytes, frToBytes } from "../field/index.ts";
import { deriveEraChallenges, type EraChallengeParams, selectChallenges } from "./challenges.ts";
import { eraKdf, slothDecode } from "./encoding.ts";
import { zigzag2019Errors } from "./errors.ts";
import { type EraGraph, eraDirection, eraGraph } from "./graph.ts";
import { type EraHasher, pedersenEraHasher } from "./hashers.ts";
import type { EraReplica, EraReplication } from "./replicate.ts";
import { type EraMerkleProof, type EraTree, eraNodeBytes, openEraTree } from "./tree.ts";

/** What a seal proof is about. */
export interface EraSealStatement {
  readonly graph: EraGraph;
  readonly hasher: EraHasher;
  readonly slothRounds: number;
  readonly challenges: EraChallengeParams;
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
}

/** A value and the Merkle proof that it should open. */
export interface EraDataProof {
  readonly proof: EraMerkleProof;
  readonly value: Uint8Array;
}

export interface EraParentProof extends EraDataProof {
  readonly node: number;
}

/** One entry of each list for each challenge of the layer. */
export interface EraLayerProof {
  readonly dataRoot: Uint8Array;
  readonly replicaRoot: Uint8Array;
  readonly replicaNodes: readonly EraDataProof[];
  readonly replicaParents: readonly (readonly EraParentProof[])[];
  readonly nodes: readonly EraDataProof[];
}

/** Root of the input and of the output of a layer. */
export interface EraTau {
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
}

export interface EraPartitionProof {
  readonly layers: readonly EraLayerProof[];
  readonly taus: readonly EraTau[];
}

/** The statement about a replica that `replicateEra` made. */
export function eraSealStatement(
  replication: EraReplication,
  challenges: EraChallengeParams,
  replicaId: Uint8Array,
  { roots }: Pick<EraReplica, "roots">,
): EraSealStatement {
  const { graph, hasher, slothRounds } = replication;
  const [commD, ...outputs] = roots as [Uint8Array, ...Uint8Array[]];
  const commR = outputs.at(-1) as Uint8Array;
  const commRStar = hasher.hash(concatBytes(replicaId, ...outputs));
  return { graph, hasher, slothRounds, challenges, replicaId, commD, commR, commRStar };
}

/** The statement about a seal of a whole sector, as the API of the era checked it. */
export function zigzag2019Statement(
  sectorBytes: number,
  challenges: EraChallengeParams,
  seal: { readonly replicaId: Uint8Array; readonly commD: Uint8Array; readonly commRStar: Uint8Array } & {
    readonly commRLayers: readonly Uint8Array[];
  },
): EraSealStatement {
  const { replicaId, commD, commRStar, commRLayers } = seal;
  const graph = eraGraph(sectorBytes / eraNodeBytes);
  const commR = commRLayers.at(-1) ?? new Uint8Array(0);
  return { graph, hasher: pedersenEraHasher, slothRounds: 0, challenges, replicaId, commD, commR, commRStar };
}

/** The value before encoding, from the value after and its parents'; all canonical. */
export function decodeEraNode(
  { replicaId, slothRounds }: Pick<EraSealStatement, "replicaId" | "slothRounds">,
  value: Uint8Array,
  parents: readonly Uint8Array[],
): Uint8Array {
  const key = frFromBytes(eraKdf(concatBytes(replicaId, ...parents)));
  return frToBytes(slothDecode(key, frFromBytes(value), slothRounds));
}

/** Challenged nodes of one partition, layer by layer. */
export function partitionChallenges(statement: EraSealStatement, partition: number): number[][] {
  const { nodes } = statement.graph;
  return selectChallenges(statement.challenges).map((count, layer) =>
    deriveEraChallenges(statement, { nodes, layer, partition, count }),
  );
}

function openValue(tree: EraTree, node: number): EraDataProof {
  const proof = openEraTree(tree, node);
  return { proof, value: proof.leaf };
}

/** Proves the challenges of one layer between the trees of its input and its output. */
export function proveEraLayer(
  statement: EraSealStatement,
  layer: number,
  challenged: readonly number[],
  { before, after }: { readonly before: EraTree; readonly after: EraTree },
): EraLayerProof {
  const direction = eraDirection(layer);
  const replicaNodes = challenged.map((node) => openValue(after, node));
  const replicaParents = challenged.map((node) =>
    statement.graph.parents(direction, node).map((parent) => ({ node: parent, ...openValue(after, parent) })),
  );
  const nodes = challenged.map((node, i): EraDataProof => {
    const parents = (replicaParents[i] ?? []).map(({ value }) => value);
    const encoded = replicaNodes[i]?.value ?? new Uint8Array(0);
    return { proof: openEraTree(before, node), value: decodeEraNode(statement, encoded, parents) };
  });
  return { dataRoot: before.root, replicaRoot: after.root, replicaNodes, replicaParents, nodes };
}

/**
 * The proof of every partition; `trees` are those of the data and of each layer's output. It is not checked
 * here. Throws zigzag2019/malformed-input for another number of trees.
 */
export function proveEraSeal(statement: EraSealStatement, trees: readonly EraTree[]): EraPartitionProof[] {
  const { layers, partitions } = statement.challenges;
  if (trees.length !== layers + 1) {
    throw zigzag2019Errors.malformedInput({ what: "trees", count: trees.length, expected: layers + 1 });
  }
  const pairs = trees.slice(1).map((after, layer) => ({ before: trees[layer] as EraTree, after }));
  const taus = pairs.map(({ before, after }): EraTau => ({ commD: before.root, commR: after.root }));
  return Array.from({ length: partitions }, (_none, partition): EraPartitionProof => {
    const challenged = partitionChallenges(statement, partition);
    const proofs = pairs.map((pair, layer) => proveEraLayer(statement, layer, challenged[layer] ?? [], pair));
    return { layers: proofs, taus };
  });
}
