/**
 * BLS12-381 signatures in the min-pk variant with the proof-of-possession tag: what a miner's worker key
 * signs is unique, so it serves as a VRF (tickets, election proofs). draft-irtf-cfrg-bls-signature-05;
 * encodings as in its appendix (48-byte keys, 96-byte signatures, compressed).
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 as sha256Hash } from "@noble/hashes/sha2.js";
import { bigEndian, concatBytes, readBigEndian, utf8Bytes } from "../bytes.ts";
import { keyErrors } from "./errors.ts";
import { sha256 } from "./hash.ts";
import { kernel } from "./kernel.ts";

export const blsPublicKeyBytes = 48;
export const blsSignatureBytes = 96;

/** Order of the groups. */
const groupOrder = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** ceil((3 · ceil(log2(groupOrder))) / 16), so that the reduction is unbiased. */
const keyMaterialBytes = 48;

/** The public key, 48 bytes. Fails with `key/bad-private-key`. */
export function blsPublicKey(privateKey: Uint8Array): Uint8Array {
  const publicKey = privateKey.length === 32 ? kernel.blsPublicKey(privateKey) : undefined;
  if (publicKey === undefined) throw keyErrors.badPrivateKey({ type: "bls" });
  return publicKey;
}

/** The unique signature of the message, 96 bytes. Fails with `key/bad-private-key`. */
export function blsSign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = privateKey.length === 32 ? kernel.blsSign(privateKey, message) : undefined;
  if (signature === undefined) throw keyErrors.badPrivateKey({ type: "bls" });
  return signature;
}

/** Whether the key signed the message. Any malformed input, also the point at infinity, is `false`. */
export function blsVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== blsPublicKeyBytes || signature.length !== blsSignatureBytes) return false;
  return kernel.blsVerify(publicKey, message, signature);
}

/** KeyGen of the draft (§2.3, empty key_info): the private key, 32 bytes big-endian. `key/seed-too-short`. */
export function blsKeyFromSeed(seed: Uint8Array): Uint8Array {
  if (seed.length < 32) throw keyErrors.seedTooShort({ lengthBytes: seed.length });
  const ikm = concatBytes(seed, new Uint8Array(1));
  const info = bigEndian(keyMaterialBytes, 2);
  let salt = utf8Bytes("BLS-SIG-KEYGEN-SALT-");
  for (;;) {
    salt = sha256(salt);
    const material = hkdf(sha256Hash, ikm, salt, info, keyMaterialBytes);
    const scalar = readBigEndian(material) % groupOrder;
    if (scalar !== 0n) return bigEndian(scalar, 32);
  }
}
