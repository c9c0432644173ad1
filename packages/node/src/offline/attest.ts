/** Evidence of enclaves judged without a node and without the network: time, collateral and policy are given. */
import { assert, fromHex } from "@holdfast/base";
import {
  type AttestPolicy,
  attestCodes,
  attestErrors,
  attestLimits,
  defaultPolicy,
  type EvidenceKind,
  evidenceKinds,
  type FailureCode,
  isEmpty,
  meaningOf,
  readCollateral,
  type Verdict,
  vendorTrust,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { installSignatures } from "../signature-kernel.ts";
import { offlineErrors } from "./errors.ts";
import { evidenceLimits } from "./limits.ts";

// Written down twice, so that a command knows them before it loads the verifier.
assert(evidenceLimits.evidenceBytes === attestLimits.evidenceBytes, "one limit of evidence");
assert(evidenceLimits.fileBytes === attestLimits.collateralFileBytes, "one limit of files of collateral");
assert(evidenceLimits.files === attestLimits.collateralFiles, "one limit of their number");

export interface EvidenceRequest {
  readonly evidence: Uint8Array;
  /** Undefined: it tells itself. Error `proof/unknown-kind`. */
  readonly kind: string | undefined;
  /** What the files of collateral hold. Error `proof/no-collateral` if none of them holds any. */
  readonly collateral: readonly Uint8Array[];
  readonly atSeconds: number;
  readonly allowDebug: boolean;
  /** Statuses of platforms that are accepted besides the usual ones. */
  readonly allowedStatuses: readonly string[];
  /** Hex of MRENCLAVE, MRTD or SEV-SNP's measurement; none: any program. */
  readonly programs: readonly string[];
  /** Hex of what the evidence must be bound to. */
  readonly reportData: string | undefined;
  /** Hex, SHA-256 of the public key of a root of evidence by software. */
  readonly softwareRoot: string | undefined;
}

export type JudgedEvidence = Verdict;

export function judgeEvidence(request: EvidenceRequest): JudgedEvidence {
  installSignatures();
  const kind = kindOf(request.kind);
  const collateral = readCollateral(request.collateral);
  if (request.collateral.length > 0 && isEmpty(collateral)) throw offlineErrors.noCollateral({});
  const { softwareRoot } = request;
  return verifyAttestation({
    evidence: request.evidence,
    ...(kind && { kind }),
    collateral,
    atSeconds: request.atSeconds,
    policy: policyOf(request),
    trust: softwareRoot === undefined ? {} : { ...vendorTrust, software: [softwareRoot.toLowerCase()] },
  });
}

function kindOf(text: string | undefined): EvidenceKind | undefined {
  const kind = evidenceKinds.find((known) => known === text);
  if (text !== undefined && kind === undefined) {
    throw offlineErrors.unknownKind({ kind: text, known: evidenceKinds });
  }
  return kind;
}

function policyOf(request: EvidenceRequest): Partial<AttestPolicy> {
  const { allowDebug, allowedStatuses, programs, reportData, softwareRoot } = request;
  return {
    allowDebug,
    allowSoftware: softwareRoot !== undefined,
    allowedStatuses: [...defaultPolicy.allowedStatuses, ...allowedStatuses],
    measurements: programs.flatMap((program) => programFields.map((field) => ({ [field]: program }))),
    ...(reportData !== undefined && { reportData: fromHex(reportData) }),
  };
}

const programFields = ["mrEnclave", "mrTd", "measurement"] as const;

/** What the code of a check means. */
export function meaningOfCode(code: string): string {
  const known = (Object.keys(attestCodes) as FailureCode[]).find((one) => one === code);
  return meaningOf(known ?? "ok");
}

/** The error of evidence that is refused, for the exit code. */
export function refusedEvidence({ code }: JudgedEvidence): Error | undefined {
  return code === "ok" ? undefined : attestErrors.refused({ code });
}
