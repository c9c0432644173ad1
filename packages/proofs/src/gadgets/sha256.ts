/**
 * SHA-256 as constraints. What is only added up is never made a word: the choice and the majority stay
 * combinations, with one product per bit. The majority reuses a ⊕ b, which is the next round's b ⊕ c.
 * Source: FIPS 180-4.
 */
import { assert } from "@holdfast/base";
import { type ConstraintSystem, type Linear, linear } from "../r1cs/index.ts";
import { type Bit, multiply, xor, zeroBit } from "./bits.ts";
import {
  type Addend,
  addendOf,
  addWords,
  bytesOfWords,
  constantAddend,
  constantWord,
  rotateRight,
  type SumEquations,
  shiftRight,
  type Word,
  withSums,
  wordBits,
  wordsOfBytes,
  xorWords,
} from "./words.ts";

const rounds = 64;
const blockWords = 16;
const blockBits = 512;
const wordMax = 0xffff_ffffn;

/** floor(2^32 · fractional part of prime^(1/degree)), for the first `count` primes. */
function rootWords(count: number, degree: bigint): readonly number[] {
  const primes: bigint[] = [];
  for (let candidate = 2n; primes.length < count; candidate += 1n) {
    if (primes.every((prime) => candidate % prime !== 0n)) primes.push(candidate);
  }
  return primes.map((prime) => {
    const target = prime << (32n * degree);
    let low = 0n;
    let high = prime << 32n;
    while (low + 1n < high) {
      const middle = (low + high) / 2n;
      if (middle ** degree <= target) low = middle;
      else high = middle;
    }
    return Number(BigInt.asUintN(32, low));
  });
}

const roundConstants = rootWords(rounds, 3n);
const initial = rootWords(8, 2n).map(constantWord);

/** Σ 2^i · part i, where the parts are 0 or 1 without being booleans of their own. */
function packParts(parts: readonly Linear[]): Addend {
  return { linear: linear.sum(parts.map((part, i) => [1n << BigInt(i), part] as const)), max: wordMax };
}

/** e ? f : g, per bit. */
function choice(cs: ConstraintSystem, e: Word, f: Word, g: Word): Addend {
  const bit = (i: number): Linear => {
    const other = g[i] as Bit;
    const product = multiply(cs, linear.subtract(f[i] as Bit, other), e[i] as Bit);
    return linear.add(other, product);
  };
  return packParts(e.map((_bit, i) => bit(i)));
}

/** The majority of a, b and c = `differ` ? a : b, where `differ` = b ⊕ c. */
function majority(cs: ConstraintSystem, a: Word, b: Word, differ: Word): Addend {
  const bit = (i: number): Linear => {
    const other = b[i] as Bit;
    const product = multiply(cs, linear.subtract(a[i] as Bit, other), differ[i] as Bit);
    return linear.add(other, product);
  };
  return packParts(a.map((_bit, i) => bit(i)));
}

function expand(sums: SumEquations, block: readonly Word[]): Word[] {
  const { cs } = sums;
  const words = [...block];
  for (let i = blockWords; i < rounds; i += 1) {
    const near = words[i - 15] as Word;
    const far = words[i - 2] as Word;
    const sigma0 = xorWords(cs, rotateRight(near, 7), rotateRight(near, 18), shiftRight(near, 3));
    const sigma1 = xorWords(cs, rotateRight(far, 17), rotateRight(far, 19), shiftRight(far, 10));
    const parts = [words[i - 16] as Word, sigma0, words[i - 7] as Word, sigma1];
    words.push(addWords(sums, parts.map(addendOf)));
  }
  return words;
}

/** The compression function: the chain of 8 words after a block of 16. */
export function sha256Compression(
  sums: SumEquations,
  chain: readonly Word[],
  block: readonly Word[],
): readonly Word[] {
  assert(chain.length === 8 && block.length === blockWords, "a chain has 8 words, a block 16");
  const { cs } = sums;
  const schedule = expand(sums, block);
  let [a, b, c, d, e, f, g, h] = chain as [Word, Word, Word, Word, Word, Word, Word, Word];
  let differ = xorWords(cs, b, c);
  for (let i = 0; i < rounds; i += 1) {
    const sum1 = xorWords(cs, rotateRight(e, 6), rotateRight(e, 11), rotateRight(e, 25));
    const first = [
      addendOf(h),
      addendOf(sum1),
      choice(cs, e, f, g),
      constantAddend(roundConstants[i] ?? 0),
      addendOf(schedule[i] as Word),
    ];
    const sum0 = xorWords(cs, rotateRight(a, 2), rotateRight(a, 13), rotateRight(a, 22));
    const second = [addendOf(sum0), majority(cs, a, b, differ)];
    const nextE = addWords(sums, [addendOf(d), ...first]);
    const nextA = addWords(sums, [...first, ...second]);
    if (i < rounds - 1) differ = a.map((bit, k) => xor(cs, bit, b[k] as Bit));
    [a, b, c, d, e, f, g, h] = [nextA, a, b, c, nextE, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) =>
    addWords(sums, [addendOf(word), addendOf(chain[i] as Word)]),
  );
}

/** A one, zeros, and the length in 64 bits, big-endian; as bits of bytes, least significant first. */
function padding(messageBits: number): Bit[] {
  const length = constantWord(messageBits);
  const zeros = (2 * blockBits - 8 - 2 * wordBits - (messageBits % blockBits)) % blockBits;
  return [
    ...constantWord(0x80).slice(0, 8),
    ...new Array<Bit>(zeros + wordBits).fill(zeroBit),
    ...bytesOfWords([length], "big"),
  ];
}

/** SHA-256 of whole bytes given as bits (8 per byte, least significant first); 256 bits in the same order. */
export function sha256Gadget(cs: ConstraintSystem, message: readonly Bit[]): Bit[] {
  assert(message.length % 8 === 0, "a message has whole bytes");
  const padded = [...message, ...padding(message.length)];
  const words = wordsOfBytes(padded, "big");
  return withSums(cs, (sums) => {
    let chain: readonly Word[] = initial;
    for (let at = 0; at < words.length; at += blockWords) {
      chain = sha256Compression(sums, chain, words.slice(at, at + blockWords));
    }
    return bytesOfWords(chain, "big");
  });
}

/** SHA-256 with the two top bits of the last byte cleared: 254 bits, the number of a tree node or a label. */
export function sha254Gadget(cs: ConstraintSystem, message: readonly Bit[]): Bit[] {
  return sha256Gadget(cs, message).slice(0, 254);
}
