/**
 * The crypto kernel: the set of primitive functions behind everything in this folder. The pure noble
 * reference is installed from the start; a host (the node, when it starts) swaps any subset for native
 * functions. Invariant: a swapped function differs from the reference in nothing but its speed; the
 * callers check every length first, so that no two kernels can disagree about malformed input.
 */
import { nobleKernel } from "./noble.ts";

export interface ScryptCost {
  /** CPU and memory cost, a power of two; memory is 128 · n · r bytes. */
  readonly n: number;
  /** Block size. */
  readonly r: number;
  /** Parallel lanes. */
  readonly p: number;
}

export interface CryptoKernel {
  /** 32 bytes. */
  readonly blake2b256: (bytes: Uint8Array) => Uint8Array;
  /** 20 bytes. */
  readonly blake2b160: (bytes: Uint8Array) => Uint8Array;
  /** 32 bytes. */
  readonly blake2s256: (bytes: Uint8Array) => Uint8Array;
  /** 32 bytes. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;

  /** The 65-byte uncompressed key, or undefined if the 32 bytes are no scalar of the curve. */
  readonly secpPublicKey: (privateKey: Uint8Array) => Uint8Array | undefined;
  /** R‖S‖V (65 bytes), low S, RFC 6979 nonce without extra entropy; undefined for a bad private key. */
  readonly secpSign: (digest: Uint8Array, privateKey: Uint8Array) => Uint8Array | undefined;
  /** The 65-byte uncompressed key, or undefined. The signature has 65 bytes, a low S and V ∈ {0, 1}. */
  readonly secpRecover: (digest: Uint8Array, signature: Uint8Array) => Uint8Array | undefined;

  /** The 48-byte compressed key, or undefined if the 32 bytes are no scalar of the group. */
  readonly blsPublicKey: (privateKey: Uint8Array) => Uint8Array | undefined;
  /** The 96-byte compressed signature; undefined for a bad private key. */
  readonly blsSign: (privateKey: Uint8Array, message: Uint8Array) => Uint8Array | undefined;
  /** Both points are checked for the curve, the subgroup and infinity. */
  readonly blsVerify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

  /** ChaCha20-Poly1305 of RFC 8439: 32 bytes of key, 12 of nonce, nothing beside; the tag comes last. */
  readonly chachaSeal: (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array) => Uint8Array;
  /** Undefined if this is not what was sealed. At least 16 bytes. */
  readonly chachaOpen: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array) => Uint8Array | undefined;

  /** RFC 7914. */
  readonly scrypt: (
    password: Uint8Array,
    salt: Uint8Array,
    cost: ScryptCost,
    lengthBytes: number,
  ) => Promise<Uint8Array>;
}

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
