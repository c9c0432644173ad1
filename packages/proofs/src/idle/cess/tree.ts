/**
 * The Merkle tree over the labels of one idle file in the compatibility profile: a leaf is SHA-256 of a label, an
 * inner node SHA-256 of its children, and neither names its height or place. What is kept beside a file is `aux`,
 * the row of 64 nodes: with it a path needs only the labels of one 64th of the file; with more rows fewer.
 * Source: CESSProject/cess_pois v0.6.3, tree.
 */
import { assert, concatBytes, equalBytes, sha256 } from "@holdfast/base";
import { treeKernel } from "../../merkle/index.ts";
import { labelBytes } from "./rows.ts";

const hashBytes = 32;
export const auxNodes = 64;
export const auxBytes = auxNodes * hashBytes;

/** The row above this one that has `count` nodes. */
export function rowAbove(row: Uint8Array, count: number): Uint8Array {
  let above = row;
  while (above.length > count * hashBytes) above = treeKernel.sha256WholePairs(above);
  assert(above.length === count * hashBytes, "rows halve down to the one that is asked for");
  return above;
}

/** The row of `count` nodes over labels: a label is as long as two nodes, and hashed like them. */
export const rowOverLabels = (labels: Uint8Array, count: number): Uint8Array =>
  rowAbove(treeKernel.sha256WholePairs(labels), count);

export const rootOfAux = (aux: Uint8Array): Uint8Array => rowAbove(aux, 1);

export interface CessPath {
  /** From the leaf up: 1 where the own node is the left one. */
  readonly locs: readonly number[];
  readonly siblings: readonly Uint8Array[];
}

function climb(leaves: Uint8Array, index: number): CessPath {
  const locs: number[] = [];
  const siblings: Uint8Array[] = [];
  let at = index;
  for (let row = leaves; row.length > hashBytes; row = treeKernel.sha256WholePairs(row)) {
    const beside = at ^ 1;
    locs.push(at % 2 === 0 ? 1 : 0);
    siblings.push(row.slice(beside * hashBytes, (beside + 1) * hashBytes));
    at >>= 1;
  }
  return { locs, siblings };
}

/** The path of a label in a file whose `aux` is at hand: from the labels of its 64th, `part`. */
export function pathByAux(aux: Uint8Array, part: Uint8Array, position: number): CessPath {
  const partLabels = part.length / labelBytes;
  const low = climb(treeKernel.sha256WholePairs(part), position % partLabels);
  const high = climb(aux, Math.floor(position / partLabels));
  return { locs: [...low.locs, ...high.locs], siblings: [...low.siblings, ...high.siblings] };
}

/** One file, and the rows of its tree that are kept beside it. */
export interface CessFile {
  readonly nodes: number;
  /** Nodes of each kept row, falling: 64 alone is what the original keeps. */
  readonly rows: readonly number[];
  /** `count` labels from `low` on. */
  readonly labels: (low: number, count: number) => Uint8Array;
  /** `count` nodes from `low` on of the row that has `nodes`. */
  readonly row: (nodes: number, low: number, count: number) => Uint8Array;
}

const labelsUnderNode = 64;
const nodesUnderNode = 32;

/**
 * Rows with which a path needs 4 KiB of labels and little of each row, for 0.8 % of the file; the original's one row
 * needs a 64th of the file.
 */
export function denseRows(nodes: number): readonly number[] {
  const rows = [Math.max(1, nodes / labelsUnderNode)];
  while ((rows.at(-1) as number) > nodesUnderNode) rows.push((rows.at(-1) as number) / nodesUnderNode);
  return rows;
}

/** The kept rows over the labels of a whole file, one behind the other. */
export function keptRows(labels: Uint8Array, rows: readonly number[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let row = treeKernel.sha256WholePairs(labels);
  for (const nodes of rows) {
    row = rowAbove(row, nodes);
    parts.push(row);
  }
  return concatBytes(...parts);
}

/** A file whose labels and kept rows lie in memory. */
export function cessFileOf(
  labels: Uint8Array,
  rows: readonly number[],
  kept = keptRows(labels, rows),
): CessFile {
  const starts = new Map(
    rows.map((nodes, i) => [nodes, rows.slice(0, i).reduce((sum, one) => sum + one, 0)]),
  );
  const cut = (bytes: Uint8Array, unit: number, low: number, count: number): Uint8Array =>
    bytes.subarray(low * unit, (low + count) * unit);
  return {
    nodes: labels.length / labelBytes,
    rows,
    labels: (low, count) => cut(labels, labelBytes, low, count),
    row: (nodes, low, count) => cut(kept, hashBytes, (starts.get(nodes) as number) + low, count),
  };
}

/** A label with its path: reads the labels below one node of the first kept row, and so on up. */
export function openLabel(
  { nodes, rows, labels, row }: CessFile,
  position: number,
): { readonly label: Uint8Array; readonly path: CessPath } {
  const under = nodes / (rows[0] ?? 1);
  const part = labels(position - (position % under), under);
  const within = position % under;
  const paths = [climb(treeKernel.sha256WholePairs(part), within)];
  let at = Math.floor(position / under);
  for (const [i, count] of rows.entries()) {
    const width = count / (rows[i + 1] ?? 1);
    paths.push(climb(row(count, at - (at % width), width), at % width));
    at = Math.floor(at / width);
  }
  return {
    label: part.slice(within * labelBytes, (within + 1) * labelBytes),
    path: { locs: paths.flatMap(({ locs }) => locs), siblings: paths.flatMap(({ siblings }) => siblings) },
  };
}

/** The root of a file from what is kept of it. */
export function rootOfFile({ rows, row, labels, nodes }: CessFile): Uint8Array {
  const top = rows.at(-1);
  return top === undefined ? rowOverLabels(labels(0, nodes), 1) : rowAbove(row(top, 0, top), 1);
}

/** Whether the path leads from this label, at exactly this position, to the root. */
export function verifyCessPath(
  root: Uint8Array,
  label: Uint8Array,
  position: number,
  { locs, siblings }: CessPath,
): boolean {
  let node = sha256(label);
  if (locs.length !== siblings.length || position >= 2 ** locs.length) return false;
  for (const [height, sibling] of siblings.entries()) {
    const left = Math.floor(position / 2 ** height) % 2 === 0;
    if (locs[height] !== (left ? 1 : 0) || sibling.length !== hashBytes) return false;
    node = sha256(left ? concatBytes(node, sibling) : concatBytes(sibling, node));
  }
  return equalBytes(node, root);
}
