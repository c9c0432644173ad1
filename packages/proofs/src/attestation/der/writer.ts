/** Writing DER: what the reader reads, one spelling for each value. Source: X.690 §8, §10, §11. */
import { concatBytes, minimalBigEndian, readBigEndian, utf8Bytes } from "@holdfast/base";
import { contextTag, tags } from "./reader.ts";

export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag), lengthOf(bytes.length), bytes);
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets = minimalBigEndian(BigInt(length));
  return concatBytes(Uint8Array.of(0x80 | octets.length), octets);
}

export const derSequence = (...parts: readonly Uint8Array[]): Uint8Array => der(tags.sequence, ...parts);
export const derSet = (...parts: readonly Uint8Array[]): Uint8Array => der(tags.set, ...parts);
export const derOctets = (bytes: Uint8Array): Uint8Array => der(tags.octetString, bytes);
export const derText = (text: string): Uint8Array => der(tags.utf8String, utf8Bytes(text));
export const derBoolean = (value: boolean): Uint8Array => der(tags.boolean, Uint8Array.of(value ? 0xff : 0));
export const derTagged = (number: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  der(contextTag(number), ...parts);
export const derBits = (bytes: Uint8Array, unused = 0): Uint8Array =>
  der(tags.bitString, Uint8Array.of(unused), bytes);

/** Not negative. */
export function derInteger(value: bigint | number): Uint8Array {
  const magnitude = minimalBigEndian(BigInt(value));
  const padded = magnitude.length === 0 || (magnitude[0] ?? 0) >= 0x80;
  return der(tags.integer, padded ? concatBytes(Uint8Array.of(0), magnitude) : magnitude);
}

export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(tags.oid, ...[40 * first + second, ...rest].map(base128));
}

function base128(value: number): Uint8Array {
  const digits = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    digits.unshift(0x80 | (left & 0x7f));
  }
  return Uint8Array.from(digits);
}

/** Seconds since 1970, as a GeneralizedTime. */
export function derTime(seconds: number): Uint8Array {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const clock = [rest / 3600, (rest / 60) % 60, rest % 60].map((part) => two(Math.floor(part)));
  return der(tags.generalizedTime, utf8Bytes(`${dateText(days).replaceAll("-", "")}${clock.join("")}Z`));
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Days since 1970 as a date (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
export function dateText(daysSince1970: number): string {
  const days = daysSince1970 + 719_468;
  const era = Math.floor(days / 146_097);
  const day = days - era * 146_097;
  const year = Math.floor(
    (day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365,
  );
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const date = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  return `${String(year + era * 400 + (month <= 2 ? 1 : 0)).padStart(4, "0")}-${two(month)}-${two(date)}`;
}

/** r and s of an ECDSA signature r‖s. */
export function derEcdsa(signature: Uint8Array): Uint8Array {
  const size = signature.length / 2;
  const [r, s] = [signature.subarray(0, size), signature.subarray(size)].map(readBigEndian) as [
    bigint,
    bigint,
  ];
  return derSequence(derInteger(r), derInteger(s));
}

/** The public key of P-256, or by its length of P-384, that 04‖x‖y is. */
export function derEcKey(point: Uint8Array): Uint8Array {
  const curve = point.length === p384PointBytes ? "1.3.132.0.34" : "1.2.840.10045.3.1.7";
  return derSequence(derSequence(derOid("1.2.840.10045.2.1"), derOid(curve)), derBits(point));
}

const p384PointBytes = 97;

export const ecdsaSha256 = (): Uint8Array => derSequence(derOid("1.2.840.10045.4.3.2"));
