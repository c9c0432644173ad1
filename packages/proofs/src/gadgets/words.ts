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
 * Equations between sums and their bits, several to a constraint. Both sides of an equation are numbers below
 * 2^width; equations are stacked at multiples of their widths up to 252 bits, so the stack is 0 in the field
 * only if it is 0 as an integer, and then each of them holds: the lowest is a multiple of its width's power, and
 * so on upwards. Source: bellman's MultiEq. `close` must be called behind the last equation.
 */
export class SumEquations {
  readonly cs: ConstraintSystem;
  #stack: (readonly [bigint, Linear])[] = [];
  #bits = 0;

  constructor(cs: ConstraintSystem) {
    this.cs = cs;
  }

  /** a = b, both in [0, 2^width). */
  equal(a: Linear, b: Linear, width: number): void {
    if (this.#bits + width > stackBits) this.close();
    this.#stack.push([1n << BigInt(this.#bits), linear.subtract(a, b)]);
    this.#bits += width;
  }

  close(): void {
    if (this.#stack.length > 0) this.cs.enforce(linear.sum(this.#stack), linear.one, linear.zero);
    this.#stack = [];
    this.#bits = 0;
  }
}

/** 2^252 is below half of the modulus. */
const stackBits = 252;

/** Runs `body` with equations and closes them. */
export function withSums<Result>(cs: ConstraintSystem, body: (sums: SumEquations) => Result): Result {
  const sums = new SumEquations(cs);
  const result = body(sums);
  sums.close();
  return result;
}

/**
 * The sum modulo 2^32: booleans for its 32 bits and for the carries that it can have at most, and an equation
 * that they are the sum; nothing if everything is constant.
 */
export function addWords(sums: SumEquations, addends: readonly Addend[]): Word {
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
  const width = Math.max(max.toString(2).length, wordBits);
  assert(width < 2 * wordBits, "a sum has few carries");
  const bits = newBits(sums.cs, () => total.value, width);
  sums.equal(pack(bits), total, width);
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
