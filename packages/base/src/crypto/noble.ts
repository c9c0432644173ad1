/**
 * The reference kernel: pure TypeScript (noble curves and hashes), always available, also in a browser.
 * The constants that fix the schemes are here: the BLS domain separation tag of the proof-of-possession
 * scheme (draft-irtf-cfrg-bls-signature-05 §4.2.3) and the deterministic low-S ECDSA of RFC 6979.
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { blake2b, blake2s } from "@noble/hashes/blake2.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { readBigEndian } from "../bytes.ts";
import type { CryptoKernel } from "./kernel.ts";

/** Public keys in G1, signatures in G2, keys registered with a proof of possession. */
export const blsDomain = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

const bls = bls12_381.longSignatures;

/** noble reduces a scalar of any size; here every key has one spelling, as in blst. */
function isBlsScalar(privateKey: Uint8Array): boolean {
  const scalar = readBigEndian(privateKey);
  return scalar > 0n && scalar < bls12_381.fields.Fr.ORDER;
}

/** The libraries report malformed points by throwing; a claim of a peer is answered, not thrown. */
function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

function recoverKey(digest: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const recoveryFirst = new Uint8Array(65);
  recoveryFirst[0] = signature[64] ?? 0;
  recoveryFirst.set(signature.subarray(0, 64), 1);
  return orUndefined(() => {
    const compressed = secp256k1.recoverPublicKey(recoveryFirst, digest, { prehash: false });
    return secp256k1.Point.fromBytes(compressed).toBytes(false);
  });
}

function signDigest(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const recoveryFirst = secp256k1.sign(digest, privateKey, {
    prehash: false,
    lowS: true,
    format: "recovered",
    extraEntropy: false,
  });
  const signature = new Uint8Array(65);
  signature.set(recoveryFirst.subarray(1), 0);
  signature[64] = recoveryFirst[0] ?? 0;
  return signature;
}

function verifyBls(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const verdict = orUndefined(() => {
    const key = bls12_381.G1.Point.fromBytes(publicKey);
    key.assertValidity();
    if (key.is0()) return false;
    return bls.verify(signature, bls.hash(message, blsDomain), key);
  });
  return verdict ?? false;
}

export const nobleKernel: CryptoKernel = Object.freeze({
  blake2b256: (bytes: Uint8Array) => blake2b(bytes, { dkLen: 32 }),
  blake2b160: (bytes: Uint8Array) => blake2b(bytes, { dkLen: 20 }),
  blake2s256: (bytes: Uint8Array) => blake2s(bytes, { dkLen: 32 }),
  sha256: (bytes: Uint8Array) => sha256(bytes),
  secpPublicKey: (privateKey: Uint8Array) => orUndefined(() => secp256k1.getPublicKey(privateKey, false)),
  secpSign: (digest: Uint8Array, privateKey: Uint8Array) => orUndefined(() => signDigest(digest, privateKey)),
  secpRecover: recoverKey,
  blsPublicKey: (privateKey: Uint8Array) =>
    isBlsScalar(privateKey) ? bls.getPublicKey(privateKey).toBytes() : undefined,
  blsSign: (privateKey: Uint8Array, message: Uint8Array) =>
    isBlsScalar(privateKey) ? bls.sign(bls.hash(message, blsDomain), privateKey).toBytes() : undefined,
  blsVerify: verifyBls,
  chachaSeal: (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array) =>
    chacha20poly1305(key, nonce).encrypt(plain),
  chachaOpen: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array) =>
    orUndefined(() => chacha20poly1305(key, nonce).decrypt(sealed)),
  scrypt: async (password, salt, cost, lengthBytes) =>
    scrypt(password, salt, { N: cost.n, r: cost.r, p: cost.p, dkLen: lengthBytes, maxmem: 2 ** 30 }),
} satisfies CryptoKernel);
