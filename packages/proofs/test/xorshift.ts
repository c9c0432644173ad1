/** XorShift128 as `rand_xorshift` has it: the generator behind many vectors of rust-fil-proofs. */
import { frModulus } from "@holdfast/proofs";

export class XorShiftRng {
  readonly #state: Uint32Array;

  /** `seed` has 16 bytes. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, seed.length);
    this.#state = Uint32Array.from({ length: 4 }, (_none, i) => view.getUint32(i * 4, true));
  }

  u32(): number {
    const [x = 0, y = 0, z = 0, w = 0] = this.#state;
    const t = x ^ (x << 11);
    this.#state.set([y, z, w, w ^ (w >>> 19) ^ t ^ (t >>> 8)]);
    return this.#state[3] ?? 0;
  }

  /** The low half comes first. */
  u64(): bigint {
    const low = BigInt(this.u32());
    return low | (BigInt(this.u32()) << 32n);
  }

  /** Four 64-bit words, the top bit of the last cleared, drawn again until they are below the modulus. */
  element(): bigint {
    for (;;) {
      const words = [this.u64(), this.u64(), this.u64(), BigInt.asUintN(63, this.u64())];
      const value = words.reduceRight((sum, word) => (sum << 64n) | word, 0n);
      if (value < frModulus) return value;
    }
  }
}
