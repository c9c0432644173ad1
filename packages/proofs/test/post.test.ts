/** Proofs of spacetime: over mixed sizes, independent of order, and nothing changed passes. */
import { type Address, sectorId, seedAddress } from "@holdfast/base";
import {
  createProver,
  defaultClasses,
  openingLength,
  openLeaves,
  type PostKind,
  type PostSector,
  parseReplicaTree,
  poseidonHasher,
  postChallenges,
  provePost,
  type StoredSector,
  sectorProfile,
  verifyOpening,
  verifyPost,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { flipBit, holds } from "./vectors.ts";

const miner = seedAddress(1, "miner");
const seed = bytes32(11);
const kinds = ["window", "winning"] as const;

/** A sector whose tree lies in memory. */
type Kept = StoredSector & { readonly replicaTree: Uint8Array };

function stored(sectorBytes: number, id: number): Kept {
  const { profile, identity, data } = sectorOf(sectorProfile(sectorBytes), id);
  const { commR, replicaTree } = zigzag.replicate(profile, identity, data);
  return { sectorId: sectorId(id), sectorBytes, commR, replicaTree };
}

const sectors = [stored(1024, 4), stored(2048, 1), stored(1024, 9), stored(4096, 2)];
const pick = (...indices: number[]): Kept[] => indices.flatMap((i) => sectors[i] ?? []);

describe.each(kinds)("a %s proof", (kind) => {
  const proof = provePost(kind, seed, miner, sectors);
  const accepts = (bytes: Uint8Array, over: readonly PostSector[] = sectors): boolean =>
    verifyPost(kind, seed, miner, over, bytes);

  it("passes over sectors of several sizes", () => {
    expect(accepts(proof)).toBe(true);
  });

  it("is the same in whatever order the sectors come", () => {
    holds(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        expect(provePost(kind, seed, miner, pick(...order))).toEqual(proof);
        expect(accepts(proof, pick(...order))).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  it("passes over some of the sectors, and only over those", () => {
    holds(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
        (some, others) => {
          const same = some.toSorted().join() === others.toSorted().join();
          expect(accepts(provePost(kind, seed, miner, pick(...some)), pick(...others))).toBe(same);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("fails with any bit flipped", () => {
    holds(
      fc.property(fc.nat({ max: proof.length * 8 - 1 }), (bit) => {
        expect(accepts(flipBit(proof, bit))).toBe(false);
      }),
      { numRuns: 150 },
    );
    for (let at = 0; at < proof.length; at += 32) expect(accepts(flipBit(proof, at * 8 + 3))).toBe(false);
  });

  it("fails when truncated or extended", () => {
    for (const length of [0, 1, 32, proof.length - 32, proof.length - 1]) {
      expect(accepts(proof.subarray(0, length))).toBe(false);
    }
    expect(accepts(Uint8Array.from([...proof, 0]))).toBe(false);
    expect(accepts(Uint8Array.from([...proof, ...bytes32(0)]))).toBe(false);
  });

  it("fails for another kind, seed, miner, sector, commitment, size", () => {
    const other: PostKind = kind === "window" ? "winning" : "window";
    const verifyWith = (by: Address, at: Uint8Array, over: readonly PostSector[]): boolean =>
      verifyPost(kind, at, by, over, proof);
    expect(verifyPost(other, seed, miner, sectors, proof)).toBe(false);
    expect(verifyWith(seedAddress(1, "other"), seed, sectors)).toBe(false);
    for (let bit = 0; bit < 256; bit += 5) expect(verifyWith(miner, flipBit(seed, bit), sectors)).toBe(false);
    for (const [i, sector] of sectors.entries()) {
      const changes: Partial<PostSector>[] = [
        { sectorId: sectorId(1000 + i) },
        { sectorBytes: sector.sectorBytes * 2 },
        { sectorBytes: 1000 },
        ...[0, 77, 255].map((bit) => ({ commR: flipBit(sector.commR, bit) })),
        ...[0, 31, 33].map((length) => ({ commR: new Uint8Array(length) })),
      ];
      for (const change of changes)
        expect(accepts(proof, sectors.with(i, { ...sector, ...change }))).toBe(false);
    }
  });

  it("fails over nothing and over a sector twice, and does not throw", () => {
    const one = provePost(kind, seed, miner, pick(0));
    expect(accepts(Uint8Array.of(1), [])).toBe(false);
    expect(accepts(one, pick(0, 0))).toBe(false);
    expect(accepts(Uint8Array.from([...one, ...one.subarray(1)]), pick(0, 0))).toBe(false);
  });

  it("fails with a seed of a wrong length, even if the leaves fit to it", () => {
    const [sector] = pick(0) as [Kept];
    const profile = sectorProfile(1024);
    const short = new Uint8Array(31).fill(11);
    const tree = parseReplicaTree(profile, sector.replicaTree);
    const opening = openLeaves(tree, postChallenges(kind, short, miner, sector, profile));
    expect(verifyPost(kind, short, miner, [sector], Uint8Array.from([1, ...opening]))).toBe(false);
  });
});

describe("challenges of a proof of spacetime", () => {
  const profile = sectorProfile(1024);
  const base: PostSector = { sectorId: sectorId(1), sectorBytes: 1024, commR: bytes32(1) };

  it("depend on kind, seed, miner, sector and commitment", () => {
    const large = { ...sectorProfile(2 ** 28), windowChallenges: 66 };
    const of = (kind: PostKind, at: Uint8Array, by: Address, sector: PostSector): string =>
      postChallenges(kind, at, by, sector, large).join();
    const all = [
      of("window", seed, miner, base),
      of("winning", seed, miner, base),
      of("window", bytes32(12), miner, base),
      of("window", seed, seedAddress(1, "other"), base),
      of("window", seed, miner, { ...base, sectorId: sectorId(2) }),
      of("window", seed, miner, { ...base, commR: bytes32(2) }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("are as many as the profile says, and reach the first and the last node", () => {
    const seen = new Set<number>();
    for (let id = 0; id < 200; id += 1) {
      const nodes = postChallenges("winning", seed, miner, { ...base, sectorId: sectorId(id) }, profile);
      expect(new Set(nodes).size).toBe(profile.winningChallenges);
      for (const node of nodes) seen.add(node);
    }
    expect(seen.size).toBe(32);
    expect(postChallenges("window", seed, miner, base, profile)).toHaveLength(profile.windowChallenges);
  });
});

describe("verifiers that check too little (canaries)", () => {
  type Broken = (over: readonly PostSector[], proof: Uint8Array) => boolean;
  const nodes = sectorProfile(1024).nodes;
  const pair = pick(0, 2);
  const openingAt = (sector: Kept, leaves: readonly number[]): Uint8Array =>
    openLeaves(parseReplicaTree(sectorProfile(sector.sectorBytes), sector.replicaTree), leaves);
  const challengesOf = (sector: PostSector): readonly number[] =>
    postChallenges("window", seed, miner, sector, sectorProfile(sector.sectorBytes));

  /** As in 2019: only the first sector of a proof was ever challenged. */
  const firstOnly: Broken = ([first], proof) => {
    if (first === undefined) return false;
    const leaves = challengesOf(first);
    const opening = proof.subarray(1, 1 + openingLength(poseidonHasher, nodes, leaves));
    return verifyOpening(poseidonHasher, first.commR, nodes, leaves, opening);
  };

  /** Takes the challenges of the first sector for all. */
  const sharedChallenges: Broken = (over, proof) => {
    const leaves = over[0] === undefined ? [] : challengesOf(over[0]);
    const length = (proof.length - 1) / over.length;
    return over.every(({ commR }, i) =>
      verifyOpening(
        poseidonHasher,
        commR,
        nodes,
        leaves,
        proof.subarray(1 + i * length, 1 + (i + 1) * length),
      ),
    );
  };

  it("would accept a proof whose second sector is missing", () => {
    const proof = provePost("window", seed, miner, pair);
    const missing = proof.slice().fill(0, provePost("window", seed, miner, pick(0)).length);
    expect(firstOnly(pair, missing)).toBe(true);
    expect(verifyPost("window", seed, miner, pair, missing)).toBe(false);
    expect(verifyPost("window", seed, miner, pair, proof)).toBe(true);
  });

  it("would accept the wrong leaves of the second sector", () => {
    const leaves = challengesOf(pair[0] as Kept);
    const openings = pair.map((sector) => openingAt(sector, leaves));
    const proof = Uint8Array.from([1, ...openings.flatMap((opening) => [...opening])]);
    expect(sharedChallenges(pair, proof)).toBe(true);
    expect(verifyPost("window", seed, miner, pair, proof)).toBe(false);
  });
});

describe("proving", () => {
  const code = (expected: string) => expect.objectContaining({ code: expected });

  it("names the sector whose files are damaged", () => {
    for (const sector of sectors) {
      const damaged = { ...sector, replicaTree: sector.replicaTree.slice().fill(0) };
      const others = sectors.map((own) => (own === sector ? damaged : own));
      const thrown = expect.objectContaining({
        code: "proofs/comm-r-mismatch",
        data: expect.objectContaining({ sectorId: sector.sectorId }),
      });
      expect(() => provePost("window", seed, miner, others)).toThrow(thrown);
    }
  });

  it("finds every damaged leaf that is challenged", () => {
    const [sector] = pick(0);
    if (sector === undefined) return;
    for (const node of postChallenges("window", seed, miner, sector, sectorProfile(1024))) {
      const damaged = { ...sector, replicaTree: flipBit(sector.replicaTree, node * 256) };
      expect(() => provePost("window", seed, miner, [damaged])).toThrow(code("proofs/comm-r-mismatch"));
    }
  });

  it("refuses no sectors, a sector twice, cut files, unknown sizes", async () => {
    const [sector] = pick(0) as [Kept];
    const cut = { ...sector, replicaTree: sector.replicaTree.subarray(32) };
    expect(() => provePost("window", seed, miner, [])).toThrow(code("proofs/no-sectors"));
    expect(() => provePost("window", seed, miner, [sector, sector])).toThrow(code("proofs/duplicate-sector"));
    expect(() => provePost("window", seed, miner, [cut])).toThrow(code("proofs/bad-length"));
    expect(() => provePost("window", seed.subarray(1), miner, [sector])).toThrow(code("proofs/bad-length"));
    const unknown = createProver().provePost({
      classes: defaultClasses,
      kind: "window",
      seed,
      miner,
      sectors: [{ ...sector, sectorBytes: 5 }],
    });
    await expect(unknown).rejects.toMatchObject({ code: "proofs/unknown-sector-size" });
  });
});
