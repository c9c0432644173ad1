/**
 * Proof that a kept layer was labelled: positions, drawn after the commitment, whose labels in all layers are
 * shown with those of all parents, each under the column root at its own position. Layer 1 stands on the files of
 * the kept layer below; the last layer is the files of this one. What a proof holds, in this order:
 *
 *   columns   of the challenged positions and their parents of any slot, ascending: `layers` labels each
 *   nodes     beside the paths of these columns
 *   files     for each file of this kept layer with a challenged position, ascending: the opening of its leaves
 *   below     the same of the kept layer below for the positions that layer 1 reads there; nothing for the lowest
 *
 * Invariant: the statement fixes the length and the meaning of every byte; bytes of a peer never make the verifier
 * throw.
 */
import { concatBytes, equalBytes, sha256, utf8Bytes } from "@holdfast/base";
import { challengedNodes } from "../../graph/index.ts";
import { type Commitment, nodeBytes, sha254Hasher } from "../../merkle/index.ts";
import { openingLength, openingNodes, verifyOpening } from "../../openings/index.ts";
import type { Steps } from "../../porep/index.ts";
import { closingHalf, startChains } from "./absorb.ts";
import { allParents, createIdleGraph, idleGraphSeed, sampledParents, tableParents } from "./graph.ts";
import {
  columnTag,
  firstFileOf,
  type IdleSetIdentity,
  idleSetKey,
  type LayerRoots,
  layerCommitment,
} from "./identity.ts";
import { spaceKernel } from "./kernel.ts";
import { IdleLabelMaker, layerHeader } from "./labels.ts";
import { type IdleProfile, layerNodes, leafBytes, leafLabels } from "./profiles.ts";
import { openedBytes, verifyFileOpening } from "./space.ts";
import { absorbLayer, foldTree, openFile } from "./trees.ts";

/** What stands below a kept layer in its set. */
export interface LayerBelow {
  readonly fileRoots: readonly Commitment[];
  /** The commitment to the kept layer below. */
  readonly commitment: Commitment;
}

export interface CommitStatement {
  readonly profile: IdleProfile;
  readonly identity: IdleSetIdentity;
  /** From 0. */
  readonly keptLayer: number;
  readonly roots: LayerRoots;
  /** Left out for the lowest kept layer of a set. */
  readonly below?: LayerBelow;
  /** 32 bytes of chain randomness from after the commitment. */
  readonly seed: Uint8Array;
}

/** Where the prover finds labels and aux. */
export interface CommitSource {
  /** Labels of so many positions from `low` on of a layer, from 1; 0 is the kept layer below. */
  readonly labels: (layer: number, low: number, count: number) => Uint8Array;
  /** Aux of a file (from 0) of this kept layer, or of the one below. */
  readonly aux: (file: number, below: boolean) => Uint8Array;
}

const domain = utf8Bytes("holdfast idle commit 1\n");
const noLabel = new Uint8Array(nodeBytes);

/** The commitment that a statement is about. */
export function commitmentOf({ profile, identity, keptLayer, roots, below }: CommitStatement): Commitment {
  return layerCommitment(idleSetKey(profile, identity), keptLayer, roots, below?.commitment ?? noLabel);
}

/** The positions that are opened: distinct, ascending. */
export function commitChallenges(statement: CommitStatement): readonly number[] {
  const { profile, seed } = statement;
  const key = sha256(concatBytes(domain, seed, commitmentOf(statement)));
  return challengedNodes(key, profile.commitChallenges, layerNodes(profile));
}

const ascending = (numbers: Iterable<number>): readonly number[] =>
  [...new Set(numbers)].sort((a, b) => a - b);

/** Positions of a layer as leaves of its files: the file, and its leaves, ascending. */
type Leaves = ReadonlyMap<number, readonly number[]>;

function leavesAt({ fileNodes }: IdleProfile, positions: Iterable<number>): Leaves {
  const byFile = new Map<number, number[]>();
  for (const leaf of ascending([...positions].map((position) => Math.floor(position / leafLabels)))) {
    const file = Math.floor((leaf * leafLabels) / fileNodes);
    const leaves = byFile.get(file) ?? [];
    leaves.push(leaf - (file * fileNodes) / leafLabels);
    byFile.set(file, leaves);
  }
  return byFile;
}

export interface Plan {
  readonly challenged: readonly number[];
  /** Slots 1…12 of each challenged position. */
  readonly parents: ReadonlyMap<number, Uint32Array>;
  /** Positions whose columns are shown. */
  readonly columns: readonly number[];
  readonly files: Leaves;
  readonly below: Leaves;
}

