/**
 * A whole set of the compatibility profile, from its files to their deletion, against the records of the original:
 * commits, challenge, proofs of the commit, insertion, space, deletion. Proofs of the original are judged, and what
 * is made here is the same wherever nothing is drawn; then the audit's ranges and hashes.
 */
import {
  bigEndian,
  concatBytes,
  equalBytes,
  fromHex,
  readBigEndian,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  areCessCommits,
  type CessBasis,
  type CessFile,
  CessPrimes,
  type CessSet,
  cessBasis,
  cessBatches,
  cessBatchHash,
  cessBatchRange,
  cessCommitChallenge,
  cessCommits,
  cessDenseRows,
  cessFileOf,
  cessInsertProof,
  cessRootsThatStay,
  cessSpaceChallenge,
  cessTotalHash,
  cessValueBytes,
  decodeCessCommitProof,
  decodeCessCommits,
  decodeCessDeletionProof,
  decodeCessInsertProof,
  decodeCessSpaceProof,
  deleteCessElements,
  emptyCessLevels,
  encodeCessCommitProof,
  encodeCessCommits,
  encodeCessDeletionProof,
  encodeCessInsertProof,
  encodeCessSpaceProof,
  insertCessElements,
  installCessKernel,
  installTreeKernel,
  openCessLabel,
  proveCessCommit,
  proveCessSpace,
  verifyCessCommit,
  verifyCessDeletion,
  verifyCessSetInsert,
  verifyCessSpace,
} from "@holdfast/proofs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { madeSet } from "./cess-fixtures.ts";
import { type GoFlow, goCommits, goDeletion, goInsert, goRow, goSpace, withRows } from "./cess-go.ts";
import { backends } from "./kernel-backends.ts";
import { installOpensslNumbers } from "./openssl-numbers.ts";
import { readVectors } from "./vectors.ts";

const go = readVectors<GoFlow>("idle", "cess-flow");
const minerId = fromHex(go.minerId);
const set: CessSet = {
  minerId,
  shape: { layers: go.k, nodes: go.n, degree: go.d },
  startCluster: 1,
  clusters: go.challenge.length,
};
const challenge = go.challenge;
const seed = new Uint8Array(32).fill(9);
const start = { front: 0, rear: 0 };

let basis: CessBasis;
let files: (realLayer: number, offset: number) => CessFile;
let roots: Uint8Array;
const restores: (() => void)[] = [];

beforeAll(() => {
  const { cess, tree } = backends[0].loaded;
  restores.push(installCessKernel(cess ?? {}), installTreeKernel(tree), installOpensslNumbers());
  const primes = new CessPrimes();
  const { elements } = goInsert(go);
  for (const [i, distance] of go.distances.entries()) primes.learn(elements[i] ?? seed, distance);
  basis = cessBasis({ modulus: BigInt(`0x${go.modulus}`), base: BigInt(`0x${go.base}`) }, primes);
  const made = madeSet({ ...go, startCluster: 1, clusters: set.clusters, commitHash: "" });
  roots = made.roots.roots;
  const kept = made.files.map((labels) => cessFileOf(labels, cessDenseRows(go.n)));
  files = (layer, offset) => kept[layer * set.clusters + offset] as CessFile;
});
afterAll(() => {
  for (const restore of restores) restore();
});

