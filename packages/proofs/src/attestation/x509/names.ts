/** Names and extensions, as far as chains need them. Source: RFC 5280 §4.1.2.4, §4.2. */
import { type Der, elementsOf, Fields, readDer, tags } from "../der/reader.ts";
import { asciiOf, booleanOf, oidOf } from "../der/values.ts";
import { malformed } from "../errors.ts";

const commonName = "2.5.4.3";
const textTags: readonly number[] = [
  tags.utf8String,
  tags.printableString,
  tags.teletexString,
  tags.ia5String,
];

/** The last common name; "" if there is none. Names are ASCII wherever they are compared. */
export function commonNameOf(name: Der): string {
  let found = "";
  for (const part of elementsOf(name)) {
    for (const attribute of elementsOf(part)) {
      const [type, value] = elementsOf(attribute);
      if (type === undefined || value === undefined || oidOf(type) !== commonName) continue;
      if (textTags.includes(value.tag)) found = asciiOf(value.content);
    }
  }
  return found;
}

export interface Extension {
  readonly critical: boolean;
  /** What the OCTET STRING holds. */
  readonly value: Uint8Array;
}

/** Each at most once. */
export function readExtensions(der: Der | undefined): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  if (der === undefined) return found;
  for (const one of elementsOf(readDer(der.content, tags.sequence))) {
    const fields = new Fields(one);
    const oid = oidOf(fields.take(tags.oid));
    const critical = fields.maybe(tags.boolean);
    const value = fields.take(tags.octetString).content;
    fields.end();
    if (found.has(oid)) throw malformed("an extension twice");
    found.set(oid, { critical: critical !== undefined && booleanOf(critical), value });
  }
  return found;
}

/** A critical extension that is not understood must not be passed over. */
export function checkCritical(extensions: ReadonlyMap<string, Extension>, known: readonly string[]): void {
  for (const [oid, { critical }] of extensions) {
    if (critical && !known.includes(oid)) throw malformed(`the critical extension ${oid}`);
  }
}
