/**
 * The 192 bytes of a proof: A in G1 (48) ‖ B in G2 (96) ‖ C in G1 (48), compressed in ZCash's form.
 *
 * Invariant: one proof has one encoding, and what does not decode to three finite points of the right subgroups
 * is no proof. Source: Groth, "On the Size of Pairing-based Non-interactive Arguments", 2016; the byte form of
 * the proofs of rust-fil-proofs.
 */
import { concatBytes } from "@holdfast/base";
import {
  decodeG1Compressed,
  decodeG2Compressed,
  encodeG1Compressed,
  encodeG2Compressed,
} from "../curve/index.ts";

/** Bytes of a proof. */
export const groth16ProofBytes = 192;

/** A proof as uncompressed points: 96, 192 and 96 bytes. */
export interface ProofPoints {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
}

/** The three points of the proof of a stranger, or undefined for anything but their one encoding. */
export function decodeProof(bytes: Uint8Array): ProofPoints | undefined {
  if (bytes.length !== groth16ProofBytes) return undefined;
  const a = decodeG1Compressed(bytes.subarray(0, 48), "refuseInfinity");
  if (a === undefined) return undefined;
  const b = decodeG2Compressed(bytes.subarray(48, 144), "refuseInfinity");
  if (b === undefined) return undefined;
  const c = decodeG1Compressed(bytes.subarray(144), "refuseInfinity");
  return c === undefined ? undefined : { a, b, c };
}

/** 192 bytes of trusted points. Throws curve/not-a-point. */
export function encodeProof({ a, b, c }: ProofPoints): Uint8Array {
  return concatBytes(encodeG1Compressed(a), encodeG2Compressed(b), encodeG1Compressed(c));
}
