/**
 * The two spellings of an address. The network's own (go-filecoin 2019): prefix, version digit, payload, six
 * checksum digits of BIP-173. Its payload is the hash in base-x (as base58, but radix 32): one big number
 * without leading zero digits, one zero digit per leading zero *byte*. It is not the 5-bit regrouping of
 * bech32, so 1 address in 32 is shorter than 41 characters. Filecoin's today (f1): base32 of RFC 4648.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { concatBytes, equalBytes } from "./bytes.ts";

/** The alphabet of BIP-173. */
export const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/** The alphabet of RFC 4648 §6 in lower case. */
export const base32Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
export const checksumDigits = 6;
const f1ChecksumBytes = 4;

/** Five-bit digits of the characters; -1 for a character that is not in the alphabet. */
export function digitsOf(alphabet: string, text: string): number[] {
  return Array.from(text, (character) => alphabet.indexOf(character));
}

export function textOf(alphabet: string, digits: readonly number[]): string {
  return digits.map((digit) => alphabet[digit]).join("");
}

function polymod(digits: readonly number[]): number {
  let sum = 1;
  for (const digit of digits) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ff_ffff) << 5) ^ digit;
    if (top & 1) sum ^= 0x3b6a57b2; // the five generators of BIP-173, "checksum"
    if (top & 2) sum ^= 0x26508e6d;
    if (top & 4) sum ^= 0x1ea119fa;
    if (top & 8) sum ^= 0x3d4233dd;
    if (top & 16) sum ^= 0x2a1462b3;
  }
  return sum;
}

/** The prefix as BIP-173 feeds it to the checksum: high three bits, a zero, low five bits. */
function expandPrefix(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

export function bech32Checksum(prefix: string, digits: readonly number[]): number[] {
  const sum = polymod([...expandPrefix(prefix), ...digits, 0, 0, 0, 0, 0, 0]) ^ 1;
  return Array.from({ length: checksumDigits }, (_, i) => (sum >> (5 * (checksumDigits - 1 - i))) & 31);
}

export function isBech32ChecksumRight(prefix: string, digitsAndChecksum: readonly number[]): boolean {
  return polymod([...expandPrefix(prefix), ...digitsAndChecksum]) === 1;
}

/** Bytes as the digits of one big number, after a zero digit for each leading zero byte. */
export function baseXDigits(bytes: Uint8Array): number[] {
  let zeroBytes = 0;
  while (zeroBytes < bytes.length && bytes[zeroBytes] === 0) zeroBytes++;
  const reversed: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = bytes.length - 1; i >= zeroBytes; i--) {
    held |= (bytes[i] ?? 0) << bits;
    bits += 8;
    for (; bits >= 5; bits -= 5, held >>>= 5) reversed.push(held & 31);
  }
  if (bits > 0) reversed.push(held);
  while (reversed.at(-1) === 0) reversed.pop();
  return [...new Array<number>(zeroBytes).fill(0), ...reversed.reverse()];
}

/** The inverse of `baseXDigits`. */
export function baseXBytes(digits: readonly number[]): Uint8Array {
  let zeroBytes = 0;
  while (zeroBytes < digits.length && digits[zeroBytes] === 0) zeroBytes++;
  const reversed: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = digits.length - 1; i >= zeroBytes; i--) {
    held |= (digits[i] ?? 0) << bits;
    bits += 5;
    if (bits >= 8) {
      reversed.push(held & 0xff);
      bits -= 8;
      held >>>= 8;
    }
  }
  if (held > 0) reversed.push(held);
  while (reversed.at(-1) === 0) reversed.pop();
  return Uint8Array.from([...new Array<number>(zeroBytes).fill(0), ...reversed.reverse()]);
}

/** The checksum of an f1 address: BLAKE2b with four bytes over the protocol byte 1 and the hash. */
function f1Checksum(hash: Uint8Array): Uint8Array {
  return blake2b(concatBytes(Uint8Array.of(1), hash), { dkLen: f1ChecksumBytes });
}

/** The body of an f1 address: base32 of hash and checksum, without padding. */
export function f1Body(hash: Uint8Array): string {
  const digits: number[] = [];
  let bits = 0;
  let held = 0;
  for (const byte of concatBytes(hash, f1Checksum(hash))) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) digits.push((held >> (bits - 5)) & 31);
  }
  if (bits > 0) digits.push((held << (5 - bits)) & 31);
  return textOf(base32Alphabet, digits);
}

/** The hash in the digits of an f1 body, or which part of it is wrong. */
export function readF1Digits(
  digits: readonly number[],
  hashBytes: number,
): Uint8Array | "payload" | "checksum" {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  const unusedBits = held & ((1 << bits) - 1);
  if (bytes.length !== hashBytes + f1ChecksumBytes || bits >= 5 || unusedBits !== 0) return "payload";
  const hash = Uint8Array.from(bytes.slice(0, hashBytes));
  return equalBytes(f1Checksum(hash), Uint8Array.from(bytes.slice(hashBytes))) ? hash : "checksum";
}
