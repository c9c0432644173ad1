/**
 * The ZigZag graph: its pseudo-random parts, its shape in both directions, and what breaks when it is
 * wrong.
 */
import { fromHex, littleEndian, readLittleEndian } from "@holdfast/base";
import {
  chachaBlock,
  createGraph,
  type Direction,
  FeistelPermutation,
  graphOf,
  graphSeed,
  sectorProfile,
  sectorProfiles,
  streamDomains,
  WordStream,
  type ZigzagGraph,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds } from "./vectors.ts";

const seedOf = (value: number): Uint8Array => littleEndian(value + 1, 32);
const wordsOf = (hex: string): number[] => hex.split(" ").map((word) => Number(`0x${word}`));

describe("the ChaCha20 stream", () => {
  it("has the block of RFC 8439, 2.3.2", () => {
    const key = wordsOf("03020100 07060504 0b0a0908 0f0e0d0c 13121110 17161514 1b1a1918 1f1e1d1c");
    const constants = wordsOf("61707865 3320646e 79622d32 6b206574");
    const state = Int32Array.from([...constants, ...key, ...wordsOf("00000001 09000000 4a000000 00000000")]);
    const block = new Uint32Array(16);
    chachaBlock(state, block);
    const expected =
      "e4e7f110 15593bd1 1fdd0f50 c47120a3 c7f4d1c7 0368c033 9aaa2204 4e6cd4c3 " +
      "466482d2 09aa9f07 05d7c214 a2028bd9 d19c12b5 b94e16de e883d0cb 4e3c50a2";
    expect(Array.from(block)).toEqual(wordsOf(expected));
  });

  it("reads its key in the RFC's order and counts its blocks", () => {
    const key = fromHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const stream = new WordStream(key);
    stream.seek(0x09000000, 0x4a000000);
    for (let i = 0; i < 16; i += 1) stream.next();
    expect(stream.next()).toBe(0xe4e7f110);
  });

  it("gives different words under different names, the same under the same", () => {
    const stream = new WordStream(seedOf(0));
    const first = (domain: number, index: number): number => {
      stream.seek(domain, index);
      return stream.next();
    };
    const names = [1, 2, 3].flatMap((domain) =>
      [0, 1, 2, 2 ** 32, 2 ** 32 + 1].map((i) => [domain, i] as const),
    );
    expect(new Set(names.map(([domain, index]) => first(domain, index))).size).toBe(names.length);
    expect(first(1, 7)).toBe(first(1, 7));
  });

  /**
   * The share of draws in the lower half of [0, bound) is one half; a modulo without rejection is far off.
   */
  const lowerShare = (draw: (stream: WordStream, bound: number) => number): number => {
    const stream = new WordStream(seedOf(3));
    stream.seek(streamDomains.challenges, 0);
    const bound = 3 * 2 ** 30;
    const total = 4000;
    let lower = 0;
    for (let i = 0; i < total; i += 1) if (draw(stream, bound) < bound / 2) lower += 1;
    return lower / total;
  };

  it("draws without bias", () => {
    expect(Math.abs(lowerShare((stream, bound) => stream.below(bound)) - 0.5)).toBeLessThan(0.04);
    const canary = lowerShare((stream, bound) => stream.next() % bound);
    expect(Math.abs(canary - 0.5)).toBeGreaterThan(0.04);
  });

  it("stays below its bound", () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.nat(), (bound, index) => {
        const stream = new WordStream(seedOf(1));
        stream.seek(1, index);
        for (let i = 0; i < 20; i += 1) expect(stream.below(bound)).toBeLessThan(bound);
      }),
    );
  });
});

