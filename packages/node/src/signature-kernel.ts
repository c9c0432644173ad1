/**
 * OpenSSL for the signature kernel of `proofs/attestation`: P-256, P-384 and RSA, some ten times as fast as big
 * integers, and it remembers what was true: chains and collateral are the same for every quote of a platform.
 */
import { constants, createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import {
  type Curve,
  installSignatureKernel,
  plainSignatures,
  type RsaKey,
  type RsaScheme,
  rememberingSignatures,
  type SignatureKernel,
} from "@holdfast/proofs/attestation";

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** How a point of two coordinates begins. */
const uncompressed = 4;

function ecKey(curve: Curve, point: Uint8Array): KeyObject {
  const size = (point.length - 1) / 2;
  const x = base64url(point.subarray(1, 1 + size));
  const y = base64url(point.subarray(1 + size));
  return createPublicKey({ key: { kty: "EC", crv: curve, x, y }, format: "jwk" });
}

const rsaKey = ({ modulus, exponent }: RsaKey): KeyObject =>
  createPublicKey({ key: { kty: "RSA", n: base64url(modulus), e: base64url(exponent) }, format: "jwk" });

const digests: { readonly [Name in Curve | RsaScheme]: string } = {
  "P-256": "sha256",
  "P-384": "sha384",
  "pkcs1-sha256": "sha256",
  "pss-sha384": "sha384",
};

/** OpenSSL says by throwing that a key is none; a claim of a stranger is answered, not thrown. */
function orFalse(answer: () => boolean): boolean {
  try {
    return answer();
  } catch {
    return false;
  }
}

function rsaOptions(scheme: RsaScheme, key: KeyObject) {
  if (scheme === "pkcs1-sha256") return { key, padding: constants.RSA_PKCS1_PADDING };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
}

export const opensslSignatures: SignatureKernel = {
  sha256: (bytes) => new Uint8Array(hash("sha256", bytes, "buffer")),
  ecdsaVerify: (curve, publicKey, message, signature) =>
    orFalse(() => {
      if (publicKey[0] !== uncompressed) return false;
      const key = ecKey(curve, publicKey);
      return verify(digests[curve], message, { key, dsaEncoding: "ieee-p1363" }, signature);
    }),
  rsaVerify: (scheme, key, message, signature) =>
    orFalse(() => verify(digests[scheme], message, rsaOptions(scheme, rsaKey(key)), signature)),
};

/** A public answer for each scheme would be long; SHA-256 and a key that is none tell a broken binding. */
function isUsable(): boolean {
  const bytes = new Uint8Array(65).fill(4);
  const same = Buffer.compare(opensslSignatures.sha256(bytes), plainSignatures.sha256(bytes)) === 0;
  return same && !opensslSignatures.ecdsaVerify("P-256", bytes, bytes, bytes.subarray(0, 64));
}

let installed = false;

/** Once in a process. */
export function installSignatures(): void {
  if (installed || !isUsable()) return;
  installed = true;
  installSignatureKernel(rememberingSignatures(opensslSignatures));
}
