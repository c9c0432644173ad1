/** The reference of the signature kernel: noble curves and hashes, RSA over big integers. */
import { p256, p384 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Curve, SignatureKernel } from "./kernel.ts";
import { plainRsaVerify } from "./rsa.ts";

const curves = { "P-256": p256, "P-384": p384 } as const;

function ecdsaVerify(
  curve: Curve,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return curves[curve].verify(signature, message, publicKey, { lowS: false, format: "compact" });
  } catch {
    return false; // no point of the curve
  }
}

export const plainSignatures: SignatureKernel = Object.freeze({
  sha256: (bytes: Uint8Array) => sha256(bytes),
  ecdsaVerify,
  rsaVerify: plainRsaVerify,
} satisfies SignatureKernel);
