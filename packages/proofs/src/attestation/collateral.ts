/**
 * Collateral: what evidence is judged by and does not carry itself. Files are told by what they hold, not by name:
 * certificates, revocation lists, signed documents as Intel's service delivers them, and bundles of all these. Nothing
 * is believed here; whatever is malformed inside is refused where it is judged. Errors: none, unknown files are left.
 */
import { fromHex, utf8Bytes } from "@holdfast/base";
import { readDer, readDerAt, tags } from "./der/reader.ts";
import { orUndefined } from "./errors.ts";
import { type JsonObject, objectText, readJsonObject } from "./json-members.ts";
import { attestLimits } from "./limits.ts";
import { readScaleParts } from "./scale.ts";
import { readCertificateTable } from "./snp/certificate-table.ts";
import { bytesOfText } from "./text-forms.ts";
import { asciiText, pemBlocks, splitCertificates } from "./x509/pem.ts";
import { compactSignature } from "./x509/public-key.ts";

/** TCB info or an identity: exact text, r‖s over it, and the chain that came with it. */
export interface SignedDocument {
  readonly text: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM or DER; without it the signer is looked for among all certificates. */
  readonly issuerChain?: Uint8Array;
}

export interface Collateral {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
  readonly tcbInfos: readonly SignedDocument[];
  readonly qeIdentities: readonly SignedDocument[];
  /** PCK certificate and its issuers, for quotes that do not hold them. */
  readonly pckChains: readonly Uint8Array[];
  /** Signatures of the attestation service, each 256 bytes. */
  readonly reportSignatures: readonly Uint8Array[];
}

type Parts = { -readonly [Name in keyof Collateral]: Collateral[Name][number][] };

const nothing = (): Parts => ({
  certificates: [],
  revocationLists: [],
  tcbInfos: [],
  qeIdentities: [],
  pckChains: [],
  reportSignatures: [],
});

export const noCollateral: Collateral = Object.freeze(nothing());

export const isEmpty = (collateral: Collateral): boolean =>
  Object.values(collateral).every((items) => items.length === 0);

/** What these files hold together. */
export function readCollateral(files: readonly Uint8Array[]): Collateral {
  const parts = nothing();
  for (const file of files.slice(0, attestLimits.collateralFiles)) {
    if (file.length <= attestLimits.collateralFileBytes) orUndefined(() => addFile(parts, file));
  }
  for (const items of Object.values(parts)) items.splice(attestLimits.collateralItems);
  return parts;
}

const reportSignatureBytes = 256; // RSA-2048

function addFile(parts: Parts, bytes: Uint8Array): void {
  const json = readJsonObject(bytes);
  if (json !== undefined) addJson(parts, json);
  else if (!addDer(parts, bytes)) addText(parts, bytes);
}

function addText(parts: Parts, bytes: Uint8Array): void {
  const text = asciiText(bytes);
  const raw = text === undefined ? undefined : bytesOfText(text);
  if (text?.trimStart().startsWith("-----BEGIN X509 CRL")) {
    parts.revocationLists.push(...pemBlocks(text, "X509 CRL"));
  } else if (text?.trimStart().startsWith("-----BEGIN CERTIFICATE")) {
    parts.certificates.push(...pemBlocks(text, "CERTIFICATE"));
  } else if (raw !== undefined) addDer(parts, raw);
}

/** Whether it is something that has no text form of its own. */
function addDer(parts: Parts, bytes: Uint8Array): boolean {
  if (bytes[0] === tags.sequence && orUndefined(() => readDerAt(bytes, 0)) !== undefined) {
    if (isRevocationList(bytes)) parts.revocationLists.push(bytes);
    else parts.certificates.push(...splitCertificates(bytes));
    return true;
  }
  if (addScale(parts, bytes)) return true;
  const table = orUndefined(() => readCertificateTable(bytes));
  if (table !== undefined) {
    parts.certificates.push(...table.certificates);
    parts.revocationLists.push(...table.revocationLists);
  } else if (bytes.length === reportSignatureBytes) parts.reportSignatures.push(bytes);
  else return false;
  return true;
}

