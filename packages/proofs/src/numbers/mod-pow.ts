/** Modular exponentiation over plain big integers. */

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
