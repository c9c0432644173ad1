/**
 * LEB128 (DWARF 4, appendix C), signed and unsigned, and the varints that frame messages on a stream.
 * Invariant: one number has one encoding. Redundant groups are refused, empty input is a typed error
 * (the go-filecoin of 2019 accepted the first and crashed on the second).
 */
import { codecErrors } from "./codec/errors.ts";
import { assert } from "./errors.ts";

export interface LebNumber {
  readonly value: bigint;
  /** Bytes that the number took. */
  readonly length: number;
}

/** Enough for every number of 128 bits and a sign. */
const maxLebBytes = 19;
/** Enough for 2^53 - 1, the largest length that a frame can announce. */
const maxVarintBytes = 8;

export function encodeUnsigned(value: bigint): Uint8Array {
  assert(value >= 0n, "an unsigned number is not negative");
  const groups: number[] = [];
  let rest = value;
  do {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    groups.push(rest === 0n ? group : group | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(groups);
}

export function encodeSigned(value: bigint): Uint8Array {
  const groups: number[] = [];
  let rest = value;
  for (;;) {
    const group = Number(rest & 0x7fn);
    rest >>= 7n; // arithmetic: a negative number ends as -1
    const signBit = (group & 0x40) !== 0;
    if ((rest === 0n && !signBit) || (rest === -1n && signBit)) {
      groups.push(group);
      return Uint8Array.from(groups);
    }
    groups.push(group | 0x80);
  }
}

/** One number from the front of `bytes`. `codec/truncated`, `codec/number-too-long`, `codec/non-minimal`. */
export function decodeUnsigned(bytes: Uint8Array, maxBytes = maxLebBytes): LebNumber {
  const length = lebLength(bytes, maxBytes);
  if (length > 1 && bytes[length - 1] === 0) throw codecErrors.nonMinimal({ at: 0 });
  return { value: lebMagnitude(bytes, length), length };
}

/** One number from the front of `bytes`. `codec/truncated`, `codec/number-too-long`, `codec/non-minimal`. */
export function decodeSigned(bytes: Uint8Array, maxBytes = maxLebBytes): LebNumber {
  const length = lebLength(bytes, maxBytes);
  const last = bytes[length - 1] ?? 0;
  const negative = (last & 0x40) !== 0;
  if (length > 1 && last === (negative ? 0x7f : 0)) {
    const signBelow = ((bytes[length - 2] ?? 0) & 0x40) !== 0;
    if (signBelow === negative) throw codecErrors.nonMinimal({ at: 0 });
  }
  const magnitude = lebMagnitude(bytes, length);
  return { value: negative ? magnitude - (1n << BigInt(7 * length)) : magnitude, length };
}

function lebLength(bytes: Uint8Array, maxBytes: number): number {
  for (let i = 0; i < bytes.length && i < maxBytes; i++) if ((bytes[i] ?? 0) < 0x80) return i + 1;
  if (bytes.length >= maxBytes) throw codecErrors.numberTooLong({ at: 0, maxBytes });
  throw codecErrors.truncated({ at: bytes.length, needed: 1 });
}

function lebMagnitude(bytes: Uint8Array, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 7n) | BigInt((bytes[i] ?? 0) & 0x7f);
  return value;
}

/** The varint of a length (a whole number from 0 to 2^53 - 1). */
export function encodeVarint(value: number): Uint8Array {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is a length`);
  return encodeUnsigned(BigInt(value));
}

/** A varint that arrives byte by byte. */
export class VarintReader {
  #value = 0;
  #scale = 1;
  #length = 0;

  /** The number when `byte` was its last, else undefined. `codec/non-minimal`, `codec/number-too-long`. */
  push(byte: number): number | undefined {
    this.#value += (byte & 0x7f) * this.#scale;
    this.#scale *= 128;
    this.#length++;
    if (byte >= 0x80) {
      if (this.#length === maxVarintBytes)
        throw codecErrors.numberTooLong({ at: 0, maxBytes: maxVarintBytes });
      return undefined;
    }
    if (byte === 0 && this.#length > 1) throw codecErrors.nonMinimal({ at: 0 });
    if (!Number.isSafeInteger(this.#value)) {
      throw codecErrors.numberTooLong({ at: 0, maxBytes: maxVarintBytes });
    }
    const value = this.#value;
    this.#value = 0;
    this.#scale = 1;
    this.#length = 0;
    return value;
  }
}
