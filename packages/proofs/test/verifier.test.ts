/** The verifier's two doors and its memo: same answers, fewer computations, bounded memory. */
import { sectorId, seedAddress } from "@holdfast/base";
import {
  commP,
  createMemoVerifier,
  createVerifier,
  defaultClasses,
  layoutPieces,
  provePieceInclusion,
  provePost,
  type Statement,
  sectorProfile,
  type Verifier,
  verifyStatement,
  zigzag,
} from "@holdfast/proofs";
import * as door from "@holdfast/proofs/verify";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { flipBit, holds } from "./vectors.ts";

const miner = seedAddress(1, "miner");
const seed = bytes32(5);
const sector = sectorOf(sectorProfile(1024));
const sealed = zigzag.replicate(sector.profile, sector.identity, sector.data);
const piece = commP(new Uint8Array(127).fill(3));
const pieces = [piece, piece];

const seal: Statement = {
  check: "seal",
  statement: {
    classes: defaultClasses,
    sectorBytes: 1024,
    identity: sector.identity,
    commR: sealed.commR,
    commRStar: sealed.commRStar,
    seed,
    proof: zigzag.prove(sector.profile, sector.identity, sealed.aux, seed),
  },
};
const stored = {
  sectorId: sectorId(1),
  sectorBytes: 1024,
  commR: sealed.commR,
  replicaTree: sealed.replicaTree,
};
const post: Statement = {
  check: "post",
  statement: {
    classes: defaultClasses,
    kind: "window",
    seed,
    miner,
    sectors: [{ sectorId: stored.sectorId, sectorBytes: 1024, commR: sealed.commR }],
    proof: provePost("window", seed, miner, [stored]),
  },
};
const inclusion: Statement = {
  check: "pieceInclusion",
  statement: {
    commD: layoutPieces(pieces, 1024).commD,
    sectorBytes: 1024,
    commP: piece.commitment,
    paddedBytes: piece.paddedBytes,
    proof: provePieceInclusion(pieces, 1024, 1),
  },
};
const statements = [seal, post, inclusion];

const badProof = (statement: Statement, bit: number): Statement => {
  const proof = flipBit(statement.statement.proof, bit % (statement.statement.proof.length * 8));
  return { ...statement, statement: { ...statement.statement, proof } } as Statement;
};

/** Says a fixed answer and counts how often it was asked. */
function counting(answer: boolean): { verifier: Verifier; asked: () => number } {
  let count = 0;
  const ask = (): boolean => {
    count += 1;
    return answer;
  };
  return {
    verifier: { verifySeal: ask, verifyPost: ask, verifyPieceInclusion: ask },
    asked: () => count,
  };
}

describe("the verifier", () => {
  it.each(statements)("accepts an honest $check statement and refuses a changed one", (statement) => {
    for (const verifier of [createVerifier(), door.createVerifier()]) {
      expect(verifyStatement(verifier, statement)).toBe(true);
      expect(verifyStatement(verifier, badProof(statement, 77))).toBe(false);
    }
  });

  it("has a door for verifying alone", () => {
    expect(door.sectorProfile(1024)).toBe(sectorProfile(1024));
    const sealing = [
      "zigzag",
      "provePost",
      "proveSeal",
      "createProver",
      "replicateSteps",
      "padUser",
      "buildTree",
    ];
    expect(Object.keys(door).filter((name) => sealing.includes(name))).toEqual([]);
  });
});

