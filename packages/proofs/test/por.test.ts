/**
 * Proof of retrievability: every honest answer passes, from a tree, from a stream, in two passes; the challenges
 * are distinct, uniform and bound to the whole question; for each way to lie that we know there is a case that
 * fails; and a prover that lost a part is caught as often as theory says.
 */
import { concatBytes, sha256, toHex, utf8Bytes } from "@holdfast/base";
import {
  buildTree,
  CommPStream,
  challengesFor,
  commP,
  detectionProbability,
  type MerkleTree,
  openingLength,
  openLeaves,
  type PorRequest,
  PorStream,
  paddedLength,
  padUser,
  porChallenges,
  provePor,
  provePorOfData,
  sha254Hasher,
  verifyPor,
} from "@holdfast/proofs";
import * as door from "@holdfast/proofs/verify";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipBit, holds } from "./vectors.ts";

const dataOf = (userBytes: number, salt = 1): Uint8Array =>
  Uint8Array.from({ length: userBytes }, (_none, i) => (i * 7 + (i >> 8) * 13 + salt) & 0xff);
const seedOf = (i: number): Uint8Array => sha256(utf8Bytes(`seed ${i}`));

function treeOf(user: Uint8Array): MerkleTree {
  const leaves = new Uint8Array(commP(user).paddedBytes);
  leaves.set(padUser(user));
  return buildTree(sha254Hasher, leaves);
}

function requestOf(user: Uint8Array, change: Partial<PorRequest> = {}): PorRequest {
  return {
    commitment: commP(user).commitment,
    userBytes: user.length,
    challenges: 5,
    seed: seedOf(0),
    context: utf8Bytes("client 1 asks miner 2 about deal 3"),
    ...change,
  };
}

const lengths = fc.oneof(
  fc.integer({ min: 1, max: 5000 }),
  fc.constantFrom(1, 31, 127, 128, 65_024, 65_025, 140_000, 260_096),
);

describe("an answer", () => {
  it("is the same from the tree, from the stream in any chunks, and in two passes; and it passes", async () => {
    const property = fc.asyncProperty(
      lengths,
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 4 }),
      async (userBytes, challenges, cuts) => {
        const user = dataOf(userBytes);
        const request = requestOf(user, { challenges });
        const proof = provePor(request, treeOf(user));
        expect(verifyPor({ ...request, proof })).toBe(true);
        expect(door.verifyPor({ ...request, proof })).toBe(true);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, userBytes]) {
          chunks.push(user.subarray(at, at + cut));
          at += cut;
        }
        const stream = new PorStream(request);
        for (const chunk of chunks) stream.write(chunk);
        expect(toHex(stream.finish())).toBe(toHex(proof));
        const source = async function* () {
          yield* chunks;
        };
        const both = await provePorOfData(source, request);
        expect(both).toEqual({ commitment: request.commitment, userBytes, proof });
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });

  it("over data with folded zeros is the one over the zeros themselves", () => {
    const user = concatBytes(dataOf(300), new Uint8Array(700_000), dataOf(90));
    const request = requestOf(user, { challenges: 60 });
    const stream = new PorStream(request);
    stream.write(user.subarray(0, 300));
    stream.writeZeros(700_000);
    stream.write(user.subarray(700_300));
    expect(toHex(stream.finish())).toBe(toHex(provePor(request, treeOf(user))));
  });

  it("comes from 4 GiB of zeros in the time of a few hashes", () => {
    const userBytes = 2 ** 32;
    const zeros = new CommPStream();
    zeros.writeZeros(userBytes);
    const { commitment } = zeros.finish();
    const request = { ...requestOf(dataOf(1)), commitment, userBytes, challenges: 20 };
    const stream = new PorStream(request);
    stream.writeZeros(userBytes);
    expect(verifyPor({ ...request, proof: stream.finish() })).toBe(true);
  });

  it("is not given for other data, another number of bytes, or a question that is none", () => {
    const user = dataOf(1000);
    const code = (expected: string) => expect.objectContaining({ code: expected });
    const damaged = new PorStream(requestOf(user));
    damaged.write(flipBit(user, 4000));
    expect(() => damaged.finish()).toThrow(code("por/other-data"));
    const short = new PorStream(requestOf(user));
    short.write(user.subarray(1));
    expect(() => short.finish()).toThrow(code("por/bad-request"));
    expect(() => provePor(requestOf(user), treeOf(dataOf(1000, 2)))).toThrow(code("por/other-data"));
    const longer = requestOf(user, { userBytes: 2000 });
    expect(() => provePor(longer, treeOf(user))).toThrow(code("por/bad-request"));
    for (const flaw of flaws) {
      expect(() => new PorStream(requestOf(user, flaw))).toThrow(code("por/bad-request"));
    }
  });
});

