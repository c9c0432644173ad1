/** Reads the test vectors that lie beside the packages, and shared generators. */
import { readFileSync } from "node:fs";
import { frModulus, frToBytes } from "@holdfast/proofs";
import * as fc from "fast-check";

export function readVectors<T>(room: string, name: string): T {
  const url = new URL(`../../../vectors/${room}/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

/** Field elements, the edges often. */
export const element: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: frModulus - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 64n, 2n ** 254n, frModulus - 1n),
);

/** `count` distinct canonical leaves; the same seed gives the same leaves. */
export function leavesOf(count: number, seed = 1n): Uint8Array {
  const bytes = new Uint8Array(count * 32);
  for (let i = 0; i < count; i += 1) {
    const value = ((BigInt(i) + seed) * 0x9e3779b97f4a7c15f39cc0605cedc835n ** 2n) % frModulus;
    bytes.set(frToBytes(value), i * 32);
  }
  return bytes;
}

/** Checks a synchronous property. */
export function holds<Ts>(property: fc.IProperty<Ts>, parameters: fc.Parameters<Ts> = {}): void {
  // biome-ignore lint/nursery/noFloatingPromises: the property is synchronous, and so is its check.
  fc.assert(property, parameters);
}

/** A copy with one bit flipped. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
