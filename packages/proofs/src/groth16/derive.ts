/**
 * Secret scalars from entropy: SHA-256 over a label and length-prefixed parts, 512 bits reduced modulo the order,
 * so that each scalar is uniform up to 2^−256 and scalars of different labels or contexts are independent.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { frModulus } from "../field/index.ts";
import { groth16Errors } from "./errors.ts";

const domain = "holdfast groth16 1\n";
export const minEntropyBytes = 32;

/** Throws groth16/short-entropy below 32 bytes. */
export function assertEntropy(entropy: Uint8Array): void {
  if (entropy.length >= minEntropyBytes) return;
  throw groth16Errors.shortEntropy({ lengthBytes: entropy.length, minBytes: minEntropyBytes });
}

/** A scalar in [1, r) for this label and these parts. */
export function deriveScalar(label: string, ...parts: readonly Uint8Array[]): bigint {
  const prefixed = parts.flatMap((part) => [bigEndian(part.length, 4), part]);
  const message = concatBytes(utf8Bytes(`${domain}${label}\n`), ...prefixed);
  const half = (counter: number): Uint8Array => sha256(concatBytes(new Uint8Array([counter]), message));
  let wide = 0n;
  for (const byte of concatBytes(half(0), half(1))) wide = (wide << 8n) | BigInt(byte);
  return 1n + (wide % (frModulus - 1n));
}
