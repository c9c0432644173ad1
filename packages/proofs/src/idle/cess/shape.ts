/**
 * Sizes and numbers of idle files in the compatibility profile: k intermediate layers, then k files that stay, in
 * every cluster of a set; n labels in each; d parents drawn for a node. Clusters, files and sets are counted from 1
 * over all sets of a miner. A node's id is layer · n + position, where all files that stay are layer k.
 * Source: CESSProject/cess_pois v0.6.3 (k = 8, n = 2^20, d = 64, 32 clusters).
 */
import { cessErrors } from "./errors.ts";

export interface CessShape {
  /** k. */
  readonly layers: number;
  /** n, a power of two. */
  readonly nodes: number;
  /** d, a power of two. */
  readonly degree: number;
}

/** That of the public network. */
export const cessShape: CessShape = Object.freeze({ layers: 8, nodes: 2 ** 20, degree: 64 });
export const cessClusters = 32;

export interface CessSet {
  /** 32 bytes: the account's public key. */
  readonly minerId: Uint8Array;
  readonly shape: CessShape;
  readonly startCluster: number;
  readonly clusters: number;
}

export const limits = Object.freeze({
  layers: 64,
  nodes: 2 ** 26,
  /** The original takes more for as many. */
  degree: 128,
  clusters: 256,
  /** So that numbers of files are exact. */
  lastCluster: 2 ** 40,
});

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

/** Throws cess/bad-shape. */
export function checkShape({ layers, nodes, degree }: CessShape): void {
  const bad = (problem: string): Error => cessErrors.badShape({ layers, nodes, degree, problem });
  const within = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!within(layers, limits.layers)) throw bad(`k is a whole number from 1 to ${limits.layers}`);
  if (!within(degree, limits.degree) || !isPowerOfTwo(degree))
    throw bad(`d is a power of two up to ${limits.degree}`);
  if (!within(nodes, limits.nodes) || !isPowerOfTwo(nodes))
    throw bad(`n is a power of two up to ${limits.nodes}`);
  if (nodes < 256 * degree) throw bad("n is at least 256 · d: a byte chooses among the nodes of a group");
  if ((layers + 1) * nodes > 2 ** 31) throw bad("ids of nodes have 31 bits: n · (k + 1) is too much");
}

/** Throws cess/bad-shape, cess/bad-set, cess/bad-miner. */
export function checkSet({ minerId, shape, startCluster, clusters }: CessSet): void {
  checkShape(shape);
  if (minerId.length !== 32) throw cessErrors.badMiner({ bytes: minerId.length });
  if (!(Number.isInteger(clusters) && clusters >= 1 && clusters <= limits.clusters))
    throw cessErrors.badSet({ problem: `it has 1 to ${limits.clusters} clusters` });
  if (!(Number.isInteger(startCluster) && startCluster >= 1 && startCluster <= limits.lastCluster))
    throw cessErrors.badSet({
      problem: `its first cluster is a whole number from 1 to ${limits.lastCluster}`,
    });
}

const passes = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

/** Whether there is such a shape, such a set. */
export const isShape = (shape: CessShape): boolean => passes(() => checkShape(shape));
export const isSet = (set: CessSet): boolean => passes(() => checkSet(set));

/** Files of a set, intermediate layers with them. */
export const filesOf = ({ shape, clusters }: CessSet): number => 2 * shape.layers * clusters;

export const logicalLayer = ({ layers }: CessShape, realLayer: number): number => Math.min(realLayer, layers);

/** 0 for intermediate layers; files that stay are numbered cluster after cluster. */
export function fileNumber({ layers }: CessShape, cluster: number, realLayer: number): number {
  return realLayer < layers ? 0 : layers * (cluster - 1) + realLayer - layers + 1;
}

/**
 * The elders of a file that stays are every second intermediate layer, the even ones (0) or the odd ones (1), ⌊k/2⌋
 * of them; undefined for intermediate layers.
 */
export function eldersOf({ layers }: CessShape, realLayer: number): 0 | 1 | undefined {
  if (realLayer < layers) return undefined;
  return realLayer - Math.floor(layers / 2) < layers ? 0 : 1;
}

/** Whether an intermediate layer is an elder of any file. */
export function isElder({ layers }: CessShape, realLayer: number): boolean {
  return realLayer < 2 * Math.floor(layers / 2);
}
