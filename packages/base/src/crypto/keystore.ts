/**
 * Keys at rest: one versioned JSON envelope around XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03).
 * A passphrase goes through scrypt (RFC 7914; its cost is in the file, and bounded when read, so that a
 * hostile file cannot burn memory); a 32-byte machine key goes through HKDF (RFC 5869), which is cheap.
 *
 * Three checks tell three failures apart. A plain checksum finds a damaged file before the costly
 * derivation; a value derived beside the key finds the wrong passphrase (and commits to the key, which
 * Poly1305 alone does not); the AEAD, which also covers the header, finds everything else.
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 as sha256Hash } from "@noble/hashes/sha2.js";
import { base64pad } from "multiformats/bases/base64";
import { equalBytes, toHex, utf8Bytes, utf8Text } from "../bytes.ts";
import { assert } from "../errors.ts";
import type { Random } from "../seams/types.ts";
import { keystoreErrors } from "./errors.ts";
import { blake2b256 } from "./hash.ts";
import { kernel, type ScryptCost } from "./kernel.ts";
import type { KeyInfo } from "./keys.ts";
import {
  type Envelope,
  type KeyDerivation,
  parseEnvelope,
  parseKeys,
  printEnvelope,
} from "./keystore-format.ts";

/** A passphrase that a person remembers, or 32 bytes that a machine holds. */
export type KeystoreSecret = string | Uint8Array;

/** Longer files are refused unread. */
export const maxKeystoreBytes = 1_048_576;

/** 128 MiB and some 0.3 s of native code: OWASP's first choice for scrypt (2^17, 8, 1). */
export const defaultScryptCost: ScryptCost = Object.freeze({ n: 131_072, r: 8, p: 1 });

const saltBytes = 32;
const nonceBytes = 24;
const machineKeyBytes = 32;

export interface SealOptions {
  readonly random: Random;
  /** For a passphrase; 131,072 · 8 · 1 if left out. */
  readonly cost?: ScryptCost;
}

/** Seals any bytes. Fails with `keystore/empty-passphrase`, `keystore/too-long`. */
export async function sealSecret(
  plaintext: Uint8Array,
  secret: KeystoreSecret,
  options: SealOptions,
): Promise<Uint8Array> {
  const salt = options.random.bytes(saltBytes);
  const kdf: KeyDerivation =
    typeof secret === "string"
      ? { name: "scrypt", salt, ...(options.cost ?? defaultScryptCost) }
      : { name: "hkdf-sha256", salt };
  const nonce = options.random.bytes(nonceBytes);
  const { key, check } = await deriveKey(secret, kdf);
  const header = { kdf, nonce, check };
  const ciphertext = xchacha20poly1305(key, nonce, headerBytes(header)).encrypt(plaintext);
  const file = utf8Bytes(printEnvelope({ ...header, ciphertext, checksum: checksumOf(header, ciphertext) }));
  if (file.length > maxKeystoreBytes) {
    throw keystoreErrors.tooLong({ lengthBytes: file.length, maxBytes: maxKeystoreBytes });
  }
  return file;
}

/**
 * Opens what `sealSecret` made. Fails with `keystore/too-long`, `keystore/malformed`,
 * `keystore/unknown-version`, `keystore/damaged`, `keystore/cost-too-high`, `keystore/wrong-secret-kind`,
 * `keystore/wrong-passphrase`, `keystore/tampered`.
 */
export async function openSecret(file: Uint8Array, secret: KeystoreSecret): Promise<Uint8Array> {
  if (file.length > maxKeystoreBytes) {
    throw keystoreErrors.tooLong({ lengthBytes: file.length, maxBytes: maxKeystoreBytes });
  }
  const envelope = parseEnvelope(file);
  const { checksum, ciphertext, ...header } = envelope;
  if (!equalBytes(checksum, checksumOf(header, ciphertext))) throw keystoreErrors.damaged({});
  const sealedWith = header.kdf.name === "scrypt" ? "passphrase" : "machine key";
  if (sealedWith !== (typeof secret === "string" ? "passphrase" : "machine key")) {
    throw keystoreErrors.wrongSecretKind({ sealedWith });
  }
  const { key, check } = await deriveKey(secret, header.kdf);
  if (!equalBytes(check, header.check)) throw keystoreErrors.wrongPassphrase({});
  try {
    return xchacha20poly1305(key, header.nonce, headerBytes(header)).decrypt(ciphertext);
  } catch (cause) {
    throw keystoreErrors.tampered({}, cause);
  }
}

/** Seals private keys; see `sealSecret`. */
export async function sealKeys(
  keys: readonly KeyInfo[],
  secret: KeystoreSecret,
  options: SealOptions,
): Promise<Uint8Array> {
  const list = keys.map((key) => ({ type: key.type, privateKey: base64pad.baseEncode(key.privateKey) }));
  return sealSecret(utf8Bytes(JSON.stringify({ keys: list })), secret, options);
}

/** Opens what `sealKeys` made; see `openSecret`. Something else sealed inside is `keystore/malformed`. */
export async function openKeys(file: Uint8Array, secret: KeystoreSecret): Promise<KeyInfo[]> {
  return parseKeys(await openSecret(file, secret));
}

async function deriveKey(
  secret: KeystoreSecret,
  kdf: KeyDerivation,
): Promise<{ readonly key: Uint8Array; readonly check: Uint8Array }> {
  const material = await keyMaterial(secret, kdf);
  const part = (name: string): Uint8Array =>
    hkdf(sha256Hash, material, kdf.salt, utf8Bytes(`holdfast/keystore/1/${name}`), 32);
  return { key: part("key"), check: part("check") };
}

async function keyMaterial(secret: KeystoreSecret, kdf: KeyDerivation): Promise<Uint8Array> {
  if (typeof secret === "string") {
    assert(kdf.name === "scrypt", "a passphrase goes through scrypt");
    // Two keyboards may type the same letter as different code points: NFKC makes them one.
    const password = utf8Bytes(secret.normalize("NFKC"));
    if (password.length === 0) throw keystoreErrors.emptyPassphrase({});
    return kernel.scrypt(password, kdf.salt, { n: kdf.n, r: kdf.r, p: kdf.p }, 32);
  }
  assert(secret.length === machineKeyBytes, `a machine key has ${machineKeyBytes} bytes`);
  return secret;
}

type Header = Pick<Envelope, "kdf" | "nonce" | "check">;

/** What the AEAD authenticates beside the ciphertext: every field that steers the decryption. */
function headerBytes(header: Header): Uint8Array {
  const { kdf } = header;
  const cost = kdf.name === "scrypt" ? `${kdf.n},${kdf.r},${kdf.p}` : "";
  const fields = [kdf.name, cost, toHex(kdf.salt), toHex(header.nonce), toHex(header.check)];
  return utf8Bytes(`holdfast-keystore;1;${fields.join(";")}`);
}

function checksumOf(header: Header, ciphertext: Uint8Array): Uint8Array {
  return blake2b256(utf8Bytes(`${utf8Text(headerBytes(header))};${toHex(ciphertext)}`)).slice(0, 8);
}
