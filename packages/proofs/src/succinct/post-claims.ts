/**
 * SNARKs of proofs of spacetime: for each sector of one profile, its challenged leaves lie under its commR.
 * Public are the roots and the indices, both known to the verifier; the leaves and paths stay inside.
 * Invariant: sectors in ascending order of their numbers, `sectorsPerProof` in one SNARK, the last one
 * repeating its last sector until it is full; so for given sectors there is one length and one statement.
 */
import { postPublicInputs } from "../circuits/index.ts";
import type { ClassKeys } from "../classes.ts";
import { frFromBytes, isFr } from "../field/index.ts";
import { decodeVerifyingKey, groth16ProofBytes, type ProofClaim } from "../groth16/verifier.ts";
import type { SectorProfile } from "../profiles.ts";
import { postShapeOf } from "./circuits.ts";
import { groupsOf, splitProofs } from "./groups.ts";

export type PostUse = "window" | "winning";

/** One sector of a statement. */
export interface PostTarget {
  readonly commR: Uint8Array;
  /** Challenged leaves, ascending. */
  readonly indices: readonly number[];
}

/** How many SNARKs a proof over `count` sectors of the profile has. */
export function postProofCount(profile: SectorProfile, use: PostUse, count: number): number {
  return Math.ceil(count / postShapeOf(profile, use).sectorsPerProof);
}

/** What must hold for `bytes` to prove the sectors of one profile; `undefined` if it cannot. */
export function postClaims(
  profile: SectorProfile,
  use: PostUse,
  keys: ClassKeys,
  targets: readonly PostTarget[],
  bytes: Uint8Array,
): readonly ProofClaim[] | undefined {
  const shape = postShapeOf(profile, use);
  const proofs = splitProofs(bytes, groth16ProofBytes, postProofCount(profile, use, targets.length));
  const vk = decodeVerifyingKey(keys[use]);
  if (proofs === undefined || vk === undefined || !targets.every(({ commR }) => isFr(commR)))
    return undefined;
  const groups = groupsOf(targets, shape.sectorsPerProof);
  return proofs.map((proof, i) => {
    const sectors = (groups[i] ?? []).map(({ commR, indices }) => ({ root: frFromBytes(commR), indices }));
    return { vk, publicInputs: postPublicInputs(shape, sectors), proof };
  });
}
