/**
 * The scalar field of BLS12-381: every node, root and label is one of its elements, stored as 32 bytes
 * little-endian. Invariant: bytes that come in are canonical (below the modulus) or refused; two byte strings
 * never mean the same element. Source: Filecoin specs; the BLS12-381 parameters of the Zcash protocol.
 */
import { toHex } from "@holdfast/base";
import { fieldErrors } from "./errors.ts";

export { fieldErrors } from "./errors.ts";

/** Order of the scalar field: 255 bits, of which 254 hold any value. */
export const frModulus = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** Bytes of an encoded element. */
export const frBytes = 32;

// The modulus as 64-bit words, least significant first, for comparing without building a 256-bit number.
const modulusWords = [0, 64, 128, 192].map((shift) => BigInt.asUintN(64, frModulus >> BigInt(shift)));
/** The last byte of the modulus: a smaller last byte decides at once, which is nearly always the case. */
const modulusTopByte = 0x73;

/** The value modulo the field order, in [0, r). */
export function frReduce(value: bigint): bigint {
  const rest = value % frModulus;
  return rest < 0n ? rest + frModulus : rest;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readAt(view: DataView, offset: number): bigint {
  const low = view.getBigUint64(offset, true) | (view.getBigUint64(offset + 8, true) << 64n);
  const high = view.getBigUint64(offset + 16, true) | (view.getBigUint64(offset + 24, true) << 64n);
  return low | (high << 128n);
}

function canonicalAt(bytes: Uint8Array, view: DataView, offset: number): boolean {
  const top = bytes[offset + frBytes - 1] ?? 0;
  if (top !== modulusTopByte) return top < modulusTopByte;
  for (let word = 3; word >= 0; word -= 1) {
    const value = view.getBigUint64(offset + word * 8, true);
    const limit = modulusWords[word] ?? 0n;
    if (value !== limit) return value < limit;
  }
  return false;
}

/** Whether these are 32 bytes of a canonical element. */
export function isFr(bytes: Uint8Array): boolean {
  return bytes.length === frBytes && canonicalAt(bytes, viewOf(bytes), 0);
}

/** Refuses a run that is not whole canonical elements. Throws field/bad-length, field/not-canonical. */
export function assertFrs(bytes: Uint8Array): void {
  if (bytes.length % frBytes !== 0) throw fieldErrors.badLength({ length: bytes.length });
  const view = viewOf(bytes);
  for (let offset = 0; offset < bytes.length; offset += frBytes) {
    if (canonicalAt(bytes, view, offset)) continue;
    const hex = toHex(bytes.subarray(offset, offset + frBytes));
    throw fieldErrors.notCanonical({ index: offset / frBytes, hex });
  }
}

/** One element from exactly 32 bytes. Throws field/bad-length, field/not-canonical. */
export function frFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length !== frBytes) throw fieldErrors.badLength({ length: bytes.length });
  const view = viewOf(bytes);
  if (!canonicalAt(bytes, view, 0)) throw fieldErrors.notCanonical({ index: 0, hex: toHex(bytes) });
  return readAt(view, 0);
}

/** A run of elements. Throws field/bad-length, field/not-canonical (with the index of the first bad one). */
export function frsFromBytes(bytes: Uint8Array): bigint[] {
  assertFrs(bytes);
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length / frBytes }, (_none, index) => readAt(view, index * frBytes));
}

function writeAt(value: bigint, view: DataView, offset: number): void {
  view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  view.setBigUint64(offset + 8, BigInt.asUintN(64, value >> 64n), true);
  view.setBigUint64(offset + 16, BigInt.asUintN(64, value >> 128n), true);
  view.setBigUint64(offset + 24, value >> 192n, true);
}

/** Writes one element (already in [0, r)) at `offset` of `into`. */
export function writeFr(value: bigint, into: Uint8Array, offset: number): void {
  writeAt(value, viewOf(into), offset);
}

/** 32 bytes of an element in [0, r). */
export function frToBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(frBytes);
  writeFr(value, bytes, 0);
  return bytes;
}

/** Concatenated bytes of elements in [0, r). */
export function frsToBytes(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * frBytes);
  const view = viewOf(bytes);
  for (let index = 0; index < values.length; index += 1) {
    writeAt(values[index] as bigint, view, index * frBytes);
  }
  return bytes;
}

/** The elements at these places of a run, behind each other. */
export function pickFrs(bytes: Uint8Array, places: Uint32Array): Uint8Array {
  const picked = new Uint8Array(places.length * frBytes);
  const [from, to] = [viewOf(bytes), viewOf(picked)];
  for (let i = 0; i < places.length; i += 1) {
    const at = (places[i] as number) * frBytes;
    for (let byte = 0; byte < frBytes; byte += 4) {
      to.setUint32(i * frBytes + byte, from.getUint32(at + byte, true), true);
    }
  }
  return picked;
}

/** Inverse of an element ≠ 0 by the extended Euclidean algorithm; 0 for 0. */
export function frInvert(value: bigint): bigint {
  let [a, b] = [frReduce(value), frModulus];
  let [x, y] = [1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b] = [b - quotient * a, a];
    [x, y] = [y - quotient * x, x];
  }
  return a === 0n ? 0n : frReduce(x);
}
