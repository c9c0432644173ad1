/**
 * SDR against the values of other implementations: graphs, labels, challenges, whole seals; and what must
 * hold of them for any input.
 */
import {
  concatBytes,
  fromHex,
  littleEndian,
  readLittleEndian,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  createSdrGraph,
  frToBytes,
  maxSdrSealBytes,
  runSteps,
  type SdrApiVersion,
  type SdrSeal,
  type SdrSealReport,
  sdrChallengeCount,
  sdrChallenges,
  sdrDegree,
  sdrLastLabels,
  sdrLayers,
  sdrNonInteractiveChallenges,
  sdrParentCacheChunks,
  sdrSealReport,
  sdrSyntheticChallenges,
  sdrSyntheticCount,
  sdrSyntheticSelection,
  sdrUpdateChallengeCount,
  sdrUpdateChallenges,
  sdrUpdatePartitions,
  sealSdr,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes32 } from "./reference.ts";
import { holds, readVectors } from "./vectors.ts";
import { XorShiftRng } from "./xorshift.ts";

interface GraphCase {
  readonly sectorBytes: number;
  readonly porepId: string;
  readonly apiVersion: SdrApiVersion;
}
interface SealCase extends GraphCase {
  readonly layers: number;
  readonly userBytes: number;
  readonly userByte: number;
  readonly proverId: string;
  readonly sectorId: string;
  readonly ticket: string;
  readonly seed: string;
  readonly lastLabels?: readonly string[];
  readonly expected: SdrSealReport;
}
interface UpdateCase {
  readonly sectorBytes: number;
  readonly partition: number;
  readonly first: readonly number[];
}

const published = readVectors<{
  readonly parentCaches: readonly (GraphCase & { readonly sha256: string })[];
  readonly labels: {
    readonly replicaId: string;
    readonly layers: number;
    readonly cases: readonly (GraphCase & { readonly lastLabel: string })[];
  };
  readonly synthetic: {
    readonly nodes: number;
    readonly replicaId: string;
    readonly commR: string;
    readonly count: number;
    readonly challenges: readonly number[];
    readonly randomness: string;
    readonly selected: readonly number[];
  };
  readonly update: {
    readonly rngSeed: string;
    readonly commRNew: string;
    readonly cases: readonly UpdateCase[];
  };
}>("proofs", "sdr");
/** The largest case takes a minute without fast kernels. */
const maxSealBytes = 2 ** 16;
const seals = readVectors<{ readonly cases: readonly SealCase[] }>("proofs", "sdr-seals").cases.filter(
  ({ sectorBytes }) => sectorBytes <= maxSealBytes,
);

const graphOfCase = ({ sectorBytes, porepId, apiVersion }: GraphCase) =>
  createSdrGraph(sectorBytes / 32, fromHex(porepId), apiVersion);
/** Larger caches take minutes: they are data for faster implementations. */
const maxCacheBytes = 2 ** 23;

describe("the graph", () => {
  const small = published.parentCaches.filter(({ sectorBytes }) => sectorBytes <= maxCacheBytes);

  it.each(small)("is Filecoin's: $sectorBytes bytes, version $apiVersion", (one) => {
    const chunks = [...sdrParentCacheChunks(graphOfCase(one))];
    expect(toHex(sha256(concatBytes(...chunks)))).toBe(one.sha256);
    // Canary: the other version's order of parents is another graph.
    if (one.sectorBytes > 2048) return;
    const apiVersion = one.apiVersion === "1.0" ? "1.1" : "1.0";
    const other = [...sdrParentCacheChunks(graphOfCase({ ...one, apiVersion }))];
    expect(toHex(sha256(concatBytes(...other)))).not.toBe(one.sha256);
  });

  it("gives the same parents from its table as one by one", () => {
    const graph = createSdrGraph(512, bytes32(3), "1.1");
    const table = graph.table() ?? new Uint32Array(0);
    for (let node = 0; node < 512; node += 1) {
      const parents = Array.from(table.subarray(node * sdrDegree, (node + 1) * sdrDegree));
      expect(graph.parentsOf(node)).toEqual(parents);
    }
    expect(createSdrGraph(2 ** 19, bytes32(3), "1.1").table()).toBeUndefined();
  });

  it("has base parents below the node, and every node 8 times as an expander parent", () => {
    const graph = createSdrGraph(256, bytes32(3), "1.1");
    const uses = new Uint32Array(256);
    for (let node = 0; node < 256; node += 1) {
      const parents = graph.parentsOf(node);
      expect(parents[0]).toBe(Math.max(0, node - 1));
      for (const parent of parents.slice(0, 6)) expect(parent).toBeLessThan(Math.max(1, node));
      for (const parent of parents.slice(6)) uses[parent] = (uses[parent] ?? 0) + 1;
    }
    expect([...new Set(uses)]).toEqual([8]);
  });

  it("loses parents above 2^29 in version 1.0, as Filecoin's did, and has them in 1.1", () => {
    const nodes = 2 ** 31;
    const sample = Array.from({ length: 200 }, (_none, i) => nodes - 1 - i * 9_999_991);
    const farthest = (version: SdrApiVersion): number => {
      const graph = createSdrGraph(nodes, bytes32(3), version);
      return Math.max(...sample.flatMap((node) => graph.parentsOf(node).slice(6)));
    };
    expect(farthest("1.0")).toBeLessThan(2 ** 29);
    expect(farthest("1.1")).toBeGreaterThan(2 ** 30);
  });

  it("has base parents below the node in the largest sectors too", () => {
    const graph = createSdrGraph(2 ** 31, bytes32(3), "1.1");
    for (const node of [2 ** 31 - 1, 2 ** 30 + 12345, 2 ** 29]) {
      for (const parent of graph.parentsOf(node).slice(0, 6)) expect(parent).toBeLessThan(node);
    }
  });
});

