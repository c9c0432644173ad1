/**
 * Public keys and signature algorithms of certificates: P-256 and P-384 as uncompressed points, RSA; each key with the
 * one scheme that Intel and AMD use with it. Sources: RFC 5480, RFC 8017 appendix A, RFC 4055 for PSS.
 */
import { concatBytes, equalBytes } from "@holdfast/base";
import { type Der, Fields, readDer, tags } from "../der/reader.ts";
import { oidOf, smallNumber, unsignedBytes, wholeBits } from "../der/values.ts";
import { malformed } from "../errors.ts";
import { type Curve, type RsaKey, signatureKernel } from "../signatures/index.ts";

export type PublicKey =
  | { readonly kind: "ec"; readonly curve: Curve; readonly point: Uint8Array }
  | { readonly kind: "rsa"; readonly key: RsaKey };

export type SignatureScheme = "ecdsa-sha256" | "ecdsa-sha384" | "rsa-pkcs1-sha256" | "rsa-pss-sha384";

const oids = {
  ecPublicKey: "1.2.840.10045.2.1",
  p256: "1.2.840.10045.3.1.7",
  p384: "1.3.132.0.34",
  rsa: "1.2.840.113549.1.1.1",
  mgf1: "1.2.840.113549.1.1.8",
  rsaPss: "1.2.840.113549.1.1.10",
  rsaSha256: "1.2.840.113549.1.1.11",
  ecdsaSha256: "1.2.840.10045.4.3.2",
  ecdsaSha384: "1.2.840.10045.4.3.3",
  sha384: "2.16.840.1.101.3.4.2.2",
} as const;

const curveOf: { readonly [oid: string]: Curve } = { [oids.p256]: "P-256", [oids.p384]: "P-384" };
export const coordinateBytes: { readonly [Name in Curve]: number } = { "P-256": 32, "P-384": 48 };

/** Of a SubjectPublicKeyInfo. */
export function readPublicKey(spki: Der): PublicKey {
  const fields = new Fields(spki);
  const algorithm = new Fields(fields.take(tags.sequence));
  const bits = wholeBits(fields.take(tags.bitString));
  fields.end();
  const oid = oidOf(algorithm.take(tags.oid));
  if (oid === oids.ecPublicKey) {
    const curve = curveOf[oidOf(algorithm.take(tags.oid))];
    algorithm.end();
    if (curve === undefined) throw malformed("a key of an unknown curve");
    if (bits[0] !== 4 || bits.length !== 1 + 2 * coordinateBytes[curve])
      throw malformed("a compressed point");
    return { kind: "ec", curve, point: bits };
  }
  if (oid !== oids.rsa) throw malformed("a key of an unknown algorithm");
  algorithm.take(tags.null);
  algorithm.end();
  const numbers = new Fields(readDer(bits, tags.sequence));
  const key = {
    modulus: unsignedBytes(numbers.take(tags.integer)),
    exponent: unsignedBytes(numbers.take(tags.integer)),
  };
  numbers.end();
  return { kind: "rsa", key };
}

const schemeOf: { readonly [oid: string]: SignatureScheme } = {
  [oids.ecdsaSha256]: "ecdsa-sha256",
  [oids.ecdsaSha384]: "ecdsa-sha384",
  [oids.rsaSha256]: "rsa-pkcs1-sha256",
};

/** Of an AlgorithmIdentifier. */
export function readScheme(der: Der): SignatureScheme {
  const fields = new Fields(der);
  const oid = oidOf(fields.take(tags.oid));
  if (oid === oids.rsaPss) {
    checkPss(fields.take(tags.sequence));
    fields.end();
    return "rsa-pss-sha384";
  }
  const scheme = schemeOf[oid];
  if (scheme === undefined) throw malformed("a signature by an unknown algorithm");
  if (scheme === "rsa-pkcs1-sha256") fields.take(tags.null);
  fields.end();
  return scheme;
}

/** SHA-384 everywhere and a salt of 48 bytes; AMD writes the trailer's default out, which DER would leave away. */
function checkPss(der: Der): void {
  const fields = new Fields(der);
  const one = (number: number): Der | undefined => {
    const element = fields.maybe(0xa0 | number);
    return element && readDer(element.content);
  };
  const [hash, mask, salt, trailer] = [one(0), one(1), one(2), one(3)];
  fields.end();
  const maskFields = mask && new Fields(mask);
  const isMgf1 = maskFields !== undefined && oidOf(maskFields.take(tags.oid)) === oids.mgf1;
  const maskHash = maskFields?.take(tags.sequence);
  const known =
    isMgf1 &&
    isSha384(hash) &&
    isSha384(maskHash) &&
    salt !== undefined &&
    smallNumber(salt) === 48 &&
    (trailer === undefined || smallNumber(trailer) === 1);
  if (!known) throw malformed("PSS with other parameters than SHA-384 and a salt of 48 bytes");
}

function isSha384(der: Der | undefined): boolean {
  if (der === undefined) return false;
  const fields = new Fields(der);
  const oid = oidOf(fields.take(tags.oid));
  fields.maybe(tags.null);
  fields.end();
  return oid === oids.sha384;
}

/** Whether the key made the signature, as a certificate holds it. Malformed signatures are `false`. */
export function verifySigned(
  publicKey: PublicKey,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.kind === "rsa") {
    if (scheme !== "rsa-pkcs1-sha256" && scheme !== "rsa-pss-sha384") return false;
    const short = scheme === "rsa-pkcs1-sha256" ? "pkcs1-sha256" : "pss-sha384";
    return signatureKernel.rsaVerify(short, publicKey.key, message, signature);
  }
  const { curve, point } = publicKey;
  if (scheme !== (curve === "P-256" ? "ecdsa-sha256" : "ecdsa-sha384")) return false;
  const compact = compactSignature(signature, coordinateBytes[curve]);
  return compact !== undefined && signatureKernel.ecdsaVerify(curve, point, message, compact);
}

/** r‖s of an Ecdsa-Sig-Value, each of so many bytes; undefined for anything else. */
export function compactSignature(der: Uint8Array, size: number): Uint8Array | undefined {
  try {
    const fields = new Fields(readDer(der, tags.sequence));
    const numbers = [fields.take(tags.integer), fields.take(tags.integer)].map(unsignedBytes);
    fields.end();
    if (numbers.some((number) => number.length > size)) return undefined;
    return concatBytes(...numbers.flatMap((number) => [new Uint8Array(size - number.length), number]));
  } catch {
    return undefined;
  }
}

/** Whether both are the same AlgorithmIdentifier, byte for byte (RFC 5280 §4.1.1.2). */
export const sameAlgorithm = (a: Der, b: Der): boolean => equalBytes(a.raw, b.raw);