/** As chains of Substrate take it: chains, lists, texts and signatures in one order, without names. */
function addScale(parts: Parts, bytes: Uint8Array): boolean {
  const found = orUndefined(() => readScaleParts(bytes));
  const [pckIssuers, rootList, pckList, tcbChain, tcbInfo, tcbSignature, qeChain, identity, qeSignature] =
    found ?? [];
  const isBundle = found?.length === 9 && tcbInfo?.[0] === openBrace && identity?.[0] === openBrace;
  if (!isBundle) return false;
  // As texts: a bundle in a bundle in a bundle would cost more than its bytes.
  for (const part of [pckIssuers, rootList, pckList]) addText(parts, part ?? noBytes);
  const document = (text = noBytes, signature = noBytes, issuerChain = noBytes): SignedDocument => ({
    ...{ text, signature, issuerChain },
  });
  parts.tcbInfos.push(document(tcbInfo, tcbSignature, tcbChain));
  parts.qeIdentities.push(document(identity, qeSignature, qeChain));
  return true;
}
const openBrace = 0x7b;
const noBytes: Uint8Array = new Uint8Array(0);

/** What is signed begins with a version: plain in a list, tagged in a certificate. */
function isRevocationList(bytes: Uint8Array): boolean {
  const signed = orUndefined(() => readDerAt(readDer(bytes).content, 0));
  return signed?.content[0] === tags.integer;
}

function addJson(parts: Parts, json: JsonObject): void {
  addDelivered(parts, json, "tcbInfo", parts.tcbInfos);
  addDelivered(parts, json, "enclaveIdentity", parts.qeIdentities);
  addDocument(parts.tcbInfos, json, ["tcb_info", "tcb_info_signature", "tcb_info_issuer_chain"]);
  addDocument(parts.qeIdentities, json, ["qe_identity", "qe_identity_signature", "qe_identity_issuer_chain"]);
  addDocument(parts.tcbInfos, json, ["raw_tcb_info", "signature", "ca_chain"]);
  addDocument(parts.qeIdentities, json, ["raw_enclave_identity", "signature", "ca_chain"]);
  for (const name of ["root_ca_crl", "pck_crl", "crl"]) {
    const text = textField(json, name);
    if (text !== undefined) addText(parts, utf8Bytes(text));
  }
  const pckChain = textField(json, "pck_certificate_chain");
  if (pckChain !== undefined) parts.pckChains.push(utf8Bytes(pckChain));
}

/** As the service delivers it: the object itself, with its signature beside it. */
function addDelivered(parts: Parts, json: JsonObject, name: string, documents: Parts["tcbInfos"]): void {
  if (typeof json.fields[name] !== "object") return;
  const signature = signatureField(json, "signature");
  const chain = textField(json, "issuerChain");
  if (chain !== undefined) addText(parts, utf8Bytes(chain));
  documents.push({ text: utf8Bytes(objectText(json, name)), signature });
}

/** As tools write it: the text in a text. */
function addDocument(
  documents: Parts["tcbInfos"],
  json: JsonObject,
  [name, signatureName, chainName]: readonly [string, string, string],
): void {
  const text = textField(json, name);
  if (text === undefined) return;
  const chain = textField(json, chainName);
  documents.push({
    text: utf8Bytes(text),
    signature: signatureField(json, signatureName),
    issuerChain: utf8Bytes(chain ?? ""),
  });
}

/** A text, or texts that belong together. */
function textField({ fields }: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value.join("\n") : undefined;
}

/** r‖s, from hex or a list of bytes, which may be DER; no bytes if it is no such thing: that is no signature either. */
function signatureField(json: JsonObject, name: string): Uint8Array {
  const value = json.fields[name];
  const isBytes = Array.isArray(value) && value.length < 256 && value.every((one) => Number.isInteger(one));
  const text = textField(json, name);
  const bytes = isBytes
    ? Uint8Array.from(value as number[])
    : text === undefined
      ? undefined
      : orUndefined(() => fromHex(text));
  if (bytes === undefined || bytes.length === 64) return bytes ?? new Uint8Array(0);
  return compactSignature(bytes, 32) ?? new Uint8Array(0);
}
