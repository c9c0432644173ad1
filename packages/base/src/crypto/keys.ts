/**
 * Private keys with their type, and the two formats in which people carry them: the hexadecimal JSON of
 * `lotus wallet export`, and the wallet file of go-filecoin 2019. Inside Holdfast a BLS key is big-endian
 * (as the BLS draft has it); Lotus writes BLS scalars little-endian, so they are turned round on the way.
 */
import { base64pad } from "multiformats/bases/base64";
import { fromHex, toHex, utf8Bytes, utf8Text } from "../bytes.ts";
import { HoldfastError } from "../errors.ts";
import type { Random } from "../seams/types.ts";
import { blsKeyFromSeed, blsPublicKey } from "./bls.ts";
import { keyErrors } from "./errors.ts";
import { kernel } from "./kernel.ts";
import { publicKeyOf } from "./secp.ts";

export type KeyType = "secp256k1" | "bls";

export interface KeyInfo {
  readonly type: KeyType;
  /** 32 bytes, big-endian. */
  readonly privateKey: Uint8Array;
}

/** Longer texts are no key. */
const maxImportCharacters = 65_536;

/** A fresh key from unpredictable bytes. */
export function generateKey(type: KeyType, random: Random): KeyInfo {
  if (type === "bls") return { type, privateKey: blsKeyFromSeed(random.bytes(32)) };
  for (;;) {
    const privateKey = random.bytes(32); // all but 2^-127 of them are scalars of the curve
    if (kernel.secpPublicKey(privateKey) !== undefined) return { type, privateKey };
  }
}

/** The 65-byte secp256k1 key or the 48-byte BLS key. Fails with `key/bad-private-key`. */
export function publicKeyOfKey(key: KeyInfo): Uint8Array {
  return key.type === "bls" ? blsPublicKey(key.privateKey) : publicKeyOf(key.privateKey);
}

/** What `lotus wallet import` reads: the hexadecimal text of {"Type":…,"PrivateKey":base64}. */
export function exportLotusKey(key: KeyInfo): string {
  publicKeyOfKey(key);
  const scalar = key.type === "bls" ? key.privateKey.toReversed() : key.privateKey;
  return toHex(utf8Bytes(JSON.stringify({ Type: key.type, PrivateKey: base64pad.baseEncode(scalar) })));
}

/** The wallet file of go-filecoin 2019: {"KeyInfo":[{"privateKey":base64,"curve":"secp256k1"}]}. */
export function exportSeedKeys(keys: readonly KeyInfo[]): string {
  const entries = keys.map((key) => {
    publicKeyOfKey(key);
    if (key.type !== "secp256k1") throw keyErrors.unknownType({ type: key.type });
    return { privateKey: base64pad.baseEncode(key.privateKey), curve: key.type };
  });
  return JSON.stringify({ KeyInfo: entries });
}

/**
 * Reads either format (the Lotus JSON also without its hexadecimal coat) and checks every key.
 * Fails with `key/bad-import`, `key/unknown-type`, `key/bad-private-key`.
 */
export function importKeys(text: string): KeyInfo[] {
  if (text.length > maxImportCharacters)
    throw badImport(`it has more than ${maxImportCharacters} characters`);
  const trimmed = text.trim();
  const json = trimmed.startsWith("{") ? trimmed : textOfHex(trimmed);
  const value = fieldsOf(parseJson(json));
  if (Array.isArray(value.KeyInfo)) {
    if (value.KeyInfo.length === 0) throw badImport("the list of keys is empty");
    return value.KeyInfo.map((entry: unknown) => seedKey(fieldsOf(entry)));
  }
  return [lotusKey(value)];
}

function seedKey(entry: Fields): KeyInfo {
  if (entry.curve !== "secp256k1") throw keyErrors.unknownType({ type: String(entry.curve) });
  return checked({ type: "secp256k1", privateKey: scalarOf(entry.privateKey) });
}

function lotusKey(entry: Fields): KeyInfo {
  const type = entry.Type;
  if (type === "secp256k1") return checked({ type, privateKey: scalarOf(entry.PrivateKey) });
  if (type === "bls") return checked({ type, privateKey: scalarOf(entry.PrivateKey).toReversed() });
  if (typeof type === "string") throw keyErrors.unknownType({ type });
  throw badImport('it has neither "KeyInfo" nor "Type"');
}

function checked(key: KeyInfo): KeyInfo {
  publicKeyOfKey(key);
  return key;
}

function scalarOf(text: unknown): Uint8Array {
  if (typeof text !== "string") throw badImport("the private key is missing");
  let bytes: Uint8Array;
  try {
    bytes = base64pad.baseDecode(text);
  } catch (cause) {
    throw badImport("the private key is not base64", cause);
  }
  if (bytes.length !== 32) throw badImport(`the private key has ${bytes.length} bytes instead of 32`);
  return bytes;
}

type Fields = { readonly [name: string]: unknown };

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badImport("it is no JSON object");
  return value as Fields;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser quotes its input, which is a secret: its message must not travel with ours.
    throw badImport(cause instanceof SyntaxError ? "it is no JSON" : "it cannot be read");
  }
}

function textOfHex(text: string): string {
  try {
    return utf8Text(fromHex(text));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw badImport("it is neither JSON nor hexadecimal");
    throw cause;
  }
}

function badImport(reason: string, cause?: unknown): HoldfastError {
  return keyErrors.badImport({ reason }, cause);
}
