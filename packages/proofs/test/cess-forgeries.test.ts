/**
 * Proofs that the verifier of the original takes and that show nothing: each is made, taken by those rules
 * (cess-original-rules.ts), and refused by the judges here.
 */
import { sha256, utf8Bytes } from "@holdfast/base";
import {
  type CessBasis,
  type CessCommitProof,
  type CessFile,
  type CessMember,
  type CessNodeProof,
  type CessOpening,
  type CessSet,
  type CessSpaceProof,
  cessBasis,
  cessBatchRange,
  cessCommitChallenge,
  cessCommits,
  cessElement,
  cessMembers,
  cessParents,
  cessValueBytes,
  cessWalk,
  decodeCessCommitProof,
  deleteCessElements,
  emptyCessLevels,
  encodeCessCommitProof,
  insertCessElements,
  numberKernel,
  openCessLabel,
  proveCessCommit,
  proveCessSpace,
  verifyCessCommit,
  verifyCessDelete,
  verifyCessInsert,
  verifyCessMembers,
  verifyCessSetInsert,
  verifyCessSpace,
} from "@holdfast/proofs";
import { sha512 } from "@noble/hashes/sha2.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { madeSet, minerId } from "./cess-fixtures.ts";
import { originalCommit, originalInsert, originalMembers, originalSpace } from "./cess-original-rules.ts";
import {
  element,
  emptyProof,
  emptySet,
  everyPlace,
  filesOf,
  four,
  honest,
  key,
  result,
  rootOf,
  seed,
  set,
  shape,
  standing,
  vector,
} from "./cess-small-set.ts";
import { installOpensslNumbers } from "./openssl-numbers.ts";
import { flipBit } from "./vectors.ts";

let basis: CessBasis;
let restore: () => void;
beforeEach(() => {
  restore = installOpensslNumbers();
  basis = cessBasis(key, undefined, 4);
});
afterEach(() => restore());

