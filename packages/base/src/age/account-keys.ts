/**
 * What an account's private key gives for files, each under a name of its own (HKDF-SHA256), so that a backup of the
 * account's key is a backup of its files' keys, and nothing of a file's keys tells of the account's.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8Bytes } from "../bytes.ts";

const identityInfo = utf8Bytes("holdfast/file-identity/1");
const secretInfo = utf8Bytes("holdfast/file-secret/1\n");

/** The identity of age to which the account's files are encrypted. */
export function ageIdentityOfAccount(privateKey: Uint8Array): Uint8Array {
  return hkdf(sha256, privateKey, undefined, identityInfo, 32);
}

/** A secret that only the account can compute again, of what it is for. */
export function fileSecretOfAccount(privateKey: Uint8Array, purpose: Uint8Array): Uint8Array {
  return hkdf(sha256, privateKey, undefined, concatBytes(secretInfo, purpose), 32);
}
