/**
 * A dishonest prover against the verifier, one forgery per check. Every check is shown to be needed: a
 * verifier that leaves out just that one accepts the forgery that is aimed at it (the canaries), and the
 * real one does not. The real verifier and the complete oracle must agree on everything.
 */
import { littleEndian, readLittleEndian } from "@holdfast/base";
import {
  buildTree,
  commRStarOf,
  frModulus,
  pollSeal,
  poseidonHasher,
  replicaIdOf,
  sectorProfile,
  sha254Hasher,
  zigzag,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import {
  assembleProof,
  bytes32,
  type Check,
  type Claim,
  checks,
  type Deviation,
  type ReferenceSeal,
  referenceSeal,
  referenceVerify,
  type Sector,
  sectorOf,
  weakParents,
} from "./reference.ts";
import { changed, plainForgeries } from "./spoiled.ts";
import { leavesOf } from "./vectors.ts";

const sector = sectorOf(sectorProfile(1024));
const { profile, identity } = sector;
const honest = referenceSeal(sector);
const someSeed = bytes32(5);

interface Forgery {
  readonly name: string;
  readonly aimedAt: Check;
  readonly claim: Claim;
}

function claimOf(
  sealed: ReferenceSeal,
  seed: Uint8Array,
  change: Partial<Claim> = {},
  from: Sector = sector,
): Claim {
  const { trees, roots, commR, commRStar, replicaId } = sealed;
  const challenges = pollSeal(from.profile, replicaId, commRStar, seed);
  const proof = assembleProof(from, trees, roots, challenges);
  return { sector: from, identity: from.identity, commR, commRStar, seed, proof, ...change };
}

/** A seed under which `layer` (from 1) challenges `node`. */
function seedFor(sealed: ReferenceSeal, layer: number, node: number): Uint8Array {
  for (let i = 0; ; i += 1) {
    const seed = littleEndian(i, 32);
    if (pollSeal(profile, sealed.replicaId, sealed.commRStar, seed)[layer - 1]?.includes(node)) return seed;
  }
}

function deviating(deviation: Deviation, layer = 2, node = 17): Claim {
  const sealed = referenceSeal(sector, deviation);
  return claimOf(sealed, seedFor(sealed, layer, node));
}

/** The trees of `sealed` with one replaced, and the roots and commitments that go with `roots`. */
function withTree(tree: number, root: Uint8Array): Claim {
  const roots = honest.roots.map((own, i) => (i + 1 === tree ? root : own));
  const commRStar = commRStarOf(honest.replicaId, roots);
  const commR = roots.at(-1) ?? root;
  return claimOf({ ...honest, roots, commRStar, commR }, someSeed);
}

/** The last node of a proof plus the modulus: the same number in another encoding. */
function unreduced(proof: Uint8Array): Uint8Array {
  const at = proof.length - 32;
  return changed(proof, at, littleEndian(readLittleEndian(proof.subarray(at)) + frModulus, 32));
}

/** A sector whose data is not Fr32-padded, sealed all the same. */
function unpaddedClaim(): Claim {
  const data = sector.data.slice();
  for (let at = 31; at < data.length; at += 32) data[at] = 0x50;
  const commD = buildTree(sha254Hasher, data).root;
  const from = { profile, data, identity: { ...identity, commD } };
  return claimOf(referenceSeal(from), someSeed, {}, from);
}

/** Data other than what commD says, sealed well. */
function otherDataClaim(): Claim {
  const other = sectorOf(profile, 1, 2);
  return claimOf(referenceSeal({ ...sector, data: other.data }), someSeed);
}

/** Node 17 of one layer is zero; the layers after it are honest. */
const storesZero = (layer: number): Deviation => ({
  stored: (at, node, value) => (at === layer && node === 17 ? 0n : value),
});

/** All layers forward; the openings are those that the blind verifier or the real one asks for. */
function forwardClaim(openForward: boolean): Claim {
  const sealed = referenceSeal(sector, { alwaysForward: true });
  const claim = claimOf(sealed, seedFor(sealed, 2, 17));
  const challenges = pollSeal(profile, sealed.replicaId, sealed.commRStar, claim.seed);
  return { ...claim, proof: assembleProof(sector, sealed.trees, sealed.roots, challenges, openForward) };
}

const base = claimOf(honest, someSeed);
const randomRoot = buildTree(poseidonHasher, leavesOf(32)).root;

const forgeries: readonly Forgery[] = [
  ...plainForgeries(base),
  {
    name: "a number that is not reduced",
    aimedAt: "canonical",
    claim: { ...base, proof: unreduced(base.proof) },
  },
  { name: "data that is not padded", aimedAt: "padded", claim: unpaddedClaim() },
  {
    name: "challenges of another seed",
    aimedAt: "seed",
    claim: claimOf(honest, bytes32(0), { seed: someSeed }),
  },
  {
    name: "roots that commR* does not bind",
    aimedAt: "commR*",
    claim: claimOf({ ...honest, commRStar: bytes32(3) }, someSeed),
  },
  { name: "a zero in place of a node of layer 1", aimedAt: "encoding", claim: deviating(storesZero(1), 1) },
  {
    name: "a zero in place of a node of the replica",
    aimedAt: "encoding",
    claim: deviating(storesZero(4), 4),
  },
  {
    name: "a second layer over nothing",
    aimedAt: "chaining",
    claim: deviating({ input: (layer, nodes) => void (layer === 2 && nodes.fill(0n)) }),
  },
  { name: "keys from the predecessor alone", aimedAt: "parents", claim: deviating({ parents: weakParents }) },
  { name: "every layer forward", aimedAt: "direction", claim: forwardClaim(true) },
  { name: "keys that do not bind the layer", aimedAt: "key layer", claim: deviating({ keyLayer: () => 1 }) },
  { name: "keys that do not bind the node", aimedAt: "key node", claim: deviating({ keyNode: () => 0 }) },
  { name: "other data than commD's", aimedAt: "data tree", claim: otherDataClaim() },
  { name: "a root of layer 2 made up", aimedAt: "inner trees", claim: withTree(2, randomRoot) },
  { name: "a commR made up", aimedAt: "last tree", claim: withTree(4, randomRoot) },
];

const accepts = ({ identity: claimed, commR, commRStar, seed, proof }: Claim): boolean =>
  zigzag.verify(profile, claimed, { commR, commRStar }, seed, proof);

describe("forgeries", () => {
  it("are measured against an honest claim that both verifiers accept", () => {
    expect(accepts(base)).toBe(true);
    expect(referenceVerify(base)).toBe(true);
    for (const check of checks.filter(
      (name) => !["seed", "parents", "direction", "key layer", "key node"].includes(name),
    )) {
      expect(referenceVerify(base, check)).toBe(true);
    }
  });

  it.each(forgeries)("fail: $name", ({ claim }) => {
    expect(accepts(claim)).toBe(false);
    expect(referenceVerify(claim)).toBe(false);
  });

  it.each(forgeries)("would pass without the check of $aimedAt (canary): $name", ({ claim, aimedAt }) => {
    expect(referenceVerify(claim, aimedAt)).toBe(true);
  });

  it("cover every check", () => {
    expect(new Set(forgeries.map(({ aimedAt }) => aimedAt))).toEqual(new Set(checks));
  });

  it("pass where they are not challenged, which is what the number of challenges is for", () => {
    const sealed = referenceSeal(sector, storesZero(4));
    for (let i = 0; ; i += 1) {
      const seed = littleEndian(i, 32);
      const challenged = pollSeal(profile, sealed.replicaId, sealed.commRStar, seed)[3] ?? [];
      if (challenged.includes(17)) continue;
      expect(accepts(claimOf(sealed, seed))).toBe(true);
      return;
    }
  });

  it("fail with two layers exchanged, in the trees, in the roots, and in both", () => {
    const swap = <T>(list: readonly T[], a: number, b: number): T[] =>
      list.map((item, i) => (i === a ? list[b] : i === b ? list[a] : item) as T);
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [0, 2],
    ] as const) {
      const roots = swap(honest.roots, a, b);
      const trees = swap(honest.trees, a + 1, b + 1);
      const commRStar = commRStarOf(honest.replicaId, roots);
      for (const sealed of [
        { ...honest, roots, commRStar },
        { ...honest, trees },
        { ...honest, trees, roots, commRStar },
      ]) {
        expect(accepts(claimOf(sealed, someSeed))).toBe(false);
      }
    }
  });

  it("fail with every layer forward, also when the right leaves are opened", () => {
    expect(accepts(forwardClaim(false))).toBe(false);
    expect(referenceVerify(forwardClaim(false))).toBe(false);
  });

  it("fail with the replica of another sector under the own id", () => {
    const other = sectorOf(profile, 2, 1);
    const theirs = referenceSeal(other);
    const replicaId = replicaIdOf(profile, identity);
    const stolen = { ...theirs, replicaId, commRStar: commRStarOf(replicaId, theirs.roots) };
    expect(accepts(claimOf(stolen, someSeed))).toBe(false);
  });
});
