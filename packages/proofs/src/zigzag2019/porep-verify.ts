/**
 * The verifier of the era's vanilla seal proofs, with every check that it lacked. Checks have names, and each
 * says whether the era made it: that is how the tests show for each omission a forgery which the era took and
 * this verifier refuses.
 * What no verifier of this format can mend: challenges follow from the commitment alone and are few, the first
 * and the last node are never asked, and the replica id knows nothing of the data.
 * Source: rust-fil-proofs of May 2019 (drgporep, layered_drgporep); the added checks are those that its circuit
 * or its callers were thought to make.
 */
import { concatBytes, equalBytes } from "@holdfast/base";
import { selectChallenges } from "./challenges.ts";
import { fieldOf, isElement, isEraProof, isListOf, isWhole } from "./form.ts";
import { eraDirection } from "./graph.ts";
import {
  decodeEraNode,
  type EraDataProof,
  type EraLayerProof,
  type EraPartitionProof,
  type EraSealStatement,
  partitionChallenges,
} from "./porep-proof.ts";
import { eraPathIndex, eraProofHolds, eraTreeHeight } from "./tree.ts";

/** What the era compared. */
const madeByTheEra = {
  /** As many partition proofs as partitions, and as many layers as the parameters say. */
  counts: "counts",
  /** The paths of the challenged node, before and after, state the challenged index. */
  position: "position",
  /** The parents are those of the graph, in its order. */
  parents: "parents",
  /** Every Merkle proof leads from its leaf to its root, at its index. */
  paths: "paths",
  /** The value after, decoded with the parents' values, is the value before. */
  encoding: "encoding",
  /** The value before is the leaf of its Merkle proof. */
  dataLeaf: "data-leaf",
  /** comm_r* is the hash of the replica id and the layers' roots. */
  commRStar: "comm-r-star",
} as const;

/** What it did not compare. */
const lackedByTheEra = {
  /** Lists have their lengths, and numbers are below the modulus; the era panicked or read past the end. */
  form: "form",
  /** Paths have as many levels as the tree. */
  pathLength: "path-length",
  /** The value after is the leaf of its Merkle proof. */
  replicaLeaf: "replica-leaf",
  /** Each parent's value is the leaf of its Merkle proof. */
  parentLeaf: "parent-leaf",
  /** The Merkle proofs, and the roots stated beside them, end in the layer's roots. */
  roots: "roots",
  /** Each layer begins with the output of the one before. */
  chain: "chain",
  /** The first input is comm_d, the last output comm_r. */
  commitments: "commitments",
} as const;

export type EraSealCheck =
  | (typeof madeByTheEra)[keyof typeof madeByTheEra]
  | (typeof lackedByTheEra)[keyof typeof lackedByTheEra];

/** The checks that the era's vanilla verifier did not make. */
export const eraSealOmissions: ReadonlySet<EraSealCheck> = new Set(Object.values(lackedByTheEra));

const checks = { ...madeByTheEra, ...lackedByTheEra };

function isDataProof(value: unknown): boolean {
  return isEraProof(fieldOf(value, "proof")) && isElement(fieldOf(value, "value"));
}

function isLayerProof(layer: unknown, challenges: number, degree: number): boolean {
  const isParent = (one: unknown): boolean => isDataProof(one) && isWhole(fieldOf(one, "node"));
  return (
    isElement(fieldOf(layer, "dataRoot")) &&
    isElement(fieldOf(layer, "replicaRoot")) &&
    isListOf(fieldOf(layer, "replicaNodes"), isDataProof, challenges) &&
    isListOf(fieldOf(layer, "nodes"), isDataProof, challenges) &&
    isListOf(fieldOf(layer, "replicaParents"), (list) => isListOf(list, isParent, degree), challenges)
  );
}

function hasForm(statement: EraSealStatement, proof: unknown, counts: readonly number[]): boolean {
  const isTau = (tau: unknown): boolean =>
    isElement(fieldOf(tau, "commD")) && isElement(fieldOf(tau, "commR"));
  const layers = fieldOf(proof, "layers");
  if (!isListOf(fieldOf(proof, "taus"), isTau, counts.length)) return false;
  if (!isListOf(layers, (layer) => layer !== undefined, counts.length)) return false;
  const { totalDegree } = statement.graph;
  return counts.every((count, i) => isLayerProof((layers as readonly unknown[])[i], count, totalDegree));
}

/** Collects the checks that fail. */
class Findings {
  readonly failed = new Set<EraSealCheck>();

  expect(check: EraSealCheck, holds: boolean): void {
    if (!holds) this.failed.add(check);
  }
}

interface OpenedChallenge {
  readonly replicaNode: EraDataProof;
  readonly parents: EraLayerProof["replicaParents"][number];
  readonly node: EraDataProof;
}

function challengeOf(proof: EraLayerProof, i: number): OpenedChallenge {
  const replicaNode = proof.replicaNodes[i] as EraDataProof;
  return { replicaNode, parents: proof.replicaParents[i] ?? [], node: proof.nodes[i] as EraDataProof };
}

