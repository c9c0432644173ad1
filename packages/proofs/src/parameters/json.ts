/**
 * Strict reading of small JSON files: bounded, well-formed UTF-8, no key twice, exactly the expected fields, values
 * of exact form. JSON itself lets the last of two equal keys win, so that two readers could see two documents.
 * Source: RFC 8259 §4 on names that are not unique.
 */
import { utf8Text } from "@holdfast/base";

/** Makes the error of the caller's document from a reason. */
export type Refuse = (data: { reason: string }) => Error;

type Fields = Readonly<Record<string, unknown>>;

/** The parsed document. Texts of ours need no escapes, so a backslash is refused and keys can be counted. */
export function parseJson(bytes: Uint8Array, maxBytes: number, refuse: Refuse): unknown {
  if (bytes.length > maxBytes) throw refuse({ reason: `it has ${bytes.length} bytes, ${maxBytes} at most` });
  let text: string;
  let value: unknown;
  try {
    text = utf8Text(bytes);
    value = JSON.parse(text);
  } catch {
    throw refuse({ reason: "it is no JSON in UTF-8" });
  }
  if (text.includes("\\")) throw refuse({ reason: "it has escapes in its texts" });
  const written = [...text.matchAll(/"[^"]*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
  if (written !== countKeys(value)) throw refuse({ reason: "an object has a key twice" });
  return value;
}

/** Documents of ours are at most three levels deep; anything deeper has no count and is refused. */
const maxDepth = 8;

function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth === maxDepth) return Number.NaN;
  const values = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce((sum: number, item) => sum + countKeys(item, depth + 1), own);
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object with these fields, perhaps the optional ones, and no others. */
export function exactFields(
  value: unknown,
  where: string,
  names: { readonly required: readonly string[]; readonly optional?: readonly string[] },
  refuse: Refuse,
): Fields {
  if (!isObject(value)) throw refuse({ reason: `${where} is no object` });
  const missing = names.required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw refuse({ reason: `${where} lacks ${missing}` });
  const known = new Set([...names.required, ...(names.optional ?? [])]);
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw refuse({ reason: `${where} has an unknown field ${unknown.slice(0, 40)}` });
  return value;
}

/** A text of this form. */
export function textOf(value: unknown, where: string, form: RegExp, refuse: Refuse): string {
  if (typeof value === "string" && form.test(value)) return value;
  throw refuse({ reason: `${where} has not the form of one` });
}

/** A whole number from `min` to `max`. */
export function countOf(
  value: unknown,
  where: string,
  [min, max]: readonly [min: number, max: number],
  refuse: Refuse,
): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw refuse({ reason: `${where} is no whole number from ${min} to ${max}` });
}
