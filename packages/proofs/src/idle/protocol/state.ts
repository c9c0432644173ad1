/**
 * What a network holds of a miner's idle space, and how it may change: a kept layer comes in at the rear, files go from
 * the front, nothing else. Who certifies a change signs the digest of the state before, the state after, and until when
 * that is worth anything; the chain takes it only if its own state is the one before. So nothing is used twice, on
 * another network, by another miner, under another registration, or late.
 *
 * `nonce` is chain randomness from when the miner registered, so a new registration is a new space, from file 0 on.
 * `sequence` grows by one with each change. `top` is the commitment to the newest kept layer while its set is not
 * complete, because the next layer stands on it; 32 zeros otherwise.
 */
import {
  type Address,
  type Codec,
  c,
  concatBytes,
  type Epoch,
  encode,
  equalBytes,
  sha256,
  signatureBytes,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";
import {
  fileElement,
  type IdleSetIdentity,
  idleSetKey,
  type LayerRoots,
  layerCommitment,
} from "../hardened/identity.ts";
import { filesPerSet, type IdleProfile } from "../hardened/profiles.ts";
import {
  emptyIdleRange,
  extendIdleRange,
  type IdleRange,
  idleRangeRoot,
  isIdleRange,
  maxIdleFiles,
} from "./range.ts";

export interface IdleState {
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
  /** Id of a row of the table of profiles. */
  readonly profile: string;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly sequence: number;
  /** Files `front` ≤ number < `rear` are claimed. */
  readonly front: number;
  readonly rear: number;
  /** Root of the range of all files below `rear`. */
  readonly root: Commitment;
  readonly top: Commitment;
}

export const maxIdleProfileIdBytes = 64;
const node = c.fixedBytes(nodeBytes);

export const idleStateCodec: Codec<IdleState> = c.tuple("IdleState", {
  networkId: node,
  miner: c.address,
  profile: c.text(maxIdleProfileIdBytes),
  nonce: node,
  sequence: c.uint(),
  front: c.uint(maxIdleFiles),
  rear: c.uint(maxIdleFiles),
  root: node,
  top: node,
});

const stateDomain = utf8Bytes("holdfast idle state 1\n");
const certificateDomain = utf8Bytes("holdfast idle certificate 1\n");
const nothing: Commitment = new Uint8Array(nodeBytes);

/** What a miner has who has just registered. */
export function startIdleState(
  registration: Pick<IdleState, "networkId" | "miner" | "profile" | "nonce">,
): IdleState {
  const { networkId, miner, profile, nonce } = registration;
  const root = idleRangeRoot(emptyIdleRange);
  return { networkId, miner, profile, nonce, sequence: 0, front: 0, rear: 0, root, top: nothing };
}

/** Stands for a state wherever one is named. */
export function idleStateDigest(state: IdleState): Uint8Array {
  return sha256(concatBytes(stateDomain, encode(idleStateCodec, state)));
}

/** Whether numbers and lengths are such that the state could have come about. */
export function isIdleState(state: IdleState, profile: IdleProfile): boolean {
  const { front, rear, sequence, top } = state;
  return (
    state.profile === profile.id &&
    [state.networkId, state.nonce, state.root, top].every((part) => part.length === nodeBytes) &&
    [front, rear, sequence].every((number) => Number.isSafeInteger(number) && number >= 0) &&
    front <= rear &&
    rear <= maxIdleFiles &&
    rear % profile.files === 0 &&
    (rear % filesPerSet(profile) !== 0 || equalBytes(top, nothing))
  );
}

/** Which kept layer comes next. */
export function nextIdleLayer(
  { networkId, miner, nonce, rear }: Pick<IdleState, "networkId" | "miner" | "nonce" | "rear">,
  profile: IdleProfile,
): { readonly identity: IdleSetIdentity; readonly keptLayer: number } {
  const perSet = filesPerSet(profile);
  const set = Math.floor(rear / perSet);
  return { identity: { networkId, miner, nonce, set }, keptLayer: (rear % perSet) / profile.files };
}

/** The kept layer that the next one stands on: what its commitment is the hash of. */
export interface IdleLayerUnder extends LayerRoots {
  readonly previous: Commitment;
}

/** Elements of the files of a kept layer. */
export function idleLayerElements(
  profile: IdleProfile,
  identity: IdleSetIdentity,
  firstFile: number,
  fileRoots: readonly Commitment[],
): readonly Commitment[] {
  const key = idleSetKey(profile, identity);
  return fileRoots.map((root, i) => fileElement(key, firstFile + i, root));
}

export type IdleRefusal =
  | "bad-state"
  | "bad-peaks"
  | "bad-layer"
  | "bad-layer-under"
  | "bad-count"
  | "bad-proof"
  | "full"
  | "stale"
  | "expired";

export type IdleChange =
  | { readonly refused: IdleRefusal }
  | { readonly state: IdleState; readonly range: IdleRange };

/** The state with one more kept layer; whether that layer was labelled is another matter (append.ts). */
export function appendIdleLayer(
  state: IdleState,
  range: IdleRange,
  profile: IdleProfile,
  roots: LayerRoots,
): IdleChange {
  if (!isIdleState(state, profile)) return { refused: "bad-state" };
  if (!isIdleRange(range) || range.leaves !== state.rear || !equalBytes(idleRangeRoot(range), state.root)) {
    return { refused: "bad-peaks" };
  }
  const wellFormed = [roots.columnRoot, ...roots.fileRoots].every((root) => root.length === nodeBytes);
  if (!wellFormed || roots.fileRoots.length !== profile.files) return { refused: "bad-layer" };
  if (state.rear + profile.files > maxIdleFiles) return { refused: "full" };
  const { identity, keptLayer } = nextIdleLayer(state, profile);
  const grown = extendIdleRange(range, idleLayerElements(profile, identity, state.rear, roots.fileRoots));
  const isLast = keptLayer + 1 === profile.keptLayers;
  const top = isLast ? nothing : layerCommitment(idleSetKey(profile, identity), keptLayer, roots, state.top);
  const next = {
    ...state,
    sequence: state.sequence + 1,
    rear: grown.leaves,
    root: idleRangeRoot(grown),
    top,
  };
  return { state: next, range: grown };
}

/** The state without its first `count` files. */
export function releaseIdleFiles(
  state: IdleState,
  count: number,
): { readonly refused: IdleRefusal } | { readonly state: IdleState } {
  if (!Number.isSafeInteger(count) || count < 1 || count > state.rear - state.front) {
    return { refused: "bad-count" };
  }
  return { state: { ...state, sequence: state.sequence + 1, front: state.front + count } };
}

/** A change that somebody vouches for. */
export interface IdleCertificate {
  /** Digest of the state before. */
  readonly before: Uint8Array;
  readonly after: IdleState;
  /** The last height at which the chain takes it. */
  readonly validUntil: Epoch;
  /** An account. */
  readonly verifier: Address;
}

export interface SignedIdleCertificate {
  readonly certificate: IdleCertificate;
  readonly signature: Uint8Array;
}

export const idleCertificateCodec: Codec<IdleCertificate> = c.tuple("IdleCertificate", {
  before: node,
  after: idleStateCodec,
  validUntil: c.epoch,
  verifier: c.address,
});

export const signedIdleCertificateCodec: Codec<SignedIdleCertificate> = c.tuple("SignedIdleCertificate", {
  certificate: idleCertificateCodec,
  signature: c.fixedBytes(signatureBytes),
});

/** The bytes under a verifier's signature. The network is in the state. */
export function idleCertificateSigningBytes(certificate: IdleCertificate): Uint8Array {
  return concatBytes(certificateDomain, encode(idleCertificateCodec, certificate));
}

/**
 * Why a certificate does not lead on from this state at this height; undefined: it does. Who may be a verifier is for
 * the caller to know.
 */
export function refuseIdleCertificate(
  { certificate, signature }: SignedIdleCertificate,
  state: IdleState,
  profile: IdleProfile,
  height: number,
): IdleRefusal | undefined {
  const { before, after, validUntil, verifier } = certificate;
  if (height > validUntil) return "expired";
  if (!equalBytes(before, idleStateDigest(state)) || after.sequence !== state.sequence + 1) return "stale";
  const same =
    isIdleState(after, profile) &&
    equalBytes(idleRegistrationBytes(after), idleRegistrationBytes(state)) &&
    after.front >= state.front &&
    after.rear >= state.rear;
  if (!same) return "bad-state";
  if (after.rear > state.rear && after.front !== state.front) return "bad-state";
  if (after.rear === state.rear && !isSameRange(after, state)) return "bad-state";
  return verifySignature(idleCertificateSigningBytes(certificate), signature, verifier)
    ? undefined
    : "bad-proof";
}

const isSameRange = (one: IdleState, other: IdleState): boolean =>
  one.front > other.front && equalBytes(one.root, other.root) && equalBytes(one.top, other.top);

/** What stays the same from registration on. */
function idleRegistrationBytes({ networkId, miner, profile, nonce }: IdleState): Uint8Array {
  return encode(registrationCodec, { networkId, miner, profile, nonce });
}

const registrationCodec = c.tuple("IdleRegistration", {
  networkId: node,
  miner: c.address,
  profile: c.text(maxIdleProfileIdBytes),
  nonce: node,
});
