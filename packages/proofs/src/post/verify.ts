/** Verifying spacetime; what is verified is in statement.ts. Reaches nothing that proves. */
import type { Address } from "@holdfast/base";
import { defaultClasses, findResolved, type SectorClass } from "../classes.ts";
import { groth16ProofBytes, type ProofClaim, verifyProofs } from "../groth16/verifier.ts";
import { type Commitment, poseidonHasher } from "../merkle/index.ts";
import { openingLength, verifyOpening } from "../openings/index.ts";
import { formBytes, vanillaForm } from "../porep/index.ts";
import { postClaims, postProofCount, succinctForm } from "../succinct/index.ts";
import { type PostKind, type PostSector, partsOf, postChallenges } from "./statement.ts";

/**
 * Whether the proof shows that all the sectors (at least one, none twice) are stored. Never throws on bad
 * bytes.
 */
export function verifyPost(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly PostSector[],
  proof: Uint8Array,
  classes: readonly SectorClass[] = defaultClasses,
): boolean {
  if (sectors.length === 0 || seed.length !== 32) return false;
  if (new Set(sectors.map(({ sectorId }) => sectorId)).size !== sectors.length) return false;
  if (sectors.some(({ sectorBytes }) => findResolved(classes, sectorBytes) === undefined)) return false;
  const { vanilla, succinct } = partsOf(classes, sectors);
  if (proof[0] !== (succinct.length === 0 ? vanillaForm : succinctForm)) return false;
  const openings: { commR: Commitment; nodes: number; leaves: readonly number[]; bytes: Uint8Array }[] = [];
  let end = formBytes;
  for (const { profile, sector } of vanilla) {
    const leaves = postChallenges(kind, seed, miner, sector, profile);
    const start = end;
    end += openingLength(poseidonHasher, profile.nodes, leaves);
    openings.push({ commR: sector.commR, nodes: profile.nodes, leaves, bytes: proof.subarray(start, end) });
  }
  const claims: ProofClaim[] = [];
  for (const { sectorClass, profile, sectors: own } of succinct) {
    const targets = own.map((sector) => ({
      commR: sector.commR,
      indices: postChallenges(kind, seed, miner, sector, profile),
    }));
    const start = end;
    end += postProofCount(profile, kind, own.length) * groth16ProofBytes;
    const made =
      sectorClass.keys && postClaims(profile, kind, sectorClass.keys, targets, proof.subarray(start, end));
    if (!made) return false;
    claims.push(...made);
  }
  if (proof.length !== end) return false;
  return (
    openings.every(({ commR, nodes, leaves, bytes }) =>
      verifyOpening(poseidonHasher, commR, nodes, leaves, bytes),
    ) &&
    (claims.length === 0 || verifyProofs(claims))
  );
}
