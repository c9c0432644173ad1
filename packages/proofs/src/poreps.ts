/**
 * The kinds of proof of replication that a network may use, by the kind of a row of the table, and the check
 * of a seal in the form that its class asks for.
 */
import type { ResolvedClass } from "./classes.ts";
import { type Porep, type SealCommitments, type SectorIdentity, zigzag } from "./porep/index.ts";
import type { PorepKind, SectorProfile } from "./profiles.ts";
import { sdr } from "./sdr/index.ts";
import { verifySealSuccinct } from "./succinct/index.ts";

const poreps: Readonly<Record<PorepKind, Porep<unknown>>> = { zigzag, sdr };

/** The seven algorithms of the row's kind. */
export function porepOf(profile: SectorProfile): Porep<unknown> {
  return poreps[profile.kind];
}

/** Bytes that sealing leaves for the seal proof, until it is made. */
export function auxLengthOf(profile: SectorProfile): number {
  return porepOf(profile).auxLength(profile);
}

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
  return porepOf(profile).verify(profile, identity, commitments, seed, proof);
}
