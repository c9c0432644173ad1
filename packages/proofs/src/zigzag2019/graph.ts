/**
 * The ZigZag graph of 2019: a depth-robust bucket graph of degree 5 and eight expander edges a node, in two
 * directions, the parents always filled up to 13 and sorted in ascending order.
 * What distinguishes it from the hardened graph beside it, and must stay: a fixed seed for everyone, a
 * logarithm in 32-bit floats, repeated parents, and node 0 (reversed: the last node) as filling.
 * Invariant: forward no parent is above its node, reversed none is below it.
 * Source: rust-fil-proofs 2019 (drgraph, zigzag_graph, crypto/feistel).
 */
import { assert, bigEndian, concatBytes } from "@holdfast/base";
import { blake2b } from "@noble/hashes/blake2.js";
import { type EraGraphKernel, layerKernel } from "../layers/index.ts";
import { checkNumber } from "./errors.ts";
import { EraRandom } from "./rand.ts";

export type EraDirection = "forward" | "reversed";

/** Even layers run forward, odd layers reversed; layers count from 0. */
export function eraDirection(layer: number): EraDirection {
  return layer % 2 === 0 ? "forward" : "reversed";
}

export interface EraGraphParams {
  readonly nodes: number;
  /** Base parents of a node. */
  readonly degree: number;
  /** Expander edges of a node. */
  readonly expansionDegree: number;
  /** Seven 32-bit words. */
  readonly seed: readonly number[];
}

/** "Arbitrary", as the source says, and the same for every miner and sector. */
export const eraSeed: readonly number[] = [1, 2, 3, 4, 5, 6, 7];
export const eraDegree = 5;
export const eraExpansionDegree = 8;
const maxNodes = 2 ** 23;
/** Nodes whose base parents a kernel finds in one call. */
const baseSlice = 2 ** 13;

/** Four keys are given, three rounds are made. */
const feistelKeys = [1, 2, 3] as const;

/** A permutation of [0, size): three Feistel rounds over BLAKE2b, walked until the value falls into range. */
export class EraFeistel {
  readonly size: number;
  readonly halfBits: number;
  /** The round function of each key as a table, one behind the other: a half has few values, each used many times. */
  readonly rounds: Uint32Array;

  constructor(size: number) {
    let halfBits = 1;
    while (4 ** halfBits < size) halfBits += 1;
    assert(size > 0 && halfBits <= 15, "a permutation has between 1 and 2^30 values");
    this.size = size;
    this.halfBits = halfBits;
    const mask = 2 ** halfBits - 1;
    this.rounds = Uint32Array.from(
      { length: feistelKeys.length * 2 ** halfBits },
      (_none, i) => roundFunction(i & mask, feistelKeys[i >>> halfBits] as number) & mask,
    );
  }

  /** The image of a value in [0, size). */
  permute(value: number): number {
    let result = feistel(this, value);
    while (result >= this.size) result = feistel(this, result);
    return result;
  }

  /** Inverse of `permute`. */
  invert(value: number): number {
    let result = inverseFeistel(this, value);
    while (result >= this.size) result = inverseFeistel(this, result);
    return result;
  }
}

/** The round functions of a permutation of 4^halfBits values as tables, one behind the other. */
interface Rounds {
  readonly rounds: Uint32Array;
  readonly halfBits: number;
}

function feistel({ rounds, halfBits }: Rounds, value: number): number {
  let left = value >>> halfBits;
  let right = value & (2 ** halfBits - 1);
  for (let round = 0; round < feistelKeys.length; round += 1) {
    [left, right] = [right, left ^ (rounds[(round << halfBits) | right] as number)];
  }
  return (left << halfBits) | right;
}

function inverseFeistel({ rounds, halfBits }: Rounds, value: number): number {
  let left = value >>> halfBits;
  let right = value & (2 ** halfBits - 1);
  for (let round = feistelKeys.length - 1; round >= 0; round -= 1) {
    [left, right] = [right ^ (rounds[(round << halfBits) | left] as number), left];
  }
  return (left << halfBits) | right;
}

/** The low 32 bits of the first eight bytes of BLAKE2b-512, read big-endian: masks are shorter than that. */
function roundFunction(half: number, key: number): number {
  const digest = blake2b(concatBytes(bigEndian(half, 8), bigEndian(key, 8)), { dkLen: 64 });
  return new DataView(digest.buffer, digest.byteOffset).getUint32(4);
}

/**
 * ⌊log2⌋ with the rounding of 32-bit floats, both of the number and of its logarithm: 2^21 − 1 gives 21. It
 * decides from which buckets large graphs draw.
 */
export function floorLog2OfFloat32(value: number): number {
  return Math.floor(Math.fround(Math.log2(Math.fround(value))));
}

/** The smallest number of each logarithm from 0 to 31. */
const smallestOfLogarithms: Uint32Array = Uint32Array.from({ length: 32 }, (_none, logarithm) => {
  let [low, high] = [1, 2 ** logarithm];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (floorLog2OfFloat32(middle) >= logarithm) high = middle;
    else low = middle + 1;
  }
  return low;
});

/** The parents of `node` in the bucket graph, ascending, with repetitions; they do not depend on the size. */
export function eraBaseParents(node: number, degree: number, seed: readonly number[]): number[] {
  if (node <= 1) return new Array<number>(degree).fill(0);
  const random = new EraRandom([...seed, node]);
  const parents: number[] = [];
  const buckets = BigInt(floorLog2OfFloat32(node * degree));
  for (let k = 0; k < degree; k += 1) {
    const small = node * degree + k;
    const bucket = Number(random.u64() % buckets);
    const farthest = Math.min(small, 2 ** (bucket + 1));
    const nearest = Math.max(Math.floor(farthest / 2), 2);
    const parent = Math.floor((small - random.range(nearest, farthest + 1)) / degree);
    parents.push(parent === node ? node - 1 : parent);
  }
  return parents.sort((a, b) => a - b);
}

