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

/** Four keys are given, three rounds are made. */
const feistelKeys = [1, 2, 3] as const;

/** A permutation of [0, size): three Feistel rounds over BLAKE2b, walked until the value falls into range. */
export class EraFeistel {
  readonly size: number;
  readonly #halfBits: number;
  readonly #mask: number;
  /** One table of the round function for each key: a half has few values, and each is used many times. */
  readonly #rounds: readonly Uint32Array[];

  constructor(size: number) {
    let halfBits = 1;
    while (4 ** halfBits < size) halfBits += 1;
    assert(size > 0 && halfBits <= 15, "a permutation has between 1 and 2^30 values");
    this.size = size;
    this.#halfBits = halfBits;
    this.#mask = 2 ** halfBits - 1;
    this.#rounds = feistelKeys.map((key) =>
      Uint32Array.from({ length: 2 ** halfBits }, (_none, half) => roundFunction(half, key) & this.#mask),
    );
  }

  /** The image of a value in [0, size). */
  permute(value: number): number {
    let result = this.#encode(value);
    while (result >= this.size) result = this.#encode(result);
    return result;
  }

  /** Inverse of `permute`. */
  invert(value: number): number {
    let result = this.#decode(value);
    while (result >= this.size) result = this.#decode(result);
    return result;
  }

  #encode(value: number): number {
    let left = value >>> this.#halfBits;
    let right = value & this.#mask;
    for (const table of this.#rounds) [left, right] = [right, left ^ (table[right] as number)];
    return (left << this.#halfBits) | right;
  }

  #decode(value: number): number {
    let left = value >>> this.#halfBits;
    let right = value & this.#mask;
    for (const table of this.#rounds.toReversed()) [left, right] = [right ^ (table[left] as number), left];
    return (left << this.#halfBits) | right;
  }
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

export class EraGraph {
  readonly params: EraGraphParams;
  /** Parents of each node, repetitions counted. */
  readonly totalDegree: number;
  readonly #feistel: EraFeistel;
  /** Base parents of the nodes that were asked for: every layer asks for them again. */
  readonly #base: Uint32Array;
  readonly #known: Uint8Array;

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
  }

  get nodes(): number {
    return this.params.nodes;
  }

  /** The `totalDegree` parents of `node`, ascending. Throws zigzag2019/bad-number. */
  parents(direction: EraDirection, node: number): number[] {
    checkNumber("the node", node, 0, this.nodes - 1);
    const last = this.nodes - 1;
    const forward = direction === "forward";
    const parents = Array.from(this.#baseParents(forward ? node : last - node), (parent) =>
      forward ? parent : last - parent,
    );
    const { expansionDegree } = this.params;
    const first = node * expansionDegree;
    for (let slot = first; slot < first + expansionDegree; slot += 1) {
      const image = forward ? this.#feistel.permute(slot) : this.#feistel.invert(slot);
      const parent = Math.floor(image / expansionDegree);
      if (forward ? parent < node : parent > node) parents.push(parent);
    }
    while (parents.length < this.totalDegree) parents.push(forward ? 0 : last);
    return parents.sort((a, b) => a - b);
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
