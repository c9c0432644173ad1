/**
 * Reports of Intel's attestation service for EPID, which was switched off in 2025: kept reports are judged by the time
 * they are of. The signature is over the exact bytes of the body. Sources: Intel SGX Attestation Service API, version
 * 4 §4.2; the EPID quote of version 2 as in the SGX SDK's `sgx_quote_t`.
 */
import { toHex } from "@holdfast/base";
import { isObject, parseJson } from "../../parameters/json.ts";
import { Cursor } from "../cursor.ts";
import { readSgxReport, type SgxReport } from "../dcap/report-body.ts";
import { malformed, refused } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { bytesOfText } from "../text-forms.ts";

const statuses = [
  "OK",
  "SIGNATURE_INVALID",
  "GROUP_REVOKED",
  "SIGNATURE_REVOKED",
  "KEY_REVOKED",
  "SIGRL_VERSION_MISMATCH",
  "GROUP_OUT_OF_DATE",
  "CONFIGURATION_NEEDED",
  "SW_HARDENING_NEEDED",
  "CONFIGURATION_AND_SW_HARDENING_NEEDED",
] as const;
export type IasStatus = (typeof statuses)[number];

export interface IasReport {
  readonly version: number;
  readonly status: IasStatus;
  readonly madeSeconds: number;
  readonly nonce: string | undefined;
  readonly advisories: readonly string[];
  readonly quoteBody: Uint8Array;
}

/** UTC without a sign of it, to the microsecond. */
const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?$/;

/** Errors `attest/malformed`, `attest/refused` with `ias-version-unsupported`. */
export function readIasReport(body: Uint8Array): IasReport {
  const fields = parseJson(body, attestLimits.evidenceBytes, ({ reason }) => malformed(reason));
  if (!isObject(fields)) throw malformed("no object");
  const version = fields.version;
  if (version === undefined || (typeof version === "number" && version < 3))
    throw refused("ias-version-unsupported");
  if (version !== 3 && version !== 4) throw refused("ias-version-unsupported");
  const status = statuses.find((known) => known === fields.isvEnclaveQuoteStatus);
  const time = timeForm.exec(textOf(fields, "timestamp"));
  const madeMs = Date.parse(`${time?.[1]}Z`);
  const quoteBody = bytesOfText(textOf(fields, "isvEnclaveQuoteBody"));
  if (status === undefined || Number.isNaN(madeMs) || quoteBody === undefined) throw malformed("a field");
  const advisories = fields.advisoryIDs ?? [];
  const isList = Array.isArray(advisories) && advisories.length <= attestLimits.advisories;
  if (!isList || !advisories.every((id) => typeof id === "string")) throw malformed("advisories");
  const nonce = fields.nonce === undefined ? undefined : textOf(fields, "nonce");
  return { version, status, madeSeconds: madeMs / 1000, nonce, advisories, quoteBody };
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "string") throw malformed(`the field ${name} is no text`);
  return value;
}

export interface EpidQuote {
  readonly groupId: string;
  readonly report: SgxReport;
}

const epidVersion = 2;
const epidBodyBytes = 432;
const headerBytes = 48;

/** The signed part of an EPID quote. Error `attest/malformed`. */
export function readEpidQuote(body: Uint8Array): EpidQuote {
  if (body.length !== epidBodyBytes) throw malformed(`${body.length} bytes instead of ${epidBodyBytes}`);
  const at = new Cursor(body);
  const [version, signType] = [at.u16(), at.u16()];
  if (version !== epidVersion || signType > 1) throw malformed("no EPID quote of version 2");
  const groupId = toHex(at.bytes(4));
  return { groupId, report: readSgxReport(body.subarray(headerBytes)) };
}
