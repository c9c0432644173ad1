/**
 * The random numbers of the era's graph: `ChaChaRng` of the Rust crate rand 0.4, on a 64-bit machine. The key
 * is eight words, the 128-bit counter starts at 0, the words of each block come in order, and a 64-bit number
 * takes the high word first. A range is drawn by rejection above its last whole multiple.
 * Invariant: exactly these rules; today's crates take the low word first.
 * Source: rand 0.4 (chacha.rs, distributions/range.rs); RFC 8439 for the block function.
 */
import { assert } from "@holdfast/base";
import { chachaBlock } from "../graph/index.ts";

const wordsPerBlock = 16;
/** "expand 32-byte k". */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const maxU64 = 2n ** 64n - 1n;

export class EraRandom {
  readonly #state = new Int32Array(wordsPerBlock);
  readonly #block = new Uint32Array(wordsPerBlock);
  #used = wordsPerBlock;

  /** `key` has eight 32-bit words. */
  constructor(key: readonly number[]) {
    assert(key.length === 8, "the generator has a key of eight words");
    this.#state.set(constants);
    this.#state.set(key, constants.length);
  }

  #word(): number {
    if (this.#used === wordsPerBlock) {
      chachaBlock(this.#state, this.#block);
      // The counter is words 12 to 15; 2^32 blocks are never drawn from one key here.
      this.#state[12] = (this.#state[12] as number) + 1;
      this.#used = 0;
    }
    const word = this.#block[this.#used] as number;
    this.#used += 1;
    return word;
  }

  /** In [0, 2^64), high word first. */
  u64(): bigint {
    const high = BigInt(this.#word());
    return (high << 32n) | BigInt(this.#word());
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    const width = BigInt(high - low);
    const zone = maxU64 - (maxU64 % width);
    for (;;) {
      const value = this.u64();
      if (value < zone) return low + Number(value % width);
    }
  }
}
