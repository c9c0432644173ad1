/**
 * Strict DER, as far as certificates and revocation lists use it: definite, shortest lengths, tags of one byte, every
 * byte of a container belongs to an element, and nothing stands behind the end. What BER would allow besides is
 * refused, so that signed bytes have one reading. Source: X.690 §8, §10, §11. Errors `attest/malformed`.
 */
import { malformed } from "../errors.ts";

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a constructed element that the context numbers. */
export const contextTag = (number: number): number => 0xa0 | number;

export interface Der {
  readonly tag: number;
  /** Tag, length and content. */
  readonly raw: Uint8Array;
  readonly content: Uint8Array;
}

/** The element that begins at `at`; something may follow it. */
export function readDerAt(bytes: Uint8Array, at: number): Der {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw malformed("DER ends within a tag or length");
  if ((tag & 0x1f) === 0x1f) throw malformed("a DER tag of several bytes");
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 3) throw malformed("a DER length without end or of more than three bytes");
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? 0);
    start += octets;
    if (length < 0x80 || length < 256 ** (octets - 1)) throw malformed("a DER length that could be shorter");
  }
  if (start + length > bytes.length) throw malformed("a DER element is longer than what is there");
  return { tag, raw: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) };
}

/** One element that is all of the bytes. */
export function readDer(bytes: Uint8Array, tag?: number): Der {
  const der = readDerAt(bytes, 0);
  if (der.raw.length !== bytes.length) throw malformed("bytes behind the end of a DER element");
  if (tag !== undefined && der.tag !== tag) throw malformed(`DER tag ${der.tag} instead of ${tag}`);
  return der;
}

/** The elements of a container. */
export function elementsOf(der: Der): Der[] {
  if ((der.tag & 0x20) === 0) throw malformed("a primitive DER element holds no others");
  const elements: Der[] = [];
  for (let at = 0; at < der.content.length; ) {
    const element = readDerAt(der.content, at);
    elements.push(element);
    at += element.raw.length;
  }
  return elements;
}

/** The fields of a SEQUENCE, one after the other. */
export class Fields {
  readonly #elements: readonly Der[];
  #next = 0;

  constructor(der: Der, tag: number = tags.sequence) {
    if (der.tag !== tag) throw malformed(`DER tag ${der.tag} instead of ${tag}`);
    this.#elements = elementsOf(der);
  }

  /** The next field, which must have this tag, or one of these. */
  take(...wanted: readonly number[]): Der {
    const element = this.#elements[this.#next];
    if (element === undefined) throw malformed("a DER sequence lacks a field");
    if (!wanted.includes(element.tag))
      throw malformed(`DER tag ${element.tag} instead of ${wanted.join(" or ")}`);
    this.#next += 1;
    return element;
  }

  /** The next field if it has this tag. */
  maybe(tag: number): Der | undefined {
    return this.#elements[this.#next]?.tag === tag ? this.take(tag) : undefined;
  }

  /** There must be no more fields. */
  end(): void {
    if (this.#next !== this.#elements.length) throw malformed("a DER sequence has fields too many");
  }
}
