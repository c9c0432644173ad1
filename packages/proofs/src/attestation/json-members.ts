/**
 * The exact text of the members of a JSON object. Intel signs TCB info and identities as they are delivered: parsing
 * and writing them again gives other bytes, and one space more is another document.
 */
import { utf8Text } from "@holdfast/base";
import { malformed } from "./errors.ts";

export interface JsonObject {
  readonly text: string;
  readonly fields: { readonly [name: string]: unknown };
}

/** Undefined if these bytes are no JSON object in UTF-8. */
export function readJsonObject(bytes: Uint8Array): JsonObject | undefined {
  if (!bytes.some((byte) => byte === 0x7b)) return undefined;
  try {
    const text = utf8Text(bytes);
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return undefined;
    return { text, fields: fields as { readonly [name: string]: unknown } };
  } catch {
    return undefined;
  }
}

/** The text of an object that is a member of the outermost one. Error `attest/malformed` if it stands there twice. */
export function objectText({ text }: JsonObject, name: string): string {
  const found: string[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    else if (char === '"') {
      const end = stringEnd(text, at);
      const value = depth === 1 && text.slice(at, end) === `"${name}"` ? valueStart(text, end) : undefined;
      at = end - 1;
      if (value === undefined) continue;
      const after = objectEnd(text, value);
      found.push(text.slice(value, after));
      at = after - 1;
    }
  }
  const [only, ...others] = found;
  if (only === undefined || others.length > 0)
    throw malformed(`the member ${name} is there ${found.length} times`);
  return only;
}

/** Behind the closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Where the value begins if what ended here was a name and its value is an object. */
function valueStart(text: string, end: number): number | undefined {
  const [lead = ""] = /^\s*:\s*/.exec(text.slice(end, end + 64)) ?? [];
  return lead !== "" && text[end + lead.length] === "{" ? end + lead.length : undefined;
}

/** Behind the brace that closes the one at `start`. */
function objectEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === "{") depth += 1;
    else if (char === "}") depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}
