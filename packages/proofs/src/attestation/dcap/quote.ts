/**
 * Quotes of Intel's ECDSA scheme: version 3 (SGX), 4 (SGX and TDX) and 5 (with a typed body). Strict in all that
 * verification reads; bytes behind the signature, which real quotes have, are let be: nothing signs or reads them.
 * Sources: Intel SGX ECDSA QuoteGenReference appendix A, Intel TDX DCAP quoting library API appendix A.
 */
import { toHex } from "@holdfast/base";
import { Cursor } from "../cursor.ts";
import { malformed, refused, refusedAs } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import {
  readSgxReport,
  readTdReport,
  type SgxReport,
  sgxReportBytes,
  type TdReport,
  td10ReportBytes,
  td15ReportBytes,
} from "./report-body.ts";

export type QuoteBody =
  | { readonly tee: "sgx"; readonly report: SgxReport }
  | { readonly tee: "tdx"; readonly report: TdReport };

export interface Quote {
  readonly version: number;
  readonly vendor: string;
  readonly body: QuoteBody;
  /** Header and body. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** x‖y on P-256. */
  readonly attestationKey: Uint8Array;
  readonly qeReportBytes: Uint8Array;
  readonly qeReport: SgxReport;
  readonly qeReportSignature: Uint8Array;
  readonly authData: Uint8Array;
  readonly certificationType: number;
  readonly certificationData: Uint8Array;
}

export const intelVendor = "939a7233f79c4ca9940a0db3957f0607";
/** "holdfast soft v1": the quoting enclave of evidence by software, which no other verifier takes for Intel's. */
export const softwareVendor = "686f6c646661737420736f6674207631";

const headerBytes = 48;
const p256KeyType = 2;
const sgxTee = 0;
const tdxTee = 0x81;
/** Certification data that hold the quoting enclave's report, in quotes from version 4 on. */
const qeReportType = 6;

/** Errors `attest/refused` with `quote-…` or `certification-malformed`. */
export function readQuote(bytes: Uint8Array): Quote {
  return refusedAs("quote-truncated", () => {
    const at = new Cursor(bytes);
    const version = at.u16();
    if (version < 3 || version > 5) throw refused("quote-version-unsupported");
    const keyType = at.u16();
    const tee = at.u32();
    if (keyType !== p256KeyType) throw refused("quote-key-type-unsupported");
    if (tee !== sgxTee && (tee !== tdxTee || version === 3)) throw refused("quote-tee-type-unsupported");
    at.bytes(4);
    const vendor = toHex(at.bytes(16));
    at.bytes(headerBytes - at.at);
    const body = readBody(at, version, tee);
    const signedBytes = bytes.subarray(0, at.at);
    const section = new Cursor(at.bytes(at.u32()));
    return { version, vendor, body, signedBytes, ...readSection(section, version) };
  });
}

const sizeOf: { readonly [bodyType: number]: number } = {
  1: sgxReportBytes,
  2: td10ReportBytes,
  3: td15ReportBytes,
};

function readBody(at: Cursor, version: number, tee: number): QuoteBody {
  const bodyType = version === 5 ? at.u16() : tee === sgxTee ? 1 : 2;
  const size = sizeOf[bodyType];
  if (size === undefined || (bodyType === 1) !== (tee === sgxTee))
    throw refused("quote-body-type-unsupported");
  if (version === 5 && at.u32() !== size) throw refused("quote-body-type-unsupported");
  const bytes = at.bytes(size);
  return bodyType === 1
    ? { tee: "sgx", report: readSgxReport(bytes) }
    : { tee: "tdx", report: readTdReport(bytes) };
}

function readSection(
  at: Cursor,
  version: number,
): Omit<Quote, "version" | "vendor" | "body" | "signedBytes"> {
  const signature = at.bytes(64);
  const attestationKey = at.bytes(64);
  const inner = version === 3 ? at : nested(at);
  const qeReportBytes = inner.bytes(sgxReportBytes);
  const qeReportSignature = inner.bytes(64);
  const authBytes = inner.u16();
  if (authBytes > attestLimits.authDataBytes) throw refused("certification-malformed");
  const authData = inner.bytes(authBytes);
  const certificationType = inner.u16();
  const certificationData = inner.bytes(inner.u32());
  if (inner.left !== 0 || at.left !== 0) throw refused("certification-malformed");
  return {
    signature,
    attestationKey,
    qeReportBytes,
    qeReport: readSgxReport(qeReportBytes),
    qeReportSignature,
    authData,
    certificationType,
    certificationData,
  };
}

function nested(at: Cursor): Cursor {
  if (at.u16() !== qeReportType) throw refused("certification-malformed");
  return new Cursor(at.bytes(at.u32()));
}

/** What a quote says of its platform instead of a chain: types 1 to 3. */
export interface PlatformId {
  /** Of its quoting enclave, which services know platforms by. */
  readonly qeId: Uint8Array;
  /** The platform's own id under Intel's key; undefined where it stands there in clear text. */
  readonly encryptedPpid: Uint8Array | undefined;
  readonly cpuSvn: Uint8Array;
  /** Two bytes, the smaller first, as the next. */
  readonly pceSvn: Uint8Array;
  readonly pceId: Uint8Array;
}

/** Bytes of the id by the type: in clear text, under RSA-2048, under RSA-3072. */
const ppidBytes: { readonly [type: number]: number } = { 1: 16, 2: 256, 3: 384 };
/** Where generators of quotes put the id of their enclave: what the header leaves to them. */
const qeIdAt = 28;

/** Undefined if the quote does not name its platform so. Error `attest/malformed`. */
export function readPlatformId(quote: Quote): PlatformId | undefined {
  const { certificationType, certificationData, signedBytes } = quote;
  const length = ppidBytes[certificationType];
  if (length === undefined) return undefined;
  const at = new Cursor(certificationData);
  const ppid = at.bytes(length);
  const id = { cpuSvn: at.bytes(16), pceSvn: at.bytes(2), pceId: at.bytes(2) };
  if (at.left !== 0) throw malformed("certification data with more than a platform id");
  const qeId = signedBytes.subarray(qeIdAt, qeIdAt + 16);
  return { qeId, encryptedPpid: certificationType === 1 ? undefined : ppid, ...id };
}
