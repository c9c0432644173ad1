/**
 * The permutation behind the expander edges: a balanced Feistel network of eight rounds whose round
 * functions are tables of ChaCha20 output. A table holds one word for every value of a half, which is short
 * because the domain is the square of it (8 · 2^23 slots: 2^13 entries a round). So each round is a random
 * function as far as ChaCha20 is pseudo-random, which is the setting of Luby and Rackoff's theorem (four
 * rounds; Patarin: more rounds make up for small domains), and costs one look-up, not a hash.
 * A domain that is no square is walked: apply again until the value falls into it.
 * Source: Luby and Rackoff 1988; Black and Rogaway 2002 (cycle walking); ZigZag's use of it,
 * rust-fil-proofs 2019.
 */
import { assert } from "@holdfast/base";
import { streamDomains, type WordStream } from "./chacha.ts";

const rounds = 8;

export class FeistelPermutation {
  readonly size: number;
  readonly halfBits: number;
  readonly #mask: number;
  /** `rounds` tables of 2^halfBits values, one after the other. */
  readonly tables: Uint16Array;

  /** A permutation of [0, size), keyed by the stream's key. 1 < size ≤ 2^32. */
  constructor(stream: WordStream, size: number) {
    assert(size > 1 && size <= 2 ** 32, "a permutation has between 2 and 2^32 values");
    let halfBits = 1;
    while (4 ** halfBits < size) halfBits += 1;
    this.size = size;
    this.halfBits = halfBits;
    this.#mask = 2 ** halfBits - 1;
    this.tables = new Uint16Array(rounds * 2 ** halfBits);
    for (let round = 0; round < rounds; round += 1) {
      stream.seek(streamDomains.expander, round);
      const first = round * 2 ** halfBits;
      for (let i = 0; i <= this.#mask; i += 1) this.tables[first + i] = stream.next() & this.#mask;
    }
  }

  permute(value: number): number {
    let result = value;
    do {
      result = this.#once(result, 0, 1);
    } while (result >= this.size);
    return result;
  }

  invert(value: number): number {
    let result = value;
    do {
      // A Feistel network with its halves exchanged before and after runs backwards with its rounds reversed.
      result = this.#exchanged(this.#once(this.#exchanged(result), rounds - 1, -1));
    } while (result >= this.size);
    return result;
  }

  #once(value: number, firstRound: number, step: number): number {
    const bits = this.halfBits;
    const tables = this.tables;
    let left = (value >>> bits) & this.#mask;
    let right = value & this.#mask;
    let round = firstRound;
    for (let count = 0; count < rounds; count += 1) {
      const next = left ^ (tables[(round << bits) | right] as number);
      left = right;
      right = next;
      round += step;
    }
    return ((left << bits) | right) >>> 0;
  }

  #exchanged(value: number): number {
    return (((value & this.#mask) << this.halfBits) | ((value >>> this.halfBits) & this.#mask)) >>> 0;
  }
}
