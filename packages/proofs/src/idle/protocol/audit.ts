/**
 * An audit: chain randomness and the state of a miner say which files are asked, and of each which leaves. Each file is
 * answered by itself; the hashes of all answers, in the order of the files, are a range of their own, whose root is the
 * *total*. A miner brings the total first; then others check answers, all of them or those that randomness from after
 * the total draws, each against the total and the miner's state.
 *
 *   answer   SHA-256("holdfast idle answer 1\n" ‖ audit's seed ‖ index u32 ‖ encoded answer)
 *
 * Answers travel in batches, half-open ranges of indices that follow each other without a gap.
 * Invariant: which files are asked follows from the audit alone; an answer has exactly one encoding; bytes of a peer
 * never make the verifier throw.
 */
import {
  bigEndian,
  type Codec,
  c,
  concatBytes,
  decode,
  encode,
  equalBytes,
  HoldfastError,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import { challengedNodes } from "../../graph/index.ts";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";
import { fileElement, idleSetKey } from "../hardened/identity.ts";
import { filesPerSet, type IdleProfile } from "../hardened/profiles.ts";
import { proveSpace, type SpaceStatement, verifySpace } from "../hardened/space.ts";
import type { FileSource } from "../hardened/trees.ts";
import { idleRangeCodec } from "./append.ts";
import {
  emptyIdleRange,
  extendIdleRange,
  type IdleRange,
  idleRangeRoot,
  isIdleMember,
  maxRangeLevels,
} from "./range.ts";
import { type IdleState, idleStateDigest, isIdleState } from "./state.ts";

export interface IdleAudit {
  /** As the chain had it when it asked. */
  readonly state: IdleState;
  readonly profile: IdleProfile;
  /** 32 bytes of the chain from after that state. */
  readonly randomness: Uint8Array;
  /** How many files are asked, if there are as many. */
  readonly files: number;
}

/** Most files of one audit. */
export const maxAuditFiles = 65_536;
/** Most answers of one batch. */
export const maxBatchAnswers = 256;
/** An opening is far below that for every profile: its leaves and a path for each. */
export const maxOpeningBytes = 2 ** 18;

export interface IdleAnswer {
  readonly root: Commitment;
  /** Siblings of the file's element in the range of the state. */
  readonly path: readonly Commitment[];
  readonly opening: Uint8Array;
}

const node = c.fixedBytes(nodeBytes);

export const idleAnswerCodec: Codec<IdleAnswer> = c.tuple("IdleAnswer", {
  root: node,
  path: c.list(node, maxRangeLevels),
  opening: c.bytes(maxOpeningBytes),
});
/** An answer as bytes, in a message. */
export const maxAnswerBytes = maxOpeningBytes + 2_048;

export interface IdleBatch {
  /** Indices into the files of the audit: left ≤ index < right. */
  readonly left: number;
  readonly right: number;
  /** Of the state that is audited. */
  readonly range: IdleRange;
  /** Encoded, so that nothing is hashed in another form than it came. */
  readonly answers: readonly Uint8Array[];
}

export const idleBatchCodec: Codec<IdleBatch> = c.tuple("IdleBatch", {
  left: c.uint(maxAuditFiles),
  right: c.uint(maxAuditFiles),
  range: idleRangeCodec,
  answers: c.list(c.bytes(maxAnswerBytes), maxBatchAnswers),
});

/** One answer, shown to be the one that the total was made with. */
export interface OpenedIdleAnswer {
  readonly index: number;
  readonly answer: Uint8Array;
  /** Siblings of the answer's hash in the range of answers, and that range. */
  readonly path: readonly Commitment[];
  readonly answers: IdleRange;
  /** Of the state that is audited. */
  readonly range: IdleRange;
}

export const openedIdleAnswerCodec: Codec<OpenedIdleAnswer> = c.tuple("OpenedIdleAnswer", {
  index: c.uint(maxAuditFiles),
  answer: c.bytes(maxAnswerBytes),
  path: c.list(node, maxRangeLevels),
  answers: idleRangeCodec,
  range: idleRangeCodec,
});

const domains = {
  seed: utf8Bytes("holdfast idle space seed 1\n"),
  answer: utf8Bytes("holdfast idle answer 1\n"),
  check: utf8Bytes("holdfast idle check 1\n"),
} as const;

/** What an audit's questions are drawn from: bound to network, miner, registration, and the very state. */
export function idleAuditSeed({ state, randomness, files }: IdleAudit): Uint8Array {
  return sha256(concatBytes(domains.seed, randomness, idleStateDigest(state), bigEndian(files, 4)));
}

/** The files that are asked: distinct, ascending, uniform over all that are claimed. */
export function idleAuditFiles(audit: IdleAudit): readonly number[] {
  const { front, rear } = audit.state;
  const count = Math.min(audit.files, maxAuditFiles);
  return challengedNodes(idleAuditSeed(audit), count, rear - front).map((offset) => front + offset);
}

function spaceStatement(audit: IdleAudit, seed: Uint8Array, file: number, root: Commitment): SpaceStatement {
  const { state, profile } = audit;
  const { networkId, miner, nonce } = state;
  const set = Math.floor(file / filesPerSet(profile));
  return { profile, identity: { networkId, miner, nonce, set }, file, root, seed };
}

/** Answers for one file. `path`: its element's, in the range of the state. Reads 8 KiB for each leaf. */
export function answerIdleFile(
  audit: IdleAudit,
  file: number,
  { root, path }: Pick<IdleAnswer, "root" | "path">,
  source: FileSource,
): Uint8Array {
  const opening = proveSpace(spaceStatement(audit, idleAuditSeed(audit), file, root), source);
  return encode(idleAnswerCodec, { root, path, opening });
}

/** What an answer is in the range of all answers. */
export function idleAnswerHash(seed: Uint8Array, index: number, answer: Uint8Array): Commitment {
  return sha256(concatBytes(domains.answer, seed, bigEndian(index, 4), answer));
}

/** The range of answers, these behind the ones before. */
export function extendIdleAnswers(
  audit: IdleAudit,
  before: IdleRange,
  answers: readonly Uint8Array[],
): IdleRange {
  const seed = idleAuditSeed(audit);
  return extendIdleRange(
    before,
    answers.map((answer, i) => idleAnswerHash(seed, before.leaves + i, answer)),
  );
}

/** What a miner brings onto the chain: one hash for all its answers, in order. */
export const idleAuditTotal = (audit: IdleAudit, answers: readonly Uint8Array[]): Commitment =>
  idleRangeRoot(extendIdleAnswers(audit, emptyIdleRange, answers));

/** Judges answers of one audit: all that does not depend on the answer is found once. */
export class IdleAuditor {
  readonly files: readonly number[];
  readonly #audit: IdleAudit;
  readonly #seed: Uint8Array;
  readonly #isAsked: boolean;

  constructor(audit: IdleAudit) {
    this.#audit = audit;
    this.#seed = idleAuditSeed(audit);
    this.files = idleAuditFiles(audit);
    this.#isAsked = isIdleState(audit.state, audit.profile) && audit.randomness.length === nodeBytes;
  }

  /** Whether these peaks are those of the audited state. */
  isRange(range: IdleRange): boolean {
    const { root, rear } = this.#audit.state;
    return range.leaves === rear && equalBytes(idleRangeRoot(range), root);
  }

  /** Whether this is a right answer for the file with this index. `range` was checked. */
  isRight(index: number, answer: Uint8Array, range: IdleRange): boolean {
    const file = this.files[index];
    const given = decoded(answer);
    if (file === undefined || given === undefined || !this.#isAsked) return false;
    const statement = spaceStatement(this.#audit, this.#seed, file, given.root);
    const key = idleSetKey(statement.profile, statement.identity);
    if (!isIdleMember(range, file, fileElement(key, file, given.root), given.path)) return false;
    return verifySpace(statement, given.opening);
  }

  /**
   * The range of answers with those of the next batch: undefined if it is not the next, not whole, or any of it is
   * wrong.
   */
  take(before: IdleRange, { left, right, range, answers }: IdleBatch): IdleRange | undefined {
    const fits = left === before.leaves && right > left && right <= this.files.length;
    if (!fits || answers.length !== right - left || !this.isRange(range)) return undefined;
    if (!answers.every((answer, i) => this.isRight(left + i, answer, range))) return undefined;
    return extendIdleRange(
      before,
      answers.map((answer, i) => idleAnswerHash(this.#seed, left + i, answer)),
    );
  }

  /** Whether an opened answer stands under the total and is right. */
  isOpened(total: Commitment, { index, answer, path, answers, range }: OpenedIdleAnswer): boolean {
    if (answers.leaves !== this.files.length || !equalBytes(idleRangeRoot(answers), total)) return false;
    if (!isIdleMember(answers, index, idleAnswerHash(this.#seed, index, answer), path)) return false;
    return this.isRange(range) && this.isRight(index, answer, range);
  }
}

function decoded(answer: Uint8Array): IdleAnswer | undefined {
  try {
    return decode(idleAnswerCodec, answer);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** Which answers randomness from after the total asks to see: distinct indices, ascending. */
export function drawnIdleAnswers(
  audit: IdleAudit,
  total: Commitment,
  randomness: Uint8Array,
  count: number,
): readonly number[] {
  const key = sha256(concatBytes(domains.check, randomness, idleAuditSeed(audit), total));
  const { front, rear } = audit.state;
  return challengedNodes(key, count, Math.min(audit.files, maxAuditFiles, rear - front));
}
