/**
 * The Fr32 writer of the era. It pads as today's does, two zero bits after every 254, but ends with the last
 * byte that it started instead of the last element, and it can append: where the next bit goes follows from
 * the number of user bytes, since the length of the file alone does not say how much of its last byte is used.
 * Zeros up to the sector's size come later, behind the padded bytes.
 * Invariant: any split into appends gives the same bytes as one write.
 * Source: rust-fil-proofs of May 2019 (sector-base, io/fr32).
 */
import { concatBytes } from "@holdfast/base";
import { fr32Errors, paddedBlockBytes, padUser, unpadUser, userBlockBytes } from "../fr32/index.ts";
import { checkLength } from "./errors.ts";

const unitBits = 254;
const elementBits = 256;
const elementBytes = 32;

/** Bytes that the writer makes of so many user bytes. */
export function eraPaddedLength(userBytes: number): number {
  const bits = userBytes * 8;
  return Math.ceil((Math.floor(bits / unitBits) * elementBits + (bits % unitBits)) / 8);
}

/** User bytes in so many written bytes. */
export function eraUserLength(paddedBytes: number): number {
  const bits = paddedBytes * 8;
  return Math.floor((unitBits * Math.floor(bits / elementBits) + (bits % elementBits)) / 8);
}

/** What the writer makes of user bytes. */
export function eraPad(user: Uint8Array): Uint8Array {
  return padUser(user).slice(0, eraPaddedLength(user.length));
}

/** Writes `more` user bytes behind the `userBytes` that `padded` holds. Throws zigzag2019/bad-length. */
export function eraAppend(padded: Uint8Array, userBytes: number, more: Uint8Array): Uint8Array {
  checkLength("the padded data", padded, eraPaddedLength(userBytes));
  const blocks = Math.floor(userBytes / userBlockBytes);
  const tail = padded.subarray(blocks * paddedBlockBytes);
  const whole = new Uint8Array(Math.ceil(tail.length / elementBytes) * elementBytes);
  whole.set(tail);
  const user = unpadUser(whole, userBytes - blocks * userBlockBytes);
  return concatBytes(padded.subarray(0, blocks * paddedBlockBytes), eraPad(concatBytes(user, more)));
}

/** User bytes [offset, offset + length) of written data. Throws fr32/too-short if it holds fewer. */
export function eraUnpad(padded: Uint8Array, offset: number, length: number): Uint8Array {
  const whole = new Uint8Array(Math.ceil(padded.length / elementBytes) * elementBytes);
  whole.set(padded);
  const end = offset + length;
  const capacity = eraUserLength(padded.length);
  if (end > capacity) throw fr32Errors.tooShort({ userBytes: end, capacity });
  return unpadUser(whole, end).slice(offset);
}
