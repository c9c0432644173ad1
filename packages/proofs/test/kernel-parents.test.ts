/**
 * Parents by the compiled kernels against the reference: any seed, sizes from the smallest to a million nodes, both
 * directions and both versions, runs that begin and end anywhere. Canary: a kernel that takes one node for another is
 * found.
 */
import { equalBytes } from "@holdfast/base";
import {
  createGraph,
  createSdrGraph,
  type Direction,
  installLayerKernel,
  type LayerKernel,
  plainParents,
  plainSdrParents,
  sdrDegree,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends } from "./kernel-backends.ts";
import { holds } from "./vectors.ts";

const degree = 13;
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const directions = fc.constantFrom<Direction>("forward", "reversed");
/** A graph's size, and a run of up to 40 nodes in it. */
const runs = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: 3, max: 70 }) },
    { weight: 2, arbitrary: fc.integer({ min: 71, max: 9000 }) },
    { weight: 1, arbitrary: fc.constantFrom(2 ** 17, 2 ** 20, 2 ** 20 + 1) },
  )
  .chain((nodes) =>
    fc.tuple(fc.constant(nodes), fc.integer({ min: 0, max: nodes - 1 }), fc.integer({ min: 1, max: 40 })),
  )
  .map(([nodes, low, count]) => ({ nodes, low, count: Math.min(count, nodes - low) }));

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer);

function withKernel<T>(functions: Partial<LayerKernel>, work: () => T): T {
  const restore = installLayerKernel(functions);
  try {
    return work();
  } finally {
    restore();
  }
}

function sameZigzag(kernel: Partial<LayerKernel>) {
  return fc.property(seeds, runs, directions, (seed, { nodes, low, count }, direction) => {
    const graph = createGraph(seed, nodes);
    const places = () => ({ parents: new Uint32Array(degree * count), counts: new Uint8Array(count) });
    const [plain, compiled] = [places(), places()];
    plainParents(graph, direction, low, plain);
    withKernel(kernel, () => graph.fillParents(direction, low, compiled));
    return (
      equalBytes(plain.counts, compiled.counts) &&
      equalBytes(bytesOf(plain.parents), bytesOf(compiled.parents))
    );
  });
}

function sameSdr(kernel: Partial<LayerKernel>) {
  const versions = fc.constantFrom("1.0" as const, "1.1" as const);
  return fc.property(seeds, runs, versions, (porepId, { nodes, low, count }, version) => {
    const graph = createSdrGraph(Math.min(nodes, 2 ** 17), porepId, version);
    const from = Math.min(low, graph.nodes - 1);
    const places = () => new Uint32Array(sdrDegree * Math.min(count, graph.nodes - from));
    const [plain, compiled] = [places(), places()];
    plainSdrParents(graph, from, plain);
    withKernel(kernel, () => graph.fillParents(from, compiled));
    return equalBytes(bytesOf(plain), bytesOf(compiled));
  });
}

describe.each(backends)("parents by $name kernels", ({ loaded: { layers } }) => {
  const { zigzagParents, sdrParents } = layers;

  it("of ZigZag", () => holds(sameZigzag({ ...(zigzagParents && { zigzagParents }) }), { numRuns: 60 }));
  it("of SDR", () => holds(sameSdr({ ...(sdrParents && { sdrParents }) }), { numRuns: 30 }));

  it("of whole graphs, into memory that threads share", () => {
    const nodes = 5003;
    const graph = createGraph(new Uint8Array(32).fill(5), nodes);
    const shared = {
      parents: new Uint32Array(new SharedArrayBuffer(4 * degree * nodes)),
      counts: new Uint8Array(new SharedArrayBuffer(nodes)),
    };
    const plain = { parents: new Uint32Array(degree * nodes), counts: new Uint8Array(nodes) };
    for (const direction of ["forward", "reversed"] as const) {
      plainParents(graph, direction, 0, plain);
      withKernel(layers, () => graph.fillParents(direction, 0, shared));
      expect(plain.counts).toEqual(shared.counts);
      expect(plain.parents).toEqual(shared.parents);
    }
  });
});

it("a node that is taken for another is found", () => {
  const [first] = backends;
  const { zigzagParents } = first.loaded.layers;
  if (zigzagParents === undefined) throw new Error("a compiled back end has parents");
  const wrong: LayerKernel["zigzagParents"] = (graph) => {
    const fill = zigzagParents(graph);
    return (reversed, low, into) => fill(reversed, Math.min(low + 1, graph.nodes - into.counts.length), into);
  };
  expect(fc.check(sameZigzag({ zigzagParents: wrong }), { numRuns: 30, seed: 7 }).failed).toBe(true);
});