describe("the Feistel permutation", () => {
  const sizes = [2, 5, 6, 8, 12, 16, 17, 255, 256, 512, 1000, 4096, 8192];
  it.each(sizes)("is a permutation of %i values, with its inverse", (size) => {
    const permutation = new FeistelPermutation(new WordStream(seedOf(size)), size);
    const image = Array.from({ length: size }, (_none, value) => permutation.permute(value));
    expect(new Set(image).size).toBe(size);
    expect(Math.max(...image)).toBe(size - 1);
    image.forEach((value, from) => {
      expect(permutation.invert(value)).toBe(from);
    });
  });

  it("inverts on the largest domains", () => {
    const permutation = new FeistelPermutation(new WordStream(seedOf(1)), 2 ** 31);
    holds(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (value) => {
        const image = permutation.permute(value);
        expect(image >= 0 && image < 2 ** 31).toBe(true);
        expect(permutation.invert(image)).toBe(value);
      }),
    );
  });

  it("depends on the key, and leaves few values in place", () => {
    const [a, b] = [1, 2].map((key) => new FeistelPermutation(new WordStream(seedOf(key)), 4096));
    const values = Array.from({ length: 4096 }, (_none, value) => value);
    expect(values.filter((value) => a?.permute(value) === b?.permute(value)).length).toBeLessThan(20);
    expect(values.filter((value) => a?.permute(value) === value).length).toBeLessThan(20);
  });
});

/** What every node of a graph must satisfy; the names of what is wrong. */
function faultsOf(graph: ZigzagGraph, direction: Direction): string[] {
  const faults = new Set<string>();
  const table = graph.table(direction);
  for (let node = 0; node < graph.nodes; node += 1) {
    const parents = graph.parentsOf(direction, node);
    const rank = direction === "forward" ? node : graph.nodes - 1 - node;
    if (parents.includes(node)) faults.add("self loop");
    if (new Set(parents).size !== parents.length) faults.add("duplicate");
    if (parents.some((parent) => (direction === "forward" ? parent > node : parent < node))) {
      faults.add("wrong direction");
    }
    if (parents.some((parent) => !(parent >= 0 && parent < graph.nodes))) faults.add("outside");
    if (parents.length > 13) faults.add("degree");
    if (parents.length < Math.min(rank, 5)) faults.add("too few base parents");
    if (rank > 0 && parents[0] !== (direction === "forward" ? node - 1 : node + 1))
      faults.add("no predecessor");
    const stored = table?.parents.subarray(node * 13, node * 13 + (table.counts[node] ?? 0)) ?? [];
    if (Array.from(stored).join() !== parents.join()) faults.add("table");
  }
  return [...faults];
}

