/**
 * X.509 certificates, version 3. Invariant: what is signed is kept byte for byte; a critical extension that nobody
 * here understands makes the certificate malformed. Source: RFC 5280 §4.
 */
import { toHex } from "@holdfast/base";
import { contextTag, type Der, Fields, readDer, tags } from "../der/reader.ts";
import { booleanOf, hasBit, integerBytes, smallNumber, timeSeconds, wholeBits } from "../der/values.ts";
import { malformed } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { readOnce } from "../remembered.ts";
import { signatureKernel } from "../signatures/index.ts";
import { checkCritical, commonNameOf, type Extension, readExtensions } from "./names.ts";
import {
  type PublicKey,
  readPublicKey,
  readScheme,
  type SignatureScheme,
  sameAlgorithm,
} from "./public-key.ts";

export interface Certificate {
  /** The whole certificate. */
  readonly raw: Uint8Array;
  /** What the issuer signed. */
  readonly signedBytes: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** Hex, as the integer stands there. */
  readonly serial: string;
  /** Hex of the whole name: names are the same if their bytes are. */
  readonly issuer: string;
  readonly subject: string;
  readonly commonName: string;
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
  readonly publicKey: PublicKey;
  /** SHA-256 of the SubjectPublicKeyInfo, in hex: what roots are pinned by. */
  readonly keyId: string;
  readonly isAuthority: boolean;
  /** Authorities that may stand between this one and a signer. */
  readonly pathLength: number | undefined;
  /** Key usage allows to sign certificates, or says nothing. */
  readonly maySign: boolean;
  readonly extensions: ReadonlyMap<string, Extension>;
}

const basicConstraints = "2.5.29.19";
const keyUsage = "2.5.29.15";
const keyCertSign = 5;
const version3 = 2;

/** Error `attest/malformed`. */
export const readCertificate = readOnce(parse);

function parse(bytes: Uint8Array): Certificate {
  if (bytes.length > attestLimits.certificateBytes) throw malformed("a certificate that is too long");
  const whole = new Fields(readDer(bytes, tags.sequence));
  const signed = whole.take(tags.sequence);
  const algorithm = whole.take(tags.sequence);
  const signature = wholeBits(whole.take(tags.bitString));
  whole.end();
  const { inner, ...body } = readSigned(signed);
  if (!sameAlgorithm(algorithm, inner)) throw malformed("two different signature algorithms");
  return { raw: bytes, signedBytes: signed.raw, scheme: readScheme(algorithm), signature, ...body };
}

function readSigned(signed: Der) {
  const fields = new Fields(signed);
  const version = readDer(fields.take(contextTag(0)).content);
  if (smallNumber(version) !== version3) throw malformed("a certificate of another version");
  const serial = toHex(integerBytes(fields.take(tags.integer)));
  const inner = fields.take(tags.sequence);
  const issuer = fields.take(tags.sequence);
  const validity = new Fields(fields.take(tags.sequence));
  const [notBefore, notAfter] = [0, 1].map(() => validity.take(tags.utcTime, tags.generalizedTime));
  validity.end();
  const subject = fields.take(tags.sequence);
  const spki = fields.take(tags.sequence);
  const extensions = readExtensions(fields.maybe(contextTag(3)));
  fields.end();
  checkCritical(extensions, [basicConstraints, keyUsage]);
  return {
    inner,
    serial,
    issuer: toHex(issuer.raw),
    subject: toHex(subject.raw),
    commonName: commonNameOf(subject),
    notBeforeSeconds: timeSeconds(notBefore as Der),
    notAfterSeconds: timeSeconds(notAfter as Der),
    publicKey: readPublicKey(spki),
    keyId: toHex(signatureKernel.sha256(spki.raw)),
    ...authorityOf(extensions),
    extensions,
  };
}

function authorityOf(extensions: ReadonlyMap<string, Extension>) {
  const usage = extensions.get(keyUsage);
  const maySign = usage === undefined || hasBit(readDer(usage.value, tags.bitString), keyCertSign);
  const constraints = extensions.get(basicConstraints);
  if (constraints === undefined) return { isAuthority: false, pathLength: undefined, maySign };
  const fields = new Fields(readDer(constraints.value, tags.sequence));
  const authority = fields.maybe(tags.boolean);
  const pathLength = fields.maybe(tags.integer);
  fields.end();
  return {
    isAuthority: authority !== undefined && booleanOf(authority),
    pathLength: pathLength && smallNumber(pathLength),
    maySign,
  };
}
