/**
 * Audits of the compatibility profile: some labels of every file of some sets, each set one batch. Which sets follows
 * from the challenge and from the batches already proven, one of every 16; the hashes of all batches are hashed once
 * more, and that total is what the miner puts on the chain.
 * The original draws one of 15, so that the last of 16 is never asked unless it is among the last sets of all. Its
 * numbers are "original" here; "every" draws among all.
 * Source: CESSProject/cess_pois v0.6.3, pois/challenge.go, ProveSpace and VerifySpace.
 */
import { bigEndian, concatBytes, equalBytes, readBigEndian, sha256, utf8Bytes } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { challengedNodes } from "../../graph/index.ts";
import { type CessBasis, type CessState, cessElement, cessFanOut, verifyCessMembers } from "./chains.ts";
import { isOpened } from "./commit-verify.ts";
import { cessErrors } from "./errors.ts";
import { type CessLevels, cessMembers } from "./levels.ts";
import type { CessSpaceProof } from "./records.ts";
import { type CessShape, isShape } from "./shape.ts";
import { type CessFile, openLabel, rootOfFile } from "./tree.ts";
import { encodeCessSpaceProof } from "./wire.ts";

const setsOfGroup = 16;
/** Challenges of an audit; the original has as many as layers. */
const mostChallenges = 1024;
const domain = utf8Bytes("holdfast cess audit 1\n");

/** Ids of distinct nodes of the files that stay, from 32 bytes of randomness. */
export function cessSpaceChallenge({ layers, nodes }: CessShape, seed: Uint8Array): readonly number[] {
  const key = sha256(concatBytes(domain, seed));
  return challengedNodes(key, layers, nodes).map((position) => layers * nodes + position);
}

export interface CessAudit {
  readonly minerId: Uint8Array;
  /** 32 bytes; zeros in the original's use. */
  readonly verifierId: Uint8Array;
  readonly challenge: readonly number[];
  readonly front: number;
  readonly rear: number;
}

export interface CessRange {
  readonly left: number;
  /** Half open. */
  readonly right: number;
}

export type SetsDrawn = "every" | "original";

/** Batches of an audit. No files, no batches; throws cess/bad-files if the last set is not whole. */
export function cessBatches({ front, rear }: Pick<CessAudit, "front" | "rear">): number {
  if (!Number.isSafeInteger(front) || front < 0 || rear < front || rear % cessFanOut !== 0)
    throw cessErrors.badFiles({ problem: "files are audited in whole sets, between front and rear" });
  const first = Math.floor(front / cessFanOut);
  return Math.ceil((rear / cessFanOut - first) / setsOfGroup);
}

/** The files of batch `batch`, from 0; `prior` is the hash of the batch before, 32 zeros for the first. */
export function cessBatchRange(
  audit: CessAudit,
  batch: number,
  prior: Uint8Array,
  drawn: SetsDrawn = "every",
): CessRange {
  const batches = cessBatches(audit);
  if (!(Number.isInteger(batch) && batch >= 0 && batch < batches))
    throw cessErrors.badFiles({ problem: `the audit has ${batches} batches` });
  const { minerId, verifierId, challenge, front, rear } = audit;
  const firstOfGroup = Math.floor(front / cessFanOut) + batch * setsOfGroup;
  const isLast = batch === batches - 1;
  const inGroup = drawn === "original" ? setsOfGroup - 1 : setsOfGroup;
  const among = isLast ? rear / cessFanOut - firstOfGroup : inGroup;
  const digest = sha512(
    concatBytes(minerId, verifierId, ...challenge.map((one) => bigEndian(one, 8)), prior),
  );
  const set = firstOfGroup + Number(readBigEndian(digest) % BigInt(among));
  const left = set * cessFanOut + 1;
  return { left: Math.max(left, front + 1), right: left + cessFanOut };
}

/** The hash of one batch, which also draws the next one. */
export const cessBatchHash = (proof: CessSpaceProof): Uint8Array => sha256(encodeCessSpaceProof(proof));

/** What stands for all batches of an audit, in their order. */
export const cessTotalHash = (batchHashes: readonly Uint8Array[]): Uint8Array =>
  sha256(concatBytes(...batchHashes));

/** Answers one batch. Throws cess/no-such-files. */
export function proveCessSpace(
  levels: CessLevels,
  challenge: readonly number[],
  { left, right }: CessRange,
  files: (file: number) => CessFile,
): CessSpaceProof {
  const members = cessMembers(levels, left, right);
  const own = members.map((_member, i) => files(left + i));
  return {
    left,
    right,
    openings: own.map((file) =>
      challenge.map((index) => ({ index, ...openLabel(file, index % file.nodes) })),
    ),
    roots: own.map(rootOfFile),
    members,
  };
}

export interface CessSpaceStatement {
  readonly minerId: Uint8Array;
  readonly shape: CessShape;
  readonly state: CessState;
  readonly challenge: readonly number[];
  readonly range: CessRange;
}

function isAsked({ minerId, shape, state, challenge, range }: CessSpaceStatement): boolean {
  const { left, right } = range;
  return (
    minerId.length === 32 &&
    isShape(shape) &&
    [left, right, state.front, state.rear].every(Number.isSafeInteger) &&
    state.front < left &&
    left < right &&
    right <= state.rear + 1 &&
    right - left <= cessFanOut &&
    challenge.length > 0 &&
    challenge.length <= mostChallenges &&
    challenge.every((index) => Number.isSafeInteger(index) && index >= 0 && index < 2 ** 31)
  );
}

/** Whether the proof shows every challenged label of every file of the range. Never throws. */
export function verifyCessSpace(
  basis: CessBasis,
  statement: CessSpaceStatement,
  proof: CessSpaceProof,
): boolean {
  if (!isAsked(statement)) return false;
  const { minerId, shape, state, challenge, range } = statement;
  const count = range.right - range.left;
  const { openings, roots, members } = proof;
  if (proof.left !== range.left || proof.right !== range.right) return false;
  if ([openings, roots, members].some((parts) => parts.length !== count)) return false;
  const own = roots.every((root, i) => {
    if (root.length !== 32) return false;
    const shown = openings[i] ?? [];
    const element = cessElement(minerId, range.left + i, root);
    const claimed = members[i]?.element ?? new Uint8Array(0);
    return (
      equalBytes(element, claimed) &&
      shown.length === challenge.length &&
      shown.every((one, j) => one.index === challenge[j] && isOpened(root, shape.nodes, one.index, one))
    );
  });
  return own && verifyCessMembers(basis, state.root, members);
}
