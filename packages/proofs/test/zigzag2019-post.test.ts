/**
 * The proof of spacetime of 2019: its challenge stream with its bugs, sloth, the proof, and for each check that
 * its verifier left out a forgery that it would have taken. Then the pieces of the era.
 */
import { fromHex, toHex } from "@holdfast/base";
import {
  buildEraTree,
  type EraPostCheck,
  type EraPostParams,
  type EraPostProof,
  type EraPostStatement,
  EraPostStream,
  type EraTree,
  eraPartialChallenge,
  eraPartialCount,
  eraPieceCommitment,
  eraPostOmissions,
  eraPostParams,
  eraPostSeed,
  eraSectorData,
  failedEraPostChecks,
  frFromBytes,
  frReduce,
  frToBytes,
  isAlignedPiece,
  openEraTree,
  pedersenEraHasher,
  pedersenMd,
  pieceAlignment,
  proveEraPost,
  provePorc,
  slothEncode,
  subtreeCapacity,
  verifyEraPost,
  verifyPorc,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, flipBit, holds, leavesOf, readVectors } from "./vectors.ts";

interface PostVectors {
  firstPartial: { seed: string; partial: string };
  streams: {
    seed: string;
    sectorBytes: number;
    partials: number;
    challenges?: number[];
    distinct?: number[];
  }[];
  sloth: { key: number; rounds: number; cases: { plain: number; cipher: string }[] };
}
const vectors = readVectors<PostVectors>("proofs", "vdf-post-2019");

