/**
 * Proof of replication as seven algorithms (Fisch's terms, as the Filecoin documents name them): setup, preproc,
 * replicate, extract, poll, prove, verify. A kind is an object of this shape. What a kind gives are steps over inputs,
 * sinks and sources; sealing, proving and extracting bytes in memory follows from them, the same for all kinds.
 */
import { concatBytes } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { padUser } from "../fr32/index.ts";
import { buildTree, type Commitment, sha254Hasher } from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";
import {
  bytesInput,
  bytesSource,
  MemoryStore,
  type SealInput,
  type SealSource,
  type SealStore,
} from "../seal-io/index.ts";
import { runSteps, type SealHooks, type Steps } from "../steps/index.ts";
import type { SealChallenges } from "./challenges.ts";
import type { SectorIdentity } from "./identity.ts";
import { type BindSector, boundTo } from "./replicate.ts";
import { type SealedReplica, type SealOutcome, sealedReplica } from "./sealed.ts";
import type { SealCommitments } from "./verify.ts";

/** What makes a kind. */
export interface PorepKindParts<Graph> {
  readonly kind: string;
  /** The public parameters of a network: its graph. */
  setup(profile: SectorProfile, networkId: Uint8Array): Graph;
  /** Bytes of `aux`; its last part is the replica's tree, leaves first. */
  auxLength(profile: SectorProfile): number;
  /** Seals what comes in, and writes `aux`. Throws proofs/not-padded, what `bind` throws, errors of input and store. */
  sealSteps(profile: SectorProfile, bind: BindSector, input: SealInput, store: SealStore): Steps<SealOutcome>;
  /** The padded data. Throws proofs/bad-length, proofs/not-a-replica. */
  extractSteps(profile: SectorProfile, identity: SectorIdentity, replica: Uint8Array): Steps<Uint8Array>;
  /** The challenges of chain randomness that came after the commitment. */
  poll(
    profile: SectorProfile,
    replicaId: Uint8Array,
    commRStar: Uint8Array,
    seed: Uint8Array,
  ): SealChallenges;
  /** Reads what a seal proof opens. Throws proofs/bad-length, the source's errors. */
  proveSteps(
    profile: SectorProfile,
    identity: SectorIdentity,
    source: SealSource,
    seed: Uint8Array,
  ): Steps<Uint8Array>;
  /** Never throws on bad bytes. */
  verify(
    profile: SectorProfile,
    identity: SectorIdentity,
    commitments: SealCommitments,
    seed: Uint8Array,
    proof: Uint8Array,
  ): boolean;
}

export interface Porep<Graph> extends PorepKindParts<Graph> {
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
  /** Throws proofs/bad-length. */
  prove(profile: SectorProfile, identity: SectorIdentity, aux: Uint8Array, seed: Uint8Array): Uint8Array;
}

function preproc(userData: Uint8Array, profile: SectorProfile): { data: Uint8Array; commD: Commitment } {
  const capacity = profile.userBytes;
  if (userData.length > capacity) throw proofsErrors.tooMuchData({ userBytes: userData.length, capacity });
  const padded = padUser(userData);
  const data = concatBytes(padded, new Uint8Array(profile.sectorBytes - padded.length));
  return { data, commD: buildTree(sha254Hasher, data).root };
}

function checkLength(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) throw proofsErrors.badLength({ what, length: bytes.length, expected });
}

/** Bytes in memory as the source of a proof. Throws proofs/bad-length. */
export function auxSource(
  parts: Pick<PorepKindParts<unknown>, "auxLength">,
  profile: SectorProfile,
  aux: Uint8Array,
): SealSource {
  checkLength("the seal's auxiliary data", aux, parts.auxLength(profile));
  return bytesSource(aux);
}

/** A kind with all that follows from its parts. */
export function porepKind<Graph>(parts: PorepKindParts<Graph>): Porep<Graph> {
  function* replicateSteps(
    profile: SectorProfile,
    identity: SectorIdentity,
    data: Uint8Array,
  ): Steps<SealedReplica> {
    checkLength("the sector's data", data, profile.sectorBytes);
    const store = new MemoryStore(parts.auxLength(profile));
    const outcome = yield* parts.sealSteps(profile, boundTo(identity), bytesInput(data), store);
    return sealedReplica(profile, outcome, store.bytes);
  }
  return {
    ...parts,
    preproc,
    replicateSteps,
    replicate: (profile, identity, data, hooks) => runSteps(replicateSteps(profile, identity, data), hooks),
    extract: (profile, identity, replica, hooks) =>
      runSteps(parts.extractSteps(profile, identity, replica), hooks),
    prove: (profile, identity, aux, seed) =>
      runSteps(parts.proveSteps(profile, identity, auxSource(parts, profile, aux), seed)),
  };
}
