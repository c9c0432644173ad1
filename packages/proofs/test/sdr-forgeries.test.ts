/**
 * A dishonest prover against the verifier of SDR, one forgery per check. Every check is shown to be needed:
 * a verifier that leaves out just that one accepts the forgery that is aimed at it (the canaries), and the
 * real one does not. The real verifier and the complete oracle must agree on everything.
 */
import { littleEndian, readLittleEndian } from "@holdfast/base";
import { buildTree, frModulus, poseidonHasher, sdr, sha254Hasher } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { bytes32, type Sector, sectorOf } from "./reference.ts";
import {
  assembleSdrProof,
  blindness,
  commRStarBy,
  type SdrCheck,
  type SdrClaim,
  type SdrDeviation,
  type SdrReferenceSeal,
  sdrChecks,
  sdrReferencePoll,
  sdrReferenceSeal,
  sdrReferenceVerify,
  sdrRow,
} from "./sdr-reference.ts";
import { changed, plainForgeries } from "./spoiled.ts";
import { leavesOf } from "./vectors.ts";

const sector = sectorOf(sdrRow());
const { profile, identity } = sector;
const honest = sdrReferenceSeal(sector);
const someSeed = bytes32(5);
const target = 17;

interface Forgery {
  readonly name: string;
  readonly aimedAt: SdrCheck;
  readonly claim: SdrClaim;
}

function claimOf(
  sealed: SdrReferenceSeal,
  seed: Uint8Array,
  change: Partial<SdrClaim> = {},
  from: Sector = sector,
): SdrClaim {
  const { commR, commRStar, replicaId } = sealed;
  const proof = assembleSdrProof(from, sealed, sdrReferencePoll(from.profile, replicaId, seed));
  return { sector: from, identity: from.identity, commR, commRStar, seed, proof, ...change };
}

/** A seed that challenges `node`, or one that does not. */
function seedFor(sealed: SdrReferenceSeal, node: number, isChallenged = true): Uint8Array {
  for (let i = 0; ; i += 1) {
    const seed = littleEndian(i, 32);
    if (sdrReferencePoll(profile, sealed.replicaId, seed).includes(node) === isChallenged) return seed;
  }
}

function deviating(deviation: SdrDeviation): SdrClaim {
  const sealed = sdrReferenceSeal(sector, deviation);
  return claimOf(sealed, seedFor(sealed, target));
}

/** Deviates in every node, as a verifier with this blindness would have it. */
const blindly = (check: SdrCheck): SdrClaim => deviating(blindness[check] ?? {});

/** The target's label in one layer is zero; what is made from it is made honestly. */
const zeroLabel = (layer: number): SdrDeviation => ({
  stored: (at, node, value) => (at === layer && node === target ? 0n : value),
});
const zeroNode: SdrDeviation = { encoded: (node, value) => (node === target ? 0n : value) };

/** The 32 bytes at `at` plus the modulus: the same number in another encoding. */
function unreduced(proof: Uint8Array, at: number): Uint8Array {
  return changed(proof, at, littleEndian(readLittleEndian(proof.subarray(at, at + 32)) + frModulus, 32));
}

function unpaddedClaim(): SdrClaim {
  const data = sector.data.slice();
  for (let at = 31; at < data.length; at += 32) data[at] = 0x50;
  const commD = buildTree(sha254Hasher, data).root;
  const from = { profile, data, identity: { ...identity, commD } };
  return claimOf(sdrReferenceSeal(from), someSeed, {}, from);
}

function otherDataClaim(): SdrClaim {
  const other = sectorOf(profile, 1, 2);
  return claimOf(sdrReferenceSeal({ ...sector, data: other.data }), someSeed);
}

/** The honest openings under roots that are made up. */
function madeUp(roots: { readonly commC?: Uint8Array; readonly commR?: Uint8Array }): SdrClaim {
  const { commC, commR } = { ...honest, ...roots };
  return claimOf({ ...honest, commC, commR, commRStar: commRStarBy(commC, commR) }, someSeed);
}

const base = claimOf(honest, someSeed);
const randomRoot = buildTree(poseidonHasher, leavesOf(32)).root;
const firstColumn = 1 + 32;

