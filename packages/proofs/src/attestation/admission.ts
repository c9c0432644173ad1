/**
 * One rule for whom a network takes for an attested node, so that the chain, every peer and the node itself judge the
 * same: genuine evidence, of a program that is allowed, bound to exactly this identity, and by software only where the
 * network's parameters say so.
 */
import { type Address, concatBytes, equalBytes, fromHex } from "@holdfast/base";
import { type AttestedIdentity, type AttestedUse, reportDataOf } from "./binding.ts";
import { refused } from "./errors.ts";
import { collateralOf, type Evidence } from "./evidence.ts";
import { admissionPolicy, type PlatformRule } from "./platform-rule.ts";
import { signatureKernel } from "./signatures/index.ts";
import { softwareRootOf } from "./software/root.ts";
import { type TrustAnchors, vendorTrust } from "./trust.ts";
import { type EvidenceKind, Judgement, type Measurement, type Verdict } from "./verdict.ts";
import { verifyAttestation } from "./verify.ts";

/** A program that may run: a kind of evidence, the 32 bytes of `programOf`, and what its platforms must be like. */
export interface AllowedProgram {
  readonly kind: EvidenceKind;
  readonly program: Uint8Array;
  readonly platform: PlatformRule;
}

/** Who asks, by those who judge: whatever is named here must be so in the identity. */
export interface ExpectedIdentity {
  readonly use: AttestedUse;
  readonly networkId: Uint8Array;
  readonly nodeKey?: Uint8Array;
  readonly peerId?: string;
  readonly operator?: Address;
  /** The height of now, and how many epochs before it the evidence may be bound to. */
  readonly epoch: number;
  readonly mostAgeEpochs: number;
  /** The height that the last accepted evidence of this key was bound to: the same is not accepted again. */
  readonly lastEpoch?: number;
  /** What the chain drew at a height; undefined: nobody knows any more. */
  nonceAt(epoch: number): Uint8Array | undefined;
}

export interface AdmissionRequest {
  readonly evidence: Evidence;
  readonly identity: AttestedIdentity;
  readonly expected: ExpectedIdentity;
  /** The time of verification, in seconds since 1970: of the chain, never of a machine, where the chain decides. */
  readonly atSeconds: number;
  /** `params.softwareAttestation`. */
  readonly softwareAllowed: boolean;
  /** The one that is claimed to run. */
  readonly allowed: AllowedProgram;
  readonly trust?: Partial<TrustAnchors>;
}

export interface Admission extends Verdict {
  /** The program that runs; undefined where the evidence does not say. */
  readonly program: Uint8Array | undefined;
}

/** No evidence makes it throw: what is wrong is a code. */
export function judgeAdmission(request: AdmissionRequest): Admission {
  const { evidence, identity, expected, atSeconds, softwareAllowed, allowed } = request;
  const judgement = new Judgement();
  judgement.check("identity", () => checkIdentity(identity, expected));
  const verdict = verifyAttestation({
    ...{ evidence: evidence.evidence, kind: evidence.kind, collateral: collateralOf(evidence), atSeconds },
    policy: {
      ...admissionPolicy(allowed.platform),
      ...{ allowSoftware: softwareAllowed, reportData: reportDataOf(identity) },
    },
    trust: { ...vendorTrust, software: [softwareRootOf(expected.networkId)], ...request.trust },
  });
  const program = programOf(verdict.kind, verdict.measurement);
  judgement.check("program", () => {
    const isKind = allowed.kind === verdict.kind;
    if (!isKind || program === undefined || !equalBytes(allowed.program, program)) {
      throw refused("measurement-not-allowed");
    }
  });
  // What the evidence itself proves comes first, so that its faults are told before those of who brings it.
  const checks = [...verdict.checks, ...judgement.verdict(verdict).checks];
  const failed = checks.find(({ ok }) => !ok);
  return { ...verdict, ok: failed === undefined, code: failed?.code ?? "ok", checks, program };
}

function checkIdentity(identity: AttestedIdentity, expected: ExpectedIdentity): void {
  const { nodeKey, peerId, operator, epoch, lastEpoch } = expected;
  if (identity.use !== expected.use) throw refused("identity-use-mismatch");
  if (!equalBytes(identity.networkId, expected.networkId)) throw refused("identity-network-mismatch");
  if (nodeKey !== undefined && !equalBytes(identity.nodeKey, nodeKey)) throw refused("identity-key-mismatch");
  if (operator !== undefined && identity.operator !== operator) throw refused("identity-operator-mismatch");
  if (peerId !== undefined && identity.peerId !== peerId) throw refused("identity-peer-mismatch");
  if (identity.epoch > epoch) throw refused("identity-from-future");
  if (epoch - identity.epoch > expected.mostAgeEpochs) throw refused("identity-too-old");
  if (lastEpoch !== undefined && identity.epoch <= lastEpoch) throw refused("evidence-replayed");
  const nonce = expected.nonceAt(identity.epoch);
  if (nonce === undefined || !equalBytes(identity.nonce, nonce)) throw refused("identity-nonce-mismatch");
}

/** What identifies a program, by the kind of evidence; registers that are extended while it runs are part of it. */
const measured: { readonly [Kind in EvidenceKind]: readonly string[] } = {
  "sgx-ias": ["mrEnclave"],
  "sgx-dcap": ["mrEnclave"],
  software: ["mrEnclave"],
  tdx: ["mrTd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"],
  "sev-snp": ["measurement", "hostData"],
};

/** 32 bytes for any kind: MRENCLAVE itself, of the others SHA-256 over all that is measured. */
export function programOf(kind: EvidenceKind, measurement: Measurement): Uint8Array | undefined {
  const parts = measured[kind].map((name) => measurement[name]);
  if (!parts.every((part) => typeof part === "string")) return undefined;
  const bytes = concatBytes(...parts.map(fromHex));
  return bytes.length === 32 && parts.length === 1 ? bytes : signatureKernel.sha256(bytes);
}
