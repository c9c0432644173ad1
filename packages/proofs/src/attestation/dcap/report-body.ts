/**
 * The bodies of quotes: the report of an SGX enclave (384 bytes) and of a trust domain, TDX 1.0 (584) and 1.5 (648).
 * Sources: Intel SGX ECDSA QuoteGenReference appendix A.3 and A.4, Intel TDX DCAP quoting library API appendix A.3.
 */
import { toHex } from "@holdfast/base";
import { Cursor } from "../cursor.ts";
import type { Measurement } from "../verdict.ts";

export const sgxReportBytes = 384;
export const td10ReportBytes = 584;
export const td15ReportBytes = 648;

export interface SgxReport {
  readonly cpuSvn: Uint8Array;
  readonly miscSelect: Uint8Array;
  readonly attributes: Uint8Array;
  readonly mrEnclave: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly reportData: Uint8Array;
}

/** Of exactly so many bytes. */
export function readSgxReport(bytes: Uint8Array): SgxReport {
  const at = new Cursor(bytes);
  const cpuSvn = at.bytes(16);
  const miscSelect = at.bytes(4);
  at.bytes(28);
  const attributes = at.bytes(16);
  const mrEnclave = at.bytes(32);
  at.bytes(32);
  const mrSigner = at.bytes(32);
  at.bytes(32 + 64); // reserved, config id
  const isvProdId = at.u16();
  const isvSvn = at.u16();
  at.bytes(2 + 42 + 16); // config svn, reserved, family id
  const reportData = at.bytes(64);
  return { cpuSvn, miscSelect, attributes, mrEnclave, mrSigner, isvProdId, isvSvn, reportData };
}

/** Bit 1 of the attributes: a debugger may enter. MRENCLAVE does not cover it. */
export const isDebugEnclave = ({ attributes }: SgxReport): boolean => ((attributes[0] ?? 0) & 2) !== 0;

export function sgxMeasurement(report: SgxReport): Measurement {
  return {
    mrEnclave: toHex(report.mrEnclave),
    mrSigner: toHex(report.mrSigner),
    isvProdId: report.isvProdId,
    isvSvn: report.isvSvn,
    attributes: toHex(report.attributes),
    cpuSvn: toHex(report.cpuSvn),
    reportData: toHex(report.reportData),
  };
}

export interface TdReport {
  readonly teeTcbSvn: Uint8Array;
  readonly mrSeam: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  readonly mrTd: Uint8Array;
  readonly mrConfigId: Uint8Array;
  readonly mrOwner: Uint8Array;
  readonly mrOwnerConfig: Uint8Array;
  readonly rtmr: readonly Uint8Array[];
  readonly reportData: Uint8Array;
  /** TDX 1.5 only: the level that the platform has now, and the measurement of a service domain. */
  readonly later?: { readonly teeTcbSvn2: Uint8Array; readonly mrServiceTd: Uint8Array };
}

/** Of the 584 or 648 bytes. */
export function readTdReport(bytes: Uint8Array): TdReport {
  const at = new Cursor(bytes);
  const report = {
    teeTcbSvn: at.bytes(16),
    mrSeam: at.bytes(48),
    mrSignerSeam: at.bytes(48),
    seamAttributes: at.bytes(8),
    tdAttributes: at.bytes(8),
    xfam: at.bytes(8),
    mrTd: at.bytes(48),
    mrConfigId: at.bytes(48),
    mrOwner: at.bytes(48),
    mrOwnerConfig: at.bytes(48),
    rtmr: [at.bytes(48), at.bytes(48), at.bytes(48), at.bytes(48)],
    reportData: at.bytes(64),
  };
  if (bytes.length === td10ReportBytes) return report;
  return { ...report, later: { teeTcbSvn2: at.bytes(16), mrServiceTd: at.bytes(48) } };
}

/** Bit 0 of the attributes. */
export const isDebugDomain = ({ tdAttributes }: TdReport): boolean => ((tdAttributes[0] ?? 0) & 1) !== 0;

export function tdMeasurement(report: TdReport): Measurement {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmr.map(toHex) as [string, string, string, string];
  return {
    mrTd: toHex(report.mrTd),
    rtmr0,
    rtmr1,
    rtmr2,
    rtmr3,
    mrConfigId: toHex(report.mrConfigId),
    mrOwner: toHex(report.mrOwner),
    mrOwnerConfig: toHex(report.mrOwnerConfig),
    mrSeam: toHex(report.mrSeam),
    mrSignerSeam: toHex(report.mrSignerSeam),
    seamAttributes: toHex(report.seamAttributes),
    tdAttributes: toHex(report.tdAttributes),
    xfam: toHex(report.xfam),
    teeTcbSvn: toHex(report.teeTcbSvn),
    ...(report.later && {
      teeTcbSvn2: toHex(report.later.teeTcbSvn2),
      mrServiceTd: toHex(report.later.mrServiceTd),
    }),
    reportData: toHex(report.reportData),
  };
}
