/**
 * The one seam of the delay function: modular exponentiation, in which all of its time goes. The plain form is
 * always there; a host may swap in another (node:crypto's is five times as fast with exponents of some thousand
 * bits, which is why squarings come in runs). Invariant: a swapped function gives the same numbers.
 */

/** base^exponent mod modulus; base in [0, modulus), exponent ≥ 0, an odd modulus of at least 3. */
export type ModPow = (base: bigint, exponent: bigint, modulus: bigint) => bigint;

const windowBits = 4;
const windowMask = (1n << BigInt(windowBits)) - 1n;

/** Fixed windows of four bits over plain big integers. */
export const plainModPow: ModPow = (base, exponent, modulus) => {
  const digits = exponent.toString(2 ** windowBits);
  const powers = [1n % modulus];
  for (let i = 1; i <= Number(windowMask); i += 1) {
    powers.push(((powers[i - 1] as bigint) * base) % modulus);
  }
  let result = powers[0] as bigint;
  for (const digit of digits) {
    for (let i = 0; i < windowBits && result !== 1n; i += 1) result = (result * result) % modulus;
    const power = Number.parseInt(digit, 2 ** windowBits);
    if (power > 0) result = (result * (powers[power] as bigint)) % modulus;
  }
  return result;
};

/** The function in use. A live binding: read it at every call, never keep a copy. */
export let modPow: ModPow = plainModPow;

/** Swaps in a function; returns the function that puts the old one back. */
export function installModPow(swapped: ModPow): () => void {
  const before = modPow;
  modPow = swapped;
  return () => {
    modPow = before;
  };
}
