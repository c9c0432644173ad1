/**
 * The keystore's text: JSON that a person can recognise, read with suspicion. Every field has an exact
 * type and length, unknown fields are refused, and the costs are bounded before anything is derived.
 */
import { base64pad } from "multiformats/bases/base64";
import { fromHex, toHex, utf8Text } from "../bytes.ts";
import { HoldfastError } from "../errors.ts";
import { keystoreErrors } from "./errors.ts";
import type { ScryptCost } from "./kernel.ts";
import type { KeyInfo } from "./keys.ts";

const formatName = "holdfast-keystore";
const formatVersion = 1;

export type KeyDerivation =
  | ({ readonly name: "scrypt"; readonly salt: Uint8Array } & ScryptCost)
  | { readonly name: "hkdf-sha256"; readonly salt: Uint8Array };

export interface Envelope {
  readonly kdf: KeyDerivation;
  /** 24 bytes. */
  readonly nonce: Uint8Array;
  /** 32 bytes derived beside the key. */
  readonly check: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** 8 bytes over everything else. */
  readonly checksum: Uint8Array;
}

const maxScryptMemoryBytes = 268_435_456; // 256 MiB: twice the default
const maxScryptLanes = 4;
const maxKeys = 4_096;

export function printEnvelope(envelope: Envelope): string {
  const { kdf } = envelope;
  const cost = kdf.name === "scrypt" ? { n: kdf.n, r: kdf.r, p: kdf.p } : {};
  const json = {
    format: formatName,
    version: formatVersion,
    kdf: { name: kdf.name, ...cost, salt: toHex(kdf.salt) },
    cipher: { name: "xchacha20-poly1305", nonce: toHex(envelope.nonce) },
    check: toHex(envelope.check),
    ciphertext: base64pad.baseEncode(envelope.ciphertext),
    checksum: toHex(envelope.checksum),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** Fails with `keystore/malformed`, `keystore/unknown-version`, `keystore/cost-too-high`. */
export function parseEnvelope(file: Uint8Array): Envelope {
  const json = objectOf(jsonOf(file), "the file");
  if (json.format !== formatName) throw malformed(`its format is not "${formatName}"`);
  const version = json.version;
  if (typeof version !== "number") throw malformed("it has no version");
  if (version !== formatVersion) throw keystoreErrors.unknownVersion({ version });
  onlyFields(json, "the file", ["format", "version", "kdf", "cipher", "check", "ciphertext", "checksum"]);
  const cipher = objectOf(json.cipher, "cipher");
  onlyFields(cipher, "cipher", ["name", "nonce"]);
  if (cipher.name !== "xchacha20-poly1305") throw malformed("its cipher is unknown");
  return {
    kdf: parseDerivation(objectOf(json.kdf, "kdf")),
    nonce: hexField(cipher, "nonce", 24),
    check: hexField(json, "check", 32),
    ciphertext: base64Field(json, "ciphertext"),
    checksum: hexField(json, "checksum", 8),
  };
}

/** The private keys inside an opened keystore. Fails with `keystore/malformed`. */
export function parseKeys(plaintext: Uint8Array): KeyInfo[] {
  const list = objectOf(jsonOf(plaintext), "the sealed content").keys;
  if (!Array.isArray(list)) throw malformed("the sealed content is no list of keys");
  if (list.length > maxKeys) throw malformed(`it holds more than ${maxKeys} keys`);
  return list.map((entry: unknown) => {
    const fields = objectOf(entry, "a key");
    const type = fields.type;
    if (type !== "secp256k1" && type !== "bls") throw malformed("a key has an unknown type");
    const privateKey = base64Field(fields, "privateKey");
    if (privateKey.length !== 32) throw malformed("a private key has not 32 bytes");
    return { type, privateKey };
  });
}

function parseDerivation(kdf: Fields): KeyDerivation {
  if (kdf.name === "hkdf-sha256") {
    onlyFields(kdf, "kdf", ["name", "salt"]);
    return { name: "hkdf-sha256", salt: hexField(kdf, "salt", 32) };
  }
  if (kdf.name !== "scrypt") throw malformed("its key derivation is unknown");
  onlyFields(kdf, "kdf", ["name", "salt", "n", "r", "p"]);
  const cost = { n: countField(kdf, "n"), r: countField(kdf, "r"), p: countField(kdf, "p") };
  const memoryBytes = 128 * cost.n * cost.r;
  if (memoryBytes > maxScryptMemoryBytes || cost.p > maxScryptLanes) throw keystoreErrors.costTooHigh(cost);
  if (cost.n < 2 || !Number.isInteger(Math.log2(cost.n))) throw malformed("scrypt's n is no power of two");
  return { name: "scrypt", salt: hexField(kdf, "salt", 32), ...cost };
}

type Fields = { readonly [name: string]: unknown };

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof HoldfastError) throw malformed("it is no JSON text");
    throw cause;
  }
}

function objectOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed(`${what} is no object`);
  return value as Fields;
}

function onlyFields(fields: Fields, what: string, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`${what} has the unknown field "${unknown.slice(0, 40)}"`);
}

function countField(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw malformed(`"${name}" is no positive whole number`);
  }
  return value;
}

function hexField(fields: Fields, name: string, lengthBytes: number): Uint8Array {
  const value = fields[name];
  if (typeof value !== "string" || !/^(?:[0-9a-f]{2})*$/.test(value) || value.length !== 2 * lengthBytes) {
    throw malformed(`"${name}" is not ${lengthBytes} bytes of hexadecimal text`);
  }
  return fromHex(value);
}

function base64Field(fields: Fields, name: string): Uint8Array {
  const value = fields[name];
  if (typeof value !== "string") throw malformed(`"${name}" is missing`);
  try {
    return base64pad.baseDecode(value);
  } catch {
    throw malformed(`"${name}" is not base64`);
  }
}

function malformed(reason: string): HoldfastError {
  return keystoreErrors.malformed({ reason });
}
