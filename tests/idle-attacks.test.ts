/**
 * Attacks on idle space, at a small size: who keeps a share of a hardened set answers that share of the challenges and
 * no more, whatever he keeps, until nearly all of a kept layer's time has gone by; who keeps three hundredths of a
 * set of CESS answers all of them. And the simulator itself: it finds the collapse when it is planted in our graph.
 */
import { createIdleGraph, plainSpaceKernel } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { expansion, leastKept } from "../bench/attacks/bound.ts";
import { type CessShape, cessCost, hotShare, isHot } from "../bench/attacks/cess.ts";
import { costOf, fullTime, readyTimes, rowOf, type Stack, stackOf } from "../bench/attacks/stack.ts";
import { keptLabels, keptShares, strategies } from "../bench/attacks/strategies.ts";

const stack = stackOf({ nodes: 2 ** 9, layers: 12, keptLayers: 3, passes: 4 });
const deadline = 0.75;

describe("our graph", () => {
  it.each(keptShares)("who keeps %d answers no larger share in three quarters of the time", (share) => {
    const budget = Math.floor(share * keptLabels(stack));
    for (const { name, keep } of strategies) {
      const kept = keep(stack, budget);
      expect([name, kept.reduce((sum, one) => sum + one, 0) <= budget]).toEqual([name, true]);
      const { answered, missing, time } = costOf(stack, kept, 2);
      const early = answered.get(deadline) ?? 1;
      expect([name, early <= share]).toEqual([name, true]);
      if (missing > 0) expect(time.least).toBeGreaterThan(0.5);
    }
  });

  it("nothing kept: the last label takes the time of all labels, and all of them have to be made", () => {
    const kept = new Uint8Array(stack.nodes * stack.layers * stack.keptLayers);
    const last = readyTimes(stack, kept).at(-1) ?? 0;
    expect(last / fullTime(stack)).toBeGreaterThan(0.9 * stack.keptLayers);
    expect(last / fullTime(stack)).toBeLessThanOrEqual(stack.keptLayers);
    expect(costOf(stack, kept, 4).labels).toBeGreaterThan(1);
  });

  it("everything kept: nothing is made", () => {
    const kept = new Uint8Array(stack.nodes * stack.layers * stack.keptLayers);
    for (let keptLayer = 0; keptLayer < stack.keptLayers; keptLayer += 1) {
      const from = rowOf(stack, keptLayer) * stack.nodes;
      kept.fill(1, from, from + stack.nodes);
    }
    expect(costOf(stack, kept)).toMatchObject({ missing: 0, labels: 0 });
  });

  it("its parents cover the layer: every node is one of another's, and none of very many", () => {
    const nodes = 2 ** 12;
    const parents = new Uint32Array(12 * nodes);
    createIdleGraph(new Uint8Array(32).fill(1), nodes).parentsInto(0, nodes, parents);
    const below = new Uint32Array(nodes);
    parents.forEach((parent, i) => {
      if (i % 12 >= 4) below[parent] = (below[parent] as number) + 1;
    });
    expect(Math.max(...below)).toBeLessThan(30);
    // Poisson of mean 8: one of three thousand has none, but for slot 13
    expect(below.filter((count) => count === 0).length).toBeLessThan(10);
  });

  it("its sampled parents are below the node's predecessor, near and far", () => {
    const nodes = 2 ** 12;
    const own = new Uint32Array(12 * nodes);
    plainSpaceKernel.idleParents(new Uint8Array(32).fill(1), nodes, 0, own);
    const byBucket = new Uint32Array(12);
    for (let node = 2; node < nodes; node += 1) {
      for (const parent of own.subarray(12 * node, 12 * node + 4)) {
        expect(parent).toBeLessThan(node - 1);
        const bucket = 31 - Math.clz32(node - parent);
        byBucket[bucket] = (byBucket[bucket] as number) + 1;
      }
    }
    // eleven buckets, the farthest only for the upper half
    for (const count of byBucket.subarray(1, 10)) expect(count).toBeGreaterThan(((nodes * 4) / 11) * 0.8);
  });
});

describe("the graph of CESS", () => {
  // As one file of 2^20 labels at degree 64: 1.6 % of the positions are parents of others.
  const shape: CessShape = { k: 4, nodes: 2 ** 16, degree: 4, clusters: 4 };
  const miner = new Uint8Array(32).fill(7);
  const asked = [5, 40_000, 65_000].map((position) => ({ layer: 2 * shape.k - 1, cluster: 4, position }));

  it("who keeps the hot labels makes one for each file and layer, in one column", () => {
    expect(hotShare(shape)).toBeCloseTo(0.031, 3);
    for (const label of asked) {
      const { labels, depth } = cessCost(shape, miner, label, ({ position }) => isHot(shape, position));
      expect({ labels, depth }).toEqual({
        labels: 2 * shape.k * shape.clusters,
        depth: 2 * shape.k * shape.clusters,
      });
    }
  });

  it("who keeps nothing makes one label of a hundred, a few at a time", () => {
    const all = 2 * shape.k * shape.clusters * shape.nodes;
    for (const label of asked) {
      const { labels, depth } = cessCost(shape, miner, label, () => false);
      expect(labels).toBeLessThan(all / 50);
      expect(depth).toBeLessThan(200);
    }
  });
});

it("the simulator finds a collapse that is planted: parents at few positions, no label before", () => {
  const hot = 16;
  const broken: Stack = {
    ...stack,
    parents: stack.parents.map((parent) => parent - (parent % (stack.nodes / hot))),
  };
  const kept = new Uint8Array(stack.nodes * stack.layers * stack.keptLayers);
  for (let row = 0; row < stack.layers * stack.keptLayers; row += 1) {
    for (let i = 0; i < hot; i += 1) kept[row * stack.nodes + (i * stack.nodes) / hot] = 1;
  }
  const share = kept.reduce((sum, one) => sum + one, 0) / keptLabels(stack);
  const { answered } = costOf(broken, kept, 2);
  expect(share).toBeLessThan(0.4);
  expect(answered.get(0.1)).toBe(1);
});

describe("the bound", () => {
  it("expansion grows with what is needed, and stays below the whole", () => {
    const shares = [0.001, 0.01, 0.1, 0.3, 0.5, 0.8];
    const found = shares.map(expansion);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    for (const [i, share] of shares.entries()) expect(found[i]).toBeGreaterThan(share);
    expect(found[1]).toBeGreaterThan(0.05);
  });

  it("twelve layers ask for nearly all labels, fewer layers for fewer", () => {
    const least = [4, 8, 12].map((layers) => leastKept(layers, 0, 0));
    expect(least[0]).toBeCloseTo(0.517, 2);
    expect(least[1]).toBeCloseTo(0.939, 2);
    expect(least[2]).toBeGreaterThan(0.99);
    expect(leastKept(12, 0, 0.01)).toBeGreaterThan(0.98);
  });
});
