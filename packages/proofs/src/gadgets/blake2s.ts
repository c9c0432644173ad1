/**
 * BLAKE2s-256 without a key as constraints. Source: RFC 7693.
 */
import { assert } from "@holdfast/base";
import type { ConstraintSystem } from "../r1cs/index.ts";
import { type Bit, zeroBit } from "./bits.ts";
import {
  addendOf,
  addWords,
  bytesOfWords,
  constantWord,
  rotateRight,
  type SumEquations,
  type Word,
  withSums,
  wordsOfBytes,
  xorWords,
} from "./words.ts";

/** Fractions of the square roots of the first eight primes: SHA-256's initial values. */
const initial = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;
/** Digest of 32 bytes, no key, fan-out and depth 1. */
const parameters = 0x01010020;
const blockBytes = 64;
const blockBits = blockBytes * 8;

const permutations = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;

/** Columns, then diagonals. */
const mixings = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

type Four = readonly [a: Word, b: Word, c: Word, d: Word];

function mix(sums: SumEquations, [a, b, c, d]: Four, x: Word, y: Word): Four {
  const { cs } = sums;
  const a1 = addWords(sums, [a, b, x].map(addendOf));
  const d1 = rotateRight(xorWords(cs, d, a1), 16);
  const c1 = addWords(sums, [c, d1].map(addendOf));
  const b1 = rotateRight(xorWords(cs, b, c1), 12);
  const a2 = addWords(sums, [a1, b1, y].map(addendOf));
  const d2 = rotateRight(xorWords(cs, d1, a2), 8);
  const c2 = addWords(sums, [c1, d2].map(addendOf));
  const b2 = rotateRight(xorWords(cs, b1, c2), 7);
  return [a2, b2, c2, d2];
}

function compress(
  sums: SumEquations,
  chain: readonly Word[],
  block: readonly Word[],
  bytesSoFar: number,
  isLast: boolean,
): Word[] {
  const [iv0 = 0, iv1 = 0, iv2 = 0, iv3 = 0, iv4 = 0, iv5 = 0, iv6 = 0, iv7 = 0] = initial;
  const fixed = [iv0, iv1, iv2, iv3, (iv4 ^ bytesSoFar) >>> 0, iv5, isLast ? ~iv6 >>> 0 : iv6, iv7];
  const state = [...chain, ...fixed.map(constantWord)];
  const at = (i: number): Word => state[i] as Word;
  for (const permutation of permutations) {
    mixings.forEach(([a, b, c, d], i) => {
      const x = block[permutation[2 * i] as number] as Word;
      const y = block[permutation[2 * i + 1] as number] as Word;
      const mixed = mix(sums, [at(a), at(b), at(c), at(d)], x, y);
      [a, b, c, d].forEach((place, k) => {
        state[place] = mixed[k] as Word;
      });
    });
  }
  return chain.map((word, i) => xorWords(sums.cs, word, at(i), at(i + 8)));
}

/** BLAKE2s-256 of whole bytes given as bits (8 per byte, least significant first); 256 bits in the same order. */
export function blake2sGadget(cs: ConstraintSystem, message: readonly Bit[]): Bit[] {
  assert(message.length % 8 === 0, "a message has whole bytes");
  const blocks = Math.max(1, Math.ceil(message.length / blockBits));
  const zeros = new Array<Bit>(blocks * blockBits - message.length).fill(zeroBit);
  const words = wordsOfBytes([...message, ...zeros], "little");
  const [first, ...others] = initial;
  let chain: readonly Word[] = [(first ^ parameters) >>> 0, ...others].map(constantWord);
  withSums(cs, (sums) => {
    for (let i = 0; i < blocks; i += 1) {
      const block = words.slice(i * (blockBytes / 4), (i + 1) * (blockBytes / 4));
      const isLast = i === blocks - 1;
      chain = compress(sums, chain, block, isLast ? message.length / 8 : (i + 1) * blockBytes, isLast);
    }
  });
  return bytesOfWords(chain, "little");
}
