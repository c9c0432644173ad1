/**
 * The keys of age (https://c2sp.org/age, "The X25519 recipient type"): an identity is 32 secret bytes, its recipient the
 * point of X25519 that belongs to it. A file key is given to a recipient under a key that only the two can compute.
 */
import { x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64 } from "multiformats/bases/base64";
import {
  bech32Alphabet,
  bech32Checksum,
  checksumDigits,
  digitsOf,
  isBech32ChecksumRight,
  textOf,
} from "../address-text.ts";
import { concatBytes, utf8Bytes } from "../bytes.ts";
import { kernel } from "../crypto/kernel.ts";
import type { HoldfastError } from "../errors.ts";
import { ageErrors } from "./errors.ts";
import type { AgeStanza } from "./header.ts";

const stanzaType = "X25519";
const wrapInfo = utf8Bytes("age-encryption.org/v1/X25519");
const keyBytes = 32;
/** A file key of 16 bytes with its tag. */
const wrappedBytes = 32;
const recipientPrefix = "age";
const identityPrefix = "age-secret-key-";
/** A wrapping key is used once. */
const zeroNonce = new Uint8Array(12);

/** The 32 bytes that others need to give a file key to this identity. */
export function ageRecipientOf(identity: Uint8Array): Uint8Array {
  return x25519.getPublicKey(identity);
}

/** `age1…` */
export function printAgeRecipient(recipient: Uint8Array): string {
  return bech32(recipientPrefix, recipient);
}
/** `age/bad-recipient`. */
export function parseAgeRecipient(text: string): Uint8Array {
  return unbech32(recipientPrefix, text, (reason) => ageErrors.badRecipient({ reason }));
}

/** `AGE-SECRET-KEY-1…`, as the program age reads it. */
export function printAgeIdentity(identity: Uint8Array): string {
  return bech32(identityPrefix, identity).toUpperCase();
}
/** `age/bad-identity`. */
export function parseAgeIdentity(text: string): Uint8Array {
  const isUpper = text === text.toUpperCase();
  return unbech32(identityPrefix, isUpper ? text.toLowerCase() : text, (reason) =>
    ageErrors.badIdentity({ reason }),
  );
}

/** Gives a file key to a recipient. `ephemeral` is 32 secret bytes that serve for nothing else. `age/bad-recipient`. */
export function wrapAgeFileKey(fileKey: Uint8Array, recipient: Uint8Array, ephemeral: Uint8Array): AgeStanza {
  const share = x25519.getPublicKey(ephemeral);
  const shared = sharedSecret(ephemeral, recipient);
  if (shared === undefined) throw ageErrors.badRecipient({ reason: "it is a point of small order" });
  const body = kernel.chachaSeal(wrapKey(shared, share, recipient), zeroNonce, fileKey);
  return { type: stanzaType, args: [base64.baseEncode(share)], body };
}

/** The file key, if one of the stanzas is for this identity. */
export function unwrapAgeFileKey(
  stanzas: readonly AgeStanza[],
  identity: Uint8Array,
): Uint8Array | undefined {
  const recipient = ageRecipientOf(identity);
  for (const { type, args, body } of stanzas) {
    if (type !== stanzaType) continue;
    const share = args.length === 1 ? shareOf(args[0] ?? "") : undefined;
    if (share === undefined || body.length !== wrappedBytes) {
      throw ageErrors.malformed({ reason: "a key in it has another form" });
    }
    const shared = sharedSecret(identity, share);
    if (shared === undefined) throw ageErrors.malformed({ reason: "a key in it is a point of small order" });
    const fileKey = kernel.chachaOpen(wrapKey(shared, share, recipient), zeroNonce, body);
    if (fileKey !== undefined) return fileKey;
  }
  return undefined;
}

function wrapKey(shared: Uint8Array, share: Uint8Array, recipient: Uint8Array): Uint8Array {
  return hkdf(sha256, shared, concatBytes(share, recipient), wrapInfo, 32);
}

/** Undefined for the points that lead everybody to the same secret. */
function sharedSecret(secret: Uint8Array, point: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secret, point);
  } catch {
    return undefined;
  }
}

function shareOf(text: string): Uint8Array | undefined {
  try {
    const bytes = base64.baseDecode(text);
    return bytes.length === keyBytes && base64.baseEncode(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** BIP-173, in groups of five bits. */
function bech32(prefix: string, bytes: Uint8Array): string {
  const digits: number[] = [];
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) digits.push((held >>> (bits - 5)) & 31);
  }
  if (bits > 0) digits.push((held << (5 - bits)) & 31);
  return `${prefix}1${textOf(bech32Alphabet, [...digits, ...bech32Checksum(prefix, digits)])}`;
}

function unbech32(prefix: string, text: string, fail: (reason: string) => HoldfastError): Uint8Array {
  if (!text.startsWith(`${prefix}1`)) throw fail(`it does not begin with ${prefix}1`);
  const digits = digitsOf(bech32Alphabet, text.slice(prefix.length + 1));
  if (digits.includes(-1)) throw fail("it holds a character that has no meaning");
  if (!isBech32ChecksumRight(prefix, digits))
    throw fail("its checksum is wrong: a character is lost or changed");
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const digit of digits.slice(0, -checksumDigits)) {
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >>> bits) & 255);
  }
  if (bytes.length !== keyBytes || bits > 4 || (held & ((1 << bits) - 1)) !== 0)
    throw fail("it has another length");
  return Uint8Array.from(bytes);
}
