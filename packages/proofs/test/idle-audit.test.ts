/**
 * Audits of idle space: what is asked follows from the chain alone and reaches every file; whole answers are taken, in
 * order; and of everything else nothing is.
 */
import { decode, encode, seedAddress } from "@holdfast/base";
import {
  drawnIdleAnswers,
  emptyIdleRange,
  extendIdleAnswers,
  type IdleAudit,
  IdleAuditor,
  IdleRangeTree,
  type IdleState,
  idleAnswerCodec,
  idleAnswerHash,
  idleAuditFiles,
  idleAuditSeed,
  idleAuditTotal,
  idleBatchCodec,
  idleRangeRoot,
  openedIdleAnswerCodec,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seedOf } from "./idle-fixtures.ts";
import { grown, profile } from "./idle-space.ts";
import { flipBit, holds } from "./vectors.ts";

describe("an audit", () => {
  const auditOf = (state: IdleState, files = 6): IdleAudit => ({
    state,
    profile,
    randomness: seedOf(8),
    files,
  });

  it("asks for what is claimed, and nothing else, whatever was released", () => {
    holds(
      fc.property(fc.nat(12), fc.integer({ min: 1, max: 20 }), fc.nat(255), (released, files, seed) => {
        const space = grown(3);
        const state = { ...space.state, front: released };
        const asked = idleAuditFiles({ ...auditOf(state, files), randomness: seedOf(seed) });
        expect(asked.length).toBe(Math.min(files, 12 - released));
        expect(asked.every((file) => file >= released && file < 12)).toBe(true);
        expect([...new Set(asked)].sort((a, b) => a - b)).toEqual(asked);
      }),
      { numRuns: 50 },
    );
  });

  it("reaches every file", () => {
    const { state } = grown(4);
    const met = new Set<number>();
    for (let seed = 0; seed < 40; seed += 1) {
      for (const file of idleAuditFiles({ ...auditOf(state, 2), randomness: seedOf(seed) })) met.add(file);
    }
    expect(met.size).toBe(16);
  });

  it("is answered in batches whose hash was there before, while the space goes on changing", () => {
    const space = grown(3);
    space.shrink(2);
    const audit = auditOf(space.state);
    space.grow();
    const answers = space.answers(audit);
    const total = idleAuditTotal(audit, answers);
    const auditor = new IdleAuditor(audit);
    const range = space.tree.peaks(audit.state.rear);
    let taken = emptyIdleRange;
    for (const [left, right] of [
      [0, 2],
      [2, 3],
      [3, 6],
    ] as const) {
      const batch = { left, right, range, answers: answers.slice(left, right) };
      expect(decode(idleBatchCodec, encode(idleBatchCodec, batch))).toEqual(batch);
      const next = auditor.take(taken, batch);
      if (next === undefined) throw new Error("a right batch");
      taken = next;
    }
    expect(idleRangeRoot(taken)).toEqual(total);
    const hashes = answers.map((answer, index) => idleAnswerHash(idleAuditSeed(audit), index, answer));
    const tree = new IdleRangeTree(1);
    for (const hash of hashes) tree.append([hash]);
    for (const index of drawnIdleAnswers(audit, total, seedOf(3), 3)) {
      const path = tree.path(index, [hashes[index] as Uint8Array]);
      const answer = answers[index] as Uint8Array;
      const opened = { index, answer, path, answers: tree.peaks(), range };
      expect(decode(openedIdleAnswerCodec, encode(openedIdleAnswerCodec, opened))).toEqual(opened);
      expect(auditor.isOpened(total, opened)).toBe(true);
      expect(auditor.isOpened(seedOf(1), opened)).toBe(false);
      expect(auditor.isOpened(total, { ...opened, index: (index + 1) % 6 })).toBe(false);
      expect(auditor.isOpened(total, { ...opened, path: path.slice(1) })).toBe(false);
      expect(auditor.isOpened(total, { ...opened, answer: flipBit(answer, 999) })).toBe(false);
      expect(auditor.isOpened(total, { ...opened, range: taken })).toBe(false);
    }
  });

  it("takes no batch that is empty, short, twice, out of order or of another space", () => {
    const space = grown(2);
    const audit = auditOf(space.state);
    const answers = space.answers(audit);
    const range = space.tree.peaks();
    const auditor = new IdleAuditor(audit);
    const take = (batch: object, before = emptyIdleRange) =>
      auditor.take(before, { left: 0, right: 2, range, answers: answers.slice(0, 2), ...batch });
    const first = take({});
    expect(first?.leaves).toBe(2);
    expect(take({ right: 0, answers: [] })).toBeUndefined();
    expect(take({ answers: [] })).toBeUndefined();
    expect(take({ answers: answers.slice(0, 1) })).toBeUndefined();
    expect(take({ answers: [answers[1], answers[0]] })).toBeUndefined();
    expect(take({}, first)).toBeUndefined();
    expect(take({ left: 2, right: 4 }, first)).toBeUndefined();
    expect(take({ left: 5, right: 7 }, { ...emptyIdleRange, leaves: 5 })).toBeUndefined();
    expect(take({ range: grown(1).tree.peaks() })).toBeUndefined();
    for (const other of [
      { randomness: seedOf(1) },
      { files: 5 },
      { state: { ...audit.state, sequence: 9 } },
      { state: { ...audit.state, nonce: seedOf(9) } },
      { state: { ...audit.state, miner: seedAddress(1, "other") } },
      { state: { ...audit.state, networkId: seedOf(9) } },
      { state: { ...audit.state, front: 1 } },
      { state: { ...audit.state, front: 9 } },
    ]) {
      const batch = { left: 0, right: 2, range, answers: answers.slice(0, 2) };
      expect(new IdleAuditor({ ...audit, ...other }).take(emptyIdleRange, batch)).toBeUndefined();
    }
  });

  it("refuses whatever bytes come instead of an answer", () => {
    const space = grown(2);
    const audit = auditOf(space.state, 1);
    const [answer = new Uint8Array(0)] = space.answers(audit);
    const auditor = new IdleAuditor(audit);
    const range = space.tree.peaks();
    expect(auditor.isRight(0, answer, range)).toBe(true);
    holds(
      fc.property(fc.nat(answer.length * 8 - 1), (bit) => {
        expect(auditor.isRight(0, flipBit(answer, bit), range)).toBe(false);
      }),
      { numRuns: 200 },
    );
    holds(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(auditor.isRight(0, bytes, range)).toBe(false);
      }),
      { numRuns: 200 },
    );
    const given = decode(idleAnswerCodec, answer);
    const made = (other: object) => encode(idleAnswerCodec, { ...given, ...other });
    // the children of a root as its only leaf, and no path
    expect(auditor.isRight(0, made({ opening: given.opening.slice(0, 128) }), range)).toBe(false);
    expect(auditor.isRight(0, made({ path: [] }), range)).toBe(false);
    expect(auditor.isRight(0, made({ opening: new Uint8Array(0) }), range)).toBe(false);
  });

  it("draws checks that nobody knows before the total", () => {
    const audit = auditOf(grown(3).state);
    const drawn = (byte: number, total = seedOf(2)) => drawnIdleAnswers(audit, total, seedOf(byte), 2);
    expect(drawn(1).length).toBe(2);
    const all = Array.from({ length: 30 }, (_none, byte) => drawn(byte).join(" "));
    const others = Array.from({ length: 30 }, (_none, byte) => drawn(1, seedOf(byte)).join(" "));
    expect(new Set(all).size).toBeGreaterThan(5);
    expect(new Set(others).size).toBeGreaterThan(5);
    expect(extendIdleAnswers(audit, emptyIdleRange, [])).toEqual(emptyIdleRange);
  });
});
