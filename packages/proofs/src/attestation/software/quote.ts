/**
 * Composing quotes, byte for byte as quoting enclaves do: the body, signed by an attestation key; that key bound in the
 * quoting enclave's report, signed by the platform's. Sources as of dcap/quote.ts.
 */
import { concatBytes, fromHex, littleEndian } from "@holdfast/base";
import { sha256 } from "@noble/hashes/sha2.js";
import { type KeyPair, signP256 } from "./issue.ts";

export interface SgxFields {
  readonly cpuSvn: Uint8Array;
  readonly miscSelect: Uint8Array;
  readonly attributes: Uint8Array;
  readonly mrEnclave: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly reportData: Uint8Array;
}

const zeros = (length: number): Uint8Array => new Uint8Array(length);
const u16 = (value: number): Uint8Array => littleEndian(value, 2);
const u32 = (value: number): Uint8Array => littleEndian(value, 4);

/** 384 bytes. */
export function composeSgxReport(fields: SgxFields): Uint8Array {
  return concatBytes(
    ...[fields.cpuSvn, fields.miscSelect, zeros(28), fields.attributes, fields.mrEnclave, zeros(32)],
    ...[fields.mrSigner, zeros(32 + 64), u16(fields.isvProdId), u16(fields.isvSvn), zeros(2 + 42 + 16)],
    fields.reportData,
  );
}

export interface TdFields {
  readonly teeTcbSvn: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: Uint8Array;
  readonly mrTd: Uint8Array;
  readonly reportData: Uint8Array;
  /** TDX 1.5. */
  readonly teeTcbSvn2?: Uint8Array;
  readonly mrServiceTd?: Uint8Array;
}

/** 584 bytes, 648 of TDX 1.5. */
export function composeTdReport(fields: TdFields): Uint8Array {
  const { teeTcbSvn2, mrServiceTd = zeros(48) } = fields;
  return concatBytes(
    ...[
      fields.teeTcbSvn,
      zeros(48),
      fields.mrSignerSeam,
      fields.seamAttributes,
      fields.tdAttributes,
      zeros(8),
    ],
    ...[fields.mrTd, zeros(3 * 48), zeros(4 * 48), fields.reportData],
    ...(teeTcbSvn2 === undefined ? [] : [teeTcbSvn2, mrServiceTd]),
  );
}

export interface QuoteRequest {
  readonly version: number;
  readonly keyType: number;
  readonly teeType: number;
  /** Hex of 16 bytes. */
  readonly vendor: string;
  /** Version 5 only. */
  readonly bodyType: number;
  readonly body: Uint8Array;
  readonly attestationKey: KeyPair;
  /** Its report data are those given, or bind the attestation key. */
  readonly qe: Omit<SgxFields, "reportData"> & { readonly reportData?: Uint8Array };
  readonly pckKey: KeyPair;
  readonly authData: Uint8Array;
  readonly certificationType: number;
  readonly certificationData: Uint8Array;
}

export function composeQuote(request: QuoteRequest): Uint8Array {
  const { version, body, attestationKey, authData } = request;
  const header = concatBytes(
    ...[
      u16(version),
      u16(request.keyType),
      u32(request.teeType),
      zeros(4),
      fromHex(request.vendor),
      zeros(20),
    ],
  );
  const typed = version === 5 ? [u16(request.bodyType), u32(body.length)] : [];
  const signed = concatBytes(header, ...typed, body);
  const xy = attestationKey.point.subarray(1);
  const bound = concatBytes(sha256(concatBytes(xy, authData)), zeros(32));
  const qeReport = composeSgxReport({ reportData: bound, ...request.qe });
  const certification = concatBytes(
    ...[qeReport, signP256(qeReport, request.pckKey), u16(authData.length), authData],
    ...[u16(request.certificationType), u32(request.certificationData.length), request.certificationData],
  );
  const nested = version === 3 ? [certification] : [u16(6), u32(certification.length), certification];
  const section = concatBytes(signP256(signed, attestationKey), xy, ...nested);
  return concatBytes(signed, u32(section.length), section);
}
