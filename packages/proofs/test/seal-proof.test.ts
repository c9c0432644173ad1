/** Seal proofs: what is honest passes, and nothing else does, one change at a time. */
import { concatBytes } from "@holdfast/base";
import {
  buildTree,
  createVerifier,
  defaultClasses,
  openingLength,
  openLeaves,
  pathLength,
  pollSeal,
  poseidonHasher,
  replicaIdOf,
  sectorProfile,
  sha254Hasher,
  verifyOpening,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleProof, bytes32, profileWithLayers, referenceSeal, sectorOf } from "./reference.ts";
import {
  noElements,
  otherIdentities,
  refusesExchanged,
  refusesNoise,
  refusesOtherLengths,
  unreducedForms,
} from "./spoiled.ts";
import { flipBit, holds, leavesOf } from "./vectors.ts";

const sector = sectorOf(sectorProfile(1024));
const { profile, identity } = sector;
const sealed = zigzag.replicate(profile, identity, sector.data);
const commitments = { commR: sealed.commR, commRStar: sealed.commRStar };
const seed = bytes32(5);
const proof = zigzag.prove(profile, identity, sealed.aux, seed);
const accepts = (bytes: Uint8Array): boolean => zigzag.verify(profile, identity, commitments, seed, bytes);

describe("an honest seal proof", () => {
  it("passes for any seed", () => {
    holds(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (any) => {
        const made = zigzag.prove(profile, identity, sealed.aux, any);
        expect(zigzag.verify(profile, identity, commitments, any, made)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it.each([1, 2, 3, 4, 5])("passes with %i layers", (layers) => {
    const other = sectorOf(profileWithLayers(layers));
    const { aux, commR, commRStar } = zigzag.replicate(other.profile, other.identity, other.data);
    const made = zigzag.prove(other.profile, other.identity, aux, seed);
    expect(zigzag.verify(other.profile, other.identity, { commR, commRStar }, seed, made)).toBe(true);
  });

  it("is the one that the description gives", () => {
    const { trees, roots } = referenceSeal(sector);
    const challenges = zigzag.poll(profile, replicaIdOf(profile, identity), sealed.commRStar, seed);
    expect(proof).toEqual(assembleProof(sector, trees, roots, challenges));
  });
});

describe("a changed seal proof", () => {
  it("fails with any bit flipped", () => {
    holds(
      fc.property(fc.nat({ max: proof.length * 8 - 1 }), (bit) => {
        expect(accepts(flipBit(proof, bit))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("fails with a bit flipped in any of its nodes", () => {
    for (let at = 0; at < proof.length; at += 32)
      expect(accepts(flipBit(proof, at * 8 + (at % 8)))).toBe(false);
  });

  it("fails with two nodes exchanged", () => refusesExchanged(proof, accepts, 150));

  it("fails when truncated or extended, by any number of bytes", () =>
    refusesOtherLengths(proof, accepts, 300));

  it("fails for random bytes of the right length, and never throws", () => refusesNoise(proof, accepts, 50));

  it("fails with the same numbers in another encoding", () => {
    for (const changed of unreducedForms(proof)) expect(accepts(changed)).toBe(false);
  });
});

describe("a seal proof beside another statement", () => {
  const verifier = createVerifier();
  const statement = { classes: defaultClasses, sectorBytes: 1024, identity, ...commitments, seed, proof };
  const identities = otherIdentities(sectorOf(profile, 2).identity.commD);

  it("passes with its own", () => {
    expect(verifier.verifySeal(statement)).toBe(true);
  });

  it.each(identities)("fails for another %s", (_name, change) => {
    expect(verifier.verifySeal({ ...statement, identity: { ...identity, ...change } })).toBe(false);
    // The one who has the other identity cannot make the proof from this replica either.
    const other = { ...identity, ...change };
    const made = zigzag.prove(profile, other, sealed.aux, seed);
    expect(verifier.verifySeal({ ...statement, identity: other, proof: made })).toBe(false);
  });

  it("fails for another seed, commR, commR*, size", () => {
    for (let bit = 0; bit < 256; bit += 3) {
      expect(verifier.verifySeal({ ...statement, seed: flipBit(seed, bit) })).toBe(false);
      expect(verifier.verifySeal({ ...statement, commR: flipBit(sealed.commR, bit) })).toBe(false);
      expect(verifier.verifySeal({ ...statement, commRStar: flipBit(sealed.commRStar, bit) })).toBe(false);
    }
    expect(verifier.verifySeal({ ...statement, sectorBytes: 2048 })).toBe(false);
    expect(verifier.verifySeal({ ...statement, sectorBytes: 1000 })).toBe(false);
  });

  it("fails, and does not throw, for parts of a wrong length or out of the field", () => {
    for (const bytes of noElements) {
      expect(verifier.verifySeal({ ...statement, seed: bytes })).toBe(false);
      expect(verifier.verifySeal({ ...statement, commR: bytes })).toBe(false);
      expect(verifier.verifySeal({ ...statement, commRStar: bytes })).toBe(false);
      for (const part of ["networkId", "ticket", "commD"] as const) {
        expect(verifier.verifySeal({ ...statement, identity: { ...identity, [part]: bytes } })).toBe(false);
      }
    }
  });
});

describe("challenges", () => {
  const replicaId = replicaIdOf(profile, identity);
  const rounds = 600;
  /** How often each node is challenged in the last layer, over many seeds. */
  const frequencies = (draw: (round: number) => readonly number[]): number[] => {
    const counts = new Array<number>(32).fill(0);
    for (let round = 0; round < rounds; round += 1) {
      for (const node of draw(round)) counts[node] = (counts[node] ?? 0) + 1;
    }
    return counts;
  };
  const seedOf = (round: number): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_none, i) => (round * 7 + i) >> (i % 3));
  const isUniform = (counts: number[]): boolean => {
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    return counts.every((count) => Math.abs(count - mean) < 5 * Math.sqrt(mean));
  };

  it("fall on every node equally, the first and the last among them, in every layer", () => {
    for (const layer of [0, 3]) {
      const counts = frequencies(
        (round) => pollSeal(profile, replicaId, bytes32(1), seedOf(round))[layer] ?? [],
      );
      expect(isUniform(counts)).toBe(true);
    }
  });

  it("would be found to miss the first and the last node (canary: the rule of 2019)", () => {
    const counts = frequencies((round) =>
      (pollSeal(profile, replicaId, bytes32(1), seedOf(round))[3] ?? []).map((node) => (node % 30) + 1),
    );
    expect(isUniform(counts)).toBe(false);
  });

  it("are distinct and ascending, and as many as the profile says or the sector has", () => {
    const many = { ...profile, sealChallenges: [1, 31, 32, 40] };
    const layers = pollSeal(many, replicaId, bytes32(1), seed);
    expect(layers.map((nodes) => nodes.length)).toEqual([1, 31, 32, 32]);
    for (const nodes of layers) {
      expect(nodes).toEqual([...new Set(nodes)].sort((a, b) => a - b));
      expect(nodes.every((node) => node >= 0 && node < 32)).toBe(true);
    }
  });

  it("depend on the replica, the commitment, the seed and the layer", () => {
    const large = sectorProfile(2 ** 28);
    const base = pollSeal(large, replicaId, bytes32(1), seed);
    const others = [
      pollSeal(large, bytes32(2), bytes32(1), seed),
      pollSeal(large, replicaId, bytes32(2), seed),
      pollSeal(large, replicaId, bytes32(1), bytes32(6)),
    ];
    for (const other of others) expect(other[9]?.some((node) => base[9]?.includes(node))).toBe(false);
    expect(base[8]?.some((node) => base[9]?.includes(node))).toBe(false);
  });
});

describe("openings of many leaves", () => {
  const trees = [sha254Hasher, poseidonHasher].map((hasher) => buildTree(hasher, leavesOf(64)));
  const someLeaves = fc
    .uniqueArray(fc.nat({ max: 63 }), { minLength: 1 })
    .map((list) => list.sort((a, b) => a - b));

  it("pass for any leaves, with the length that is announced, and for no other leaves", () => {
    holds(
      fc.property(fc.constantFrom(...trees), someLeaves, someLeaves, (tree, leaves, other) => {
        const opening = openLeaves(tree, leaves);
        expect(opening).toHaveLength(openingLength(tree.hasher, 64, leaves));
        expect(verifyOpening(tree.hasher, tree.root, 64, leaves, opening)).toBe(true);
        if (other.join() === leaves.join()) return;
        // Another set can need the same bytes only if both open the whole tree.
        expect(verifyOpening(tree.hasher, tree.root, 64, other, opening)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("fail with any bit flipped", () => {
    holds(
      fc.property(fc.constantFrom(...trees), someLeaves, fc.nat(), (tree, leaves, place) => {
        const opening = openLeaves(tree, leaves);
        const changed = flipBit(opening, place % (opening.length * 8));
        expect(verifyOpening(tree.hasher, tree.root, 64, leaves, changed)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it("fail when truncated or extended", () => {
    for (const { hasher, root, ...tree } of trees) {
      const opening = openLeaves({ hasher, root, ...tree }, [3, 40]);
      expect(verifyOpening(hasher, root, 64, [3, 40], concatBytes(opening, bytes32(0)))).toBe(false);
      expect(verifyOpening(hasher, root, 64, [3, 40], opening.subarray(0, -32))).toBe(false);
    }
  });

  it("share nodes: all leaves need no siblings", () => {
    const all = Array.from({ length: 64 }, (_none, i) => i);
    expect(openingLength(poseidonHasher, 64, all)).toBe(64 * 32);
    expect(openingLength(poseidonHasher, 64, [0, 1])).toBe((2 + 6 + 7) * 32);
  });

  it("are smaller than separate paths, by what the paths share", () => {
    for (const tree of trees) {
      const leaves = [3, 4, 5, 6, 40];
      const separate = leaves.length * (32 + pathLength(tree.hasher, 64));
      expect(openLeaves(tree, leaves).length).toBeLessThan(separate * 0.6);
    }
  });
});
