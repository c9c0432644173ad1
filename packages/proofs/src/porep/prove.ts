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
import { openingLength } from "../openings/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { openStored, readNodes, rootOffset, type SealSource } from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { pollSeal, type SealOpenings, sealOpenings } from "./challenges.ts";
import { replicaIdOf, type SectorIdentity } from "./identity.ts";
import { commitmentBytes, commRStarOf, storedTrees } from "./sealed.ts";

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

/** What every proof begins with: the roots, and the challenges that follow from them. */
export interface SealRoots {
  readonly replicaId: Uint8Array;
  /** Of layer 1, 2, … */
  readonly roots: readonly Uint8Array[];
  readonly openings: SealOpenings;
}

export function* readRoots(
  profile: SectorProfile,
  identity: SectorIdentity,
  source: SealSource,
  seed: Uint8Array,
): Steps<SealRoots> {
  const offsets = storedTrees(profile).layers.map(rootOffset);
  const nodeAt = yield* readNodes(source, offsets);
  const roots = offsets.map(nodeAt);
  const replicaId = replicaIdOf(profile, identity);
  const challenges = pollSeal(profile, replicaId, commRStarOf(replicaId, roots), seed);
  return { replicaId, roots, openings: sealOpenings(graphOf(identity.networkId, profile), challenges) };
}

/**
 * Proves that what `source` has was sealed as `identity` says, at the challenges of `seed`; yields the share that is
 * done. Throws proofs/bad-length, the source's errors; damaged bytes give a proof that does not verify, or
 * field/not-canonical.
 */
export function* proveZigzagSteps(
  profile: SectorProfile,
  identity: SectorIdentity,
  source: SealSource,
  seed: Uint8Array,
): Steps<Uint8Array> {
  const { data, layers } = storedTrees(profile);
  const { roots, openings } = yield* readRoots(profile, identity, source, seed);
  const trees = [data, ...layers];
  const parts: Uint8Array[] = [];
  for (const [i, tree] of trees.entries()) {
    parts.push(yield* openStored(source, tree, openings.leaves[i] ?? []));
    yield (i + 1) / trees.length;
  }
  return concatBytes(Uint8Array.of(vanillaForm), ...roots.slice(0, -1), ...parts);
}
