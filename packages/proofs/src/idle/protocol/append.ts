/**
 * A kept layer comes in: the miner names what it has made, then chain randomness from after that asks, then the miner
 * shows that it was labelled. The seed of the challenges hashes the randomness, the verifier's nonce and all of the
 * request, so anybody can draw them again.
 * Invariant: bytes of a peer never make the verifier throw once they are decoded.
 */
import {
  type Codec,
  c,
  concatBytes,
  type Epoch,
  encode,
  equalBytes,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";
import { type CommitStatement, verifyCommit } from "../hardened/commit.ts";
import { idleSetKey, type LayerRoots, layerCommitment } from "../hardened/identity.ts";
import type { IdleProfile } from "../hardened/profiles.ts";
import { type IdleRange, maxRangeLevels } from "./range.ts";
import {
  appendIdleLayer,
  type IdleChange,
  type IdleLayerUnder,
  type IdleState,
  idleStateDigest,
  nextIdleLayer,
} from "./state.ts";

/** Files of a kept layer that a message can name. */
export const maxLayerFiles = 1_024;

/** The miner signs this. */
export interface IdleAppend {
  /** Digest of the state that the layer is added to. */
  readonly before: Uint8Array;
  /** Of that state. */
  readonly range: IdleRange;
  readonly roots: LayerRoots;
  /** The kept layer below in the same set; null for the lowest of a set. */
  readonly under: IdleLayerUnder | null;
  readonly validUntil: Epoch;
}

/** The verifier signs this: at which height it had the request, and from which one the randomness comes. */
export interface IdleAppendChallenge {
  /** Digest of the request. */
  readonly append: Uint8Array;
  /** The chain's randomness of this height is asked with; later than the request came. */
  readonly height: Epoch;
  /** 32 bytes of the verifier's own. */
  readonly nonce: Uint8Array;
  readonly validUntil: Epoch;
}

const node = c.fixedBytes(nodeBytes);
const roots = c.tuple("IdleLayerRoots", { columnRoot: node, fileRoots: c.list(node, maxLayerFiles) });

export const idleRangeCodec: Codec<IdleRange> = c.tuple("IdleRange", {
  leaves: c.uint(2 ** maxRangeLevels),
  peaks: c.list(node, maxRangeLevels + 1),
});

export const idleAppendCodec: Codec<IdleAppend> = c.tuple("IdleAppend", {
  before: node,
  range: idleRangeCodec,
  roots,
  under: c.nullable(
    c.tuple("IdleLayerUnder", {
      columnRoot: node,
      fileRoots: c.list(node, maxLayerFiles),
      previous: node,
    }),
  ),
  validUntil: c.epoch,
});

export const idleAppendChallengeCodec: Codec<IdleAppendChallenge> = c.tuple("IdleAppendChallenge", {
  append: node,
  height: c.epoch,
  nonce: node,
  validUntil: c.epoch,
});

const domains = {
  append: utf8Bytes("holdfast idle append 1\n"),
  challenge: utf8Bytes("holdfast idle append challenge 1\n"),
  seed: utf8Bytes("holdfast idle append seed 1\n"),
} as const;

/** The bytes under the miner's signature; their hash names the request. */
export function idleAppendSigningBytes(append: IdleAppend): Uint8Array {
  return concatBytes(domains.append, encode(idleAppendCodec, append));
}
export const idleAppendDigest = (append: IdleAppend): Uint8Array => sha256(idleAppendSigningBytes(append));

/** The bytes under the verifier's signature. */
export function idleChallengeSigningBytes(challenge: IdleAppendChallenge): Uint8Array {
  return concatBytes(domains.challenge, encode(idleAppendChallengeCodec, challenge));
}

/** What challenges to a kept layer are drawn from. `randomness`: the chain's, of the challenge's height. */
export function idleAppendSeed(challenge: IdleAppendChallenge, randomness: Uint8Array): Uint8Array {
  return sha256(concatBytes(domains.seed, encode(idleAppendChallengeCodec, challenge), randomness));
}

/** What the proof of an append is about. */
export function idleAppendStatement(
  state: IdleState,
  profile: IdleProfile,
  { roots, under }: Pick<IdleAppend, "roots" | "under">,
  seed: Uint8Array,
): CommitStatement {
  const { identity, keptLayer } = nextIdleLayer(state, profile);
  const below = under === null ? {} : { below: { fileRoots: under.fileRoots, commitment: state.top } };
  return { profile, identity, keptLayer, roots, ...below, seed };
}

/** Whether the request fits the state, proof or no proof: what a verifier asks before it challenges. */
export function proposeIdleAppend(
  state: IdleState,
  profile: IdleProfile,
  append: IdleAppend,
  height: number,
): IdleChange {
  if (height > append.validUntil) return { refused: "expired" };
  if (!equalBytes(append.before, idleStateDigest(state))) return { refused: "stale" };
  if (!isUnder(state, profile, append.under)) return { refused: "bad-layer-under" };
  return appendIdleLayer(state, append.range, profile, append.roots);
}

/** Judges a whole append: the state after it, or why not. */
export function verifyIdleAppend(
  given: {
    readonly state: IdleState;
    readonly profile: IdleProfile;
    readonly append: IdleAppend;
    readonly challenge: IdleAppendChallenge;
    readonly randomness: Uint8Array;
    readonly height: number;
  },
  proof: Uint8Array,
): IdleChange {
  const { state, profile, append, challenge, randomness, height } = given;
  const change = proposeIdleAppend(state, profile, append, height);
  if ("refused" in change) return change;
  if (height > challenge.validUntil) return { refused: "expired" };
  if (!equalBytes(challenge.append, idleAppendDigest(append))) return { refused: "stale" };
  const statement = idleAppendStatement(state, profile, append, idleAppendSeed(challenge, randomness));
  return verifyCommit(statement, proof) ? change : { refused: "bad-proof" };
}

function isUnder(state: IdleState, profile: IdleProfile, under: IdleLayerUnder | null): boolean {
  const { identity, keptLayer } = nextIdleLayer(state, profile);
  if (keptLayer === 0 || under === null) return keptLayer === 0 && under === null;
  const parts: readonly Commitment[] = [under.columnRoot, under.previous, ...under.fileRoots];
  if (parts.some((part) => part.length !== nodeBytes) || under.fileRoots.length !== profile.files)
    return false;
  const commitment = layerCommitment(idleSetKey(profile, identity), keptLayer - 1, under, under.previous);
  return equalBytes(commitment, state.top);
}
