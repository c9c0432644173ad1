/** A small set of the compatibility profile, an honest one and one that stands on nothing; an accumulator of four. */
import { concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import {
  type CessBasis,
  type CessCommitChallenge,
  type CessCommitProof,
  type CessFile,
  type CessNodeProof,
  type CessOpening,
  type CessSet,
  cessFileOf,
  cessLabelBytes,
  cessWalk,
  emptyCessLevels,
  insertCessElements,
  openCessLabel,
} from "@holdfast/proofs";
import { sha512 } from "@noble/hashes/sha2.js";
import { madeSet, minerId } from "./cess-fixtures.ts";
import { originalLabel } from "./cess-original-rules.ts";
import { readVectors } from "./vectors.ts";

export const shape = { layers: 2, nodes: 512, degree: 2 };
export const set: CessSet = { minerId, shape, startCluster: 1, clusters: 2 };
export const vector = { k: 2, n: 512, d: 2, startCluster: 1, clusters: 2, commitHash: "" };
export const seed = new Uint8Array(32).fill(3);
const { modulus, base } = readVectors<{ modulus: string; base: string }>("idle", "cess-levels");
export const key = { modulus: BigInt(`0x${modulus}`), base: BigInt(`0x${base}`) };

export function result<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export interface Made {
  readonly files: (layer: number, offset: number) => CessFile;
  readonly roots: Uint8Array;
}

export function filesOf(labels: readonly Uint8Array[], roots: Uint8Array, clusters = set.clusters): Made {
  const kept = labels.map((file) => cessFileOf(file, [64]));
  return { files: (layer, offset) => kept[layer * clusters + offset] as CessFile, roots };
}

export const honest = (() => {
  const { files, roots } = madeSet(vector);
  return filesOf(files, roots.roots);
})();

export const element = (name: string): Uint8Array => sha512(utf8Bytes(name));
export const four = [1, 2, 3, 4].map((i) => element(`file ${i}`));
/** Four files that stand in the accumulator, and what is known of them. */
export function standing(basis: CessBasis) {
  const { levels, update } = insertCessElements(emptyCessLevels(basis), four);
  return { levels, update, state: { root: levels.root, front: 0, rear: 4 } };
}

/** Files whose labels are made one by one out of nothing but a neighbour that is always the same. */
export function emptySet(): Made {
  const { nodes } = shape;
  const files: Uint8Array[] = [];
  const roots: Uint8Array[] = [];
  for (let realLayer = 0; realLayer < 2 * shape.layers; realLayer += 1) {
    for (let offset = 0; offset < set.clusters; offset += 1) {
      const labels = new Uint8Array(nodes * cessLabelBytes);
      const before = files.at(-1)?.subarray(0, cessLabelBytes) ?? new Uint8Array(0);
      for (let at = 0; at < nodes; at += 1) {
        const node = Math.min(realLayer, shape.layers) * nodes + at;
        const label = originalLabel(set, { cluster: 1 + offset, realLayer, node }, [], [], before);
        labels.set(label, at * cessLabelBytes);
      }
      files.push(labels);
      roots.push(rootOf(labels));
    }
  }
  return filesOf(files, concatBytes(...roots));
}

export function rootOf(labels: Uint8Array): Uint8Array {
  const { label, path } = openCessLabel(cessFileOf(labels, [64]), 0);
  return path.siblings.reduce((node, sibling) => sha256(concatBytes(node, sibling)), sha256(label));
}

/** The proof of such a set: one parent without a path makes the sum what it has to be, nothing. */
export function emptyProof({ files }: Made, challenge: CessCommitChallenge): CessCommitProof {
  const { nodes } = shape;
  const open = (layer: number, offset: number, index: number, position = index % nodes): CessOpening => ({
    index,
    ...openCessLabel(files(layer, offset), position),
  });
  return challenge.map((row, offset) =>
    cessWalk(set, offset, row).map(({ node, parents, before }): CessNodeProof => {
      const shown = parents.map(({ index, realLayer }) => open(realLayer, offset, index));
      const free = parents.findIndex(({ index }) => index % 6 !== 0);
      const others = shown.filter((_one, i) => i !== free);
      const label = new Uint8Array(cessLabelBytes);
      for (const one of others)
        for (const [i, byte] of one.label.entries()) label[i] = (label[i] ?? 0) ^ byte;
      const given = shown.map((one, i) => (i === free ? { index: one.index, label } : one));
      const beside = before === undefined ? [] : [open(before.realLayer, before.offset, before.index, 0)];
      return { node: open(node.realLayer, offset, node.index), parents: given, elders: beside };
    }),
  );
}

/** Of every place, as often as the original picks. */
export const everyPlace = [0, 1].flatMap((row) => [0, 1, 2].map((place): [number, number] => [row, place]));
