/**
 * The Merkle tree over the labels of one idle file in the compatibility profile: a leaf is SHA-256 of a label, an
 * inner node SHA-256 of its children, and neither names its height or place. What is kept beside a file is `aux`,
 * the row of 64 nodes: with it a path needs only the labels of one 64th of the file.
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