describe("commits", () => {
  it("files that stand on nothing are taken there, and refused here whatever is asked", () => {
    const made = emptySet();
    const commits = cessCommits(set, made.roots);
    for (const first of [1, 2, 3]) {
      const challenge = cessCommitChallenge(set, commits, seed.with(0, first));
      const free = challenge.every((row, offset) =>
        cessWalk(set, offset, row).every(
          ({ parents }) => parents.length === 0 || parents.some(({ index }) => index % 6 !== 0),
        ),
      );
      expect(free).toBe(true);
      const proof = emptyProof(made, challenge);
      expect(originalCommit(set, commits, challenge, proof, everyPlace)).toBe(true);
      expect(verifyCessCommit(set, commits, challenge, proof, "sixth")).toBe(false);
      expect(verifyCessCommit(set, commits, challenge, proof)).toBe(false);
      // The same with its own paths to all parents: their sum is what it is.
      const open = result(proveCessCommit(set, challenge, made.files));
      expect(verifyCessCommit(set, commits, challenge, open)).toBe(false);
    }
  });

  it("every other part that the original leaves out is looked at", () => {
    const commits = cessCommits(set, honest.roots);
    const challenge = cessCommitChallenge(set, commits, seed);
    const proof = result(proveCessCommit(set, challenge, honest.files));
    expect(verifyCessCommit(set, commits, challenge, proof)).toBe(true);
    const [first] = proof[1] ?? [];
    if (first === undefined) throw new Error("the proof has rows");
    const with0 = (own: CessNodeProof): CessCommitProof => [
      proof[0] ?? [],
      [own, ...(proof[1] ?? []).slice(1)],
    ];
    const wrong = (own: CessNodeProof): void =>
      expect(verifyCessCommit(set, commits, challenge, with0(own))).toBe(false);
    const { node, parents, elders } = first;
    const [parent] = parents as [CessOpening];
    wrong({ node, parents: parents.slice(1), elders });
    wrong({ node, parents: [...parents, parent], elders });
    wrong({ node, parents: parents.toReversed(), elders });
    wrong({ node, parents, elders: elders.slice(0, 1) });
    wrong({ node, parents, elders: [...elders, elders[0] as CessOpening] });
    wrong({
      node,
      parents,
      elders: [{ index: 0, ...openCessLabel(honest.files(2, 0), 0) }, ...elders.slice(1)],
    });
    wrong({ node, parents: [{ index: parent.index, label: parent.label }, ...parents.slice(1)], elders });
    wrong({ node: { ...node, label: flipBit(node.label, 7) }, parents, elders });
    const elsewhere = openCessLabel(honest.files(2, 1), (node.index + 1) % 512);
    wrong({ node: { index: node.index, ...elsewhere }, parents, elders });
  });

  it("a walk that comes to the first layer is proven: its nodes have no parents", () => {
    const commits = cessCommits(set, honest.roots);
    const drawn = cessCommitChallenge(set, commits, seed);
    const challenge = drawn.map((row) => [...row.slice(0, 4), 0]);
    const proof = result(proveCessCommit(set, challenge, honest.files));
    expect(proof.map((row) => row[3]?.parents)).toEqual([[], []]);
    expect(proof[0]?.[3]?.elders).toEqual([]);
    expect(verifyCessCommit(set, commits, challenge, proof)).toBe(true);
    expect(decodeCessCommitProof(encodeCessCommitProof(proof))).toEqual(proof);
  });

  it("a node with one parent fewer, asked for the place past them, is walked on from the last", () => {
    const clusters = 1;
    const rare: CessSet = { minerId, shape, startCluster: 268_507, clusters };
    const file = { minerId, nodes: 512, degree: 2, cluster: rare.startCluster, realLayer: 1 };
    expect(cessParents(file, 767)).toEqual([255, 256]);
    const { files, roots } = madeSet({ ...vector, startCluster: rare.startCluster, clusters });
    const made = filesOf(files, roots.roots, clusters);
    const commits = cessCommits(rare, made.roots);
    const challenge = [[rare.startCluster, 1024, 1030, 767, 2]];
    expect(cessWalk(rare, 0, challenge[0] ?? []).at(-1)?.node.index).toBe(256);
    const proof = result(proveCessCommit(rare, challenge, made.files));
    expect(verifyCessCommit(rare, commits, challenge, proof)).toBe(true);
  });

  it("challenges of another set, or of nothing, are refused", () => {
    const commits = cessCommits(set, honest.roots);
    const good = cessCommitChallenge(set, commits, seed);
    const [row = []] = good;
    const proof = result(proveCessCommit(set, good, honest.files));
    for (const wrong of [[], good.slice(1), [row.slice(1), good[1] ?? []], [row.with(1, 0), good[1] ?? []]]) {
      expect(verifyCessCommit(set, commits, wrong, proof)).toBe(false);
      expect(() => result(proveCessCommit(set, wrong, honest.files))).toThrow(
        expect.objectContaining({ code: "cess/bad-files" }),
      );
    }
  });
});

