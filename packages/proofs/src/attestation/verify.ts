/**
 * The one door of verification: evidence of any kind, its collateral, the time and the policy in, a verdict out. Pure:
 * no clock, no network; the same input has the same verdict everywhere, also in a browser. No evidence makes it throw.
 */
import { assert, toHex } from "@holdfast/base";
import { type Collateral, noCollateral } from "./collateral.ts";
import { type DcapInput, judgeDcap } from "./dcap/judge.ts";
import { intelVendor, softwareVendor } from "./dcap/quote.ts";
import { orUndefined, refused } from "./errors.ts";
import { readIasEvidence } from "./ias/envelope.ts";
import { judgeIas } from "./ias/judge.ts";
import { attestLimits } from "./limits.ts";
import { type AttestPolicy, defaultPolicy } from "./policy.ts";
import { judgeSnp } from "./snp/judge.ts";
import { snpReportBytes } from "./snp/report.ts";
import { rawBytes } from "./text-forms.ts";
import { type TrustAnchors, vendorTrust } from "./trust.ts";
import { type EvidenceKind, Judgement, type Verdict } from "./verdict.ts";

export interface AttestRequest {
  /** Raw, in hex or in base64. */
  readonly evidence: Uint8Array;
  /** What it must be; left out, it tells itself. */
  readonly kind?: EvidenceKind;
  readonly collateral?: Collateral;
  /** The time of verification, in seconds since 1970. */
  readonly atSeconds: number;
  readonly policy?: Partial<AttestPolicy>;
  /** Default: the roots of Intel and AMD. */
  readonly trust?: Partial<TrustAnchors>;
}

export function verifyAttestation(request: AttestRequest): Verdict {
  assert(Number.isFinite(request.atSeconds), "the time of verification is a number");
  // What no check has given a code: a reader's error in a place where none was thought possible.
  return orUndefined(() => judged(request)) ?? nothingKnown(request.kind, "evidence-malformed");
}

function judged(request: AttestRequest): Verdict {
  const { evidence, kind, collateral = noCollateral, atSeconds } = request;
  const bytes = rawBytes(evidence);
  const policy = { ...defaultPolicy, ...request.policy };
  const trust = { ...vendorTrust, ...request.trust };
  const input: DcapInput = { bytes, kind, collateral, atSeconds, trust, policy };
  if (bytes.length > attestLimits.evidenceBytes) return nothingKnown(kind, "evidence-malformed");
  const family = familyOf(bytes);
  if (family === "dcap") return judgeDcap(input);
  if (family === "snp") return judgeSnp(input);
  const report = readIasEvidence(bytes);
  if (report !== undefined) return judgeIas(report, input);
  return nothingKnown(kind, family === "epid" ? "epid-without-report" : "evidence-malformed");
}

function nothingKnown(
  kind: EvidenceKind | undefined,
  code: "evidence-malformed" | "epid-without-report",
): Verdict {
  const judgement = new Judgement();
  judgement.check("evidence-format", () => {
    throw refused(code);
  });
  const facts = { debug: false, measurement: {}, tcbStatus: null, advisories: [] };
  const guess = code === "epid-without-report" ? "sgx-ias" : "sgx-dcap";
  return judgement.verdict({ ...facts, kind: kind ?? guess });
}

/** The vendor's id in the header of quotes is decisive; else the length and first bytes are. */
function familyOf(bytes: Uint8Array): "dcap" | "snp" | "epid" | undefined {
  const [low = 0, high = 0, third = 0, fourth = 0] = bytes;
  const vendor = toHex(bytes.subarray(12, 28));
  if (vendor === intelVendor || vendor === softwareVendor) return "dcap";
  const isSmall = high === 0 && low >= 1 && low <= 5;
  if (!isSmall) return undefined;
  if (bytes.length >= snpReportBytes && third === 0 && fourth === 0 && bytes[0x34] === 1) return "snp";
  if (low <= 2) return third <= 1 && fourth === 0 ? "epid" : undefined;
  return third === 2 && fourth === 0 ? "dcap" : undefined;
}
