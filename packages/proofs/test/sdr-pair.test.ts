/**
 * Two SDR sectors sealed together: on every back end the same labels as one after the other, and the same
 * commitments and stored bytes as two seals. Canary: a pair whose replicas are exchanged is found.
 */
import { concatBytes, equalBytes } from "@holdfast/base";
import {
  createSdrGraph,
  installLayerKernel,
  type LayerKernel,
  MemoryStore,
  type NodeRun,
  plainLabelPass,
  plainPairPass,
  runSteps,
  type SdrLayer,
  sdrAuxLength,
  sdrDegree,
  sdrShape,
  sealSdrData,
  sealSdrPair,
  userInput,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends } from "./kernel-backends.ts";
import { holds } from "./vectors.ts";

const nodes = 40;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

function runsOf(seed: Uint8Array, slice: number): readonly NodeRun[] {
  const table = createSdrGraph(nodes, seed, "1.1").table() ?? new Uint32Array(0);
  const runs: NodeRun[] = [];
  for (let low = 0; low < nodes; low += slice) {
    const count = Math.min(slice, nodes - low);
    const parents = table.slice(low * sdrDegree, (low + count) * sdrDegree);
    runs.push({ low, count, descending: false, parents, counts: new Uint8Array(0) });
  }
  return runs;
}

function pairHolds(kernel: LayerKernel["sdrPair"]) {
  const replica = fc.record({ replicaId: bytes(32), previous: bytes(32 * nodes) });
  const runs = fc.tuple(bytes(32), fc.integer({ min: 1, max: nodes })).map((given) => runsOf(...given));
  return fc.property(
    fc.tuple(replica, replica),
    fc.integer({ min: 1, max: 11 }),
    runs,
    (given, number, all) => {
      const layers = () => given.map((each) => ({ ...each, number, into: new Uint8Array(32 * nodes) }));
      const [one, two] = layers() as [SdrLayer, SdrLayer];
      const pair = layers() as [SdrLayer, SdrLayer];
      for (const pass of [plainLabelPass(one), plainLabelPass(two), kernel(pair) ?? plainPairPass(pair)]) {
        for (const run of all) pass.run(run);
        pass.finish();
      }
      return equalBytes(concatBytes(one.into, two.into), concatBytes(pair[0].into, pair[1].into));
    },
  );
}

const shape = sdrShape(2048, 2);
const graph = createSdrGraph(shape.nodes, new Uint8Array(32).fill(9), "1.1");

function sectorOf(seed: number) {
  const data = Uint8Array.from({ length: 2000 }, (_none, i) => (i * seed) & 0xff);
  const input = userInput((start, length) => data.subarray(start, start + length));
  const bind = (commD: Uint8Array) => ({ replicaId: commD.map((byte) => (byte * seed) & 0x3f), graph });
  return { bind, input, store: new MemoryStore(sdrAuxLength(shape)) };
}

describe.each(backends)("pairs of SDR by $name kernels", ({ loaded: { layers } }) => {
  it("labels as one after the other", () =>
    holds(pairHolds(layers.sdrPair ?? plainPairPass), { numRuns: 20 }));

  it("seals as one after the other", () => {
    const plain = [7, 11].map((seed) => {
      const { bind, input, store } = sectorOf(seed);
      return { roots: runSteps(sealSdrData(shape, bind, input, store)), bytes: store.bytes };
    });
    const restore = installLayerKernel(layers);
    try {
      const pair = [sectorOf(7), sectorOf(11)] as const;
      const roots = runSteps(sealSdrPair(shape, pair));
      expect(roots.map((each, i) => ({ roots: each, bytes: pair[i]?.store.bytes }))).toEqual(plain);
    } finally {
      restore();
    }
  });
});

it("a pair that is exchanged is found", () => {
  const exchanged = pairHolds(([first, second]) => {
    const [one, two] = [
      { ...first, into: second.into },
      { ...second, into: first.into },
    ];
    return plainPairPass([one as SdrLayer, two as SdrLayer]);
  });
  expect(fc.check(exchanged, { numRuns: 20, seed: 7 }).failed).toBe(true);
});
