/** Hashing to a prime. It decides whether proofs hold, so its test of primes is always the pure one. */
import { assert, bigEndian, concatBytes, readBigEndian, sha256, utf8Bytes } from "@holdfast/base";
import { plainIsPrime } from "../numbers/index.ts";

const primeDomain = utf8Bytes("holdfast prime 1\n");
const maxTries = 20_000;

/**
 * A prime of exactly 256 bits from any bytes: the first prime among SHA-256(domain ‖ SHA-256(input) ‖ counter)
 * with its top and bottom bits set. 256 bits are twice the security of 128: the prover may try inputs, and two
 * of them must not give one prime (Boneh, Bünz and Fisch 2018, §3.3).
 */
export function hashToPrime(input: Uint8Array): bigint {
  const seed = concatBytes(primeDomain, sha256(input));
  for (let counter = 0; counter < maxTries; counter += 1) {
    const candidate = readBigEndian(sha256(concatBytes(seed, bigEndian(counter, 4)))) | (1n << 255n) | 1n;
    if (plainIsPrime(candidate)) return candidate;
  }
  assert(false, "one of 89 odd numbers of 256 bits is a prime");
}
