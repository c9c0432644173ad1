/**
 * Hardened idle space: what it gives does not drift, every binding binds, its proofs are accepted and everything
 * else is refused, without an exception. A label that is wrong, a parent that is another, an opening at another
 * position are each made into a proof that is right in all else, and refused.
 */
import { fromHex, parseAddress, seedAddress, sha256, toHex } from "@holdfast/base";
import {
  createIdleGraph,
  generateIdleSets,
  type IdleCommitStatement,
  type IdleProfile,
  type IdleSetIdentity,
  idleAuxBytes,
  idleCommitChallenges,
  idleCommitmentOf,
  idleFileElement,
  idleFileTree,
  idleGraphSeed,
  idleLayerNodes,
  idleProfiles,
  idleRootOfAux,
  idleSetKey,
  idleSpaceChallenges,
  installSpaceKernel,
  isIdleProfile,
  plainSpaceKernel,
  proveIdleCommit,
  proveIdleSpace,
  runSteps,
  verifyIdleCommit,
  verifyIdleSpace,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdleMemory, idleIdentity, makeIdle, seedOf, smallIdle } from "./idle-fixtures.ts";
import { flipBit, holds, readVectors } from "./vectors.ts";

interface Golden {
  readonly profile: IdleProfile;
  readonly networkId: string;
  readonly miner: string;
  readonly nonce: string;
  readonly set: number;
  readonly seed: string;
  readonly expected: object;
}

function compute({ profile, set, ...given }: Golden): object {
  const identity: IdleSetIdentity = {
    networkId: fromHex(given.networkId),
    miner: parseAddress(given.miner),
    nonce: fromHex(given.nonce),
    set,
  };
  const seed = fromHex(given.seed);
  const made = makeIdle(profile, identity);
  const graph = createIdleGraph(idleGraphSeed(identity.networkId, profile), idleLayerNodes(profile));
  const parentsOf = (node: number): number[] => {
    const own = new Uint32Array(12);
    graph.parentsInto(node, 1, own);
    return [...own];
  };
  const label = (keptLayer: number, layer: number, node: number): string =>
    toHex(made.labelsOf(keptLayer, layer).subarray(32 * node, 32 * node + 32));
  const [first = { file: 0, root: seed }] = made.roots;
  const audit = { profile, identity, ...first, seed };
  const last = profile.keptLayers - 1;
  const key = idleSetKey(profile, identity);
  return {
    key: toHex(key),
    parents: [0, 1, 2, 77].map(parentsOf),
    labels: [
      [0, 1, 0],
      [0, 1, 1],
      [0, 2, 77],
      [1, 1, 0],
      [1, 4, 127],
    ].map(([keptLayer = 0, layer = 0, node = 0]) => label(keptLayer, layer, node)),
    columnRoots: made.kept.map(({ roots }) => toHex(roots.columnRoot)),
    fileRoots: made.roots.map(({ root }) => toHex(root)),
    commitments: made.kept.map(({ commitment }) => toHex(commitment)),
    firstElement: toHex(idleFileElement(key, first.file, first.root)),
    commitChallenges: idleCommitChallenges(made.statement(last, seed)),
    commitProofSha256: toHex(
      sha256(runSteps(proveIdleCommit(made.statement(last, seed), made.source(last)))),
    ),
    spaceChallenges: idleSpaceChallenges(audit),
    spaceProofSha256: toHex(sha256(proveIdleSpace(audit, made.fileSource(first.file)))),
  };
}

const { cases } = readVectors<{ readonly cases: readonly Golden[] }>("idle", "hardened");

it("gives what it always gave", () => {
  for (const golden of cases) expect(compute(golden)).toEqual(golden.expected);
});

it("every row of the table has a shape, and its own name", () => {
  for (const [id, row] of idleProfiles) expect([id, isIdleProfile(row)]).toEqual([row.id, true]);
  for (const broken of [
    { fileNodes: 24 },
    { files: 3 },
    { layers: 3 },
    { passes: 0 },
    { fileNodes: 2 ** 26 },
    { spaceChallenges: 9 },
  ]) {
    expect(isIdleProfile({ ...smallIdle, ...broken })).toBe(false);
  }
});

const made = makeIdle();
const proofs = [0, 1].map((keptLayer) =>
  runSteps(proveIdleCommit(made.statement(keptLayer), made.source(keptLayer))),
);
const auditOf = (index: number, seed = seedOf(9)) => ({
  profile: smallIdle,
  identity: idleIdentity,
  ...(made.roots[index] ?? { file: 0, root: seed }),
  seed,
});

