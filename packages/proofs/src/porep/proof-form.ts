/**
 * The vanilla seal proof: the Merkle openings themselves.
 *
 *   1 byte          1, the vanilla form (other forms of proof get other numbers)
 *   32 · (L − 1)    roots of the layers 1 … L − 1; the last root is commR, which the verifier has
 *   openings        of the data tree, then of the trees of layer 1 … L
 *
 * No index, count or length is in it: all follow from the challenges and the graph.
 */
import { poseidonHasher, sha254Hasher } from "../merkle/index.ts";
import { openingLength } from "../openings/index.ts";
import type { SectorProfile } from "../profiles.ts";
import type { SealOpenings } from "./challenges.ts";
import { commitmentBytes } from "./sealed.ts";

/** First byte of a proof that consists of Merkle openings. */
export const vanillaForm = 1;
export const formBytes = 1;

/** Lengths of the openings of a seal proof, tree by tree. */
export function sealOpeningLengths(profile: SectorProfile, openings: SealOpenings): readonly number[] {
  return openings.leaves.map((leaves, tree) =>
    openingLength(tree === 0 ? sha254Hasher : poseidonHasher, profile.nodes, leaves),
  );
}

/** Bytes of a vanilla seal proof before its openings. */
export function sealHeadLength(profile: SectorProfile): number {
  return formBytes + (profile.layers - 1) * commitmentBytes;
}
