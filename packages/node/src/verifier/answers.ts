/** The answers of an audit, as a verifier and the chain are given them. */
import {
  emptyIdleRange,
  extendIdleAnswers,
  type IdleAudit,
  type IdleBatch,
  type IdleRange,
  IdleRangeTree,
  idleAnswerHash,
  idleAuditSeed,
  maxBatchAnswers,
  type OpenedIdleAnswer,
} from "@holdfast/proofs";
import { limits } from "../limits.ts";

/** Answers in batches that follow each other. */
export function batchesOf(answers: readonly Uint8Array[], range: IdleRange): readonly IdleBatch[] {
  const batches: IdleBatch[] = [];
  let [left, bytes] = [0, 0];
  for (const [i, answer] of answers.entries()) {
    const isFull =
      i - left >= maxBatchAnswers || (i > left && bytes + answer.length > limits.idleBatchBytes / 2);
    if (isFull) {
      batches.push({ left, right: i, range, answers: answers.slice(left, i) });
      [left, bytes] = [i, 0];
    }
    bytes += answer.length;
  }
  if (answers.length > left) {
    batches.push({ left, right: answers.length, range, answers: answers.slice(left) });
  }
  return batches;
}

/** These answers, each shown to stand under the total. */
export function openedAnswers(
  audit: IdleAudit,
  answers: readonly Uint8Array[],
  range: IdleRange,
  drawn: readonly number[],
): readonly OpenedIdleAnswer[] {
  const seed = idleAuditSeed(audit);
  const tree = new IdleRangeTree(1);
  const hashes = answers.map((answer, i) => idleAnswerHash(seed, i, answer));
  for (const hash of hashes) tree.append([hash]);
  const all = extendIdleAnswers(audit, emptyIdleRange, answers);
  return drawn.flatMap((index) => {
    const [answer, hash] = [answers[index], hashes[index]];
    if (answer === undefined || hash === undefined) return [];
    return [{ index, answer, path: tree.path(index, [hash]), answers: all, range }];
  });
}