describe("the memo", () => {
  it.each(statements)("answers as its inner verifier, once computed: $check", (statement) => {
    const { verifier, asked } = counting(true);
    const memo = createMemoVerifier(verifier, 10);
    expect(memo.recall(statement)).toBeUndefined();
    expect([1, 2, 3].map(() => verifyStatement(memo, statement))).toEqual([true, true, true]);
    expect(asked()).toBe(1);
    expect(memo.recall(statement)).toBe(true);
    const real = createMemoVerifier(createVerifier(), 10);
    for (let i = 0; i < 2; i += 1) {
      expect(verifyStatement(real, statement)).toBe(true);
      expect(verifyStatement(real, badProof(statement, 5))).toBe(false);
    }
  });

  it("takes verdicts from elsewhere, good and bad", () => {
    const { verifier, asked } = counting(true);
    const memo = createMemoVerifier(verifier, 10);
    memo.remember(seal, true);
    memo.remember(post, false);
    expect(verifyStatement(memo, seal)).toBe(true);
    expect(verifyStatement(memo, post)).toBe(false);
    expect(asked()).toBe(0);
  });

  it("covers every part of a statement", () => {
    const { verifier } = counting(true);
    const memo = createMemoVerifier(verifier, 1000);
    for (const statement of statements) memo.remember(statement, true);
    const { identity } = sector;
    const sealParts = [
      { sectorBytes: 2048 },
      { commR: bytes32(1) },
      { commRStar: bytes32(1) },
      { seed: bytes32(6) },
      { identity: { ...identity, networkId: bytes32(1) } },
      { identity: { ...identity, miner: seedAddress(1, "other") } },
      { identity: { ...identity, sectorId: sectorId(2) } },
      { identity: { ...identity, ticket: bytes32(1) } },
      { identity: { ...identity, commD: bytes32(1) } },
    ];
    const [claimed] = post.check === "post" ? post.statement.sectors : [];
    const postParts = [
      { kind: "winning" },
      { seed: bytes32(6) },
      { miner: seedAddress(1, "other") },
      { sectors: [] },
      { sectors: [claimed, claimed] },
      { sectors: [{ ...claimed, sectorId: sectorId(2) }] },
      { sectors: [{ ...claimed, sectorBytes: 2048 }] },
      { sectors: [{ ...claimed, commR: bytes32(1) }] },
    ];
    const inclusionParts = [
      { commD: bytes32(1) },
      { commP: bytes32(1) },
      { sectorBytes: 2048 },
      { paddedBytes: 256 },
    ];
    const changed = (statement: Statement, parts: readonly object[]): Statement[] =>
      parts.map((part) => ({ ...statement, statement: { ...statement.statement, ...part } }) as Statement);
    for (const statement of [
      ...changed(seal, sealParts),
      ...changed(post, postParts),
      ...changed(inclusion, inclusionParts),
    ]) {
      expect(memo.recall(statement)).toBeUndefined();
    }
    holds(
      fc.property(fc.constantFrom(...statements), fc.nat(), (statement, bit) => {
        expect(memo.recall(badProof(statement, bit))).toBeUndefined();
      }),
    );
  });

  it("would answer wrongly if its key left out the proof (canary)", () => {
    const verdicts = new Map<string, boolean>();
    const careless = (statement: Statement): boolean => {
      const key = statement.check;
      const verdict = verdicts.get(key) ?? verifyStatement(createVerifier(), statement);
      verdicts.set(key, verdict);
      return verdict;
    };
    expect(careless(seal)).toBe(true);
    expect(careless(badProof(seal, 5))).not.toBe(
      createVerifier().verifySeal(badProof(seal, 5).statement as never),
    );
  });

  it("keeps no more verdicts than its limit; the one unused for longest goes", () => {
    const { verifier, asked } = counting(false);
    const memo = createMemoVerifier(verifier, 3);
    const [a, b, c, d] = [1, 2, 3, 4].map((bit) => badProof(seal, bit)) as [
      Statement,
      Statement,
      Statement,
      Statement,
    ];
    for (const statement of [a, b, c]) verifyStatement(memo, statement);
    verifyStatement(memo, a); // used again, so b is the oldest
    verifyStatement(memo, d);
    expect(asked()).toBe(4);
    expect([a, b, c, d].map((statement) => memo.recall(statement))).toEqual([false, undefined, false, false]);
  });
});
