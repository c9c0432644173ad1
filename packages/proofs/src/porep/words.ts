/**
 * Field elements as eight 32-bit words, least significant first, for the loops that touch every node of
 * every layer: there a 256-bit integer per node would cost more than the hash. Views of bytes as words need
 * a little-endian machine, as all machines are that run JavaScript engines today; the assertion says so.
 */
import { assert } from "@holdfast/base";
import { frModulus } from "../field/index.ts";

export const wordsPerNode = 8;
const modulus = Uint32Array.from({ length: wordsPerNode }, (_none, i) =>
  Number((frModulus >> BigInt(32 * i)) & 0xffff_ffffn),
);

assert(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, "the machine is little-endian");

export { wordsOf } from "../memory/words.ts";

/** into[at…] = (into[at…] + addend[from…]) mod r; both below r. */
export function addNode(into: Uint32Array, at: number, addend: Uint32Array, from = 0): void {
  addWords(into, at, addend, from);
  if (!isBelowModulus(into, at)) subtractWords(into, at, modulus, 0);
}

/** into[at…] = (into[at…] − subtrahend[from…]) mod r; both below r. */
export function subtractNode(into: Uint32Array, at: number, subtrahend: Uint32Array, from = 0): void {
  const borrow = subtractWords(into, at, subtrahend, from);
  if (borrow !== 0) addWords(into, at, modulus, 0);
}

/** Whether the node is a canonical field element. */
export function isBelowModulus(words: Uint32Array, at: number): boolean {
  for (let i = wordsPerNode - 1; i >= 0; i -= 1) {
    const word = words[at + i] as number;
    const limit = modulus[i] as number;
    if (word !== limit) return word < limit;
  }
  return false;
}

// Sums of 33 bits would be floating-point numbers, which take four times as long: the carry and the borrow are read
// from the signs of the parts and of the result (Warren, Hacker's Delight, 2-16).

function addWords(into: Uint32Array, at: number, addend: Uint32Array, from: number): void {
  let carry = 0;
  for (let i = 0; i < wordsPerNode; i += 1) {
    const a = (into[at + i] as number) | 0;
    const b = (addend[from + i] as number) | 0;
    const sum = (a + b + carry) | 0;
    into[at + i] = sum;
    carry = ((a & b) | ((a | b) & ~sum)) >>> 31;
  }
}

function subtractWords(into: Uint32Array, at: number, subtrahend: Uint32Array, from: number): number {
  let borrow = 0;
  for (let i = 0; i < wordsPerNode; i += 1) {
    const a = (into[at + i] as number) | 0;
    const b = (subtrahend[from + i] as number) | 0;
    const difference = (a - b - borrow) | 0;
    into[at + i] = difference;
    borrow = ((~a & b) | ((~a | b) & difference)) >>> 31;
  }
  return borrow;
}