export function planOf(statement: CommitStatement): Plan {
  const { profile, identity, below } = statement;
  const challenged = commitChallenges(statement);
  const graph = createIdleGraph(idleGraphSeed(identity.networkId, profile), layerNodes(profile));
  const parents = new Map<number, Uint32Array>();
  const shown = new Set<number>();
  const read = new Set<number>();
  for (const node of challenged) {
    const own = new Uint32Array(tableParents);
    graph.parentsInto(node, 1, own);
    parents.set(node, own);
    for (const parent of own) shown.add(parent);
    for (const parent of own.subarray(sampledParents)) read.add(parent);
    shown.add(node).add(Math.max(0, node - 1));
    read.add(node);
  }
  return {
    challenged,
    parents,
    columns: ascending(shown),
    files: leavesAt(profile, challenged),
    below: leavesAt(profile, below === undefined ? [] : read),
  };
}

/** Leaves of the column tree, hashed layer by layer, slice by slice. */
function* columnLeaves(profile: IdleProfile, source: CommitSource): Steps<Uint8Array> {
  const states = new Uint8Array(layerNodes(profile) * nodeBytes);
  const slice = Math.min(layerNodes(profile), 2 ** 13);
  for (let low = 0; low < layerNodes(profile); low += slice) {
    const own = states.subarray(low * nodeBytes, (low + slice) * nodeBytes);
    let before: Uint8Array = own; // layer 1 takes no label of the layer below
    for (let layer = 1; layer <= profile.layers; layer += 1) {
      const labels = source.labels(layer, low, slice);
      absorbLayer(profile, layer, own, before, labels);
      before = labels;
    }
    yield (low + slice) / layerNodes(profile);
  }
  return states;
}

/**
 * Makes the proof. Reads every layer once, and 8 KiB for each opened leaf of a file; holds one layer in memory.
 */
export function* proveCommit(statement: CommitStatement, source: CommitSource): Steps<Uint8Array> {
  const { profile } = statement;
  const { columns, files, below } = planOf(statement);
  const parts: Uint8Array[] = [];
  for (const node of columns) {
    for (let layer = 1; layer <= profile.layers; layer += 1)
      parts.push(source.labels(layer, node, 1).slice());
  }
  const wanted = openingNodes(sha254Hasher, layerNodes(profile), columns).slice(columns.length);
  const siblings = new Uint8Array(wanted.length * nodeBytes);
  const states = yield* columnLeaves(profile, source);
  foldTree(states, (level, row) => {
    for (const [i, node] of wanted.entries()) {
      if (node.level !== level) continue;
      siblings.set(row.subarray(node.index * nodeBytes, (node.index + 1) * nodeBytes), i * nodeBytes);
    }
  });
  parts.push(siblings);
  for (const [isBelow, layer, leaves] of [
    [false, profile.layers, files],
    [true, 0, below],
  ] as const) {
    for (const [file, own] of leaves) {
      const first = file * profile.fileNodes;
      const labels = (low: number, count: number): Uint8Array => source.labels(layer, first + low, count);
      parts.push(openFile(profile, { aux: source.aux(file, isBelow), labels }, own));
    }
  }
  return concatBytes(...parts);
}

/** Reads the parts of a proof in their order; the length was checked before. */
export class Reader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

export function proofBytes(profile: IdleProfile, { columns, files, below }: Plan): number {
  const siblings = openingLength(sha254Hasher, layerNodes(profile), columns) - columns.length * nodeBytes;
  const openings = [...files.values(), ...below.values()].map((leaves) => openedBytes(profile, leaves));
  return openings.reduce((sum, bytes) => sum + bytes, columns.length * profile.layers * nodeBytes + siblings);
}

/** Leaves of the column tree from whole columns, one after another. */
export function leavesOfColumns({ layers }: IdleProfile, columns: Uint8Array): Uint8Array {
  const stride = layers * nodeBytes;
  const states = new Uint8Array(columns.length / layers);
  startChains(states);
  const label = (layer: number): Uint8Array => columns.subarray((layer - 1) * nodeBytes);
  for (let layer = 1; layer <= layers; layer += 2) {
    const left =
      layer === 1 ? { left: columnTag, leftStride: 0 } : { left: label(layer - 1), leftStride: stride };
    spaceKernel.absorb({ states, ...left, right: label(layer), rightStride: stride, trim: false });
  }
  const right = closingHalf(nodeBytes * (1 + layers));
  spaceKernel.absorb({ states, left: label(layers), leftStride: stride, right, rightStride: 0, trim: true });
  return states;
}

/** Labels by position. */
type Labels = ReadonlyMap<number, Uint8Array>;

