/**
 * Randomness that repeats: ChaCha20's key stream (RFC 8439) under a key hashed from the seed. `fork` gives
 * independent streams by name, so that one consumer's draws never shift another's.
 */
import { chacha20 } from "@noble/ciphers/chacha.js";
import { concatBytes, utf8Bytes } from "../bytes.ts";
import { blake2b256 } from "../crypto/hash.ts";
import { assert } from "../errors.ts";
import type { Random } from "../seams/types.ts";

const bufferBytes = 1_024;
const blockBytes = 64;
const zeros = new Uint8Array(bufferBytes);
const nonce = new Uint8Array(12);

export class SeededRandom implements Random {
  readonly #key: Uint8Array;
  #buffer = new Uint8Array(0);
  #used = 0;
  #counter = 0;

  /** The same seed gives the same bytes, on every machine. */
  constructor(seed: string | number | Uint8Array) {
    this.#key = blake2b256(seed instanceof Uint8Array ? seed : utf8Bytes(`${typeof seed}:${seed}`));
  }

  /** An independent stream; its bytes do not depend on what was drawn here before. */
  fork(name: string): SeededRandom {
    return new SeededRandom(concatBytes(this.#key, utf8Bytes(name)));
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.#used === this.#buffer.length) this.#refill();
      const part = this.#buffer.subarray(this.#used, this.#used + count - filled);
      out.set(part, filled);
      filled += part.length;
      this.#used += part.length;
    }
    return out;
  }

  /** A whole number below `limit` (at most 2^32), every one equally likely. */
  below(limit: number): number {
    assert(Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 32, `${limit} is a limit from 1 to 2^32`);
    const fair = 2 ** 32 - (2 ** 32 % limit);
    for (;;) {
      const value = this.#uint32();
      if (value < fair) return value % limit;
    }
  }
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }
  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.#uint32() / 2 ** 32 < probability;
  }
  /** One of the items, every one equally likely. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    assert(item !== undefined, "there is something to pick from");
    return item;
  }
  /** The items in a random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const rest = [...items];
    const out: T[] = [];
    while (rest.length > 0) out.push(...rest.splice(this.below(rest.length), 1));
    return out;
  }

  #uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }
  #refill(): void {
    this.#buffer = chacha20(this.#key, nonce, zeros, undefined, this.#counter);
    this.#counter += bufferBytes / blockBytes;
    this.#used = 0;
  }
}
