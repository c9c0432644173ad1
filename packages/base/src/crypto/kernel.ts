/**
 * The crypto kernel: the set of primitive functions behind everything in this folder. The pure noble
 * reference is always installed; a host (the node, at start) may swap any subset for native functions.
 * Invariant: a swapped function is indistinguishable from the reference but for its speed.
 */
import { blake2b, blake2s } from "@noble/hashes/blake2.js";
import { sha256 } from "@noble/hashes/sha2.js";

export interface CryptoKernel {
  /** 32 bytes. */
  readonly blake2b256: (bytes: Uint8Array) => Uint8Array;
  /** 20 bytes. */
  readonly blake2b160: (bytes: Uint8Array) => Uint8Array;
  /** 32 bytes. */
  readonly blake2s256: (bytes: Uint8Array) => Uint8Array;
  /** 32 bytes. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

/** The reference, in pure TypeScript. */
export const nobleKernel: CryptoKernel = Object.freeze({
  blake2b256: (bytes: Uint8Array) => blake2b(bytes, { dkLen: 32 }),
  blake2b160: (bytes: Uint8Array) => blake2b(bytes, { dkLen: 20 }),
  blake2s256: (bytes: Uint8Array) => blake2s(bytes, { dkLen: 32 }),
  sha256: (bytes: Uint8Array) => sha256(bytes),
});

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let kernel: CryptoKernel = nobleKernel;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installCryptoKernel(functions: Partial<CryptoKernel>): () => void {
  const before = kernel;
  kernel = Object.freeze({ ...before, ...functions });
  return () => {
    kernel = before;
  };
}