function judgeChallenge(
  statement: EraSealStatement,
  findings: Findings,
  { layer, challenged }: { readonly layer: number; readonly challenged: number },
  { replicaNode, parents, node }: OpenedChallenge,
): void {
  const { graph, hasher } = statement;
  const stated = [replicaNode, node].map(({ proof }) => eraPathIndex(proof.path));
  findings.expect(
    checks.position,
    stated.every((index) => index === challenged),
  );
  const expected = graph.parents(eraDirection(layer), challenged);
  findings.expect(
    checks.parents,
    parents.every((parent, i) => parent.node === expected[i]),
  );
  findings.expect(
    checks.paths,
    [replicaNode, node].every(({ proof }) => eraProofHolds(hasher, proof, challenged)) &&
      parents.every((parent) => eraProofHolds(hasher, parent.proof, parent.node)),
  );
  const values = parents.map(({ value }) => value);
  const decoded = decodeEraNode(statement, replicaNode.value, values);
  findings.expect(checks.encoding, equalBytes(decoded, node.value));
  findings.expect(checks.dataLeaf, equalBytes(node.value, node.proof.leaf));
  const height = eraTreeHeight(graph.nodes);
  const all = [replicaNode, node, ...parents];
  findings.expect(
    checks.pathLength,
    all.every(({ proof }) => proof.path.length === height),
  );
  findings.expect(checks.replicaLeaf, equalBytes(replicaNode.value, replicaNode.proof.leaf));
  findings.expect(
    checks.parentLeaf,
    parents.every(({ value, proof }) => equalBytes(value, proof.leaf)),
  );
}

function judgePartition(
  statement: EraSealStatement,
  findings: Findings,
  partition: number,
  { layers, taus }: EraPartitionProof,
): void {
  partitionChallenges(statement, partition).forEach((challenged, layer) => {
    const proof = layers[layer] as EraLayerProof;
    const tau = taus[layer] ?? { commD: new Uint8Array(0), commR: new Uint8Array(0) };
    challenged.forEach((node, i) => {
      judgeChallenge(statement, findings, { layer, challenged: node }, challengeOf(proof, i));
    });
    const after = [...proof.replicaNodes, ...proof.replicaParents.flat()].map((one) => one.proof.root);
    const before = proof.nodes.map((one) => one.proof.root);
    findings.expect(
      checks.roots,
      [proof.replicaRoot, ...after].every((root) => equalBytes(root, tau.commR)) &&
        [proof.dataRoot, ...before].every((root) => equalBytes(root, tau.commD)),
    );
  });
  const outputs = taus.map(({ commR }) => commR);
  const commRStar = statement.hasher.hash(concatBytes(statement.replicaId, ...outputs));
  findings.expect(checks.commRStar, equalBytes(commRStar, statement.commRStar));
  const inputs = taus.map(({ commD }) => commD);
  findings.expect(
    checks.chain,
    inputs.slice(1).every((input, i) => equalBytes(input, outputs[i] as Uint8Array)),
  );
  const [first, last] = [inputs[0], outputs.at(-1)] as [Uint8Array, Uint8Array];
  const atBothEnds = equalBytes(first, statement.commD) && equalBytes(last, statement.commR);
  findings.expect(checks.commitments, atBothEnds);
}

/**
 * Every check that the proof fails; none: it is valid. Never throws on a proof or on commitments, whatever
 * they are. (That the parameters reach their minimum of challenges holds by how the counts are chosen.)
 * Throws zigzag2019/bad-number, zigzag2019/bad-taper for parameters of the verifier's own that are none.
 */
export function failedEraSealChecks(
  statement: EraSealStatement,
  partitionProofs: readonly EraPartitionProof[],
): ReadonlySet<EraSealCheck> {
  const findings = new Findings();
  const counts = selectChallenges(statement.challenges);
  const { replicaId, commD, commR, commRStar } = statement;
  const list: unknown = partitionProofs;
  const isCounted = (proof: unknown): boolean =>
    isListOf(fieldOf(proof, "layers"), () => true, counts.length);
  findings.expect(checks.form, [replicaId, commD, commR, commRStar].every(isElement) && Array.isArray(list));
  if (findings.failed.size > 0) return findings.failed;
  findings.expect(checks.counts, isListOf(list, isCounted, statement.challenges.partitions));
  if (findings.failed.size > 0) return findings.failed;
  findings.expect(
    checks.form,
    isListOf(list, (proof) => hasForm(statement, proof, counts)),
  );
  if (findings.failed.size > 0) return findings.failed;
  partitionProofs.forEach((proof, partition) => {
    judgePartition(statement, findings, partition, proof);
  });
  return findings.failed;
}

/** Whether the proof shows the statement. Bad bytes are `false`. */
export function verifyEraSeal(
  statement: EraSealStatement,
  partitionProofs: readonly EraPartitionProof[],
): boolean {
  return failedEraSealChecks(statement, partitionProofs).size === 0;
}
