/**
 * OpenSSL for the number kernel of `proofs`. Modular exponentiation: a Diffie–Hellman key whose secret is the
 * exponent gives base^exponent without an addon, at a million squarings a second where plain big integers make
 * two hundred thousand (RSA-2048). A key for a new modulus costs some milliseconds, so the last one is kept.
 * Primes: a composite is mostly found in the first of its rounds of Miller–Rabin, a prime goes through all 64.
 */
import { checkPrimeSync, createDiffieHellman, type DiffieHellman } from "node:crypto";
import { fromHex, toHex } from "@holdfast/base";
import { installNumberKernel, type ModPow, plainIsPrime, plainModPow, rsa2048 } from "@holdfast/proofs";

function bytesOf(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

let last: { readonly modulus: bigint; readonly key: DiffieHellman } | undefined;

function keyOf(modulus: bigint): DiffieHellman {
  if (last?.modulus !== modulus) {
    last = { modulus, key: createDiffieHellman(bytesOf(modulus), Uint8Array.of(2)) };
  }
  return last.key;
}

/** base^exponent mod modulus, with plain big integers where OpenSSL takes no such key. */
export const opensslModPow: ModPow = (base, exponent, modulus) => {
  // OpenSSL refuses bases that show the secret, 0, ±1, and moduli below 512 bits.
  if (exponent < 2n || base < 2n || base > modulus - 2n || modulus >> 512n === 0n) {
    return plainModPow(base, exponent, modulus);
  }
  const key = keyOf(modulus);
  key.setPrivateKey(bytesOf(exponent));
  return BigInt(`0x${toHex(key.computeSecret(bytesOf(base)))}`);
};

/** Whether n is a prime. */
export const opensslIsPrime = (n: bigint): boolean => n >= 2n && checkPrimeSync(n);

/** Primes and composites near each other, a Carmichael number, and a strong liar of base 2. */
const asked = [2n ** 521n - 1n, 2n ** 521n - 3n, 3_215_031_751n, 561n, 2n, 1n];

/** Installs them if they give the right answers to known questions; says whether they did. */
export function installNumberFunctions(): boolean {
  const { modulus } = rsa2048;
  try {
    const exponent = (1n << 300n) + 5n;
    if (opensslModPow(modulus / 3n, exponent, modulus) !== plainModPow(modulus / 3n, exponent, modulus)) {
      return false;
    }
    if (asked.some((n) => opensslIsPrime(n) !== plainIsPrime(n))) return false;
  } catch {
    return false; // an OpenSSL that takes no such key
  }
  installNumberKernel({ modPow: opensslModPow, isPrime: opensslIsPrime });
  return true;
}