const flaws: Partial<PorRequest>[] = [
  ...[0, -1, 1.5, Number.NaN, 2 ** 36, 2 ** 60].map((userBytes) => ({ userBytes })),
  ...[0, -1, 1.5, Number.NaN, 2 ** 16 + 1].map((challenges) => ({ challenges })),
  ...[0, 31, 33].map((length) => ({ seed: new Uint8Array(length) })),
  ...[0, 31, 33].map((length) => ({ commitment: new Uint8Array(length) })),
  { commitment: new Uint8Array(32).fill(0xff) },
  { context: new Uint8Array(1025) },
];

describe("a lie", () => {
  const user = dataOf(3000);
  const request = requestOf(user);
  const proof = provePor(request, treeOf(user));

  it("about any part of the question fails", () => {
    const changes: Partial<PorRequest>[] = [
      { commitment: commP(dataOf(3000, 2)).commitment },
      { userBytes: 2999 },
      { userBytes: 6000 },
      { userBytes: 100 },
      { challenges: 4 },
      { challenges: 6 },
      { seed: seedOf(1) },
      { context: utf8Bytes("client 1 asks miner 4 about deal 3") },
      { context: new Uint8Array(0) },
      ...flaws,
    ];
    for (const change of changes) expect(verifyPor({ ...request, ...change, proof })).toBe(false);
  });

  it("in any byte of the answer fails, and so does a cut or a longer one", () => {
    for (let bit = 0; bit < proof.length * 8; bit += 5) {
      expect(verifyPor({ ...request, proof: flipBit(proof, bit) })).toBe(false);
    }
    for (let length = 0; length < proof.length; length += 1) {
      expect(verifyPor({ ...request, proof: proof.subarray(0, length) })).toBe(false);
    }
    for (const more of [1, 32]) {
      expect(verifyPor({ ...request, proof: concatBytes(proof, new Uint8Array(more)) })).toBe(false);
    }
  });

  it("with the leaves of another seed fails (canary: those leaves do lie under the commitment)", () => {
    const other = porChallenges({ ...request, seed: seedOf(1) });
    const opening = openLeaves(treeOf(user), other);
    const leafCount = treeOf(user).leafCount;
    expect(opening).toHaveLength(openingLength(sha254Hasher, leafCount, other));
    expect(verifyPor({ ...request, seed: seedOf(1), proof: opening })).toBe(true);
    expect(verifyPor({ ...request, proof: opening })).toBe(false);
  });
});

describe("challenges", () => {
  it("are distinct, ascending, as many as asked, and never in the zero fill", () => {
    holds(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 300 }),
        (size, challenges) => {
          const leaves = porChallenges({ ...requestOf(dataOf(1)), userBytes: size, challenges });
          const dataLeaves = paddedLength(size) / 32;
          expect(leaves).toHaveLength(Math.min(challenges, dataLeaves));
          expect([...new Set(leaves)].sort((a, b) => a - b)).toEqual(leaves);
          expect(leaves.at(-1)).toBeLessThan(dataLeaves);
        },
      ),
    );
  });

  it("are uniform: chi-square over 24,000 draws from 48 leaves", () => {
    const counts = new Array<number>(48).fill(0);
    for (let i = 0; i < 4000; i += 1) {
      const request = { ...requestOf(dataOf(1)), userBytes: 1524, challenges: 6, seed: seedOf(i) };
      for (const leaf of porChallenges(request)) counts[leaf] = (counts[leaf] ?? 0) + 1;
    }
    const chi = counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    // 47 degrees of freedom: 100 is beyond the 99.999th percentile, 15 below the 0.0001st.
    expect(chi).toBeGreaterThan(15);
    expect(chi).toBeLessThan(100);
  });
});

describe("detection", () => {
  it("is what the formula says: exact numbers", () => {
    expect(detectionProbability(10, 0, 5)).toBe(0);
    expect(detectionProbability(10, 10, 1)).toBe(1);
    expect(detectionProbability(10, 1, 10)).toBe(1);
    expect(detectionProbability(4, 1, 2)).toBeCloseTo(0.5, 12);
    expect(detectionProbability(10, 3, 2)).toBeCloseTo(1 - (7 * 6) / (10 * 9), 12);
    expect(challengesFor(0.01, 2 ** -20)).toBe(1380);
    expect(detectionProbability(2 ** 20, 2 ** 20 * 0.01, 1380)).toBeGreaterThan(1 - 2 ** -20);
  });

  it("happens as often as that: 3,000 questions to provers that lost a twentieth and a fifth", () => {
    const userBytes = 127 * 64;
    const leaves = 256;
    for (const [lost, challenges] of [
      [13, 10],
      [51, 4],
    ] as const) {
      const isLost = new Set(Array.from({ length: lost }, (_none, i) => (i * 97 + 11) % leaves));
      let caught = 0;
      for (let i = 0; i < 3000; i += 1) {
        const asked = porChallenges({ ...requestOf(dataOf(1)), userBytes, challenges, seed: seedOf(i) });
        if (asked.some((leaf) => isLost.has(leaf))) caught += 1;
      }
      const expected = detectionProbability(leaves, lost, challenges);
      const deviation = Math.sqrt((expected * (1 - expected)) / 3000);
      expect(Math.abs(caught / 3000 - expected)).toBeLessThan(4 * deviation);
    }
  });
});
