/**
 * The graph and the seal of the compatibility kind: vectors of an independent implementation, and the
 * properties that a replication has for any size and number of layers.
 */
import { sha256, toHex } from "@holdfast/base";
import {
  deriveEraChallenges,
  EraFeistel,
  EraGraph,
  EraRandom,
  type EraReplication,
  eraBaseParents,
  eraChallengeParams,
  eraDegree,
  eraGraph,
  eraPad,
  eraReplicaId,
  eraSectorData,
  eraSeed,
  extractEra,
  floorLog2OfFloat32,
  frModulus,
  frToBytes,
  pedersenEraHasher,
  replicateEra,
  sealZigzag2019,
  selectChallenges,
  sha256EraHasher,
  slothDecode,
  slothEncode,
  taperedChallenges,
  type Zigzag2019Request,
  zigzag2019Report,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, holds, leavesOf, readVectors } from "./vectors.ts";

interface NodeParents {
  node: number;
  parents: number[];
}
interface ZigzagVectors {
  baseParents: NodeParents[];
  zigzagParents: { nodes: number; forward: NodeParents[]; reversed: NodeParents[] };
  tapers: { layers: number; count: number; taper: number; taperLayers: number; challenges: number[] }[];
  selected: { partitions: number; challenges: number[] }[];
  seals: {
    sectorBytes: number;
    userByte: number;
    proverIdByte: number;
    sectorId: number;
    expected: ReturnType<typeof zigzag2019Report>;
  }[];
  moreSeals: {
    sectorBytes: number;
    userBytes: number;
    layers: number;
    sectorId: number;
    expected: Omit<ReturnType<typeof zigzag2019Report>, "challenges">;
  }[];
}
const vectors = readVectors<ZigzagVectors>("proofs", "zigzag-2019");
const directions = ["forward", "reversed"] as const;

describe("the graph of 2019", () => {
  it("has the recorded parents", () => {
    for (const { node, parents } of vectors.baseParents) {
      expect([node, eraBaseParents(node, eraDegree, eraSeed)]).toEqual([node, parents]);
    }
    const graph = eraGraph(vectors.zigzagParents.nodes);
    for (const direction of directions) {
      for (const { node, parents } of vectors.zigzagParents[direction]) {
        expect([direction, node, graph.parents(direction, node)]).toEqual([direction, node, parents]);
      }
    }
  });

  it("has sorted parents of full degree on the right side, for any size and degree", () => {
    const shapes = fc.record({
      nodes: fc.integer({ min: 2, max: 200 }),
      degree: fc.integer({ min: 1, max: 11 }),
      expansionDegree: fc.integer({ min: 1, max: 9 }),
    });
    holds(
      fc.property(shapes, fc.nat(), (shape, pick) => {
        const graph = new EraGraph({ ...shape, seed: eraSeed });
        const node = pick % shape.nodes;
        const forward = graph.parents("forward", node);
        const reversed = graph.parents("reversed", node);
        expect([forward.length, reversed.length]).toEqual([graph.totalDegree, graph.totalDegree]);
        for (const list of [forward, reversed]) expect(list).toEqual(list.toSorted((a, b) => a - b));
        expect(node === 0 ? forward.every((p) => p === 0) : forward.every((p) => p < node)).toBe(true);
        const last = shape.nodes - 1;
        expect(node === last ? reversed.every((p) => p === last) : reversed.every((p) => p > node)).toBe(
          true,
        );
      }),
    );
  });

  it("turns its expander edges round in the other direction", () => {
    const nodes = 40;
    const feistel = new EraFeistel(nodes * 8);
    const graph = eraGraph(nodes);
    for (let slot = 0; slot < nodes * 8; slot += 1) {
      const [node, parent] = [slot, feistel.permute(slot)].map((one) => Math.floor(one / 8)) as [
        number,
        number,
      ];
      if (parent < node) {
        expect(graph.parents("forward", node)).toContain(parent);
        expect(graph.parents("reversed", parent)).toContain(node);
      }
    }
  });

  it("permutes, walking where the domain is no power of four", () => {
    for (const size of [1, 2, 4, 5, 6, 8, 12, 16, 17, 256, 1000]) {
      const feistel = new EraFeistel(size);
      const images = Array.from({ length: size }, (_none, i) => feistel.permute(i));
      expect(new Set(images).size).toBe(size);
      expect(Math.max(...images)).toBe(size - 1);
      expect(images.map((image) => feistel.invert(image))).toEqual(images.map((_image, i) => i));
    }
  });

  it("draws as rand 0.4 does: high word first, rejection above the last whole multiple", () => {
    const [one, two] = [new EraRandom([1, 2, 3, 4, 5, 6, 7, 9]), new EraRandom([1, 2, 3, 4, 5, 6, 7, 9])];
    // The block function is that of RFC 8439; with an empty key its first words are published.
    expect(new EraRandom([0, 0, 0, 0, 0, 0, 0, 0]).u64()).toBe(0xade0b876_903df1a0n);
    for (let draw = 0; draw < 50; draw += 1) expect(one.range(3, 10)).toBe(3 + Number(two.u64() % 7n));
  });

  it("takes the logarithm in 32-bit floats", () => {
    expect([10, 1023, 1024, 2 ** 20, 2 ** 21 - 1, 2 ** 21].map(floorLog2OfFloat32)).toEqual([
      3, 9, 10, 20, 21, 21,
    ]);
  });
});

