/** Large whole numbers: powers modulo another, and primes. */
export { installNumberKernel, type NumberKernel, numberKernel, plainNumberKernel } from "./kernel.ts";
export { type ModPow, plainModPow } from "./mod-pow.ts";
export { plainIsPrime } from "./prime.ts";
