/** Proving a seal of SDR by openings; the form of the proof is in proof-form.ts. */
import { concatBytes } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { type SectorIdentity, vanillaForm } from "../porep/index.ts";
import { openStored, readNodes, rootOffset, type SealSource } from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { pollSdr } from "./challenges.ts";
import { sdrGraphOf, sdrReplicaIdOf } from "./identity.ts";
import type { SdrProfile } from "./params.ts";
import { sdrOpenings } from "./proof-form.ts";
import { labelsOffset, sdrCommR, storedSdrTrees } from "./sealed.ts";

/**
 * Proves that what `source` has was sealed as `identity` says, at the challenges of `seed`; yields the share that is
 * done. Throws proofs/bad-length, the source's errors.
 */
export function* proveSdrSteps(
  profile: SdrProfile,
  identity: SectorIdentity,
  source: SealSource,
  seed: Uint8Array,
): Steps<Uint8Array> {
  const { data, columns, replica } = storedSdrTrees(profile);
  const roots = [rootOffset(columns), rootOffset(replica)] as const;
  const rootAt = yield* readNodes(source, roots);
  const [commC, commRLast] = [rootAt(roots[0]), rootAt(roots[1])];
  const replicaId = sdrReplicaIdOf(profile, identity);
  const challenges = pollSdr(profile, replicaId, sdrCommR(commC, commRLast), seed);
  const openings = sdrOpenings(sdrGraphOf(identity.networkId, profile), challenges);
  const labels = openings.columns.flatMap((node) =>
    Array.from({ length: profile.layers }, (_none, i) => labelsOffset(profile, i + 1) + node * nodeBytes),
  );
  const labelAt = yield* readNodes(source, labels);
  yield 1 / 4;
  const siblings = yield* openStored(source, columns, openings.columns);
  yield 2 / 4;
  const ofData = yield* openStored(source, data, openings.challenged);
  yield 3 / 4;
  const ofReplica = yield* openStored(source, replica, openings.challenged);
  yield 1;
  return concatBytes(
    Uint8Array.of(vanillaForm),
    commC,
    ...labels.map(labelAt),
    siblings.subarray(openings.columns.length * nodeBytes),
    ofData,
    ofReplica,
  );
}
