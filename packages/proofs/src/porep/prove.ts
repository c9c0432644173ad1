/** Proving a seal by openings; the form of the proof is in proof-form.ts. */
import { concatBytes } from "@holdfast/base";
import { graphOf } from "../graph/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { openStored, readNodes, rootOffset, type SealSource } from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { pollSeal, type SealOpenings, sealOpenings } from "./challenges.ts";
import { replicaIdOf, type SectorIdentity } from "./identity.ts";
import { vanillaForm } from "./proof-form.ts";
import { commRStarOf, storedTrees } from "./sealed.ts";

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
