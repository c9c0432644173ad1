/**
 * Proof of replication as seven algorithms (Fisch's terms, as the Filecoin documents name them): setup,
 * preproc, replicate, extract, poll, prove, verify. `zigzag` is the first kind; another kind is another
 * object of the same shape.
 */
import { concatBytes } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { padUser } from "../fr32/index.ts";
import { graphOf, type ZigzagGraph } from "../graph/index.ts";
import { buildTree, type Commitment, sha254Hasher } from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";
import { pollSeal, type SealChallenges } from "./challenges.ts";
import { runSteps, type SealHooks, type Steps } from "./hooks.ts";
import type { SectorIdentity } from "./identity.ts";
import { proveSeal } from "./prove.ts";
import { extractSteps, replicateSteps } from "./replicate.ts";
import type { SealedReplica } from "./sealed.ts";
import { type SealCommitments, verifySeal } from "./verify.ts";

export interface Porep<Graph> {
  readonly kind: string;
  /** The public parameters of a network: its graph. */
  setup(profile: SectorProfile, networkId: Uint8Array): Graph;
  /** Pads user bytes and fills up with zeros. Throws proofs/too-much-data. */
  preproc(userData: Uint8Array, profile: SectorProfile): { data: Uint8Array; commD: Commitment };
  /** Throws proofs/bad-length, proofs/not-padded, proofs/comm-d-mismatch. */
  replicate(
    profile: SectorProfile,
    identity: SectorIdentity,
    data: Uint8Array,
    hooks?: SealHooks,
  ): SealedReplica;
  replicateSteps(profile: SectorProfile, identity: SectorIdentity, data: Uint8Array): Steps<SealedReplica>;
  /** The padded data. Throws proofs/bad-length, proofs/not-a-replica. */
  extract(
    profile: SectorProfile,
    identity: SectorIdentity,
    replica: Uint8Array,
    hooks?: SealHooks,
  ): Uint8Array;
  extractSteps(profile: SectorProfile, identity: SectorIdentity, replica: Uint8Array): Steps<Uint8Array>;
  /** The challenges of chain randomness that came after the commitment. */
  poll(
    profile: SectorProfile,
    replicaId: Uint8Array,
    commRStar: Uint8Array,
    seed: Uint8Array,
  ): SealChallenges;
  /** Throws proofs/bad-length. */
  prove(profile: SectorProfile, identity: SectorIdentity, aux: Uint8Array, seed: Uint8Array): Uint8Array;
  /** Never throws on bad bytes. */
  verify(
    profile: SectorProfile,
    identity: SectorIdentity,
    commitments: SealCommitments,
    seed: Uint8Array,
    proof: Uint8Array,
  ): boolean;
}

function preproc(userData: Uint8Array, profile: SectorProfile): { data: Uint8Array; commD: Commitment } {
  const capacity = profile.userBytes;
  if (userData.length > capacity) throw proofsErrors.tooMuchData({ userBytes: userData.length, capacity });
  const padded = padUser(userData);
  const data = concatBytes(padded, new Uint8Array(profile.sectorBytes - padded.length));
  return { data, commD: buildTree(sha254Hasher, data).root };
}

/** The hardened ZigZag, the default. */
export const zigzag: Porep<ZigzagGraph> = {
  kind: "zigzag",
  setup: (profile, networkId) => graphOf(networkId, profile),
  preproc,
  replicate: (profile, identity, data, hooks) => runSteps(replicateSteps(profile, identity, data), hooks),
  replicateSteps,
  extract: (profile, identity, replica, hooks) => runSteps(extractSteps(profile, identity, replica), hooks),
  extractSteps,
  poll: pollSeal,
  prove: proveSeal,
  verify: verifySeal,
};