describe("the challenge stream of 2019", () => {
  it("has the recorded partials, challenges and delays", () => {
    const { seed, partial } = vectors.firstPartial;
    expect(toHex(eraPartialChallenge(fromHex(seed), 0))).toBe(partial);
    const { key, rounds, cases } = vectors.sloth;
    for (const { plain, cipher } of cases) {
      expect(toHex(frToBytes(slothEncode(BigInt(key), BigInt(plain), rounds)))).toBe(cipher);
    }
  });

  it.each(vectors.streams)("asks the recorded leaves: $sectorBytes bytes, seed $seed", (stream) => {
    const { seed, sectorBytes, partials, challenges, distinct = [] } = stream;
    const params = eraPostParams(sectorBytes);
    expect(eraPartialCount(params)).toBe(partials);
    const expected = challenges ?? [...distinct, ...distinct, ...distinct.slice(0, 6)];
    const next = new EraPostStream(params).next(fromHex(seed));
    expect(next?.leaves).toEqual(expected);
    expect(new Set(next?.sectors)).toEqual(new Set([0]));
  });

  it("packs back into the partial challenge, most significant piece first", () => {
    const sizes = fc.integer({ min: 2, max: 23 }).map((bits) => 32 * 2 ** bits);
    holds(
      fc.property(element, sizes, (seed, sectorBytes) => {
        const bits = Math.log2(sectorBytes / 32);
        const challengeCount = Math.ceil(256 / bits);
        const stream = new EraPostStream({ ...eraPostParams(sectorBytes), challengeCount });
        const mix = frToBytes(seed);
        const leaves = stream.next(mix)?.leaves ?? [];
        const packed = leaves.reduce((sum, leaf) => (sum << BigInt(bits)) | BigInt(leaf), 0n);
        expect(frReduce(packed + seed)).toBe(frFromBytes(eraPartialChallenge(mix, 0)));
        expect(leaves.every((leaf) => leaf < sectorBytes / 32)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("ends when its partial challenges are used up, and takes safe seeds", () => {
    const params: EraPostParams = { ...eraPostParams(1024), challengeCount: 2, epochs: 1 };
    const stream = new EraPostStream(params);
    const seed = eraPostSeed(new Uint8Array(32).fill(255));
    expect(seed[31]).toBe(0x3f);
    expect(stream.next(seed)?.leaves.length).toBe(2);
    expect(stream.next(seed)).toBeUndefined();
    expect(() => new EraPostStream({ ...params, sectorBytes: 1000 })).toThrow(
      expect.objectContaining({ code: "zigzag2019/bad-sector-size" }),
    );
    expect(() => eraPostSeed(new Uint8Array(31))).toThrow(
      expect.objectContaining({ code: "zigzag2019/bad-length" }),
    );
  });
});

const params = eraPostParams(1024);
const trees: readonly EraTree[] = [1n, 2n].map((seed) => buildEraTree(pedersenEraHasher, leavesOf(32, seed)));
const commitments = trees.map(({ root }) => root);
const statement: EraPostStatement = { params, commitments, seed: frToBytes(5n) };
const proof = proveEraPost(statement, trees);
const never = new Uint8Array(32);

/** Proves as an honest prover does, but opens and delays as the forger likes. */
function forge(
  open: (
    epoch: number,
    leaves: readonly number[],
    sectors: readonly number[],
  ) => EraPostProof["openings"][number],
  nextMix: (output: Uint8Array, epoch: number) => Uint8Array = (output) => output,
): EraPostProof {
  const stream = new EraPostStream(params);
  const openings: EraPostProof["openings"][number][] = [];
  const [ys, vdfProofs]: [Uint8Array[], Uint8Array[]] = [[], []];
  const [challenges, challengedSectors]: [(readonly number[])[], (readonly number[])[]] = [[], []];
  let mix = statement.seed;
  for (let epoch = 0; epoch < params.epochs; epoch += 1) {
    const { leaves = [], sectors = [] } = stream.next(mix) ?? {};
    const opened = open(epoch, leaves, sectors);
    openings.push(opened);
    challenges.push(leaves);
    challengedSectors.push(sectors);
    if (epoch === params.epochs - 1) break;
    const input = new Uint8Array(32 * opened.length);
    opened.forEach(({ leaf }, i) => {
      input.set(leaf, 32 * i);
    });
    const output = frToBytes(
      slothEncode(params.slothKey, frFromBytes(pedersenMd(input)), params.slothRounds),
    );
    mix = nextMix(output, epoch);
    vdfProofs.push(output);
    ys.push(mix);
  }
  return { openings, ys, vdfProofs, challenges, challengedSectors };
}

const honestly = (_epoch: number, leaves: readonly number[], sectors: readonly number[]) =>
  provePorc(commitments, trees, leaves, sectors);

describe("the proof of spacetime of 2019", () => {
  it("verifies honest proofs, and only for their statement", () => {
    expect([...failedEraPostChecks(statement, proof)]).toEqual([]);
    expect(forge(honestly)).toEqual(proof);
    expect(verifyEraPost({ ...statement, seed: frToBytes(6n) }, proof)).toBe(false);
    expect(verifyEraPost({ ...statement, commitments: commitments.toReversed() }, proof)).toBe(false);
    // Nobody ever asks the second sector: the era's challenges are like that, and no verifier can mend it.
    expect(verifyEraPost({ ...statement, commitments: [commitments[0] ?? never, never] }, proof)).toBe(true);
  });

  const garbage = buildEraTree(pedersenEraHasher, leavesOf(32, 9n));
  const forgeries: [EraPostCheck, string, EraPostProof][] = [
    [
      "last-epoch",
      "openings of nothing in the last epoch",
      forge((epoch, leaves, sectors) =>
        epoch === 2 ? leaves.map((leaf) => openEraTree(garbage, leaf)) : honestly(epoch, leaves, sectors),
      ),
    ],
    ["outputs", "a mix of the prover's choice", forge(honestly, () => frToBytes(1n))],
    [
      "opening-count",
      "two openings for thirty challenges",
      forge((epoch, leaves, sectors) => honestly(epoch, leaves, sectors).slice(0, 2)),
    ],
    [
      "stated-challenges",
      "challenges that nobody asked",
      { ...proof, challenges: proof.challenges.map((list) => list.map(() => 1)) },
    ],
    ["form", "an output with a second encoding", { ...proof, ys: proof.ys.map(() => never.map(() => 255)) }],
  ];

  it.each(forgeries)("refuses what the era took or panicked at, by %s: %s", (check, _what, forged) => {
    expect([...failedEraPostChecks(statement, forged)]).toEqual([check]);
  });

  it("has a forgery for each check that the era lacked, and keeps the era's own", () => {
    expect(new Set(forgeries.map(([check]) => check))).toEqual(eraPostOmissions);
    const vdf = { ...proof, vdfProofs: proof.vdfProofs.map((output) => flipBit(output, 1)) };
    expect(failedEraPostChecks(statement, vdf)).toContain("vdf");
    const wrong = forge((_epoch, leaves) => leaves.map((leaf) => openEraTree(garbage, leaf)));
    expect(failedEraPostChecks(statement, wrong)).toContain("openings");
  });

  it("answers whatever a peer sends", () => {
    for (const junk of [undefined, null, 1, {}, [], [null], { openings: [] }]) {
      expect(verifyEraPost(statement, junk as unknown as EraPostProof)).toBe(false);
      for (const key of Object.keys(proof)) {
        expect(verifyEraPost(statement, { ...proof, [key]: junk } as EraPostProof)).toBe(false);
      }
    }
  });

  it("proves nothing that is not there", () => {
    expect(() => proveEraPost(statement, trees.slice(1))).toThrow(
      expect.objectContaining({ code: "zigzag2019/malformed-input" }),
    );
    expect(() => proveEraPost(statement, trees.toReversed())).toThrow(
      expect.objectContaining({ code: "zigzag2019/invalid-commitment" }),
    );
  });

  it("opens any leaf of any sector, and counts its openings", () => {
    const [leaves, sectors] = [
      [3, 31],
      [1, 0],
    ];
    const opened = provePorc(commitments, trees, leaves ?? [], sectors ?? []);
    const verify = (openings: typeof opened) => verifyPorc(commitments, 32, [3, 31], [1, 0], openings);
    expect(verify(opened)).toBe(true);
    expect(verify(opened.slice(1))).toBe(false);
    expect(verify(opened.toReversed())).toBe(false);
    expect(verifyPorc(commitments, 64, [3, 31], [1, 0], opened)).toBe(false);
    expect(() => provePorc(commitments, trees, [1], [2])).toThrow(
      expect.objectContaining({ code: "zigzag2019/bad-index" }),
    );
  });
});

describe("the pieces of 2019", () => {
  interface PieceVectors {
    alignment: { written: number; size: number; left: number; right: number }[];
    subtreeCapacity: { leaves: number; byPosition: number[] };
  }
  const pieces = readVectors<PieceVectors>("proofs", "pieces");

  it("have the published capacities and alignments", () => {
    const { leaves, byPosition } = pieces.subtreeCapacity;
    expect(byPosition.map((_one, position) => subtreeCapacity(position, leaves))).toEqual(byPosition);
    for (const { written, size, left, right } of pieces.alignment) {
      expect(pieceAlignment(written, size)).toEqual({ left, right });
    }
    expect([isAlignedPiece(4, 4, 16), isAlignedPiece(4, 8, 16), isAlignedPiece(6, 2, 11)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(() => subtreeCapacity(16, 16)).toThrow(expect.objectContaining({ code: "zigzag2019/bad-number" }));
  });

  it("have the commitment of the sector that they fill", () => {
    const user = new Uint8Array(1016).fill(1);
    const root = buildEraTree(pedersenEraHasher, eraSectorData(1024, user)).root;
    expect(eraPieceCommitment(user)).toEqual(root);
    const short = user.subarray(0, 600);
    const filled = buildEraTree(pedersenEraHasher, eraSectorData(1024, short)).root;
    expect(eraPieceCommitment(short)).toEqual(filled);
  });
});