describe("labels", () => {
  it.each(published.labels.cases)("are Filecoin's: $sectorBytes bytes, version $apiVersion", (one) => {
    const { replicaId, layers } = published.labels;
    const labels = runSteps(sdrLastLabels(graphOfCase(one), fromHex(replicaId), layers));
    expect(toHex(labels.subarray(-32))).toBe(one.lastLabel);
  });

  it("of each layer of a seal are those of the independent derivation", () => {
    for (const one of seals) {
      for (const [i, label] of (one.lastLabels ?? []).entries()) {
        const labels = runSteps(sdrLastLabels(graphOfCase(one), fromHex(one.expected.replicaId), i + 1));
        expect(toHex(labels.subarray(-32))).toBe(label);
      }
    }
  });
});

describe("challenges", () => {
  const { synthetic, update } = published;
  const commRNew = fromHex(update.commRNew);

  it("that are synthetic are Filecoin's", () => {
    const { nodes, count, challenges, randomness, selected } = synthetic;
    const replicaId = frToBytes(BigInt(synthetic.replicaId));
    const made = sdrSyntheticChallenges(nodes, replicaId, frToBytes(BigInt(synthetic.commR)), count);
    expect(made).toEqual(challenges);
    const chosen = sdrSyntheticSelection(replicaId, fromHex(randomness), count, selected.length);
    expect(chosen.map((index) => made[index])).toEqual(selected);
    expect(sdrSyntheticSelection(replicaId, fromHex(randomness), count, 4, 3)).toEqual(chosen.slice(3, 7));
    expect(sdrSyntheticSelection(replicaId, fromHex(randomness), count, 40, 0).slice(0, 10)).toEqual(chosen);
    expect(sdrSyntheticCount(1024)).toBe(1024);
    expect(sdrSyntheticCount(2 ** 30)).toBe(2 ** 18);
    expect(sdrSyntheticChallenges(8, replicaId, bytes32(0))).toHaveLength(8);
  });

  it("of updates come from the commitment that the generator of the vectors gives", () => {
    expect(frToBytes(new XorShiftRng(fromHex(update.rngSeed)).element())).toEqual(commRNew);
  });

  it.each(update.cases)("of an update are Filecoin's: $sectorBytes bytes, partition $partition", (one) => {
    const nodes = one.sectorBytes / 32;
    const challenges = sdrUpdateChallenges(nodes, commRNew, one.partition);
    expect(challenges.slice(0, 5)).toEqual(one.first);
    expect(challenges).toHaveLength(sdrUpdateChallengeCount(nodes));
    const part = nodes / sdrUpdatePartitions(nodes);
    for (const node of challenges) expect(Math.floor(node / part)).toBe(one.partition);
  });

  it("of an update's partition that does not exist are refused", () => {
    for (const partition of [-1, 1, 0.5]) {
      expect(() => sdrUpdateChallenges(64, commRNew, partition)).toThrow(/no partition/);
    }
    expect(() => sdrUpdateChallenges(64, bytes32(255), 0)).toThrow(/not below the modulus/);
  });

  it("are a digest modulo n − 1, plus 1, in partitions that join", () => {
    const nodes = fc.integer({ min: 1, max: 28 }).map((log) => 2 ** log + 1);
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const tag = utf8Bytes("filecoin.io|PoRep|1|NonInteractive|1");
    holds(
      fc.property(nodes, seed, seed, fc.nat({ max: 1000 }), (n, id, other, first) => {
        const expected = (prefix: Uint8Array): number[] =>
          [0, 1, 2].map((i) => {
            const digest = sha256(concatBytes(prefix, id, other, littleEndian(first + i, 4)));
            return Number(readLittleEndian(digest) % BigInt(n - 1)) + 1;
          });
        expect(sdrChallenges(n, id, other, 3, first)).toEqual(expected(new Uint8Array(0)));
        expect(sdrNonInteractiveChallenges(n, id, other, 3, first)).toEqual(expected(tag));
        expect(sdrChallenges(n, id, other, first + 3).slice(first)).toEqual(
          sdrChallenges(n, id, other, 3, first),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("and layers are as many as Filecoin has for the size", () => {
    const sizes = [2 ** 11, 2 ** 29, 2 ** 35, 2 ** 36];
    expect(sizes.map(sdrLayers)).toEqual([2, 2, 11, 11]);
    expect(sizes.map(sdrChallengeCount)).toEqual([2, 2, 176, 176]);
  });
});

const reportOf = (seal: SdrSeal) => sdrSealReport(seal, toHex(sha256(seal.replica)));

describe("a whole seal", () => {
  const requestOf = (one: SealCase) => ({
    sectorBytes: one.sectorBytes,
    layers: one.layers,
    data: new Uint8Array(one.userBytes).fill(one.userByte),
    proverId: fromHex(one.proverId),
    sectorId: BigInt(one.sectorId),
    ticket: fromHex(one.ticket),
    seed: fromHex(one.seed),
    porepId: fromHex(one.porepId),
    apiVersion: one.apiVersion,
  });
  const plain = requestOf(seals[1] as SealCase);

  it.each(seals)("is that of the independent derivation: $sectorBytes bytes, $layers layers", (one) => {
    expect(reportOf(sealSdr(requestOf(one)))).toEqual(one.expected);
  });

  it("takes less data as data and zeros", () => {
    const data = Uint8Array.of(1, 2, 3);
    const filled = new Uint8Array(2032);
    filled.set(data);
    const seal = sealSdr({ ...plain, data });
    expect(reportOf(seal)).toEqual(reportOf(sealSdr({ ...plain, data: filled })));
    expect(reportOf(seal).commD).not.toBe(reportOf(sealSdr(plain)).commD);
  });

  it("depends on each part of its identity, and has no challenges without a seed", () => {
    const { seed: _seed, ...withoutSeed } = plain;
    expect(sealSdr(withoutSeed).challenges).toEqual([]);
    const changes = [
      { proverId: bytes32(1) },
      { sectorId: 1 },
      { sectorId: 2n ** 64n - 1n },
      { ticket: bytes32(1) },
      { porepId: bytes32(1) },
      { apiVersion: "1.0" as const },
      { layers: 4 },
    ];
    const all = changes.map((change) => reportOf(sealSdr({ ...plain, ...change })).replicaSha256);
    expect(new Set([...all, reportOf(sealSdr(plain)).replicaSha256]).size).toBe(changes.length + 1);
  });

  it("has eleven layers when asked", () => {
    const eleven = sealSdr({ ...plain, layers: 11 });
    expect(eleven.replicaId).toEqual(sealSdr(plain).replicaId);
    expect(eleven.commC).not.toEqual(sealSdr(plain).commC);
  });

  it("refuses what is no seal", () => {
    const refused: [object, RegExp][] = [
      [{ sectorBytes: 2000 }, /cannot be sealed/],
      [{ sectorBytes: 64 }, /cannot be sealed/],
      [{ sectorBytes: 2 * maxSdrSealBytes }, /cannot be sealed/],
      [{ layers: 3 }, /has no hash/],
      [{ data: new Uint8Array(2033) }, /do not fit/],
      [{ proverId: new Uint8Array(31) }, /proverId has 31 bytes/],
      [{ ticket: new Uint8Array(33) }, /ticket has 33 bytes/],
      [{ seed: new Uint8Array(0) }, /seed has 0 bytes/],
      [{ porepId: new Uint8Array(0) }, /porepId has 0 bytes/],
      [{ sectorId: -1 }, /no sector number/],
      [{ sectorId: 1.5 }, /no sector number/],
      [{ sectorId: 2n ** 64n }, /no sector number/],
    ];
    for (const [change, message] of refused) {
      expect(() => sealSdr({ ...plain, ...change })).toThrow(message);
    }
  });
});
