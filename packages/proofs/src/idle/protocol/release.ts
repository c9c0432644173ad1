/**
 * Files go: the first of all, by their number. There is nothing to prove, because a file below the front is not claimed
 * any more; what is signed is the miner's wish. And the messages with which a miner comes to a verifier and leaves it.
 */
import { type Codec, c, concatBytes, type Epoch, encode, equalBytes, utf8Bytes } from "@holdfast/base";
import { nodeBytes } from "../../merkle/index.ts";
import { maxIdleFiles } from "./range.ts";
import { type IdleRefusal, type IdleState, idleStateDigest, releaseIdleFiles } from "./state.ts";

/** The miner signs this. */
export interface IdleRelease {
  /** Digest of the state that the files are taken from. */
  readonly before: Uint8Array;
  readonly count: number;
  readonly validUntil: Epoch;
}

/** The miner signs this: it wants this verifier to follow its space, or to forget it. */
export interface IdleSession {
  readonly purpose: "register" | "log-out";
  /** Digest of the miner's state. */
  readonly state: Uint8Array;
  /** 32 bytes that the verifier gave it. */
  readonly nonce: Uint8Array;
  readonly validUntil: Epoch;
}

const node = c.fixedBytes(nodeBytes);

export const idleReleaseCodec: Codec<IdleRelease> = c.tuple("IdleRelease", {
  before: node,
  count: c.uint(maxIdleFiles),
  validUntil: c.epoch,
});

const purposes = ["register", "log-out"] as const;
const sessionCodec = c.tuple("IdleSession", {
  purpose: c.uint(purposes.length - 1),
  state: node,
  nonce: node,
  validUntil: c.epoch,
});

export const idleSessionCodec: Codec<IdleSession> = {
  name: sessionCodec.name,
  toCbor: (session) => sessionCodec.toCbor({ ...session, purpose: purposes.indexOf(session.purpose) }),
  fromCbor(value, path) {
    const { purpose, ...rest } = sessionCodec.fromCbor(value, path);
    return { purpose: purposes[purpose] ?? "register", ...rest };
  },
};

const releaseDomain = utf8Bytes("holdfast idle release 1\n");
const sessionDomain = utf8Bytes("holdfast idle session 1\n");

export function idleReleaseSigningBytes(release: IdleRelease): Uint8Array {
  return concatBytes(releaseDomain, encode(idleReleaseCodec, release));
}

export function idleSessionSigningBytes(session: IdleSession): Uint8Array {
  return concatBytes(sessionDomain, encode(idleSessionCodec, session));
}

/** Judges a release: the state after it, or why not. */
export function verifyIdleRelease(
  state: IdleState,
  release: IdleRelease,
  height: number,
): { readonly refused: IdleRefusal } | { readonly state: IdleState } {
  if (height > release.validUntil) return { refused: "expired" };
  if (!equalBytes(release.before, idleStateDigest(state))) return { refused: "stale" };
  return releaseIdleFiles(state, release.count);
}