/** The opened labels of a layer's files, or undefined if an opening is wrong. */
function readFiles(
  profile: IdleProfile,
  roots: readonly Commitment[],
  leaves: Leaves,
  reader: Reader,
): Labels | undefined {
  const labels = new Map<number, Uint8Array>();
  for (const [file, own] of leaves) {
    const opened = reader.take(openedBytes(profile, own));
    const root = roots[file];
    if (root === undefined || !verifyFileOpening(profile, root, own, opened)) return undefined;
    for (const [i, leaf] of own.entries()) {
      for (let k = 0; k < leafLabels; k += 1) {
        const at = i * leafBytes + k * nodeBytes;
        const position = file * profile.fileNodes + leaf * leafLabels + k;
        labels.set(position, opened.subarray(at, at + nodeBytes));
      }
    }
  }
  return labels;
}

function isWellFormed({ profile, identity, keptLayer, roots, below, seed }: CommitStatement): boolean {
  const { networkId, nonce, set } = identity;
  const fixed = [networkId, nonce, seed, roots.columnRoot, ...roots.fileRoots];
  const fixedBelow = below === undefined ? [] : [below.commitment, ...below.fileRoots];
  return (
    [...fixed, ...fixedBelow].every((part) => part.length === nodeBytes) &&
    Number.isSafeInteger(set) &&
    set >= 0 &&
    set < 2 ** 31 &&
    Number.isInteger(keptLayer) &&
    keptLayer >= 0 &&
    keptLayer < profile.keptLayers &&
    (keptLayer === 0) === (below === undefined) &&
    roots.fileRoots.length === profile.files &&
    (below === undefined || below.fileRoots.length === profile.files)
  );
}

/** The label of one position in one layer, made again from what was opened. */
type LabelAt = (layer: number, position: number) => Uint8Array;

function relabelled(statement: CommitStatement, key: Uint8Array, plan: Plan, labelAt: LabelAt): boolean {
  const { profile, identity, keptLayer } = statement;
  const firstFile = firstFileOf(profile, identity.set, keptLayer);
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    const maker = new IdleLabelMaker(layerHeader(key, keptLayer, layer), profile.passes);
    for (const node of plan.challenged) {
      const parents = plan.parents.get(node) as Uint32Array;
      maker.setParent(0, node === 0 ? noLabel : labelAt(layer, node - 1));
      parents.forEach((parent, k) => {
        const inLayer = k < sampledParents;
        maker.setParent(1 + k, inLayer && node < 2 ? noLabel : labelAt(inLayer ? layer : layer - 1, parent));
      });
      maker.setParent(allParents - 1, labelAt(layer - 1, node));
      const { fileNodes } = profile;
      const label = maker.label(firstFile + Math.floor(node / fileNodes), node % fileNodes);
      if (!equalBytes(label, labelAt(layer, node))) return false;
    }
  }
  return true;
}

/** Whether the proof shows that the committed layer was labelled. Never throws. */
export function verifyCommit(statement: CommitStatement, proof: Uint8Array): boolean {
  if (!isWellFormed(statement)) return false;
  const { profile, identity, roots, below } = statement;
  const plan = planOf(statement);
  if (proof.length !== proofBytes(profile, plan)) return false;
  const reader = new Reader(proof);
  const stride = profile.layers * nodeBytes;
  const columns = reader.take(plan.columns.length * stride);
  const nodes = layerNodes(profile);
  const leafNodes = plan.columns.length * nodeBytes;
  const siblings = reader.take(openingLength(sha254Hasher, nodes, plan.columns) - leafNodes);
  const opening = concatBytes(leavesOfColumns(profile, columns), siblings);
  if (!verifyOpening(sha254Hasher, roots.columnRoot, nodes, plan.columns, opening)) return false;
  const kept = readFiles(profile, roots.fileRoots, plan.files, reader);
  const under = readFiles(profile, below?.fileRoots ?? [], plan.below, reader);
  if (kept === undefined || under === undefined) return false;
  const columnAt = new Map(plan.columns.map((position, i) => [position, i * stride]));
  const labelAt: LabelAt = (layer, position) => {
    if (layer === 0) return under.get(position) ?? noLabel; // nothing is below the lowest
    const at = (columnAt.get(position) as number) + (layer - 1) * nodeBytes;
    return columns.subarray(at, at + nodeBytes);
  };
  const sameFiles = plan.challenged.every((position) =>
    equalBytes(kept.get(position) as Uint8Array, labelAt(profile.layers, position)),
  );
  return sameFiles && relabelled(statement, idleSetKey(profile, identity), plan, labelAt);
}