/** Runs a generator to its end. */
function result<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe("a set of the original", () => {
  it("is committed to as there", () => {
    const commits = cessCommits(set, roots);
    expect(commits).toEqual(goCommits(go));
    expect(areCessCommits(set, commits)).toBe(true);
    expect(decodeCessCommits(encodeCessCommits(commits))).toEqual(commits);
    const swapped = [commits.roots[1], commits.roots[0], ...commits.roots.slice(2)] as Uint8Array[];
    expect(areCessCommits(set, { ...commits, roots: swapped })).toBe(false);
    expect(areCessCommits({ ...set, startCluster: 33 }, commits)).toBe(false);
  });

  it("is proven as there, and with all parents so that it means something", () => {
    const commits = cessCommits(set, roots);
    const sixth = result(proveCessCommit(set, challenge, files, "sixth"));
    for (const [offset, row] of Object.entries(go.rows)) expect(sixth[Number(offset)]).toEqual(goRow(row));
    const theirs = withRows(sixth, go.rows);
    expect(verifyCessCommit(set, commits, challenge, theirs, "sixth")).toBe(true);
    expect(verifyCessCommit(set, commits, challenge, theirs)).toBe(false);
    const all = result(proveCessCommit(set, challenge, files));
    expect(verifyCessCommit(set, commits, challenge, all)).toBe(true);
    expect(verifyCessCommit(set, commits, challenge, all, "sixth")).toBe(false);
    const bytes = encodeCessCommitProof(all);
    expect(equalBytes(encodeCessCommitProof(decodeCessCommitProof(bytes)), bytes)).toBe(true);
    const drawn = cessCommitChallenge(set, commits, seed);
    expect(drawn).not.toEqual(cessCommitChallenge(set, commits, seed.with(0, 1)));
    expect(verifyCessCommit(set, commits, drawn, all)).toBe(false);
  });

  it("is added, audited and deleted as there", () => {
    const commits = cessCommits(set, roots);
    const empty = emptyCessLevels(basis);
    const proof = goInsert(go);
    const { levels, update } = insertCessElements(empty, proof.elements);
    expect(cessInsertProof(set, commits, update)).toEqual(proof);
    const added = verifyCessSetInsert(basis, { ...start, root: basis.key.base }, set, commits, proof);
    expect(added).toEqual({ front: 0, rear: 256, root: levels.root });
    expect(toHex(cessValueBytes(levels.root))).toBe(go.afterInsert);
    expect(decodeCessInsertProof(encodeCessInsertProof(proof))).toEqual(proof);

    const { left, right } = go.space;
    const stays = (file: number): CessFile =>
      files(go.k + ((file - 1) % go.k), Math.floor((file - 1) / go.k));
    const space = proveCessSpace(levels, go.spaceChallenge, { left, right }, stays);
    expect(space).toEqual(goSpace(go));
    const state = { front: 0, rear: 256, root: levels.root };
    const statement = {
      minerId,
      shape: set.shape,
      state,
      challenge: go.spaceChallenge,
      range: { left, right },
    };
    expect(verifyCessSpace(basis, statement, space)).toBe(true);
    const bytes = encodeCessSpaceProof(space);
    expect(equalBytes(encodeCessSpaceProof(decodeCessSpaceProof(bytes)), bytes)).toBe(true);

    const deletion = { roots: cessRootsThatStay(set, commits).slice(0, 8), ...deleteCessElements(levels, 8) };
    expect({ roots: deletion.roots, update: deletion.update }).toEqual(goDeletion(go));
    const after = verifyCessDeletion(basis, state, minerId, goDeletion(go));
    expect(toHex(cessValueBytes(after?.root ?? 0n))).toBe(go.afterDelete);
    expect(decodeCessDeletionProof(encodeCessDeletionProof(goDeletion(go)))).toEqual(goDeletion(go));
    // With 9 roots, or others, it shows nothing.
    expect(verifyCessDeletion(basis, { ...state, front: 1 }, minerId, goDeletion(go))).toBeUndefined();
  });

  it("has the same paths from its 64 nodes as from more rows", () => {
    const dense = files(3, 5);
    const [label, other] = [dense.rows, [64], []].map((rows) =>
      openCessLabel(cessFileOf(dense.labels(0, go.n), rows), 777),
    );
    expect(label).toEqual(other);
    expect(cessDenseRows(2 ** 20)).toEqual([16_384, 512, 16]);
  });
});

interface AuditVectors {
  readonly minerId: string;
  readonly verifierId: string;
  readonly cases: readonly {
    readonly challenge: readonly number[];
    readonly front: number;
    readonly rear: number;
    readonly batches: readonly { readonly left: number; readonly right: number }[];
  }[];
  readonly encoding: {
    readonly long5: string;
    readonly longs: readonly number[];
    readonly longsBytes: string;
    readonly digest: string;
    readonly modulo15: number;
    readonly modulo16: number;
  };
}

describe("audits", () => {
  const vectors = readVectors<AuditVectors>("idle", "cess-audit");
  const ids = { minerId: fromHex(vectors.minerId), verifierId: fromHex(vectors.verifierId) };

  it("ask for the sets that the original asks for", () => {
    for (const { batches, ...audit } of vectors.cases) {
      expect(cessBatches(audit)).toBe(batches.length);
      const found = batches.map((_range, i) => {
        const prior = i === 0 ? new Uint8Array(32) : sha256(utf8Bytes(`prior-${i - 1}`));
        return cessBatchRange({ ...ids, ...audit }, i, prior, "original");
      });
      expect(found).toEqual(batches);
    }
  });

  it("write numbers as the original", () => {
    const { long5, longs, longsBytes, digest, modulo15, modulo16 } = vectors.encoding;
    expect(toHex(bigEndian(5, 8))).toBe(long5);
    expect(toHex(concatBytes(...longs.map((one) => bigEndian(one, 8))))).toBe(longsBytes);
    const number = readBigEndian(fromHex(digest));
    expect([number % 15n, number % 16n].map(Number)).toEqual([modulo15, modulo16]);
  });

  it("are challenges that follow from a seed, and hashes of the messages in their order", () => {
    const asked = cessSpaceChallenge(set.shape, seed);
    expect(new Set(asked).size).toBe(set.shape.layers);
    expect(asked.every((index) => Math.floor(index / go.n) === go.k)).toBe(true);
    const one = cessBatchHash(goSpace(go));
    expect(one).toEqual(sha256(encodeCessSpaceProof(goSpace(go))));
    expect(cessTotalHash([one, seed])).toEqual(sha256(concatBytes(one, seed)));
  });

  it("have no batches without files, and none of sets that are not whole", () => {
    expect(cessBatches({ front: 512, rear: 512 })).toBe(0);
    expect(cessBatches({ front: 0, rear: 0 })).toBe(0);
    const refused = expect.objectContaining({ code: "cess/bad-files" });
    expect(() => cessBatches({ front: 0, rear: 300 })).toThrow(refused);
    expect(() => cessBatches({ front: 512, rear: 256 })).toThrow(refused);
    const audit = { ...ids, challenge: [1], front: 512, rear: 512 };
    expect(() => cessBatchRange(audit, 0, new Uint8Array(32))).toThrow(refused);
  });
});