/** The base parents and what the expander edges add, filled up and sorted. */
function allParents(
  permutation: Rounds,
  { nodes, expansionDegree }: Pick<EraGraphParams, "nodes" | "expansionDegree">,
  reversed: boolean,
  node: number,
  base: Uint32Array,
): number[] {
  const last = nodes - 1;
  const parents = Array.from(base, (parent) => (reversed ? last - parent : parent));
  const walk = reversed ? inverseFeistel : feistel;
  const first = node * expansionDegree;
  for (let slot = first; slot < first + expansionDegree; slot += 1) {
    let image = walk(permutation, slot);
    while (image >= nodes * expansionDegree) image = walk(permutation, image);
    const parent = Math.floor(image / expansionDegree);
    if (reversed ? parent > node : parent < node) parents.push(parent);
  }
  while (parents.length < base.length + expansionDegree) parents.push(reversed ? last : 0);
  return parents.sort((a, b) => a - b);
}

/** The reference of the kernel, for the era's degrees. */
export const plainEraGraph: EraGraphKernel = {
  base: ({ seed }, low, into) => {
    for (let at = 0; at < into.length; at += eraDegree) {
      into.set(eraBaseParents(low + at / eraDegree, eraDegree, [...seed]), at);
    }
  },
  parents: (graph, reversed, low, into) => {
    const params = { nodes: graph.nodes, expansionDegree: eraExpansionDegree };
    const count = graph.base.length / eraDegree;
    for (let i = 0; i < count; i += 1) {
      const at = eraDegree * (reversed ? count - 1 - i : i);
      const base = graph.base.subarray(at, at + eraDegree);
      into.set(allParents(graph, params, reversed, low + i, base), i * (eraDegree + eraExpansionDegree));
    }
  },
};

export class EraGraph {
  readonly params: EraGraphParams;
  /** Parents of each node, repetitions counted. */
  readonly totalDegree: number;
  readonly #feistel: EraFeistel;
  /** Base parents of the nodes that were asked for: every layer asks for them again. */
  readonly #base: Uint32Array;
  readonly #known: Uint8Array;
  readonly #knownSlices: Uint8Array;

  /** Throws zigzag2019/bad-number. */
  constructor(params: EraGraphParams) {
    checkNumber("the number of nodes", params.nodes, 2, maxNodes);
    checkNumber("the degree", params.degree, 1, 64);
    checkNumber("the expansion degree", params.expansionDegree, 1, 64);
    checkNumber("the length of the graph's seed", params.seed.length, 7, 7);
    this.params = params;
    this.totalDegree = params.degree + params.expansionDegree;
    this.#feistel = new EraFeistel(params.nodes * params.expansionDegree);
    this.#base = new Uint32Array(params.nodes * params.degree);
    this.#known = new Uint8Array(params.nodes);
    this.#knownSlices = new Uint8Array(Math.ceil(params.nodes / baseSlice));
  }

  get nodes(): number {
    return this.params.nodes;
  }

  /** The `totalDegree` parents of `node`, ascending. Throws zigzag2019/bad-number. */
  parents(direction: EraDirection, node: number): number[] {
    checkNumber("the node", node, 0, this.nodes - 1);
    const reversed = direction === "reversed";
    const base = this.#baseParents(reversed ? this.nodes - 1 - node : node);
    return allParents(this.#feistel, this.params, reversed, node, base);
  }

  /** The parents of a run of nodes one after the other, by a kernel if one is installed. */
  parentsOfRun(direction: EraDirection, low: number, count: number): Uint32Array {
    const { totalDegree, nodes } = this;
    const parents = new Uint32Array(count * totalDegree);
    const { degree, expansionDegree } = this.params;
    const { eraGraph: kernel } = layerKernel;
    if (kernel === undefined || degree !== eraDegree || expansionDegree !== eraExpansionDegree) {
      for (let i = 0; i < count; i += 1) parents.set(this.parents(direction, low + i), i * totalDegree);
      return parents;
    }
    const reversed = direction === "reversed";
    const base = this.#baseOfRun(kernel, reversed ? nodes - low - count : low, count);
    const { rounds, halfBits } = this.#feistel;
    kernel.parents({ nodes, base, rounds, halfBits }, reversed, low, parents);
    return parents;
  }

  #baseOfRun(kernel: EraGraphKernel, first: number, count: number): Uint32Array {
    const { degree, seed } = this.params;
    const graph = { seed: Uint32Array.from(seed), logarithms: smallestOfLogarithms };
    for (let slice = Math.floor(first / baseSlice); slice * baseSlice < first + count; slice += 1) {
      if (this.#knownSlices[slice] === 1) continue;
      const low = slice * baseSlice;
      const end = Math.min(this.nodes, low + baseSlice);
      kernel.base(graph, low, this.#base.subarray(low * degree, end * degree));
      this.#knownSlices[slice] = 1;
      this.#known.fill(1, low, end);
    }
    return this.#base.subarray(first * degree, (first + count) * degree);
  }

  #baseParents(node: number): Uint32Array {
    const { degree, seed } = this.params;
    const parents = this.#base.subarray(node * degree, (node + 1) * degree);
    if (this.#known[node] === 0) {
      parents.set(eraBaseParents(node, degree, seed));
      this.#known[node] = 1;
    }
    return parents;
  }
}

/** The graph that the API of the era used for a sector of so many nodes. */
export function eraGraph(nodes: number): EraGraph {
  return new EraGraph({ nodes, degree: eraDegree, expansionDegree: eraExpansionDegree, seed: eraSeed });
}