const forgeries: readonly Forgery[] = [
  ...plainForgeries(base),
  {
    name: "a node that is not reduced",
    aimedAt: "canonical",
    claim: { ...base, proof: unreduced(base.proof, base.proof.length - 32) },
  },
  {
    name: "a label that is not reduced",
    aimedAt: "canonical",
    claim: { ...base, proof: unreduced(base.proof, firstColumn) },
  },
  {
    name: "a commC that is not reduced",
    aimedAt: "canonical",
    claim: { ...base, proof: unreduced(base.proof, 1) },
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
  { name: "a zero in place of a label of layer 1", aimedAt: "inner labels", claim: deviating(zeroLabel(1)) },
  {
    name: "a zero in place of a label of the last layer",
    aimedAt: "last labels",
    claim: deviating(zeroLabel(2)),
  },
  { name: "labels from the predecessor alone", aimedAt: "parents", claim: blindly("parents") },
  { name: "a layer without the layer before", aimedAt: "expander", claim: blindly("expander") },
  { name: "labels that do not bind the layer", aimedAt: "label layer", claim: blindly("label layer") },
  { name: "labels that do not bind the node", aimedAt: "label node", claim: blindly("label node") },
  { name: "a zero in place of a node of the replica", aimedAt: "encoding", claim: deviating(zeroNode) },
  { name: "a commC made up", aimedAt: "column tree", claim: madeUp({ commC: randomRoot }) },
  { name: "other data than commD's", aimedAt: "data tree", claim: otherDataClaim() },
  { name: "a commR made up", aimedAt: "replica tree", claim: madeUp({ commR: randomRoot }) },
];

const accepts = ({ identity: claimed, commR, commRStar, seed, proof }: SdrClaim): boolean =>
  sdr.verify(profile, claimed, { commR, commRStar }, seed, proof);

describe("forgeries of SDR", () => {
  it("are measured against an honest claim that both verifiers accept", () => {
    expect(accepts(base)).toBe(true);
    expect(sdrReferenceVerify(base)).toBe(true);
    const blind = new Set<SdrCheck>(["seed", "parents", "expander", "label layer", "label node"]);
    for (const check of sdrChecks) {
      if (!blind.has(check)) expect(sdrReferenceVerify(base, check)).toBe(true);
    }
  });

  it.each(forgeries)("fail: $name", ({ claim }) => {
    expect(accepts(claim)).toBe(false);
    expect(sdrReferenceVerify(claim)).toBe(false);
  });

  it.each(forgeries)("would pass without the check of $aimedAt (canary): $name", ({ claim, aimedAt }) => {
    expect(sdrReferenceVerify(claim, aimedAt)).toBe(true);
  });

  it("cover every check", () => {
    expect(new Set(forgeries.map(({ aimedAt }) => aimedAt))).toEqual(new Set(sdrChecks));
  });

  it("pass where they are not challenged, which is what the number of challenges is for", () => {
    for (const deviation of [zeroLabel(1), zeroLabel(2), zeroNode]) {
      const sealed = sdrReferenceSeal(sector, deviation);
      expect(accepts(claimOf(sealed, seedFor(sealed, target, false)))).toBe(true);
    }
  });

  it("fail with the trees of columns and replica exchanged, in the proof, in the roots, and in both", () => {
    const { commC, commR, columns, replica } = honest;
    const roots = { commC: commR, commR: commC, commRStar: commRStarBy(commR, commC) };
    const trees = { columns: replica, replica: columns };
    for (const change of [roots, trees, { ...roots, ...trees }]) {
      expect(accepts(claimOf({ ...honest, ...change }, someSeed))).toBe(false);
    }
  });

  it("fail with two layers exchanged", () => {
    const labels = honest.labels.toReversed();
    expect(accepts(claimOf({ ...honest, labels }, someSeed))).toBe(false);
  });

  it("fail with the replica of another sector under the own id", () => {
    const theirs = sdrReferenceSeal(sectorOf(profile, 2, 1));
    expect(accepts(claimOf({ ...theirs, replicaId: honest.replicaId }, someSeed))).toBe(false);
  });
});
