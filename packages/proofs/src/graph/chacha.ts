/**
 * The pseudo-random function of the graph and of the challenges: the ChaCha20 block function, keyed by 32
 * bytes, read as a stream of 32-bit words. Chosen because it is a well-studied PRF that runs on 32-bit
 * words alone, so that a node's parents cost about a microsecond in plain TypeScript.
 * Invariant: a stream is named by (key, domain, index); different names never share a block. The block
 * counter is the state's word 12 and the name its words 13 to 15.
 * Source: RFC 8439 §2.3 (the nonce words hold our name).
 */
import { assert } from "@holdfast/base";

/** What a stream is for. */
export const streamDomains = { baseParents: 1, expander: 2, challenges: 3 } as const;

const wordsPerBlock = 16;
const doubleRounds = 10;
/** "expand 32-byte k". */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const twoTo32 = 0x1_0000_0000;

const working = new Int32Array(wordsPerBlock);

function quarterRound(a: number, b: number, c: number, d: number): void {
  const s = working;
  let sa = s[a] as number;
  let sb = s[b] as number;
  let sc = s[c] as number;
  let sd = s[d] as number;
  sa = (sa + sb) | 0;
  sd ^= sa;
  sd = (sd << 16) | (sd >>> 16);
  sc = (sc + sd) | 0;
  sb ^= sc;
  sb = (sb << 12) | (sb >>> 20);
  sa = (sa + sb) | 0;
  sd ^= sa;
  sd = (sd << 8) | (sd >>> 24);
  sc = (sc + sd) | 0;
  sb ^= sc;
  sb = (sb << 7) | (sb >>> 25);
  s[a] = sa;
  s[b] = sb;
  s[c] = sc;
  s[d] = sd;
}

/** The ChaCha20 block of a state of 16 words, written to `into` as unsigned words; ChaCha8 has 4 double rounds. */
export function chachaBlock(state: Int32Array, into: Uint32Array, rounds = doubleRounds): void {
  working.set(state);
  for (let round = 0; round < rounds; round += 1) {
    quarterRound(0, 4, 8, 12);
    quarterRound(1, 5, 9, 13);
    quarterRound(2, 6, 10, 14);
    quarterRound(3, 7, 11, 15);
    quarterRound(0, 5, 10, 15);
    quarterRound(1, 6, 11, 12);
    quarterRound(2, 7, 8, 13);
    quarterRound(3, 4, 9, 14);
  }
  for (let i = 0; i < wordsPerBlock; i += 1) into[i] = (working[i] as number) + (state[i] as number);
}

/** Words drawn from one key. `seek` goes to the start of a named stream; one object serves many names. */
export class WordStream {
  readonly #state = new Int32Array(wordsPerBlock);
  readonly #block = new Uint32Array(wordsPerBlock);
  #used = wordsPerBlock;

  constructor(key: Uint8Array) {
    assert(key.length === 32, "a stream is keyed by 32 bytes");
    this.#state.set(constants);
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    for (let i = 0; i < 8; i += 1) this.#state[4 + i] = view.getInt32(i * 4, true);
  }

  seek(domain: number, index: number): void {
    this.#state[12] = 0;
    this.#state[13] = domain;
    this.#state[14] = (index % twoTo32) | 0;
    this.#state[15] = Math.floor(index / twoTo32);
    this.#used = wordsPerBlock;
  }

  /** The next word, in [0, 2^32). */
  next(): number {
    if (this.#used === wordsPerBlock) {
      chachaBlock(this.#state, this.#block);
      this.#state[12] = (this.#state[12] as number) + 1;
      this.#used = 0;
    }
    const word = this.#block[this.#used] as number;
    this.#used += 1;
    return word;
  }

  /**
   * Uniform in [0, bound), 1 ≤ bound ≤ 2^32: words past the last whole multiple of `bound` are thrown away.
   */
  below(bound: number): number {
    const limit = twoTo32 - (twoTo32 % bound);
    for (;;) {
      const word = this.next();
      if (word < limit) return word % bound;
    }
  }
}
