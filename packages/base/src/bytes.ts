/**
 * Bytes, text and fixed-width integers. The strict UTF-8 decoder (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF) is written here because the pure packages have no platform globals,
 * and because equal text must mean equal bytes: anything that would be replaced is an error instead.
 */
import { baseErrors, codecErrors } from "./codec/errors.ts";
import { assert } from "./errors.ts";

/** The UTF-8 bytes of a text; a lone surrogate is `base/invalid-utf8`. */
export function utf8Bytes(text: string): Uint8Array {
  const ascii = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return utf8BytesOfAny(text);
    ascii[i] = unit;
  }
  return ascii;
}

function utf8BytesOfAny(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0;
    if (point < 0x80) {
      out[length++] = point;
    } else if (point < 0x800) {
      out[length++] = 0xc0 | (point >> 6);
      out[length++] = 0x80 | (point & 0x3f);
    } else if (point < 0x1_0000) {
      if (point >= 0xd800 && point <= 0xdfff) throw baseErrors.invalidUtf8({ at: i });
      out[length++] = 0xe0 | (point >> 12);
      out[length++] = 0x80 | ((point >> 6) & 0x3f);
      out[length++] = 0x80 | (point & 0x3f);
    } else {
      out[length++] = 0xf0 | (point >> 18);
      out[length++] = 0x80 | ((point >> 12) & 0x3f);
      out[length++] = 0x80 | ((point >> 6) & 0x3f);
      out[length++] = 0x80 | (point & 0x3f);
      i++; // the code point was two UTF-16 units
    }
  }
  return out.slice(0, length);
}

/** The text of UTF-8 bytes; `base/invalid-utf8` for everything that RFC 3629 forbids. */
export function utf8Text(bytes: Uint8Array): string {
  let text = "";
  let i = 0;
  while (i < bytes.length) {
    const first = bytes[i] ?? 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      i++;
      continue;
    }
    const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || i + length > bytes.length) throw baseErrors.invalidUtf8({ at: i });
    let point = first & (0x7f >> length);
    for (let k = 1; k < length; k++) {
      const next = bytes[i + k] ?? 0;
      if ((next & 0xc0) !== 0x80) throw baseErrors.invalidUtf8({ at: i });
      point = (point << 6) | (next & 0x3f);
    }
    const overlong = (length === 3 && point < 0x800) || (length === 4 && point < 0x1_0000);
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10_ffff) throw baseErrors.invalidUtf8({ at: i });
    text += String.fromCodePoint(point);
    i += length;
  }
  return text;
}

const hexOfByte = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, two characters per byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexOfByte[byte];
  return text;
}

/** Bytes of hexadecimal text in either case; anything else is `codec/bad-hex`. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit < 0) throw codecErrors.badHex({ at: i });
    bytes[i >> 1] = ((bytes[i >> 1] ?? 0) << 4) | digit;
  }
  if (text.length % 2 !== 0) throw codecErrors.badHex({ at: text.length });
  return bytes;
}

function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Negative, zero or positive as `a` sorts before, with or after `b`; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** `length` bytes of a non-negative whole number, most significant first. */
export function bigEndian(value: bigint | number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = BigInt(value);
  assert(rest >= 0n, "a fixed-width integer is not negative");
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  assert(rest === 0n, `${value} fits into ${length} bytes`);
  return bytes;
}

/** The number whose bytes these are, most significant first; no bytes are 0. */
export function readBigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** `length` bytes of a non-negative whole number, least significant first. */
export function littleEndian(value: bigint | number, length: number): Uint8Array {
  return bigEndian(value, length).reverse();
}

/** The number whose bytes these are, least significant first; no bytes are 0. */
export function readLittleEndian(bytes: Uint8Array): bigint {
  return readBigEndian(bytes.toReversed());
}

/** The shortest big-endian bytes of a non-negative number; 0 is no bytes. */
export function minimalBigEndian(value: bigint): Uint8Array {
  assert(value >= 0n, "a magnitude is not negative");
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}
