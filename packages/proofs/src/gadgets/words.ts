/**
 * 32-bit words as bits, least significant first: exclusive or, rotations and sums modulo 2^32. Constants are
 * folded: a known bit costs nothing.
 */
import { assert } from "@holdfast/base";
import { type ConstraintSystem, type Linear, linear } from "../r1cs/index.ts";
import { type Bit, constantBit, newBits, pack, xor, zeroBit } from "./bits.ts";

export const wordBits = 32;
const wordMask = 0xffff_ffffn;

/** 32 bits, least significant first. */
export type Word = readonly Bit[];

/** The word of a number in [0, 2^32). */
export function constantWord(value: number): Word {
  return Array.from({ length: wordBits }, (_none, i) => constantBit(((value >>> i) & 1) === 1));
}

export function rotateRight(word: Word, by: number): Word {
  return word.map((_bit, i) => word[(i + by) % wordBits] as Bit);
}

export function shiftRight(word: Word, by: number): Word {
  return word.map((_bit, i) => word[i + by] ?? zeroBit);
}

/** a ⊕ b ⊕ …: one constraint per bit and operand after the first. */
export function xorWords(cs: ConstraintSystem, first: Word, ...others: readonly Word[]): Word {
  return others.reduce((a, b) => a.map((bit, i) => xor(cs, bit, b[i] as Bit)), first);
}

/** A summand: a combination that is never above `max` (nor below 0). */
export interface Addend {
  readonly linear: Linear;
  readonly max: bigint;
}

/** The number of a word, as an addend. */
export function addendOf(word: Word): Addend {
  const number = pack(word);
  return { linear: number, max: number.isConstant ? number.value : wordMask };
}

/** A number in [0, 2^32) as an addend. */
export function constantAddend(value: number): Addend {
  return { linear: linear.constant(BigInt(value)), max: BigInt(value) };
}

/**
 * The sum modulo 2^32: booleans for its 32 bits and for the carries that it can have at most, and one
 * constraint that they are the sum; none if everything is constant.
 */
export function addWords(cs: ConstraintSystem, addends: readonly Addend[]): Word {
  let known = 0n;
  const unknown: Addend[] = [];
  for (const addend of addends) {
    if (addend.linear.isConstant) known += addend.linear.value;
    else unknown.push(addend);
  }
  known &= wordMask; // what constants carry over is a multiple of 2^32
  if (unknown.length === 0) return constantWord(Number(known));
  const parts = unknown.map((addend) => [1n, addend.linear] as const);
  const total = linear.sum([...parts, [1n, linear.constant(known)]]);
  const max = unknown.reduce((sum, addend) => sum + addend.max, known);
  const count = max.toString(2).length;
  assert(count < 2 * wordBits, "a sum has few carries");
  const bits = newBits(cs, () => total.value, Math.max(count, wordBits));
  cs.enforce(linear.subtract(pack(bits), total), linear.one, linear.zero);
  return bits.slice(0, wordBits);
}

/** Words from bytes given as bits (8 per byte, least significant first). */
export function wordsOfBytes(bits: readonly Bit[], order: "big" | "little"): Word[] {
  assert(bits.length % wordBits === 0, "bytes make whole words");
  return Array.from({ length: bits.length / wordBits }, (_none, i) =>
    reorder(bits.slice(i * wordBits, (i + 1) * wordBits), order),
  );
}

/** The bytes of words as bits (8 per byte, least significant first). */
export function bytesOfWords(words: readonly Word[], order: "big" | "little"): Bit[] {
  return words.flatMap((word) => reorder(word, order));
}

/** Exchanges the bytes of a word; its own inverse. */
function reorder(word: Word, order: "big" | "little"): Word {
  if (order === "little") return word;
  return [24, 16, 8, 0].flatMap((from) => word.slice(from, from + 8));
}
