/**
 * The signature kernel of attestation: the few schemes that Intel and AMD sign with. The reference is pure (noble
 * curves, RSA over big integers) and works in a browser; a host may swap in native functions. Invariant: a swapped
 * function gives the same answers; callers check every length first, and malformed keys or signatures are `false`.
 */
import { plainSignatures } from "./plain.ts";

export type Curve = "P-256" | "P-384";
/** PKCS#1 v1.5 with SHA-256, and PSS with SHA-384, its MGF1 and a salt of 48 bytes (RFC 8017 §8.2.2, §8.1.2). */
export type RsaScheme = "pkcs1-sha256" | "pss-sha384";

export interface RsaKey {
  /** Big-endian, without leading zeros. */
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface SignatureKernel {
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** P-256 with SHA-256, P-384 with SHA-384; the key is 04‖X‖Y, the signature r‖s, of any s. */
  readonly ecdsaVerify: (
    curve: Curve,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ) => boolean;
  readonly rsaVerify: (scheme: RsaScheme, key: RsaKey, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** The functions in use. A live binding: read it at every call, never keep a copy. */
export let signatureKernel: SignatureKernel = plainSignatures;

/** Swaps in the given functions and keeps the others; returns the function that puts the old ones back. */
export function installSignatureKernel(functions: Partial<SignatureKernel>): () => void {
  const before = signatureKernel;
  signatureKernel = Object.freeze({ ...before, ...functions });
  return () => {
    signatureKernel = before;
  };
}
