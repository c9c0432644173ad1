/**
 * Attestation, the producing side: this node's evidence of what program it runs, bound to a key that only that program
 * has, with the collateral by which others judge it. Judging is pure and lies in `proofs/attestation`. See
 * docs/ATTESTATION.md, "Making evidence".
 */
import { toHex } from "@holdfast/base";
import {
  type AttestedIdentity,
  type AttestedUse,
  collateralEndSeconds,
  collateralOf,
  type Evidence,
  programOf,
  reportDataOf,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { type Services, vendorCollateral } from "./collateral-service.ts";
import { attestationErrors } from "./errors.ts";
import { forgetOthers, openIdentity, type SealedIdentity } from "./identity.ts";
import type { AttestationNeeds } from "./needs.ts";
import { chooseProvider } from "./providers.ts";
import { softwareProvider } from "./software.ts";
import type { AttestationProvider, CollateralSource, ProducedKind } from "./types.ts";

export { amdService } from "./amd-service.ts";
export { type Services, vendorCollateral } from "./collateral-service.ts";
export { machineDevices, networkFetcher } from "./devices.ts";
export { attestationErrors } from "./errors.ts";
export type { SealedIdentity } from "./identity.ts";
export { intelService } from "./intel-service.ts";
export type { AttestationNeeds, AttestingNetwork, Devices, FetchedDocument, Fetcher } from "./needs.ts";
export {
  attestedProgram,
  type MeasuredFile,
  type MeasuredProgram,
  measurementOf,
  measureProgram,
  ownProgram,
  programFolder,
} from "./program.ts";
export { checkEnvironment } from "./program-environment.ts";
export { chooseProvider, type ProviderNeeds, probeAll, providerOf } from "./providers.ts";
export { stretchedKey } from "./sealing-key.ts";
export { type SoftwareProvider, softwareProvider } from "./software.ts";
export {
  type AttestationProvider,
  type CollateralSource,
  type Probe,
  type ProducedKind,
  producedKinds,
} from "./types.ts";

export interface AttestOptions {
  /** Left out: the hardware that is there; software has to be named. */
  readonly kind?: ProducedKind;
  readonly services?: Services;
}

export interface FreshEvidence {
  readonly evidence: Evidence;
  /** Seconds since 1970 at which the first part of its collateral expires. */
  readonly collateralEndSeconds: number;
}

export interface Attestation {
  readonly kind: ProducedKind;
  /** What runs, as evidence says it: 32 bytes, for the list of allowed programs. */
  readonly program: Uint8Array;
  /**
   * Evidence that is bound to this identity, with collateral that holds now. Errors: `attestation/device-failed`,
   * `attestation/not-bound`, `attestation/unreadable`, and those of fetching.
   */
  attest(identity: AttestedIdentity, signal?: AbortSignal): Promise<FreshEvidence>;
  /** The sealed key of this program for a use; made the first time. Error `attestation/identity-damaged`. */
  identity(use: AttestedUse): Promise<SealedIdentity>;
  /** Removes the sealed keys of other programs; their names in hex. */
  forgetOthers(use: AttestedUse): Promise<readonly string[]>;
}

/** Errors: `attestation/not-available`, `attestation/software-refused`, `attestation/device-failed`, … */
export async function openAttestation(
  needs: AttestationNeeds,
  options: AttestOptions = {},
): Promise<Attestation> {
  const provider = await chooseProvider(needs, options.kind);
  const { kind } = provider;
  const source: CollateralSource =
    kind === "software" ? softwareProvider(needs) : vendorCollateral(needs, options.services);
  // Only the evidence itself tells what the hardware has measured.
  const first = readOwn(await provider.evidence(new Uint8Array(64)), provider);
  const program = programOf(kind, first.measurement);
  if (program === undefined) throw attestationErrors.unreadable({ kind, code: first.code });
  const forIdentity = (use: AttestedUse) => ({
    ...{ disk: needs.disk, random: needs.random, provider, program, networkId: needs.network.id, use },
  });
  return {
    kind,
    program,
    async attest(identity, signal) {
      const evidence = await boundEvidence(provider, reportDataOf(identity));
      const atSeconds = Math.floor(needs.clock.nowMs() / 1000);
      const collateral = await source.collateralFor(evidence, atSeconds, signal);
      const made: Evidence = { kind, evidence, collateral };
      return { evidence: made, collateralEndSeconds: collateralEndSeconds(collateralOf(made)) };
    },
    identity: (use) => openIdentity(forIdentity(use)),
    forgetOthers: (use) => forgetOthers(forIdentity(use)),
  };
}

const reportDataBytes = 64;

/** Evidence of a provider, looked at before it is used: a host may hand out what was asked for by somebody else. */
export async function boundEvidence(
  provider: AttestationProvider,
  reportData: Uint8Array,
): Promise<Uint8Array> {
  if (reportData.length !== reportDataBytes)
    throw attestationErrors.badReportData({ lengthBytes: reportData.length });
  const evidence = await provider.evidence(reportData);
  const { kind } = provider;
  const found = String(readOwn(evidence, provider).measurement.reportData);
  if (found !== toHex(reportData)) throw attestationErrors.notBound({ kind, found });
  return evidence;
}

/** What own evidence says; that it is genuine is for others to judge. Error `attestation/unreadable`. */
function readOwn(evidence: Uint8Array, { kind }: AttestationProvider): Verdict {
  const verdict = verifyAttestation({ evidence, atSeconds: 0, policy: { allowSoftware: true } });
  if (verdict.kind === kind && verdict.measurement.reportData !== undefined) return verdict;
  throw attestationErrors.unreadable({ kind, code: verdict.code });
}
