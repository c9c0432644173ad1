/**
 * The number kernel: modular exponentiation, in which delays and accumulators spend their time, and the test whether
 * a number is a prime. The plain forms are always there; a host may swap in others (node:crypto's exponentiation is
 * five times as fast, with exponents of some thousand bits, which is why squarings come in runs).
 * Invariant: a swapped function gives the same numbers and the same answers.
 */
import { type ModPow, plainModPow } from "./mod-pow.ts";
import { plainIsPrime } from "./prime.ts";

export interface NumberKernel {
  readonly modPow: ModPow;
  /** A composite passes with a probability that nobody has seen above 2^-128. */
  readonly isPrime: (n: bigint) => boolean;
}

/** The reference, in pure TypeScript. */
export const plainNumberKernel: NumberKernel = Object.freeze({ modPow: plainModPow, isPrime: plainIsPrime });

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let numberKernel: NumberKernel = plainNumberKernel;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installNumberKernel(functions: Partial<NumberKernel>): () => void {
  const before = numberKernel;
  numberKernel = Object.freeze({ ...before, ...functions });
  return () => {
    numberKernel = before;
  };
}
