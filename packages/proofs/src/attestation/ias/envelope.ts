/**
 * Where a report of the attestation service, its signature and its certificate are found: the body alone (the others
 * are collateral), the JSON objects in which nodes pass all three on, and certificates of TLS that carry them.
 */
import { fromBase64, utf8Bytes, utf8Text } from "@holdfast/base";
import type { Collateral } from "../collateral.ts";
import { elementsOf, readDer, tags } from "../der/reader.ts";
import { malformed, orUndefined } from "../errors.ts";
import { type JsonObject, readJsonObject } from "../json-members.ts";
import { bytesOfText } from "../text-forms.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { splitCertificates } from "../x509/pem.ts";

export interface IasEvidence {
  /** The exact body that was signed. */
  readonly body: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** DER of what came with it. */
  readonly certificates: readonly Uint8Array[];
}

const bodyNames = ["raReport", "ra_report", "isv_body", "attn_report", "report"];
const signatureNames = ["ias_sig", "signature", "sig"];
const certificateNames = ["ias_cert", "rawSigningCert", "raw_signing_cert", "certificates", "cert"];

/** Undefined if these bytes are none of the forms. */
export function readIasEvidence(bytes: Uint8Array): IasEvidence | undefined {
  const json = readJsonObject(bytes);
  if (json !== undefined) return fromJson(json, bytes);
  const [certificate] = orUndefined(() => splitCertificates(bytes)) ?? [];
  const read = certificate && orUndefined(() => readCertificate(certificate));
  return read && orUndefined(() => fromTls(read));
}

function fromJson(json: JsonObject, bytes: Uint8Array): IasEvidence | undefined {
  if (Object.hasOwn(json.fields, "isvEnclaveQuoteBody"))
    return { body: bytes, signatures: [], certificates: [] };
  const body = textOf(json, bodyNames);
  if (body === undefined) return undefined;
  const signature = textOf(json, signatureNames);
  const certificate = textOf(json, certificateNames);
  return {
    body: utf8Bytes(body),
    signatures: [signature].flatMap((text) => (text === undefined ? [] : (bytesOfText(text) ?? []))),
    certificates: certificate === undefined ? [] : certificatesOf(certificate),
  };
}

function textOf({ fields }: JsonObject, names: readonly string[]): string | undefined {
  const name = names.find((one) => typeof fields[one] === "string");
  return name === undefined ? undefined : String(fields[name]);
}

/** PEM, PEM as an HTTP header has it, or the DER in hex or base64. */
function certificatesOf(text: string): readonly Uint8Array[] {
  const plain = text.includes("%20") ? percentDecoded(text) : text;
  const bytes = plain.includes("-----BEGIN") ? utf8Bytes(plain) : bytesOfText(plain);
  return (bytes && orUndefined(() => splitCertificates(bytes))) ?? [];
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A sequence of body, signature and certificates (Fortanix). */
const sequenceExtension = "1.3.6.1.4.1.49690.2.2.3";
/** Netscape's comment, in which Teaclave's samples put `body|signature|certificate`. */
const commentExtension = "2.16.840.1.113730.1.13";

function fromTls({ extensions }: Certificate): IasEvidence {
  const comment = extensions.get(commentExtension);
  const sequence = extensions.get(sequenceExtension);
  if (comment !== undefined) return fromComment(comment.value);
  if (sequence === undefined) throw malformed("a certificate without a report");
  const [body, signature, ...others] = elementsOf(readDer(sequence.value, tags.sequence));
  if (body?.tag !== tags.octetString || signature === undefined) throw malformed("no report and signature");
  const certificates = others.flatMap((one) =>
    one.tag === tags.sequence ? nestedCertificates(one.raw) : [],
  );
  const own = signature.tag === tags.bitString ? signature.content.subarray(1) : signature.content;
  return { body: body.content, signatures: [own], certificates };
}

/** A certificate, or a sequence of octet strings or certificates. */
function nestedCertificates(raw: Uint8Array): readonly Uint8Array[] {
  if (orUndefined(() => readCertificate(raw)) !== undefined) return [raw];
  return elementsOf(readDer(raw)).map((one) => (one.tag === tags.octetString ? one.content : one.raw));
}

function fromComment(value: Uint8Array): IasEvidence {
  const [body, signature, certificate] = utf8Text(value).split("|");
  const signed = signature === undefined ? undefined : fromBase64(signature);
  if (body === undefined || signed === undefined || certificate === undefined)
    throw malformed("no three parts");
  return { body: utf8Bytes(body), signatures: [signed], certificates: certificatesOf(certificate) };
}

/** With what the collateral adds. */
export function withCollateral(evidence: IasEvidence, collateral: Collateral): IasEvidence {
  const { signatures } = evidence;
  return { ...evidence, signatures: signatures.length > 0 ? signatures : collateral.reportSignatures };
}
