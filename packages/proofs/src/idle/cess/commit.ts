/**
 * The commit to a set and the challenge to it: nodes in all files that stay, and a walk from the last intermediate
 * layer towards the first, parent by parent. Which nodes those are follows from the challenge and from the graph
 * alone (`cessWalk`), so that a proof has nothing to say about it.
 * A challenge names a parent by its place in the sorted list. A node may have one parent fewer than places (graph.ts):
 * the place past the list is the last parent. The original fails there.
 * Source: CESSProject/cess_pois v0.6.3, pois/prove.go and verify.go.
 */
import { assert, bigEndian, concatBytes, equalBytes, sha256, utf8Bytes } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { streamDomains, WordStream } from "../../graph/chacha.ts";
import { cessElement } from "./chains.ts";
import { cessErrors } from "./errors.ts";
import { cessParents } from "./graph.ts";
import { addRow } from "./plain.ts";
import type {
  CessCommitChallenge,
  CessCommitProof,
  CessCommits,
  CessNodeProof,
  CessOpening,
} from "./records.ts";
import { labelBytes } from "./rows.ts";
import { type CessSet, checkSet, eldersOf, fileNumber, filesOf } from "./shape.ts";
import { type CessFile, openLabel } from "./tree.ts";

const hashBytes = 32;

/** Files of a set that stay: their numbers follow those of the sets before. */
export const filesThatStay = ({ shape, clusters }: CessSet): number => shape.layers * clusters;

/** Files before a set. */
export const filesBefore = ({ shape, startCluster }: CessSet): number => shape.layers * (startCluster - 1);

const rowsOf = (bytes: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: bytes.length / hashBytes }, (_none, i) =>
    bytes.slice(i * hashBytes, (i + 1) * hashBytes),
  );

/** Commits to a set from its roots, one behind the other. */
export function cessCommits(set: CessSet, roots: Uint8Array): CessCommits {
  assert(roots.length === filesOf(set) * hashBytes, "every file of the set has a root");
  const before = filesBefore(set);
  return {
    fileIndexes: Array.from({ length: filesThatStay(set) }, (_none, i) => before + i + 1),
    roots: [...rowsOf(roots), sha256(roots)],
  };
}

/** Whether these are commits to the set. Never throws. */
export function areCommits(set: CessSet, { fileIndexes, roots }: CessCommits): boolean {
  const before = filesBefore(set);
  const commitHash = roots.at(-1);
  return (
    roots.length === filesOf(set) + 1 &&
    roots.every((root) => root.length === hashBytes) &&
    commitHash !== undefined &&
    equalBytes(sha256(concatBytes(...roots.slice(0, -1))), commitHash) &&
    fileIndexes.length === filesThatStay(set) &&
    fileIndexes.every((index, i) => index === before + i + 1)
  );
}

/** The root of a file, by its layer and its cluster counted from 0. */
export const rootOf = (
  { clusters }: CessSet,
  { roots }: CessCommits,
  layer: number,
  offset: number,
): Uint8Array => roots[layer * clusters + offset] as Uint8Array;

/** Roots of the files that stay, in the order of their numbers. */
export function rootsThatStay(set: CessSet, commits: CessCommits): readonly Uint8Array[] {
  const { layers } = set.shape;
  return commits.fileIndexes.map((_index, i) =>
    rootOf(set, commits, layers + (i % layers), Math.floor(i / layers)),
  );
}

/** What stands for the files that stay in the accumulator. */
export const elementsOf = (set: CessSet, commits: CessCommits): readonly Uint8Array[] =>
  rootsThatStay(set, commits).map((root, i) => cessElement(set.minerId, filesBefore(set) + i + 1, root));

const domain = utf8Bytes("holdfast cess commit challenge 1\n");

/** The challenge that follows from 32 bytes nobody knew before the commit. */
export function cessCommitChallenge(
  set: CessSet,
  commits: CessCommits,
  seed: Uint8Array,
): CessCommitChallenge {
  checkSet(set);
  const { minerId, shape, startCluster, clusters } = set;
  const about = concatBytes(minerId, bigEndian(startCluster, 8), commits.roots.at(-1) ?? new Uint8Array(0));
  const stream = new WordStream(sha256(concatBytes(domain, seed, about)));
  stream.seek(streamDomains.challenges, 0);
  const { layers, nodes, degree } = shape;
  const drawn = (count: number, draw: () => number): readonly number[] => Array.from({ length: count }, draw);
  return Array.from({ length: clusters }, (_none, offset) => [
    startCluster + offset,
    ...drawn(layers, () => layers * nodes + stream.below(nodes)),
    (layers - 1) * nodes + stream.below(nodes),
    ...drawn(layers - 1, () => stream.below(degree + 1)),
  ]);
}

/** Whether somebody may be asked that. */
export function isCommitChallenge(
  { shape, startCluster, clusters }: CessSet,
  challenge: CessCommitChallenge,
): boolean {
  const { layers, nodes, degree } = shape;
  const inLayer = (node: number | undefined, layer: number): boolean =>
    Number.isInteger(node) && Math.floor((node as number) / nodes) === layer;
  return (
    challenge.length === clusters &&
    challenge.every(
      (row, offset) =>
        row.length === 2 * layers + 1 &&
        row[0] === startCluster + offset &&
        row.slice(1, layers + 1).every((node) => inLayer(node, layers)) &&
        inLayer(row[layers + 1], layers - 1) &&
        row.slice(layers + 2).every((place) => Number.isInteger(place) && place >= 0 && place <= degree),
    )
  );
}