describe("the seal of 2019", () => {
  it.each(vectors.seals)("passes the recorded seal of byte $userByte", (recorded) => {
    const { sectorBytes, userByte, proverIdByte, sectorId, expected } = recorded;
    const data = new Uint8Array(1016).fill(userByte);
    const proverId = new Uint8Array(31).fill(proverIdByte);
    const seal = sealZigzag2019({ sectorBytes, data, proverId, sectorId });
    expect(zigzag2019Report(seal)).toEqual(expected);
    const replication = { graph: eraGraph(32), layers: 4, slothRounds: 0, hasher: pedersenEraHasher };
    expect(extractEra(replication, seal.replicaId, seal.replica)).toEqual(eraSectorData(1024, data));
    expect(toHex(sha256(seal.replica))).toBe(expected.replicaSha256);
  });

  it.each(vectors.moreSeals)("passes the recorded seal of $userBytes bytes in $layers layers", (recorded) => {
    const { userBytes, expected, ...request } = recorded;
    const data = Uint8Array.from({ length: userBytes }, (_none, i) => 7 * i + Math.floor(i / 256));
    const proverId = Uint8Array.from({ length: 31 }, (_none, i) => i);
    const { challenges, ...report } = zigzag2019Report(sealZigzag2019({ ...request, data, proverId }));
    expect(report).toEqual(expected);
    expect(challenges.map((partition) => partition.length)).toEqual([request.layers, request.layers]);
  });

  it("pads first and fills with zeros then, whatever the length", () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 1016 }), (user) => {
        const sector = new Uint8Array(1024);
        sector.set(eraPad(user));
        expect(eraSectorData(1024, user)).toEqual(sector);
      }),
    );
  });

  const replications = fc
    .record({
      nodes: fc.integer({ min: 2, max: 70 }),
      degree: fc.integer({ min: 1, max: 6 }),
      expansionDegree: fc.integer({ min: 1, max: 8 }),
      layers: fc.integer({ min: 1, max: 7 }),
      slothRounds: fc.constantFrom(0, 0, 1, 2),
    })
    .map(({ nodes, degree, expansionDegree, layers, slothRounds }): EraReplication => {
      const graph = new EraGraph({ nodes, degree, expansionDegree, seed: eraSeed });
      return { graph, layers, slothRounds, hasher: sha256EraHasher };
    });

  const extracts = (extract: typeof extractEra) =>
    fc.property(replications, element, fc.bigInt({ min: 0n, max: 2n ** 64n }), (replication, id, seed) => {
      const data = leavesOf(replication.graph.nodes, seed);
      const { replica, roots } = replicateEra(replication, frToBytes(id), data);
      expect(roots.length).toBe(replication.layers + 1);
      return toHex(extract(replication, frToBytes(id), replica)) === toHex(data);
    });

  it("extracts what it replicated, for any size and any number of layers", () => {
    holds(extracts(extractEra), { numRuns: 40 });
  });

  it("canary: an extraction that counts its directions from the first layer fails on odd numbers", () => {
    const toggling: typeof extractEra = (replication, replicaId, replica) => {
      if (replication.layers % 2 === 0) return extractEra(replication, replicaId, replica);
      // With an odd number of layers, toggling from the first graph decodes each layer in the other direction.
      const { graph } = replication;
      const mirrored = { ...replication, graph: Object.create(graph) as EraGraph };
      Object.defineProperty(mirrored.graph, "parents", {
        value: (direction: "forward" | "reversed", node: number) =>
          graph.parents(direction === "forward" ? "reversed" : "forward", node),
      });
      Object.defineProperty(mirrored.graph, "nodes", { value: graph.nodes });
      return extractEra(mirrored, replicaId, replica);
    };
    expect(fc.check(extracts(toggling), { numRuns: 40 }).failed).toBe(true);
  });

  it("chooses challenges as the source", () => {
    for (const { count, challenges, ...taper } of vectors.tapers) {
      expect(taperedChallenges(taper, count)).toEqual(challenges);
    }
    expect(taperedChallenges({ layers: 4, taper: 1 / 3, taperLayers: 2 }, 2)).toEqual([1, 1, 2, 2]);
    for (const { partitions, challenges } of vectors.selected) {
      expect(selectChallenges({ ...eraChallengeParams, partitions })).toEqual(challenges);
    }
  });

  it("asks in k partitions of n what one of k · n asks, and never the first or the last node", () => {
    const commitments = fc.record({ replicaId: element.map(frToBytes), commRStar: element.map(frToBytes) });
    const shapes = fc.record({
      nodes: fc.integer({ min: 3, max: 2 ** 23 }),
      partitions: fc.integer({ min: 1, max: 5 }),
      count: fc.integer({ min: 1, max: 6 }),
      layer: fc.integer({ min: 0, max: 9 }),
    });
    holds(
      fc.property(commitments, shapes, (seal, { nodes, partitions, count, layer }) => {
        const parts = Array.from({ length: partitions }, (_none, partition) =>
          deriveEraChallenges(seal, { nodes, layer, partition, count }),
        );
        const whole = deriveEraChallenges(seal, { nodes, layer, partition: 0, count: count * partitions });
        expect(parts.flat()).toEqual(whole);
        expect(whole.every((node) => node >= 1 && node <= nodes - 2)).toBe(true);
      }),
    );
  });

  it("inverts sloth, whose root is one of the field", () => {
    const root = 20974350070050476191779096203274386335076221000211055129041463479975432473805n;
    expect((root * 5n) % (frModulus - 1n)).toBe(1n);
    holds(
      fc.property(element, element, fc.integer({ min: 0, max: 3 }), (key, plain, rounds) => {
        expect(slothDecode(key, slothEncode(key, plain, rounds), rounds)).toBe(plain);
      }),
      { numRuns: 20 },
    );
  });

  const request: Zigzag2019Request = {
    sectorBytes: 128,
    data: new Uint8Array(3),
    proverId: new Uint8Array(31),
    sectorId: 2n ** 64n - 1n,
  };

  it("seals other sizes, partitions and layers, and reports its progress", () => {
    const heard: number[] = [];
    const hooks = { progress: (share: number) => heard.push(share) };
    const seal = sealZigzag2019({ ...request, partitions: 3, layers: 3 }, hooks);
    expect(seal.commRLayers.length).toBe(3);
    expect(seal.challenges.length).toBe(3);
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
    expect(heard.at(-1)).toBe(1);
    expect(sealZigzag2019({ ...request, sectorId: 1 }).replicaId).toEqual(eraReplicaId(request.proverId, 1n));
  });

  it.each([
    ["bad-sector-size", { sectorBytes: 1000 }],
    ["bad-sector-size", { sectorBytes: 64 }],
    ["bad-sector-size", { sectorBytes: 2 ** 29 }],
    ["too-much-data", { data: new Uint8Array(128) }],
    ["bad-length", { proverId: new Uint8Array(32) }],
    ["bad-number", { sectorId: -1 }],
    ["bad-number", { sectorId: 1.5 }],
    ["bad-number", { sectorId: 2n ** 64n }],
    ["bad-number", { partitions: 0 }],
    ["bad-number", { layers: 256 }],
    ["bad-taper", { taper: 1 }],
    ["bad-taper", { taper: Number.NaN }],
  ] satisfies [string, Partial<Zigzag2019Request>][])("refuses with %s (case %#)", (code, part) => {
    expect(() => sealZigzag2019({ ...request, ...part })).toThrow(
      expect.objectContaining({ code: `zigzag2019/${code}` }),
    );
  });
});
