/** OpenSSL behind the number kernel: the same numbers as plain big integers, the same primes and the same proofs. */
import {
  evaluateVdf,
  installNumberKernel,
  numberKernel,
  plainIsPrime,
  plainModPow,
  plainNumberKernel,
  rsa2048,
  verifyVdf,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { installNumberFunctions, opensslIsPrime, opensslModPow } from "../src/number-kernel.ts";

const { modulus } = rsa2048;

describe("OpenSSL's exponentiation", () => {
  it("agrees with plain big integers, at the edges too and for other moduli", () => {
    const edges = [0n, 1n, 2n, modulus - 1n, modulus - 2n, modulus / 2n];
    const bases = fc.oneof(fc.constantFrom(...edges), fc.bigInt(0n, modulus - 1n));
    const exponents = fc.oneof(fc.constantFrom(0n, 1n, 2n, 3n, 1n << 1000n), fc.bigInt(0n, 1n << 600n));
    const moduli = fc.constantFrom(modulus, 10_007n, (1n << 521n) - 1n);
    const property = fc.property(bases, exponents, moduli, (base, exponent, n) => {
      expect(opensslModPow(base % n, exponent, n)).toBe(plainModPow(base % n, exponent, n));
    });
    expect(fc.check(property, { numRuns: 40 }).failed).toBe(false);
  });

  it("is installed, and delays and their proofs are the same", () => {
    const input = Uint8Array.of(1, 2, 3);
    const plain = evaluateVdf(input, 2500);
    expect(installNumberFunctions()).toBe(true);
    try {
      expect(numberKernel.modPow).toBe(opensslModPow);
      const fast = evaluateVdf(input, 2500);
      expect(fast).toEqual(plain);
      expect(verifyVdf({ input, iterations: 2500, ...fast })).toBe(true);
    } finally {
      installNumberKernel(plainNumberKernel);
    }
  });

  it("finds the same primes", () => {
    const numbers = fc.oneof(
      fc.bigInt(0n, 5000n),
      fc.bigInt(0n, 1n << 300n),
      fc.constantFrom(2n ** 521n - 1n),
    );
    const property = fc.property(numbers, (n) => opensslIsPrime(n) === plainIsPrime(n));
    expect(fc.check(property, { numRuns: 60 }).failed).toBe(false);
  });
});
