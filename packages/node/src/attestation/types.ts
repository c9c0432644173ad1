/** What a provider of evidence is: one interface for enclaves, confidential guests and software. */
import type { EvidenceKind } from "@holdfast/proofs/attestation";

/** Kinds that a node can make; the EPID service is gone. */
export const producedKinds = ["sgx-dcap", "tdx", "sev-snp", "software"] as const;
export type ProducedKind = (typeof producedKinds)[number] & EvidenceKind;

export type Probe =
  | { readonly available: true }
  | { readonly available: false /** For people, without a full stop. */; readonly reason: string };

export interface SealingKey {
  /** 32 bytes, the same whenever this program asks on this machine. */
  readonly key: Uint8Array;
  /** Who else has it: nobody but this program, or whoever has the machine. */
  readonly boundTo: "program" | "machine";
}

export interface AttestationProvider {
  readonly kind: ProducedKind;
  /** Whether it can make evidence here and now. No errors. */
  probe(): Promise<Probe>;
  /**
   * A quote or a report that carries these 64 bytes, raw. One at a time. Errors: `attestation/device-failed`,
   * `attestation/device-busy`.
   */
  evidence(reportData: Uint8Array): Promise<Uint8Array>;
  /** A key for what only this program shall read. Error `attestation/device-failed`. */
  sealingKey(): Promise<SealingKey>;
}

/** Fetches or makes what evidence is judged by. */
export interface CollateralSource {
  /**
   * Files for `readCollateral` that hold at this time. Errors: `attestation/not-fetched`, `attestation/bad-collateral`,
   * `attestation/no-platform`.
   */
  collateralFor(
    evidence: Uint8Array,
    atSeconds: number,
    signal?: AbortSignal,
  ): Promise<readonly Uint8Array[]>;
}
