/** OpenSSL's numbers for tests whose powers of 2048 bits would take minutes; the answers are those of the reference. */
import { checkPrimeSync, createDiffieHellman, type DiffieHellman } from "node:crypto";
import { minimalBigEndian, readBigEndian } from "@holdfast/base";
import { installNumberKernel, type ModPow, plainModPow } from "@holdfast/proofs";

let key: DiffieHellman | undefined;
let keyModulus = 0n;

const modPow: ModPow = (base, exponent, modulus) => {
  if (exponent < 2n || base < 2n || base > modulus - 2n || modulus >> 511n === 0n)
    return plainModPow(base, exponent, modulus);
  if (key === undefined || keyModulus !== modulus)
    key = createDiffieHellman(minimalBigEndian(modulus), "02", "hex");
  keyModulus = modulus;
  key.setPrivateKey(minimalBigEndian(exponent));
  return readBigEndian(key.computeSecret(minimalBigEndian(base)));
};

/** Returns the function that puts the old ones back. */
export const installOpensslNumbers = (): (() => void) =>
  installNumberKernel({ modPow, isPrime: (n) => n >= 2n && checkPrimeSync(n) });

/**
 * Odd numbers for primes: what accumulators compute holds for all exponents, and they cost nothing. For tests of shapes
 * and orders, none of soundness.
 */
export const installOddNumbers = (): (() => void) => installNumberKernel({ isPrime: () => true });
