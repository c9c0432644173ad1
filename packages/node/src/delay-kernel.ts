/**
 * OpenSSL's modular exponentiation for the delay function of `proofs`: a Diffie–Hellman key whose secret is the
 * exponent gives base^exponent without an addon, at a million squarings a second where plain big integers make
 * two hundred thousand (RSA-2048). A key for a new modulus costs some milliseconds, so the last one is kept.
 */
import { createDiffieHellman, type DiffieHellman } from "node:crypto";
import { fromHex, toHex } from "@holdfast/base";
import { installModPow, type ModPow, plainModPow, rsa2048 } from "@holdfast/proofs";

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

/** Installs it if it gives the right answer to a known question; says whether it did. */
export function installDelayKernel(): boolean {
  const { modulus } = rsa2048;
  try {
    const exponent = (1n << 300n) + 5n;
    if (opensslModPow(modulus / 3n, exponent, modulus) !== plainModPow(modulus / 3n, exponent, modulus)) {
      return false;
    }
  } catch {
    return false; // an OpenSSL that takes no such key
  }
  installModPow(opensslModPow);
  return true;
}
