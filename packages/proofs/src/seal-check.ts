/**
 * The check of a seal in the form that its class asks for, by the kind of its row. Invariant: what is reached from here
 * verifies and does not seal, so that a verifier can go where no prover fits (tools/verifier-bundle.ts).
 */
import type { ResolvedClass } from "./classes.ts";
import { type PorepKindParts, type SealCommitments, type SectorIdentity, verifySeal } from "./porep/index.ts";
import type { PorepKind } from "./profiles.ts";
import { verifySdr } from "./sdr/index.ts";
import { verifySealSuccinct } from "./succinct/index.ts";

const vanillaChecks: Readonly<Record<PorepKind, PorepKindParts<unknown>["verify"]>> = {
  zigzag: verifySeal,
  sdr: verifySdr,
};

/** Whether `proof` shows that the sector was sealed as its identity says. Never throws on bad bytes. */
export function verifySealOf(
  resolved: ResolvedClass,
  identity: SectorIdentity,
  commitments: SealCommitments,
  seed: Uint8Array,
  proof: Uint8Array,
): boolean {
  const { profile, sectorClass } = resolved;
  if (sectorClass.proofMode === "groth16") {
    return verifySealSuccinct(resolved, identity, commitments, seed, proof);
  }
  return vanillaChecks[profile.kind](profile, identity, commitments, seed, proof);
}