describe("a set", () => {
  it("has files whose aux ends with their root, and no label twice", () => {
    const labels = new Set<string>();
    for (const { file, root } of made.roots) {
      const source = made.fileSource(file);
      const bytes = source.labels(0, smallIdle.fileNodes);
      expect(idleRootOfAux(source.aux)).toEqual(root);
      expect([source.aux.length, idleFileTree(bytes).root]).toEqual([idleAuxBytes(smallIdle), root]);
      for (let at = 0; at < bytes.length; at += 32) labels.add(toHex(bytes.subarray(at, at + 32)));
    }
    expect(labels.size).toBe(2 * idleLayerNodes(smallIdle));
  });

  it("is the same made with another, or from its second kept layer on", () => {
    const other = new IdleMemory(smallIdle, { ...idleIdentity, set: 4 });
    const again = new IdleMemory();
    const works = [
      { identity: idleIdentity, sink: again },
      { identity: other.identity, sink: other },
    ] as const;
    runSteps(generateIdleSets(smallIdle, works));
    expect(again.kept).toEqual(made.kept);
    expect(other.kept).toEqual(makeIdle(smallIdle, other.identity).kept);
    const resumed = new IdleMemory();
    const commitment = made.kept[0]?.commitment ?? seedOf(0);
    const resume = { keptLayer: 1, below: made.labelsOf(0, smallIdle.layers).slice(), commitment };
    runSteps(generateIdleSets(smallIdle, [{ identity: idleIdentity, sink: resumed }], resume));
    expect(resumed.kept[1]).toEqual(made.kept[1]);
  });

  it("is another for another network, miner, nonce, set or profile", () => {
    const others: readonly [Partial<IdleProfile>, Partial<IdleSetIdentity>][] = [
      [{}, { networkId: seedOf(7) }],
      [{}, { miner: seedAddress(1, "other") }],
      [{}, { nonce: seedOf(7) }],
      [{}, { set: 4 }],
      [{ id: "idle-other" }, {}],
      [{ passes: 1 }, {}],
      [{ fileNodes: 64, files: 2 }, {}],
    ];
    const labels = new Set([toHex(made.labelsOf(0, 1).subarray(0, 32))]);
    for (const [row, identity] of others) {
      const other = makeIdle({ ...smallIdle, ...row }, { ...idleIdentity, ...identity });
      labels.add(toHex(other.labelsOf(0, 1).subarray(32 * 100, 32 * 101)));
    }
    expect(labels.size).toBe(others.length + 1);
  });
});

describe("the proof of a kept layer", () => {
  it("is accepted", () => {
    expect(proofs.map((proof, keptLayer) => verifyIdleCommit(made.statement(keptLayer), proof))).toEqual([
      true,
      true,
    ]);
  });

  it("is refused with any bit changed, and with any other length", () => {
    const [, proof = seedOf(0)] = proofs;
    const changed = fc.integer({ min: 0, max: 8 * proof.length - 1 }).map((bit) => flipBit(proof, bit));
    holds(
      fc.property(changed, (bytes) => !verifyIdleCommit(made.statement(1), bytes)),
      { numRuns: 300 },
    );
    const lengths = fc
      .integer({ min: 0, max: proof.length + 64 })
      .filter((length) => length !== proof.length);
    holds(
      fc.property(lengths, (length) => {
        const bytes = new Uint8Array(length);
        bytes.set(proof.subarray(0, length));
        return !verifyIdleCommit(made.statement(1), bytes);
      }),
    );
  });

  it("is refused for any other statement", () => {
    const right = made.statement(1);
    const { below = { fileRoots: [], commitment: seedOf(0) } } = right;
    const [one = seedOf(0), two = seedOf(0), ...more] = right.roots.fileRoots;
    const others: readonly Partial<IdleCommitStatement>[] = [
      { seed: seedOf(8) },
      { keptLayer: 2 },
      { keptLayer: 0.5 },
      { identity: { ...idleIdentity, set: 4 } },
      { identity: { ...idleIdentity, set: -1 } },
      { identity: { ...idleIdentity, nonce: new Uint8Array(31) } },
      { identity: { ...idleIdentity, miner: seedAddress(1, "other") } },
      { roots: { ...right.roots, columnRoot: seedOf(1) } },
      { roots: { ...right.roots, fileRoots: [two, one, ...more] } },
      { roots: { ...right.roots, fileRoots: [one] } },
      { below: { ...below, commitment: seedOf(1) } },
      { below: { ...below, fileRoots: [...below.fileRoots].reverse() } },
      { profile: { ...smallIdle, passes: 1 } },
    ];
    for (const other of others) {
      expect(verifyIdleCommit({ ...right, ...other }, proofs[1] ?? seedOf(0))).toBe(false);
    }
    const { below: _none, ...lowest } = right;
    expect(verifyIdleCommit(lowest, proofs[1] ?? seedOf(0))).toBe(false);
    expect(verifyIdleCommit({ ...lowest, keptLayer: 0 }, proofs[0] ?? seedOf(0))).toBe(false);
  });
});

