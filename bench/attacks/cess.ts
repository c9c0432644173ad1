/**
 * The same question for the graph of CESS, by its rule of positions restated: how many labels have to be made, and how
 * many of them one after the other, to answer a challenge, if the labels at its *hot* positions were kept, or nothing.
 * An expander parent lies at one of 256 positions of each group, the same for all nodes; so who keeps those answers
 * from one column: the labels at one position in all files.
 */
import { hash } from "node:crypto";

export interface CessShape {
  /** Layers below the files, and files above them in each cluster. */
  readonly k: number;
  readonly nodes: number;
  readonly degree: number;
  readonly clusters: number;
}

export interface CessLabel {
  /** 0 … 2k − 1: layers, then files. */
  readonly layer: number;
  /** From 1. */
  readonly cluster: number;
  readonly position: number;
}

const keyOf = ({ nodes, clusters }: CessShape, { layer, cluster, position }: CessLabel): number =>
  (layer * clusters + cluster - 1) * nodes + position;

function bigEndian(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, value] of numbers.entries()) bytes.writeBigInt64BE(BigInt(value), 8 * i);
  return bytes;
}

export function isHot({ nodes, degree }: CessShape, position: number): boolean {
  const stride = nodes / degree / 256;
  const inGroup = position % (nodes / degree);
  const row = Math.floor(inGroup / stride);
  return inGroup === row * stride + (row % stride);
}

/** Everything that a label hashes. */
export function cessNeeds(shape: CessShape, miner: Uint8Array, label: CessLabel): readonly CessLabel[] {
  const { k, nodes, degree, clusters } = shape;
  const { layer, cluster, position } = label;
  const needs: CessLabel[] = [];
  if (cluster > 1) needs.push({ layer, cluster: cluster - 1, position });
  else if (layer > 0) needs.push({ layer: layer - 1, cluster: clusters, position });
  for (let elder = 0; layer >= k && elder < k / 2; elder += 1) {
    needs.push({ layer: Math.floor((layer - k / 2) / k) + 2 * elder, cluster, position });
  }
  if (layer === 0) return needs;
  const logical = Math.min(layer, k);
  const below = logical - 1;
  needs.push({ layer: below, cluster, position });
  const message = Buffer.concat([miner, bigEndian(cluster, layer, logical * nodes + position)]);
  const bytes = hash("sha512", message, "buffer");
  const group = nodes / degree;
  const stride = group / 256;
  for (let i = 0; i < degree; i += 1) {
    const row = bytes[i] as number;
    let at = i * group + row * stride + (row % stride);
    if (at === position) at += 1;
    if (at < position || at === nodes) needs.push({ layer, cluster, position: at % nodes });
    else needs.push({ layer: below, cluster, position: at });
  }
  return needs;
}

export interface CessCost {
  /** Labels that are made. */
  readonly labels: number;
  /** Of these, one after the other. */
  readonly depth: number;
}

/** The cost of one label, given which ones are kept. */
export function cessCost(
  shape: CessShape,
  miner: Uint8Array,
  asked: CessLabel,
  kept: (label: CessLabel) => boolean,
): CessCost {
  const needed = new Map<number, readonly number[]>();
  const open = kept(asked) ? [] : [asked];
  for (let label = open.pop(); label !== undefined; label = open.pop()) {
    const key = keyOf(shape, label);
    if (needed.has(key)) continue;
    const missing = cessNeeds(shape, miner, label).filter((need) => !kept(need));
    needed.set(
      key,
      missing.map((need) => keyOf(shape, need)),
    );
    for (const need of missing) if (!needed.has(keyOf(shape, need))) open.push(need);
  }
  const depths = new Map<number, number>();
  for (const key of [...needed.keys()].sort((a, b) => a - b)) {
    const below = (needed.get(key) ?? []).map((need) => depths.get(need) ?? 0);
    depths.set(key, 1 + below.reduce((most, depth) => Math.max(most, depth), 0));
  }
  return { labels: needed.size, depth: depths.get(keyOf(shape, asked)) ?? 0 };
}

/** Labels at hot positions in all layers and files, as a share of those of the files. */
export const hotShare = ({ nodes, degree }: CessShape): number => (2 * 256 * degree) / nodes;
