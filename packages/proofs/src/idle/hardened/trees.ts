/**
 * The trees over idle space, binary sha2-256-trunc254:
 *
 *   file tree     leaf = SHA-256(file leaf tag ‖ four labels): what audits open; one for each file
 *   column tree   leaf = SHA-256(column tag ‖ the position's labels of all layers): what commitments open, once
 *
 * A leaf hashes a tag first that is no inner node's child. Beside a file lies its *aux*: the rows of its tree from
 * the one whose nodes have 64 leaves (8 KiB of labels) below them, so that opening a leaf reads 8 KiB and no more.
 */
import { assert } from "@holdfast/base";
import { type Commitment, exactLog2, nodeBytes, sha254Hasher } from "../../merkle/index.ts";
import { openingNodes } from "../../openings/index.ts";
import { closingHalf, startChains } from "./absorb.ts";
import { columnTag, fileLeafTag } from "./identity.ts";
import { spaceKernel } from "./kernel.ts";
import { type IdleProfile, leafBytes, leafLabels } from "./profiles.ts";

/** Rows of a file's tree below its aux. */
const auxLevel = 6;
/** Pairs of nodes that are hashed in one call. */
const pairsPerCall = 2 ** 12;

export const fileLeaves = ({ fileNodes }: Pick<IdleProfile, "fileNodes">): number => fileNodes / leafLabels;

const auxLevelOf = (leaves: number): number => Math.min(auxLevel, exactLog2(leaves) ?? 0);

/** Bytes of the aux of a file. */
export function auxBytes(profile: Pick<IdleProfile, "fileNodes">): number {
  const leaves = fileLeaves(profile);
  return (2 * (leaves / 2 ** auxLevelOf(leaves)) - 1) * nodeBytes;
}

/**
 * Hashes a row of nodes up to its root, in the row's own bytes, and shows every row, the leaves first, to `visit`
 * before it is written over.
 */
export function foldTree(row: Uint8Array, visit?: (level: number, row: Uint8Array) => void): Commitment {
  assert(exactLog2(row.length / nodeBytes) !== undefined, "a tree has a power of two of leaves");
  let width = row.length;
  visit?.(0, row);
  for (let level = 1; width > nodeBytes; level += 1) {
    for (let from = 0; from < width; from += 2 * pairsPerCall * nodeBytes) {
      const pairs = row.subarray(from, Math.min(width, from + 2 * pairsPerCall * nodeBytes));
      row.set(sha254Hasher.hashRow(pairs, 2), from / 2);
    }
    width /= 2;
    visit?.(level, row.subarray(0, width));
  }
  return row.slice(0, nodeBytes);
}

const closingLeaf = closingHalf(nodeBytes + leafBytes);

/** The leaves of the labels of a file or a part of it, four labels each. */
export function leavesOf(labels: Uint8Array): Uint8Array {
  const states = new Uint8Array(labels.length / leafLabels);
  const at = (label: number): Uint8Array => labels.subarray(label * nodeBytes);
  const [tagged, packed] = [{ left: fileLeafTag, leftStride: 0 }, { rightStride: leafBytes }];
  startChains(states);
  spaceKernel.absorb({ states, ...tagged, right: labels, ...packed, trim: false });
  spaceKernel.absorb({ states, left: at(1), leftStride: leafBytes, right: at(2), ...packed, trim: false });
  const closing = { right: closingLeaf, rightStride: 0, trim: true };
  spaceKernel.absorb({ states, left: at(3), leftStride: leafBytes, ...closing });
  return states;
}

/** Root and aux of a file. */
export function fileTree(labels: Uint8Array): { readonly root: Commitment; readonly aux: Uint8Array } {
  const profile = { fileNodes: labels.length / nodeBytes };
  const from = auxLevelOf(fileLeaves(profile));
  const aux = new Uint8Array(auxBytes(profile));
  let at = 0;
  const root = foldTree(leavesOf(labels), (level, row) => {
    if (level < from) return;
    aux.set(row, at);
    at += row.length;
  });
  return { root, aux };
}

/** The root that an aux ends with. */
export const rootOfAux = (aux: Uint8Array): Commitment => aux.slice(aux.length - nodeBytes);

/** What a file's openings are made of. */
export interface FileSource {
  readonly aux: Uint8Array;
  /** So many labels from position `low` on. */
  readonly labels: (low: number, count: number) => Uint8Array;
}

/**
 * The leaves with these numbers (distinct, ascending) in the clear, four labels each, then the nodes beside their
 * paths. Reads 8 KiB for each leaf, or less where leaves are neighbours.
 */
export function openFile(profile: IdleProfile, source: FileSource, leaves: readonly number[]): Uint8Array {
  const count = fileLeaves(profile);
  const from = auxLevelOf(count);
  const groupLeaves = 2 ** from;
  const groups = new Map<number, readonly Uint8Array[]>();
  const groupOf = (group: number): readonly Uint8Array[] => {
    const known = groups.get(group);
    if (known !== undefined) return known;
    const rows: Uint8Array[] = [];
    const low = group * groupLeaves * leafLabels;
    foldTree(leavesOf(source.labels(low, groupLeaves * leafLabels)), (_level, row) => rows.push(row.slice()));
    groups.set(group, rows);
    return rows;
  };
  const nodeAt = (level: number, index: number): Uint8Array => {
    if (level >= from) {
      const width = count / 2 ** level; // rows of aux: count/2^from, half of it, and so on
      const before = 2 * (count / 2 ** from) - 2 * width;
      return source.aux.subarray((before + index) * nodeBytes, (before + index + 1) * nodeBytes);
    }
    const inGroup = groupLeaves / 2 ** level;
    const row = groupOf(Math.floor(index / inGroup))[level] as Uint8Array;
    return row.subarray((index % inGroup) * nodeBytes, ((index % inGroup) + 1) * nodeBytes);
  };
  const siblings = openingNodes(sha254Hasher, count, leaves).slice(leaves.length);
  const opened = new Uint8Array(leaves.length * leafBytes + siblings.length * nodeBytes);
  for (const [i, leaf] of leaves.entries()) {
    opened.set(source.labels(leaf * leafLabels, leafLabels), i * leafBytes);
  }
  for (const [i, { level, index }] of siblings.entries()) {
    opened.set(nodeAt(level, index), leaves.length * leafBytes + i * nodeBytes);
  }
  return opened;
}

/** Lets the columns of a run of positions take their labels of one layer, from 1; `below`: of the layer below. */
export function absorbLayer(
  { layers }: Pick<IdleProfile, "layers">,
  layer: number,
  states: Uint8Array,
  below: Uint8Array,
  labels: Uint8Array,
): void {
  const stride = nodeBytes;
  if (layer === 1) startChains(states);
  if (layer % 2 === 1) {
    const left = layer === 1 ? { left: columnTag, leftStride: 0 } : { left: below, leftStride: stride };
    spaceKernel.absorb({ states, ...left, right: labels, rightStride: stride, trim: false });
  } else if (layer === layers) {
    const right = closingHalf(nodeBytes * (1 + layers));
    spaceKernel.absorb({ states, left: labels, leftStride: stride, right, rightStride: 0, trim: true });
  }
}
