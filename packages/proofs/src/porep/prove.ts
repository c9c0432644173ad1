/**
 * The vanilla seal proof: the Merkle openings themselves.
 *
 *   1 byte          1, the vanilla form (other forms of proof get other numbers)
 *   32 · (L − 1)    roots of the layers 1 … L − 1; the last root is commR, which the verifier has
 *   openings        of the data tree, then of the trees of layer 1 … L
 *
 * No index, count or length is in it: all follow from the challenges and the graph.
 */
import { concatBytes } from "@holdfast/base";
import { graphOf } from "../graph/index.ts";
import { poseidonHasher, sha254Hasher } from "../merkle/index.ts";
import { openingLength, openLeaves } from "../openings/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { pollSeal, type SealOpenings, sealOpenings } from "./challenges.ts";
import { replicaIdOf, type SectorIdentity } from "./identity.ts";
import { commitmentBytes, commRStarOf, parseAux } from "./sealed.ts";

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

/**
 * Proves that `aux` was sealed as `identity` says, at the challenges of `seed`. Throws proofs/bad-length.
 */
export function proveSeal(
  profile: SectorProfile,
  identity: SectorIdentity,
  aux: Uint8Array,
  seed: Uint8Array,
): Uint8Array {
  const { data, layers } = parseAux(profile, aux);
  const replicaId = replicaIdOf(profile, identity);
  const roots = layers.map((tree) => tree.root);
  const challenges = pollSeal(profile, replicaId, commRStarOf(replicaId, roots), seed);
  const { leaves } = sealOpenings(graphOf(identity.networkId, profile), challenges);
  const openings = [data, ...layers].map((tree, i) => openLeaves(tree, leaves[i] ?? []));
  return concatBytes(Uint8Array.of(vanillaForm), ...roots.slice(0, -1), ...openings);
}
