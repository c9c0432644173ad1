/**
 * The header of an encrypted file, as age writes it (https://c2sp.org/age, version 1): lines of text that say to whom
 * the file key is given, and a MAC under that key over all of them. Invariants: every header has one spelling, a
 * header has at most `maxAgeHeaderBytes`, and nothing of it is believed before its MAC is right.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64 } from "multiformats/bases/base64";
import { concatBytes, equalBytes, utf8Bytes } from "../bytes.ts";
import type { HoldfastError } from "../errors.ts";
import { ageErrors } from "./errors.ts";

const versionLine = "age-encryption.org/v1";
const fileKeyBytes = 16;
const macBytes = 32;
/** Columns of a body; a shorter line, perhaps an empty one, ends it. */
const bodyColumns = 64;
const maxStanzas = 64;

/** Longer headers are refused. */
export const maxAgeHeaderBytes = 16_384;

/** One way to the file key. */
export interface AgeStanza {
  readonly type: string;
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface AgeHeader {
  readonly stanzas: readonly AgeStanza[];
  /** What the MAC is over. */
  readonly covered: Uint8Array;
  readonly mac: Uint8Array;
  /** The payload begins here. */
  readonly lengthBytes: number;
}

export function printAgeHeader(stanzas: readonly AgeStanza[], fileKey: Uint8Array): Uint8Array {
  const lines = stanzas.flatMap(({ type, args, body }) => [
    ["->", type, ...args].join(" "),
    ...bodyLines(base64.baseEncode(body)),
  ]);
  const covered = utf8Bytes([versionLine, ...lines, "---"].join("\n"));
  return concatBytes(covered, utf8Bytes(` ${base64.baseEncode(macOf(covered, fileKey))}\n`));
}

/** What a header of these stanzas begins with, up to the last argument of the first one. */
export function ageHeaderPrefix(type: string): Uint8Array {
  return utf8Bytes(`${versionLine}\n-> ${type} `);
}

/** The header at the beginning of these bytes. `age/malformed`. */
export function parseAgeHeader(bytes: Uint8Array): AgeHeader {
  const lines = new Lines(bytes.subarray(0, maxAgeHeaderBytes));
  if (lines.next() !== versionLine) throw malformed("it does not begin with the format's name");
  const stanzas: AgeStanza[] = [];
  for (;;) {
    const start = lines.at;
    const line = lines.next();
    if (line.startsWith("--- ")) {
      const mac = bytesOf(line.slice(4));
      if (mac.length !== macBytes) throw malformed("its MAC has another length");
      if (stanzas.length === 0) throw malformed("it is given to nobody");
      return { stanzas, covered: bytes.subarray(0, start + 3), mac, lengthBytes: lines.at };
    }
    if (stanzas.length === maxStanzas) throw malformed(`it is given to more than ${maxStanzas}`);
    stanzas.push(stanzaAt(line, lines));
  }
}

/** Whether the holder of this file key wrote the header. */
export function isAgeHeaderOf({ covered, mac }: AgeHeader, fileKey: Uint8Array): boolean {
  return fileKey.length === fileKeyBytes && equalBytes(macOf(covered, fileKey), mac);
}

function macOf(covered: Uint8Array, fileKey: Uint8Array): Uint8Array {
  return hmac(sha256, hkdf(sha256, fileKey, undefined, utf8Bytes("header"), 32), covered);
}

function stanzaAt(line: string, lines: Lines): AgeStanza {
  const [arrow, type = "", ...args] = line.split(" ");
  if (arrow !== "->" || ![type, ...args].every((word) => /^[!-~]+$/.test(word))) {
    throw malformed("a line of it says nothing that is known");
  }
  let body = "";
  for (;;) {
    const part = lines.next();
    body += part;
    if (part.length > bodyColumns) throw malformed("a line of it is too long");
    if (part.length < bodyColumns) return { type, args, body: bytesOf(body) };
  }
}

function bodyLines(text: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at <= text.length; at += bodyColumns) lines.push(text.slice(at, at + bodyColumns));
  return lines;
}

/** Each byte string has one spelling. */
function bytesOf(text: string): Uint8Array {
  try {
    const bytes = base64.baseDecode(text);
    if (base64.baseEncode(bytes) === text) return bytes;
  } catch {
    // Told below.
  }
  throw malformed("a part of it is no base64 without padding");
}

class Lines {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  next(): string {
    const end = this.#bytes.indexOf(10, this.at);
    if (end < 0) throw malformed("its header does not end");
    const line = this.#bytes.subarray(this.at, end);
    if (line.some((byte) => byte < 0x20 || byte > 0x7e)) throw malformed("its header is no text");
    this.at = end + 1;
    return String.fromCharCode(...line);
  }
}

function malformed(reason: string): HoldfastError {
  return ageErrors.malformed({ reason });
}