/** A label that is opened, and in which file it stands. */
export interface CessSpot {
  readonly index: number;
  readonly realLayer: number;
  /** Of the cluster, from 0. */
  readonly offset: number;
}

/** A challenged node with all that its label is made from. */
export interface CessStep {
  readonly node: CessSpot;
  readonly parents: readonly CessSpot[];
  readonly before: CessSpot | undefined;
  readonly elders: readonly CessSpot[];
}

/** The file made before, at the same position. */
function spotBefore(
  { clusters }: CessSet,
  realLayer: number,
  offset: number,
  position: number,
): CessSpot | undefined {
  if (offset > 0) return { index: position, realLayer, offset: offset - 1 };
  return realLayer === 0 ? undefined : { index: position, realLayer: realLayer - 1, offset: clusters - 1 };
}

function stepAt(set: CessSet, offset: number, node: number, realLayer: number): CessStep {
  const { minerId, shape, startCluster } = set;
  const { layers, nodes, degree } = shape;
  const layer = Math.floor(node / nodes);
  const position = node % nodes;
  const file = { minerId, nodes, degree, cluster: startCluster + offset, realLayer };
  const parity = eldersOf(shape, realLayer);
  const eldest = parity === undefined ? 0 : Math.floor(layers / 2);
  return {
    node: { index: node, realLayer, offset },
    parents: cessParents(file, node).map((index) => ({
      index,
      realLayer: index >= layer * nodes ? realLayer : layer - 1,
      offset,
    })),
    before: spotBefore(set, realLayer, offset, position),
    elders: Array.from({ length: eldest }, (_none, i) => {
      const elder = (parity ?? 0) + 2 * i;
      return { index: elder * nodes + position, realLayer: elder, offset };
    }),
  };
}

/** All nodes of one row of a challenge, in their order. */
export function cessWalk(set: CessSet, offset: number, row: readonly number[]): readonly CessStep[] {
  const { layers, nodes } = set.shape;
  const steps: CessStep[] = [];
  for (let j = 1; j <= 2 * layers; j += 1) {
    const asked = row[j] as number;
    if (j <= layers) {
      steps.push(stepAt(set, offset, asked, layers + j - 1));
      continue;
    }
    const last = steps.at(-1)?.parents ?? [];
    const node = j === layers + 1 ? asked : last[Math.min(asked, last.length - 1)]?.index;
    assert(node !== undefined, "k − 1 steps down from layer k − 1 do not pass layer 0");
    steps.push(stepAt(set, offset, node, Math.floor(node / nodes)));
  }
  return steps;
}

/** The label of a node from the labels that it is made from. */
export function labelFrom(
  { minerId, shape, startCluster }: CessSet,
  { index, realLayer, offset }: CessSpot,
  parts: {
    readonly parents: readonly Uint8Array[];
    readonly elders: readonly Uint8Array[];
    readonly before?: Uint8Array;
  },
): Uint8Array {
  const sum = (labels: readonly Uint8Array[]): Uint8Array => {
    const total = new Uint8Array(labelBytes);
    for (const label of labels) addRow(total, label);
    return total;
  };
  const cluster = startCluster + offset;
  const numbers = [
    bigEndian(cluster, 8),
    bigEndian(fileNumber(shape, cluster, realLayer), 8),
    bigEndian(index, 4),
  ];
  const { before = new Uint8Array(0) } = parts;
  return sha512(concatBytes(minerId, ...numbers, sum(parts.parents), sum(parts.elders), before));
}

/** Which parents have paths: all, or as in the original those whose id is a multiple of six. */
export type ProvenParents = "all" | "sixth";

export const isProven = (proven: ProvenParents, index: number): boolean =>
  proven === "all" || index % 6 === 0;

/** All files of a set, intermediate layers with them, by layer and by cluster from 0. */
export type CessSetFiles = (realLayer: number, offset: number) => CessFile;

function proveStep(
  { node, parents, before, elders }: CessStep,
  nodes: number,
  files: CessSetFiles,
  proven: ProvenParents,
): CessNodeProof {
  const open = ({ index, realLayer, offset }: CessSpot): CessOpening => ({
    index,
    ...openLabel(files(realLayer, offset), index % nodes),
  });
  const shown = ({ index, realLayer, offset }: CessSpot): CessOpening => ({
    index,
    label: files(realLayer, offset)
      .labels(index % nodes, 1)
      .slice(),
  });
  return {
    node: open(node),
    parents: parents.map((spot) => (isProven(proven, spot.index) ? open(spot) : shown(spot))),
    elders: [...(before === undefined ? [] : [before]), ...elders].map(open),
  };
}

/** Proves a commit, cluster by cluster. Throws cess/bad-files if it cannot be asked that. */
export function* proveCessCommit(
  set: CessSet,
  challenge: CessCommitChallenge,
  files: CessSetFiles,
  proven: ProvenParents = "all",
): Generator<readonly CessNodeProof[], CessCommitProof, void> {
  checkSet(set);
  if (!isCommitChallenge(set, challenge))
    throw cessErrors.badFiles({ problem: "the challenge is of another set" });
  const rows: CessNodeProof[][] = [];
  for (const [offset, row] of challenge.entries()) {
    const proofs = cessWalk(set, offset, row).map((step) => proveStep(step, set.shape.nodes, files, proven));
    rows.push(proofs);
    yield proofs;
  }
  return rows;
}
