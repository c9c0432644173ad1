/**
 * Audits of idle files: leaves of four labels that follow from the chain's randomness, the set's key, the file's
 * number and its root, opened under that root.
 * Invariant: a proof has exactly one encoding, and nothing in it says what was asked; bytes of a peer never make
 * the verifier throw.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { challengedNodes } from "../../graph/index.ts";
import { type Commitment, nodeBytes, sha254Hasher } from "../../merkle/index.ts";
import { openingLength, verifyOpening } from "../../openings/index.ts";
import { firstFileOf, type IdleSetIdentity, idleSetKey } from "./identity.ts";
import { filesPerSet, type IdleProfile, leafBytes } from "./profiles.ts";
import { type FileSource, fileLeaves, leavesOf, openFile } from "./trees.ts";

export interface SpaceStatement {
  readonly profile: IdleProfile;
  readonly identity: IdleSetIdentity;
  /** Number of the file among all of the miner's. */
  readonly file: number;
  readonly root: Commitment;
  /** 32 bytes of chain randomness. */
  readonly seed: Uint8Array;
}

const domain = utf8Bytes("holdfast idle audit 1\n");

/** The leaves that are asked: distinct, ascending. */
export function spaceChallenges({ profile, identity, file, root, seed }: SpaceStatement): readonly number[] {
  const parts = [seed, idleSetKey(profile, identity), bigEndian(file, 8), root];
  const key = sha256(concatBytes(domain, ...parts));
  return challengedNodes(key, profile.spaceChallenges, fileLeaves(profile));
}

/** Answers an audit of one file. */
export function proveSpace(statement: SpaceStatement, source: FileSource): Uint8Array {
  return openFile(statement.profile, source, spaceChallenges(statement));
}

/** Bytes that openings of these leaves of a file have. */
export function openedBytes(profile: IdleProfile, leaves: readonly number[]): number {
  const perLeaf = leafBytes - nodeBytes;
  return leaves.length * perLeaf + openingLength(sha254Hasher, fileLeaves(profile), leaves);
}

/** Whether these bytes open these leaves (distinct, ascending) of the file with this root. */
export function verifyFileOpening(
  profile: IdleProfile,
  root: Commitment,
  leaves: readonly number[],
  opened: Uint8Array,
): boolean {
  if (root.length !== nodeBytes || opened.length !== openedBytes(profile, leaves)) return false;
  const clear = leaves.length * leafBytes;
  const nodes = concatBytes(leavesOf(opened.subarray(0, clear)), opened.subarray(clear));
  return verifyOpening(sha254Hasher, root, fileLeaves(profile), leaves, nodes);
}

/** Whether the identity, the number and the lengths are such that challenges can follow from them. */
function isAsked({ profile, identity, file, root, seed }: SpaceStatement): boolean {
  const { networkId, nonce, set } = identity;
  const first = firstFileOf(profile, set, 0);
  return (
    [networkId, nonce, root, seed].every((part) => part.length === nodeBytes) &&
    [set, file].every(Number.isSafeInteger) &&
    set >= 0 &&
    file >= first &&
    file < first + filesPerSet(profile)
  );
}

/** Whether the proof answers the audit. Never throws. */
export function verifySpace(statement: SpaceStatement, proof: Uint8Array): boolean {
  if (!isAsked(statement)) return false;
  return verifyFileOpening(statement.profile, statement.root, spaceChallenges(statement), proof);
}