/** A set made with a changed kernel, and whether its own proofs are accepted. */
function cheated(change: Parameters<typeof installSpaceKernel>[0], row: Partial<IdleProfile> = {}): boolean {
  const profile = { ...smallIdle, commitChallenges: 60, ...row };
  const restore = installSpaceKernel(change);
  let dishonest: IdleMemory;
  try {
    dishonest = makeIdle(profile);
  } finally {
    restore();
  }
  return [0, 1].every((keptLayer) => {
    const statement = dishonest.statement(keptLayer);
    return verifyIdleCommit(statement, runSteps(proveIdleCommit(statement, dishonest.source(keptLayer))));
  });
}

describe("labels that were made otherwise", () => {
  const { idleParents, idleLabels } = plainSpaceKernel;

  it("pass if nothing was changed", () => expect(cheated({})).toBe(true));

  it.each([0, 3, 4, 11])("with another parent in entry %i are refused", (entry) => {
    const parents: typeof idleParents = (seed, nodes, low, into) => {
      idleParents(seed, nodes, low, into);
      for (let at = entry; at < into.length; at += 12) into[at] = (into[at] as number) ^ 1;
      // The label before the node's own is the nearest that there is in its layer.
      for (let i = 0; i < into.length / 12; i += 1) {
        for (let k = 0; k < 4; k += 1) {
          into[12 * i + k] = Math.min(into[12 * i + k] as number, Math.max(0, low + i - 1));
        }
      }
    };
    expect(cheated({ idleParents: parents })).toBe(false);
  });

  it("without the number of the file, with another header, with fewer passes are refused", () => {
    const changed = (
      change: (stream: Parameters<typeof idleLabels>[0]) => Parameters<typeof idleLabels>[0],
    ) => cheated({ idleLabels: (layer) => idleLabels(change(layer)) });
    const streamsOf = (
      layer: Parameters<typeof idleLabels>[0],
      change: object,
    ): Parameters<typeof idleLabels>[0] => ({
      ...layer,
      streams: layer.streams.map((stream) => ({ ...stream, ...change })) as unknown as typeof layer.streams,
    });
    expect(changed((layer) => layer)).toBe(true);
    expect(changed((layer) => streamsOf(layer, { firstFile: 0 }))).toBe(false);
    expect(changed((layer) => streamsOf(layer, { header: new Uint8Array(64) }))).toBe(false);
    expect(changed((layer) => ({ ...layer, passes: 1 }))).toBe(false);
    expect(changed((layer) => ({ ...layer, fileNodes: 64 }))).toBe(false);
  });
});

describe("an audit", () => {
  it("is answered for every file, by the file alone", () => {
    made.roots.forEach(({ file }, index) => {
      const audit = auditOf(index);
      expect(verifyIdleSpace(audit, proveIdleSpace(audit, made.fileSource(file)))).toBe(true);
    });
  });

  it("is refused with any bit changed, for another file, root, seed, set or length", () => {
    const audit = auditOf(5);
    const proof = proveIdleSpace(audit, made.fileSource(audit.file));
    const changed = fc.integer({ min: 0, max: 8 * proof.length - 1 }).map((bit) => flipBit(proof, bit));
    holds(fc.property(changed, (bytes) => !verifyIdleSpace(audit, bytes)));
    const other = auditOf(6);
    for (const wrong of [
      other,
      { ...audit, file: audit.file + 1 },
      { ...audit, file: audit.file + 100 },
      { ...audit, file: -1 },
      { ...audit, root: other.root },
      { ...audit, root: audit.root.subarray(1) },
      { ...audit, seed: seedOf(3) },
      { ...audit, identity: { ...idleIdentity, set: 2 } },
    ]) {
      expect(verifyIdleSpace(wrong, proof)).toBe(false);
    }
    for (const length of [0, 1, proof.length - 1]) {
      expect(verifyIdleSpace(audit, proof.subarray(0, length))).toBe(false);
    }
  });

  it("finds a file without some of its leaves as often as theory says", () => {
    const profile = { ...smallIdle, spaceChallenges: 3 };
    const missing = 2; // of eight leaves
    const rounds = 400;
    let missed = 0;
    for (let round = 0; round < rounds; round += 1) {
      const seed = sha256(Uint8Array.of(round & 0xff, round >> 8));
      if (idleSpaceChallenges({ ...auditOf(0, seed), profile }).every((leaf) => leaf >= missing)) missed += 1;
    }
    const expected = rounds * ((6 / 8) * (5 / 7) * (4 / 6));
    expect(Math.abs(missed - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });
});

it("the commitment to a kept layer is bound to what is below", () => {
  const [below, above] = made.kept;
  expect(idleCommitmentOf(made.statement(1))).toEqual(above?.commitment);
  expect(idleCommitmentOf(made.statement(0))).toEqual(below?.commitment);
});