describe("space", () => {
  const challenge = [1024 + 7, 1024 + 300];
  /** A set in the accumulator, and its files by number. */
  function audited() {
    const commits = cessCommits(set, honest.roots);
    const elements = [1, 2, 3, 4].map((file) =>
      cessElement(minerId, file, rootOf(stays(file).labels(0, 512))),
    );
    const { levels, update } = insertCessElements(emptyCessLevels(basis), elements);
    const state = { root: levels.root, front: 0, rear: 4 };
    const statement = { minerId, shape, state, challenge, range: { left: 1, right: 5 } };
    return { commits, levels, update, state, statement };
  }
  const stays = (file: number): CessFile => honest.files(2 + ((file - 1) % 2), Math.floor((file - 1) / 2));

  it("a proof of nothing", () => {
    const { statement, state } = audited();
    const proof: CessSpaceProof = { left: 1, right: 5, openings: [], roots: [], members: [] };
    expect(originalSpace(basis, minerId, state, challenge, proof)).toBe(true);
    expect(verifyCessSpace(basis, statement, proof)).toBe(false);
  });

  it("64 bytes in place of a file: the children of its root as a label, with no path", () => {
    const halves = [1, 2].map((i) => sha512(utf8Bytes(`halves ${i}`)));
    const roots = halves.map((label) => sha256(label));
    const elements = roots.map((root, i) => cessElement(minerId, i + 1, root));
    const { levels } = insertCessElements(emptyCessLevels(basis), elements);
    const state = { root: levels.root, front: 0, rear: 2 };
    const proof: CessSpaceProof = {
      left: 1,
      right: 3,
      openings: halves.map((label) =>
        challenge.map((index) => ({ index, label, path: { locs: [], siblings: [] } })),
      ),
      roots,
      members: cessMembers(levels, 1, 3),
    };
    expect(originalSpace(basis, minerId, state, challenge, proof)).toBe(true);
    const statement = { minerId, shape, state, challenge, range: { left: 1, right: 3 } };
    expect(verifyCessSpace(basis, statement, proof)).toBe(false);
  });

  it("members of which one is false, and not the one that is drawn", () => {
    const { levels, state, statement } = audited();
    const proof = proveCessSpace(levels, challenge, statement.range, stays);
    expect(verifyCessSpace(basis, statement, proof)).toBe(true);
    const members = proof.members.map((member, i) => (i === 1 ? { ...member, witness: 2n } : member));
    expect(originalSpace(basis, minerId, state, challenge, { ...proof, members }, () => false)).toBe(true);
    expect(verifyCessSpace(basis, statement, { ...proof, members })).toBe(false);
  });

  it("the same number written otherwise", () => {
    const { levels, state } = audited();
    const [member] = cessMembers(levels, 4, 5) as [CessMember];
    const other = { ...member, witness: member.witness + key.modulus };
    expect(originalMembers(basis, state.root, [other], () => true)).toBe(true);
    expect(verifyCessMembers(basis, state.root, [member])).toBe(true);
    expect(verifyCessMembers(basis, state.root, [other])).toBe(false);
    const chain = { ...member.chain, midWitness: member.chain.midWitness + key.modulus };
    expect(verifyCessMembers(basis, state.root, [{ ...member, chain }])).toBe(false);
  });

  it("other files, other labels, another range, key or state than the verifier knows", () => {
    const { levels, statement, state } = audited();
    const proof = proveCessSpace(levels, challenge, statement.range, stays);
    const wrong = (change: Partial<typeof statement>): void =>
      expect(verifyCessSpace(basis, { ...statement, ...change }, proof)).toBe(false);
    wrong({ range: { left: 1, right: 4 } });
    wrong({ challenge: [challenge[0] ?? 0, 1024 + 301] });
    wrong({ challenge: [] });
    wrong({ minerId: new Uint8Array(32) });
    wrong({ state: { ...state, front: 1 } });
    wrong({ state: { ...state, root: state.root + 1n } });
    // A miner's own accumulator, of another key, in place of the one that is known.
    const own = cessBasis({ modulus: key.modulus, base: 4n }, undefined, 4);
    const theirs = insertCessElements(
      emptyCessLevels(own),
      proof.members.map((one) => one.element),
    ).levels;
    const members = cessMembers(theirs, 1, 5);
    expect(verifyCessMembers(own, theirs.root, members)).toBe(true);
    expect(verifyCessSpace(basis, statement, { ...proof, members })).toBe(false);
    const shifted = proof.openings.map((file) =>
      file.map((one) => ({ ...one, label: flipBit(one.label, 1) })),
    );
    expect(verifyCessSpace(basis, statement, { ...proof, openings: shifted })).toBe(false);
  });

  it("the last set of sixteen is asked for like any other; the original never does", () => {
    const asked = { every: new Set<number>(), original: new Set<number>() };
    for (let i = 0; i < 400; i += 1) {
      const audit = { minerId, verifierId: new Uint8Array(32), challenge: [i], front: 0, rear: 32 * 256 };
      for (const drawn of ["every", "original"] as const) {
        const { left } = cessBatchRange(audit, 0, new Uint8Array(32), drawn);
        asked[drawn].add((left - 1) / 256);
      }
    }
    expect([asked.every.size, asked.original.size]).toEqual([16, 15]);
    expect(asked.original.has(15)).toBe(false);
  });
});

