/**
 * Random linear combinations: many equations of one form hold, up to 2^−128, if their combination with hashed
 * coefficients does. The coefficients are 128 bits each and come from a seed that binds all that is combined.
 * Source: Fiat and Shamir 1986; Bellare, Garay and Rabin 1998.
 */
import { bigEndian, concatBytes, sha256 } from "@holdfast/base";
import { frBytes } from "../field/index.ts";

const coefficientBytes = 16;

/** `count` coefficients as scalars, 32 bytes little-endian each. */
export function coefficientsFrom(seed: Uint8Array, count: number): Uint8Array {
  const scalars = new Uint8Array(count * frBytes);
  for (let i = 0; i < count; i += 2) {
    const digest = sha256(concatBytes(seed, bigEndian(i, 8)));
    scalars.set(digest.subarray(0, coefficientBytes), i * frBytes);
    if (i + 1 < count) scalars.set(digest.subarray(coefficientBytes), (i + 1) * frBytes);
  }
  return scalars;
}