describe("the ZigZag graph", () => {
  const directions = ["forward", "reversed"] as const;

  it("has the right shape for any seed and size, in both directions", () => {
    holds(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 9 }), (seed, log2) => {
        const graph = createGraph(seedOf(seed), 2 ** log2);
        for (const direction of directions) expect(faultsOf(graph, direction)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("has the right shape at 8192 nodes", () => {
    const graph = createGraph(seedOf(1), 8192);
    for (const direction of directions) expect(faultsOf(graph, direction)).toEqual([]);
  });

  it.each([
    ["self loop", (_graph: ZigzagGraph, node: number, parents: number[]) => [...parents.slice(0, 12), node]],
    [
      "duplicate",
      (_graph: ZigzagGraph, _node: number, parents: number[]) => [...parents, ...parents.slice(0, 1)],
    ],
    [
      "wrong direction",
      (graph: ZigzagGraph, _node: number, parents: number[]) => [...parents, graph.nodes - 1],
    ],
    ["no predecessor", (_graph: ZigzagGraph, _node: number, parents: number[]) => parents.toReversed()],
    ["too few base parents", (_graph: ZigzagGraph, _node: number, parents: number[]) => parents.slice(0, 4)],
  ] as const)("would be found with a %s (canary)", (fault, change) => {
    const honest = createGraph(seedOf(1), 64);
    const broken: ZigzagGraph = {
      nodes: honest.nodes,
      hasTables: honest.hasTables,
      parentsInto: honest.parentsInto.bind(honest),
      fillParents: honest.fillParents.bind(honest),
      parts: honest.parts.bind(honest),
      table: honest.table.bind(honest),
      parentsOf: (direction, node) => change(honest, node, [...honest.parentsOf(direction, node)]),
    };
    expect(faultsOf(broken, "forward")).toContain(fault);
  });

  const graph = createGraph(seedOf(5), 1024);
  const last = graph.nodes - 1;
  const base = (direction: Direction, node: number): readonly number[] =>
    graph.parentsOf(direction, node).slice(0, Math.min(5, direction === "forward" ? node : last - node));

  it("mirrors the base graph", () => {
    for (let node = 0; node < graph.nodes; node += 1) {
      expect(base("reversed", node)).toEqual(base("forward", last - node).map((parent) => last - parent));
    }
  });

  it("turns every expander edge round", () => {
    let edges = 0;
    for (let node = 0; node < graph.nodes; node += 1) {
      for (const direction of directions) {
        const other = direction === "forward" ? "reversed" : "forward";
        for (const parent of graph.parentsOf(direction, node).slice(base(direction, node).length)) {
          expect(graph.parentsOf(other, parent)).toContain(node);
          edges += 1;
        }
      }
    }
    const perNode = edges / 2 / graph.nodes; // four on average, but for pairs that are base edges as well
    expect(perNode).toBeGreaterThan(3.7);
    expect(perNode).toBeLessThanOrEqual(4.1);
  });

  /** The largest deviation of any bucket of distances from an equal share. */
  const bucketDeviation = (parentsOf: (node: number) => readonly number[]): number => {
    const counts = new Array<number>(14).fill(0);
    let total = 0;
    for (let node = 12_288; node < 16_384; node += 1) {
      for (const parent of parentsOf(node).slice(1, 5)) {
        const bucket = Math.floor(Math.log2(node - parent));
        counts[bucket] = (counts[bucket] ?? 0) + 1;
        total += 1;
      }
    }
    // The first buckets lose to the predecessor, the last holds only part of its distances.
    return Math.max(...counts.slice(2, 13).map((count) => Math.abs((count / total) * 15 - 1)));
  };

  it("samples base parents in buckets of doubling distance", () => {
    const large = createGraph(seedOf(2), 16_384);
    expect(bucketDeviation((node) => large.parentsOf("forward", node))).toBeLessThan(0.35);
    const uniform = (node: number): readonly number[] =>
      [0, 1, 2, 3, 4].map((k) => Number(readLittleEndian(seedOf(node * 7919 + k * 104_729)) % BigInt(node)));
    expect(bucketDeviation(uniform)).toBeGreaterThan(0.35);
  });

  it("is its own for every network and every size", () => {
    const [kib, twoKib] = [sectorProfile(1024), sectorProfile(2048)];
    const networks = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill));
    const seeds = networks.flatMap((id) => [kib, twoKib].map((profile) => graphSeed(id, profile).join()));
    expect(new Set(seeds).size).toBe(6);
    const all = networks.map((id) => {
      const of = graphOf(id, kib);
      return Array.from({ length: kib.nodes }, (_none, node) => of.parentsOf("forward", node).join()).join(
        ";",
      );
    });
    expect(new Set(all).size).toBe(3);
  });

  it("is built once per network and size, and forgotten when there are too many", () => {
    const profile = sectorProfile(1024);
    const id = (value: number): Uint8Array => littleEndian(value, 32);
    const first = graphOf(id(1000), profile);
    expect(graphOf(id(1000), profile)).toBe(first);
    for (let i = 1; i <= 20; i += 1) graphOf(id(1000 + i), profile);
    expect(graphOf(id(1000), profile)).not.toBe(first);
  });

  it("gives parents of the largest row without a table", () => {
    const largest = sectorProfiles.findLast(({ kind }) => kind === "zigzag") ?? sectorProfile(1024);
    const huge = graphOf(new Uint8Array(32), largest);
    expect(huge.table("forward")).toBeUndefined();
    for (const node of [1, 5, 6, 1000, largest.nodes - 1]) {
      expect(huge.parentsOf("forward", node).every((parent) => parent < node)).toBe(true);
      expect(huge.parentsOf("reversed", node).every((parent) => parent > node)).toBe(true);
    }
  });
});
