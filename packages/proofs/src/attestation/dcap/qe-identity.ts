/**
 * The identity of a quoting enclave, version 2: what its report must look like, and what Intel says of its versions.
 * Source: Intel PCS API version 4, "Get Enclave Identity".
 */
import { compareBytes } from "@holdfast/base";
import { refused } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { readOnce } from "../remembered.ts";
import {
  hexOf,
  type Level,
  levelOf,
  listOf,
  numberOf,
  objectOf,
  readDocument,
  secondsOf,
  textOf,
} from "./document.ts";
import { isDebugEnclave, type SgxReport } from "./report-body.ts";

export interface QeIdentity {
  readonly id: string;
  readonly issueSeconds: number;
  readonly nextUpdateSeconds: number;
  readonly evaluation: number;
  readonly miscSelect: Uint8Array;
  readonly miscSelectMask: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly levels: readonly (Level & { readonly isvSvn: number })[];
}

/** Errors `attest/malformed`, `attest/refused` with `qe-identity-version-unsupported` or `tcb-status-unknown`. */
export const readQeIdentity = readOnce(parse);

function parse(text: Uint8Array): QeIdentity {
  const fields = readDocument(text);
  if (numberOf(fields, "version", 255) !== 2) throw refused("qe-identity-version-unsupported");
  return {
    id: textOf(fields, "id"),
    issueSeconds: secondsOf(fields, "issueDate"),
    nextUpdateSeconds: secondsOf(fields, "nextUpdate"),
    evaluation: numberOf(fields, "tcbEvaluationDataNumber", 0xffff_ffff),
    miscSelect: hexOf(fields, "miscselect", 4),
    miscSelectMask: hexOf(fields, "miscselectMask", 4),
    attributes: hexOf(fields, "attributes", 16),
    attributesMask: hexOf(fields, "attributesMask", 16),
    mrSigner: hexOf(fields, "mrsigner", 32),
    isvProdId: numberOf(fields, "isvprodid", 0xffff),
    levels: listOf(fields.tcbLevels, attestLimits.tcbLevels).map((one) => {
      const level = objectOf(one);
      return { ...levelOf(level), isvSvn: numberOf(objectOf(level.tcb), "isvsvn", 0xffff) };
    }),
  };
}

/** Both sides behind the mask. */
export function isMasked(found: Uint8Array, mask: Uint8Array, wanted: Uint8Array): boolean {
  const masked = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => byte & (mask[index] ?? 0));
  return compareBytes(masked(found), masked(wanted)) === 0;
}

/** Errors `attest/refused` with `qe-…`. */
export function checkQe(report: SgxReport, identity: QeIdentity): void {
  if (compareBytes(report.mrSigner, identity.mrSigner) !== 0) throw refused("qe-mrsigner-mismatch");
  if (report.isvProdId !== identity.isvProdId) throw refused("qe-isvprodid-mismatch");
  if (isDebugEnclave(report)) throw refused("qe-debug-enabled");
  if (!isMasked(report.miscSelect, identity.miscSelectMask, identity.miscSelect)) {
    throw refused("qe-miscselect-mismatch");
  }
  if (!isMasked(report.attributes, identity.attributesMask, identity.attributes)) {
    throw refused("qe-attributes-mismatch");
  }
}

/** The highest level that the enclave has reached. Error `attest/refused` with `qe-tcb-level-not-found`. */
export function qeLevel(report: SgxReport, { levels }: QeIdentity): Level {
  const level = levels.find(({ isvSvn }) => report.isvSvn >= isvSvn);
  if (level === undefined) throw refused("qe-tcb-level-not-found");
  return level;
}
