/**
 * Values of DER elements: whole numbers, object identifiers, times, bits. Each has one spelling (X.690 §8.3, §8.19,
 * §11.2, §11.7, §11.8; RFC 5280 §4.1.2.5 for times). Errors `attest/malformed`.
 */
import { malformed } from "../errors.ts";
import { type Der, tags } from "./reader.ts";

function of(der: Der, tag: number): Uint8Array {
  if (der.tag !== tag) throw malformed(`DER tag ${der.tag} instead of ${tag}`);
  return der.content;
}

/** The content of an INTEGER, shortest, two's complement. */
export function integerBytes(der: Der): Uint8Array {
  const content = of(der, tags.integer);
  const [first, second] = content;
  if (first === undefined) throw malformed("a DER integer without bytes");
  const padded =
    second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw malformed("a DER integer that could be shorter");
  return content;
}

/** The magnitude of an INTEGER that is not negative, without leading zeros; zero is no bytes. */
export function unsignedBytes(der: Der): Uint8Array {
  const content = integerBytes(der);
  if ((content[0] ?? 0) >= 0x80) throw malformed("a negative DER integer");
  return content[0] === 0 ? content.subarray(1) : content;
}

/** A small whole number, also of an ENUMERATED. */
export function smallNumber(der: Der): number {
  const magnitude = unsignedBytes(der.tag === tags.enumerated ? { ...der, tag: tags.integer } : der);
  if (magnitude.length > 4) throw malformed("a DER integer above 32 bits");
  return magnitude.reduce((value, byte) => value * 256 + byte, 0);
}

export function booleanOf(der: Der): boolean {
  const content = of(der, tags.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed("a DER boolean");
  return content[0] === 0xff;
}

/** Dotted numbers. */
export function oidOf(der: Der): string {
  const content = of(der, tags.oid);
  const last = content.at(-1);
  if (last === undefined || last >= 0x80 || content.length > 32) throw malformed("an object identifier");
  const numbers: number[] = [];
  let value = 0;
  for (const [index, byte] of content.entries()) {
    const begins = index === 0 || (content[index - 1] ?? 0) < 0x80;
    if (begins && byte === 0x80) throw malformed("an object identifier that could be shorter");
    if (value > 0xff_ffff) throw malformed("an object identifier with a number above 32 bits");
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [head = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - 40 * root, ...rest].join(".");
}

/** The bytes of a BIT STRING that is a whole number of bytes. */
export function wholeBits(der: Der): Uint8Array {
  const content = of(der, tags.bitString);
  if (content[0] !== 0) throw malformed("a bit string with unused bits");
  return content.subarray(1);
}

/** Whether a bit of a short BIT STRING is set; bit 0 is the first. */
export function hasBit(der: Der, bit: number): boolean {
  const [unused = 8, ...bytes] = of(der, tags.bitString);
  if (unused > 7 || (bytes.length === 0 && unused > 0)) throw malformed("a bit string");
  return ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

/** ASCII text as far as names and times need it. */
export function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 256));
}

const utcForm = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalForm = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Seconds since 1970 of a UTCTime (1950 to 2049) or a GeneralizedTime, both in UTC and with seconds. */
export function timeSeconds(der: Der): number {
  const [form, tag] =
    der.tag === tags.utcTime ? [utcForm, tags.utcTime] : [generalForm, tags.generalizedTime];
  const match = form.exec(asciiOf(of(der, tag)));
  if (match === null) throw malformed("a time that is not in UTC with seconds");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = (tag === tags.generalizedTime ? 0 : year < 50 ? 2000 : 1900) + year;
  const isDay = month >= 1 && day >= 1 && day <= daysOf(month, fullYear);
  if (!isDay || hour > 23 || minute > 59 || second > 59) throw malformed("no such time");
  return Date.UTC(fullYear, month - 1, day, hour, minute, second) / 1000;
}

/** 0 for a month that is none. */
function daysOf(month: number, year: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
