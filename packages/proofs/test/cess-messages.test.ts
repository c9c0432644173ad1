/**
 * Messages and records that are malformed, written otherwise, or changed anywhere: the verifier of the original falls
 * over some of them; here they are refused.
 */
import { concatBytes, fromHex, toHex } from "@holdfast/base";
import {
  type CessBasis,
  cessBasis,
  cessCommitChallenge,
  cessCommits,
  cessMembers,
  cessValueBytes,
  decodeCessCommitProof,
  decodeCessDeletionProof,
  decodeCessInsertProof,
  decodeCessSpaceProof,
  deleteCessElements,
  encodeCessCommitProof,
  encodeCessDeletionProof,
  encodeCessInsertProof,
  encodeCessSpaceProof,
  insertCessElements,
  proveCessCommit,
  verifyCessCommit,
  verifyCessDelete,
  verifyCessInsert,
  verifyCessMembers,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { element, four, honest, key, result, seed, set, standing } from "./cess-small-set.ts";
import { installOddNumbers, installOpensslNumbers } from "./openssl-numbers.ts";
import { flipBit, holds } from "./vectors.ts";

let basis: CessBasis;
let restore: () => void;
beforeEach(() => {
  restore = installOpensslNumbers();
  basis = cessBasis(key, undefined, 4);
});
afterEach(() => restore());

describe("messages", () => {
  const refused = expect.objectContaining({ code: "cess/bad-message" });

  it("have one encoding: no zeros before a number, no field twice, none unknown, nothing behind", () => {
    const { levels } = standing(basis);
    const { update } = deleteCessElements(levels, 1);
    const bytes = encodeCessDeletionProof({ roots: [seed], update });
    expect(decodeCessDeletionProof(bytes).update).toEqual(update);
    const last = cessValueBytes(update.after.root);
    const head = bytes.subarray(0, bytes.length - last.length - 2);
    const longer = concatBytes(head, Uint8Array.of(0x1a, last.length + 1, 0), last);
    for (const wrong of [
      longer,
      head,
      concatBytes(bytes, Uint8Array.of(0x08, 1)),
      concatBytes(bytes, Uint8Array.of(0x7a, 0)),
      concatBytes(bytes, Uint8Array.of(0)),
      bytes.subarray(1),
      fromHex("ffffffffffffffffff"),
      fromHex("0aff7f"),
      fromHex("0b"),
    ])
      expect(() => decodeCessDeletionProof(wrong)).toThrow(refused);
  });

  it("are not made of more fields than any proof has", () => {
    const many = new Uint8Array(2 * (2 ** 20 + 1));
    for (let at = 0; at < many.length; at += 2) many[at] = 0x0a;
    expect(() => decodeCessCommitProof(many)).toThrow(refused);
    expect(decodeCessCommitProof(many.subarray(0, 300_000)).length).toBe(150_000);
  });

  it("have chains of three levels, neither more nor fewer", () => {
    const { levels } = standing(basis);
    const { update } = deleteCessElements(levels, 1);
    const good = encodeCessDeletionProof({ roots: [], update });
    // The chain of a member, one level longer, in the place of a chain; and a chain without its root.
    const members = cessMembers(levels, 1, 2);
    const space = encodeCessSpaceProof({ left: 0, right: 0, openings: [], roots: [], members });
    const member = space.subarray(3);
    expect(toHex(space.subarray(0, 1))).toBe("2a");
    const tail = good.subarray(good.length - 3 * 66);
    const length = Uint8Array.of(0x12, (member.length & 0x7f) | 0x80, member.length >> 7);
    expect(() => decodeCessDeletionProof(concatBytes(length, member, tail))).toThrow(refused);
    expect(() => decodeCessDeletionProof(tail)).toThrow(refused);
  });

  it("records that lack rows, nodes or bytes are refused, and nothing falls over", () => {
    const commits = cessCommits(set, honest.roots);
    const challenge = cessCommitChallenge(set, commits, seed);
    const proof = result(proveCessCommit(set, challenge, honest.files));
    const [row = []] = proof;
    const nothing = { index: 0, label: new Uint8Array(0) };
    const hollow = { node: nothing, parents: [], elders: [] };
    for (const wrong of [[], [row], [[], []], [row.slice(1), row], [row.map(() => hollow), row]])
      expect(verifyCessCommit(set, commits, challenge, wrong)).toBe(false);
    for (const roots of [[], commits.roots.slice(1), commits.roots.map(() => new Uint8Array(3))])
      expect(verifyCessCommit(set, { ...commits, roots }, challenge, proof)).toBe(false);
    expect(verifyCessCommit({ ...set, clusters: 0 }, commits, challenge, proof)).toBe(false);
    expect(verifyCessCommit(set, { ...commits, fileIndexes: [] }, challenge, proof)).toBe(false);
  });

  it("changed anywhere are refused or show nothing", () => {
    restore();
    restore = installOddNumbers();
    basis = cessBasis(key, undefined, 4);
    const { levels, state } = standing(basis);
    const commits = cessCommits(set, honest.roots);
    const challenge = cessCommitChallenge(set, commits, seed);
    const commit = encodeCessCommitProof(result(proveCessCommit(set, challenge, honest.files)));
    const next = [element("file 5")];
    const added = insertCessElements(levels, next);
    const insert = encodeCessInsertProof({ fileIndexes: [5], elements: next, update: added.update });
    const removal = encodeCessDeletionProof({ roots: [], update: deleteCessElements(levels, 1).update });
    const range = { left: 1, right: 5 };
    const members = cessMembers(levels, 1, 5);
    const space = encodeCessSpaceProof({ ...range, openings: [], roots: [], members });
    const judges: readonly [Uint8Array, (bytes: Uint8Array) => unknown][] = [
      [commit, (bytes) => verifyCessCommit(set, commits, challenge, decodeCessCommitProof(bytes))],
      [
        insert,
        (bytes) => {
          const { elements, update, fileIndexes } = decodeCessInsertProof(bytes);
          return (
            fileIndexes[0] === 5 &&
            verifyCessInsert(basis, state, elements, update)?.root === added.levels.root
          );
        },
      ],
      [
        removal,
        (bytes) => {
          const { roots, update } = decodeCessDeletionProof(bytes);
          return roots.length === 0 && verifyCessDelete(basis, state, four.slice(0, 1), update) !== undefined;
        },
      ],
      [
        space,
        (bytes) => {
          const { left, right, members: shown } = decodeCessSpaceProof(bytes);
          return (
            left === 1 && right === 5 && shown.length === 4 && verifyCessMembers(basis, state.root, shown)
          );
        },
      ],
    ];
    for (const [bytes, judge] of judges) {
      expect(judge(bytes)).toBe(true);
      holds(
        fc.property(fc.nat({ max: 8 * bytes.length - 1 }), (bit) => {
          let verdict: unknown = false;
          try {
            verdict = judge(flipBit(bytes, bit));
          } catch (cause) {
            expect(cause).toEqual(refused);
          }
          expect(verdict).toBe(false);
        }),
        { numRuns: 60 },
      );
    }
  });
});
