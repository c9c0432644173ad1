/**
 * RSA verification over big integers: EMSA-PKCS1-v1_5 with SHA-256 is compared with the one encoding that there is,
 * EMSA-PSS with SHA-384 is undone (RFC 8017 §9.1.2, §9.2). Public values only, so nothing here has to be constant in
 * time.
 */
import { bigEndian, concatBytes, equalBytes, fromHex, readBigEndian } from "@holdfast/base";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { plainModPow } from "../../numbers/index.ts";
import type { RsaKey, RsaScheme } from "./kernel.ts";

/** 2048 to 4096 bits are in use. */
const leastModulusBytes = 256;
const mostModulusBytes = 512;
const mostExponentBytes = 4;

/** DigestInfo of SHA-256 up to the digest (RFC 8017 §9.2, note 1). */
const sha256Prefix = fromHex("3031300d060960864801650304020105000420");

export function plainRsaVerify(
  scheme: RsaScheme,
  key: RsaKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { modulus, exponent } = key;
  const size = modulus.length;
  if (size < leastModulusBytes || size > mostModulusBytes || exponent.length > mostExponentBytes)
    return false;
  const [n, e, s] = [modulus, exponent, signature].map(readBigEndian) as [bigint, bigint, bigint];
  if (signature.length !== size || s >= n || e < 3n || (n & 1n) === 0n || (e & 1n) === 0n) return false;
  const encoded = bigEndian(plainModPow(s, e, n), size);
  return scheme === "pkcs1-sha256"
    ? isPkcs1(encoded, message)
    : isPss(encoded, message, n.toString(2).length);
}

function isPkcs1(encoded: Uint8Array, message: Uint8Array): boolean {
  const info = concatBytes(sha256Prefix, sha256(message));
  const filling = new Uint8Array(encoded.length - info.length - 3).fill(0xff);
  return equalBytes(encoded, concatBytes(Uint8Array.of(0, 1), filling, Uint8Array.of(0), info));
}

const digestBytes = 48;
const saltBytes = 48;

function isPss(whole: Uint8Array, message: Uint8Array, modulusBits: number): boolean {
  const encodedBits = modulusBits - 1;
  const size = Math.ceil(encodedBits / 8);
  const encoded = whole.subarray(whole.length - size);
  if (whole.length > size && whole[0] !== 0) return false;
  if (encoded.at(-1) !== 0xbc) return false;
  const masked = encoded.subarray(0, size - digestBytes - 1);
  const digest = encoded.subarray(masked.length, size - 1);
  const unusedBits = 8 * size - encodedBits;
  if ((masked[0] ?? 0) >> (8 - unusedBits) !== 0) return false;
  const mask = mgf1(digest, masked.length);
  const block = masked.map((byte, index) => byte ^ (mask[index] ?? 0));
  block[0] = (block[0] ?? 0) & (0xff >> unusedBits);
  const zeros = masked.length - saltBytes - 1;
  if (block[zeros] !== 1 || block.subarray(0, zeros).some((byte) => byte !== 0)) return false;
  const salt = block.subarray(zeros + 1);
  return equalBytes(digest, sha384(concatBytes(new Uint8Array(8), sha384(message), salt)));
}

function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const parts = Array.from({ length: Math.ceil(length / digestBytes) }, (_, index) =>
    sha384(concatBytes(seed, bigEndian(index, 4))),
  );
  return concatBytes(...parts).subarray(0, length);
}