describe("the accumulator", () => {
  const evil = element("never committed");

  it("a new node that is not empty hides an element", () => {
    const { levels, state } = standing(basis);
    const next = [5, 6, 7, 8].map((i) => element(`file ${i}`));
    const fair = insertCessElements(levels, next);
    const power = (value: bigint, below: Uint8Array): bigint =>
      numberKernel.modPow(value, basis.primes.of(below), key.modulus);
    const hidden = power(key.base, evil);
    const sub = next.reduce(power, hidden);
    const mid = power(fair.update.before.subWitness, cessValueBytes(sub));
    const root = power(fair.update.before.midWitness, cessValueBytes(mid));
    const forged = { before: { ...fair.update.before, sub: hidden }, after: { sub, mid, root } };
    expect(originalInsert(basis, state.root, next, forged)).toBe(true);
    const { subWitness, midWitness } = forged.before;
    const member = {
      element: evil,
      witness: next.reduce(power, key.base),
      chain: { sub, subWitness, mid, midWitness, root },
    };
    expect(originalMembers(basis, root, [member], () => true)).toBe(true);
    expect(verifyCessInsert(basis, state, next, forged)).toBeUndefined();
    expect(verifyCessInsert(basis, state, next, fair.update)?.rear).toBe(8);
  });

  it("a new middle node that is not empty, or beside the root, is refused too", () => {
    const { levels, state } = standing(basis);
    const next = [element("file 5")];
    const { before, after } = insertCessElements(levels, next).update;
    const G = key.base;
    for (const chain of [
      { ...before, sub: G, subWitness: 7n, mid: 7n, midWitness: state.root },
      { ...before, sub: G, subWitness: G, mid: G, midWitness: 7n },
      { ...before, sub: before.mid },
      { ...before, root: state.root + key.modulus },
    ])
      expect(verifyCessInsert(basis, state, next, { before: chain, after })).toBeUndefined();
  });

  it("insertions of other elements, of none, or past the end of a sub-accumulator", () => {
    const { levels, state } = standing(basis);
    const next = [element("file 5")];
    const { update } = insertCessElements(levels, next);
    expect(verifyCessInsert(basis, state, next, update)?.rear).toBe(5);
    for (const own of [[], [evil], [...next, evil], [...next, ...four]])
      expect(verifyCessInsert(basis, state, own, update)).toBeUndefined();
    expect(verifyCessInsert(basis, { ...state, rear: 3 }, next, update)).toBeUndefined();
    expect(verifyCessInsert(basis, { ...state, front: 5 }, next, update)).toBeUndefined();
  });

  it("deletions of other elements, of more, and of some that leave others behind", () => {
    const { levels, state } = standing(basis);
    const { update } = deleteCessElements(levels, 2);
    const two = four.slice(0, 2);
    expect(verifyCessDelete(basis, state, two, update)?.front).toBe(2);
    for (const own of [[], four.slice(1, 3), four.slice(0, 1), four, [...four, evil]])
      expect(verifyCessDelete(basis, state, own, update)).toBeUndefined();
    const { before, after } = update;
    // A sub-accumulator that is said to end, and one that is said to go on.
    const G = key.base;
    for (const top of [
      { sub: G, mid: G, root: G },
      { ...after, root: state.root },
      { ...after, mid: G },
    ])
      expect(verifyCessDelete(basis, state, two, { before, after: top })).toBeUndefined();
    const whole = deleteCessElements(levels, 4).update;
    expect(verifyCessDelete(basis, state, four, whole)).toEqual({ root: G, front: 4, rear: 4 });
    expect(
      verifyCessDelete(basis, state, four, { ...whole, after: { ...whole.after, root: 5n } }),
    ).toBeUndefined();
  });

  it("a set is added only behind the last one, with its own elements", () => {
    const commits = cessCommits(set, honest.roots);
    const elements = [1, 2, 3, 4].map((file) =>
      cessElement(
        minerId,
        file,
        commits.roots[4 + 2 * ((file - 1) % 2) + Math.floor((file - 1) / 2)] ?? seed,
      ),
    );
    const { update } = insertCessElements(emptyCessLevels(basis), elements);
    const proof = { fileIndexes: commits.fileIndexes, elements, update };
    const state = { root: key.base, front: 0, rear: 0 };
    expect(verifyCessSetInsert(basis, state, set, commits, proof)?.rear).toBe(4);
    const later = { ...set, startCluster: 3 };
    expect(verifyCessSetInsert(basis, state, later, commits, proof)).toBeUndefined();
    expect(verifyCessSetInsert(basis, { ...state, rear: 4 }, set, commits, proof)).toBeUndefined();
    const swapped = { ...proof, elements: elements.toReversed() };
    expect(verifyCessSetInsert(basis, state, set, commits, swapped)).toBeUndefined();
    const none = { ...proof, fileIndexes: [] };
    expect(verifyCessSetInsert(basis, state, set, commits, none)).toBeUndefined();
    const roots = commits.roots.with(0, flipBit(commits.roots[0] ?? seed, 3));
    expect(verifyCessSetInsert(basis, state, set, { ...commits, roots }, proof)).toBeUndefined();
  });
});
