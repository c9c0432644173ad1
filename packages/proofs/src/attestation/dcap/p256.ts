/** P-256 as quotes and signed documents write it: r‖s and x‖y, 32 bytes each, most significant first. */
import { concatBytes } from "@holdfast/base";
import { signatureKernel } from "../signatures/index.ts";

/** The key is 04‖x‖y. */
export function verifyP256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 65 || signature.length !== 64) return false;
  return signatureKernel.ecdsaVerify("P-256", publicKey, message, signature);
}

export const uncompressed = (xy: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(4), xy);
