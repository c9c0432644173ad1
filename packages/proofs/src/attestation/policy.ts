/**
 * What is accepted of genuine evidence. The default takes no debuggable and no out-of-date platform; whom a verifier
 * trusts to run what is said in the rules of measurements.
 */
import { compareBytes, fromHex, toHex } from "@holdfast/base";
import type { FailureCode } from "./codes.ts";
import { refused } from "./errors.ts";
import type { FirmwareFloor } from "./snp/endorsement.ts";
import type { Judgement, Measurement } from "./verdict.ts";

/** One allowed program: every field that is named must be so; a number of `isvSvn` or `guestSvn` is the least. */
export type MeasurementRule = Measurement;

export interface AttestPolicy {
  readonly allowDebug: boolean;
  /** Evidence by software, under the roots of the network. */
  readonly allowSoftware: boolean;
  /** What the vendor may say of the platform. */
  readonly allowedStatuses: readonly string[];
  readonly deniedAdvisories: readonly string[];
  /** MRSIGNER of enclaves that are refused. */
  readonly deniedSigners: readonly string[];
  /** One of these must match; none: every program is accepted. */
  readonly measurements: readonly MeasurementRule[];
  /** What the evidence must be bound to, 64 bytes or the first of them, with zeros behind. */
  readonly reportData?: Uint8Array;
  /** Reports of the EPID service: how old, and the answer to which question. */
  readonly reportAgeSeconds: number;
  readonly nonce?: string;
  readonly leastTcbEvaluation: number;
  /** How long ago the platform's level may have been the newest. */
  readonly tcbAgeSeconds?: number;
  /** SEV-SNP: the line of products is one of these and its firmware no older; none: any. */
  readonly leastFirmware: readonly FirmwareFloor[];
  /** SEV-SNP: AMD's list of what it revoked must be there; otherwise it is asked where it is. */
  readonly snpListRequired: boolean;
  /** SEV-SNP: the least privilege (the highest level) of the software in the guest that asked for the report. */
  readonly mostVmpl?: number;
}

/** Intel publishes this key with the samples of its SDK: everybody can sign with it. */
const sampleSigner = "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e";

export const defaultPolicy: AttestPolicy = Object.freeze({
  allowDebug: false,
  allowSoftware: false,
  allowedStatuses: [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OK",
    "SW_HARDENING_NEEDED",
    "CONFIGURATION_NEEDED",
    "CONFIGURATION_AND_SW_HARDENING_NEEDED",
  ],
  deniedAdvisories: [],
  deniedSigners: [sampleSigner],
  measurements: [],
  reportAgeSeconds: 7_200,
  leastTcbEvaluation: 0,
  leastFirmware: [],
  snpListRequired: false,
});

/** What the policy looks at. */
export interface Facts {
  readonly debug: boolean;
  readonly measurement: Measurement;
  readonly tcbStatus: string | null;
  readonly advisories: readonly string[];
}

/** The checks that are the same for all kinds. */
export function judgePolicy(judgement: Judgement, facts: Facts, policy: AttestPolicy): void {
  const { debug, measurement, tcbStatus, advisories } = facts;
  if (tcbStatus !== null) judgement.check("tcb-status", () => checkStatus(tcbStatus, policy));
  judgement.check("advisories", () => {
    if (advisories.some((id) => policy.deniedAdvisories.includes(id))) throw refused("advisory-denied");
  });
  judgement.check("debug", () => {
    if (debug && !policy.allowDebug) throw refused("debug-enabled");
  });
  judgement.check("measurement", () => {
    const signer = measurement.mrSigner;
    if (typeof signer === "string" && policy.deniedSigners.includes(signer)) throw refused("signer-denied");
    const { measurements } = policy;
    const fits = measurements.length === 0 || measurements.some((rule) => isMatch(rule, measurement));
    if (!fits) throw refused("measurement-not-allowed");
  });
  const { reportData } = policy;
  if (reportData !== undefined) {
    judgement.check("report-data", () => {
      if (!isBoundTo(String(measurement.reportData), reportData)) throw refused("report-data-mismatch");
    });
  }
}

function checkStatus(status: string, { allowedStatuses }: AttestPolicy): void {
  if (!allowedStatuses.includes(status)) throw refused(statusCode(status));
}

function statusCode(status: string): FailureCode {
  const word = status.replaceAll("_", "").toLowerCase();
  if (word === "revoked") return "tcb-revoked";
  if (word.includes("outofdate") || word.startsWith("tdrelaunch")) return "tcb-out-of-date";
  if (word.startsWith("configuration")) return "tcb-configuration-needed";
  return word === "swhardeningneeded" ? "tcb-hardening-needed" : "tcb-status-unknown";
}

const leastNumbers: readonly string[] = ["isvSvn", "guestSvn"];

function isMatch(rule: MeasurementRule, measurement: Measurement): boolean {
  return Object.entries(rule).every(([name, wanted]) => {
    const found = measurement[name];
    if (leastNumbers.includes(name)) return typeof found === "number" && found >= Number(wanted);
    return typeof wanted === "string" ? found === wanted.toLowerCase() : found === wanted;
  });
}

function isBoundTo(found: string, wanted: Uint8Array): boolean {
  if (2 * wanted.length > found.length) return false;
  const padded = toHex(wanted).padEnd(found.length, "0");
  return compareBytes(fromHex(padded), fromHex(found)) === 0;
}
