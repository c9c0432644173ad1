/**
 * A set of nodes of one sector as a bit map, with the position of each member among all members, so that the
 * values of a few nodes lie close together. Memory: one bit per node, two once positions are asked for.
 */
import { assert } from "@holdfast/base";

const bitsPerWord = 32;

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

export class NodeSet {
  readonly nodes: number;
  readonly #bits: Uint32Array;
  #size = 0;
  /** Members before each word of bits; made when the set is complete. */
  #before: Uint32Array | undefined;

  constructor(nodes: number, members?: NodeSet) {
    this.nodes = nodes;
    this.#bits =
      members === undefined ? new Uint32Array(Math.ceil(nodes / bitsPerWord)) : members.#bits.slice();
    this.#size = members?.size ?? 0;
  }

  get size(): number {
    return this.#size;
  }

  /** A set of which positions are known takes no more members. */
  add(node: number): void {
    const word = node >>> 5;
    const bit = 1 << (node & 31);
    if (((this.#bits[word] as number) & bit) !== 0) return;
    assert(this.#before === undefined, "a set grows before its positions are asked for");
    this.#bits[word] = (this.#bits[word] as number) | bit;
    this.#size += 1;
  }

  has(node: number): boolean {
    return ((this.#bits[node >>> 5] as number) & (1 << (node & 31))) !== 0;
  }

  /** How many members are below the node. */
  position(node: number): number {
    this.#before ??= this.#countBefore();
    const word = node >>> 5;
    const below = (this.#bits[word] as number) & ((1 << (node & 31)) - 1);
    return (this.#before[word] as number) + bitCount(below);
  }

  #countBefore(): Uint32Array {
    const before = new Uint32Array(this.#bits.length);
    let count = 0;
    for (let word = 0; word < before.length; word += 1) {
      before[word] = count;
      count += bitCount(this.#bits[word] as number);
    }
    return before;
  }

  /** The members, rising or falling. */
  *members(falling = false): Generator<number, void> {
    const words = this.#bits.length;
    for (let i = 0; i < words; i += 1) {
      const word = falling ? words - 1 - i : i;
      let bits = this.#bits[word] as number;
      while (bits !== 0) {
        const bit = falling ? 31 - Math.clz32(bits) : 31 - Math.clz32(bits & -bits);
        bits &= ~(1 << bit);
        yield word * bitsPerWord + bit;
      }
    }
  }
}
