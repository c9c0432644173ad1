/**
 * Layers by the compiled kernels against the reference: any replica id and layer, both directions, runs of any
 * length, both derivations of keys; and a whole seal gives the same commitments. Canaries: a kernel that ignores
 * the last parent, the number of the layer or a run's order is found.
 */
import { equalBytes, sectorId, seedAddress } from "@holdfast/base";
import {
  buildTree,
  createGraph,
  createSdrGraph,
  frsToBytes,
  installLayerKernel,
  type LayerKernel,
  type LayerPass,
  layerDirection,
  plainLabelPass,
  plainZigzagPass,
  sdrDegree,
  sectorProfile,
  sha254Hasher,
  type ZigzagLayer,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends } from "./kernel-backends.ts";
import { element, holds } from "./vectors.ts";

const nodes = 40;
const degree = 13;
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const layerBytes = fc.array(element, { minLength: nodes, maxLength: nodes }).map(frsToBytes);
const replicaIds = seed.map((bytes) => bytes.map((byte, i) => (i === 31 ? byte & 0x3f : byte)));

/** Runs of `length` nodes over a whole layer, in its order. */
function zigzagThrough(
  pass: LayerPass | undefined,
  layer: ZigzagLayer,
  graphSeed: Uint8Array,
  length: number,
) {
  const graph = createGraph(graphSeed, nodes);
  const direction = layerDirection(layer.number);
  const descending = (direction === "reversed") === (layer.mode === "encode");
  const table = graph.table(direction);
  for (let done = 0; done < nodes; done += length) {
    const count = Math.min(length, nodes - done);
    const low = descending ? nodes - done - count : done;
    pass?.run({
      low,
      count,
      descending,
      parents: table?.parents.subarray(low * degree, (low + count) * degree) ?? new Uint32Array(0),
      counts: table?.counts.subarray(low, low + count) ?? new Uint8Array(0),
    });
  }
  pass?.finish();
}

function sameZigzag(kernel: LayerKernel["zigzag"], keyDerivation: "blake2s" | "poseidon") {
  const layers = fc.record({
    bytes: layerBytes,
    replicaId: replicaIds,
    number: fc.integer({ min: 1, max: 12 }),
    mode: fc.constantFrom("encode" as const, "decode" as const),
  });
  return fc.property(layers, seed, fc.integer({ min: 1, max: nodes }), (given, graphSeed, length) => {
    const plain = { ...given, bytes: given.bytes.slice(), keyDerivation };
    const compiled = { ...given, bytes: given.bytes.slice(), keyDerivation };
    zigzagThrough(plainZigzagPass(plain), plain, graphSeed, nodes);
    zigzagThrough(kernel(compiled), compiled, graphSeed, length);
    return equalBytes(plain.bytes, compiled.bytes);
  });
}

const longestRun = 20;

/** Single runs of every length up to 20 amid a layer, every count of parents in them, many parents within the run. */
function sameRuns(kernel: LayerKernel["zigzag"], keyDerivation: "blake2s" | "poseidon") {
  const shapes = fc.record({
    mode: fc.constantFrom("encode" as const, "decode" as const),
    descending: fc.boolean(),
    low: fc.integer({ min: 8, max: 12 }),
    firstCount: fc.nat(degree),
    steps: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(nodes)), {
      minLength: longestRun * degree,
      maxLength: longestRun * degree,
    }),
  });
  return fc.property(
    layerBytes,
    replicaIds,
    shapes,
    (bytes, replicaId, { low, firstCount, steps, ...shape }) => {
      const below = shape.descending === (shape.mode === "decode");
      const parents = Uint32Array.from(steps, (step, i) => {
        const node = low + Math.floor(i / degree);
        return below ? Math.max(node - Math.max(step, 1), 0) : Math.min(node + Math.max(step, 1), nodes - 1);
      });
      const counts = Uint8Array.from({ length: longestRun }, (_none, i) => (firstCount + i) % (degree + 1));
      const after = (make: LayerKernel["zigzag"], count: number): Uint8Array => {
        const layer = { bytes: bytes.slice(), replicaId, number: 3, keyDerivation, mode: shape.mode };
        const pass = make(layer);
        const own = { parents: parents.subarray(0, count * degree), counts: counts.subarray(0, count) };
        pass?.run({ low, count, descending: shape.descending, ...own });
        pass?.finish();
        return layer.bytes;
      };
      const lengths = Array.from({ length: longestRun }, (_none, i) => i + 1);
      return lengths.every((count) => equalBytes(after(kernel, count), after(plainZigzagPass, count)));
    },
  );
}

function sameLabels(kernel: LayerKernel["sdr"]) {
  const numbers = fc.integer({ min: 1, max: 11 });
  return fc.property(layerBytes, replicaIds, numbers, seed, (previous, replicaId, number, porepId) => {
    const table = createSdrGraph(nodes, porepId, "1.1").table() ?? new Uint32Array(0);
    const labelsBy = (make: LayerKernel["sdr"]): Uint8Array => {
      const into = new Uint8Array(previous.length);
      const pass = make({ replicaId, number, previous, into });
      for (let low = 0; low < nodes; low += 16) {
        const count = Math.min(16, nodes - low);
        const parents = table.subarray(low * sdrDegree, (low + count) * sdrDegree);
        pass?.run({ low, count, descending: false, parents, counts: new Uint8Array(0) });
      }
      pass?.finish();
      return into;
    };
    return equalBytes(labelsBy(kernel), labelsBy(plainLabelPass));
  });
}

describe.each(backends)("layers by $name kernels", ({ loaded: { layers } }) => {
  const { zigzag: zigzagKernel = plainZigzagPass, sdr = plainLabelPass } = layers;

  it("ZigZag with keys by BLAKE2s", () => holds(sameZigzag(zigzagKernel, "blake2s"), { numRuns: 30 }));
  it("ZigZag with keys by Poseidon", () => holds(sameZigzag(zigzagKernel, "poseidon"), { numRuns: 4 }));
  it("ZigZag in runs of every length, keys by BLAKE2s", () =>
    holds(sameRuns(zigzagKernel, "blake2s"), { numRuns: 8 }));
  it("ZigZag in runs of every length, keys by Poseidon", () =>
    holds(sameRuns(zigzagKernel, "poseidon"), { numRuns: 3 }));
  it("labels of SDR", () => holds(sameLabels(sdr), { numRuns: 20 }));

  it("a whole seal and its inverse", () => {
    const profile = sectorProfile(4096);
    const user = Uint8Array.from({ length: profile.userBytes }, (_none, i) => (i * 7) & 0xff);
    const { data } = zigzag.preproc(user, profile);
    const identity = {
      networkId: new Uint8Array(32).fill(3),
      miner: seedAddress(1, "kernel"),
      sectorId: sectorId(5),
      ticket: new Uint8Array(32).fill(4),
      commD: buildTree(sha254Hasher, data).root,
    };
    const plain = zigzag.replicate(profile, identity, data);
    const restore = installLayerKernel(layers);
    try {
      const sealed = zigzag.replicate(profile, identity, data);
      expect(sealed.commRStar).toEqual(plain.commRStar);
      expect(zigzag.extract(profile, identity, sealed.replica)).toEqual(data);
    } finally {
      restore();
    }
  });

  it("a parent that is no node, and one that is no field element, are refused", () => {
    const bytes = new Uint8Array(32 * 4);
    bytes.fill(0xff, 0, 32);
    const layer = { bytes, replicaId: new Uint8Array(32), number: 1, mode: "encode" } as const;
    const run = (parent: number, keyDerivation: "blake2s" | "poseidon") => () =>
      layers.zigzag?.({ ...layer, keyDerivation })?.run({
        low: 3,
        count: 1,
        descending: false,
        parents: new Uint32Array(degree).fill(parent),
        counts: Uint8Array.of(1),
      });
    expect(run(4, "blake2s")).toThrow();
    expect(run(4, "poseidon")).toThrow();
    expect(run(0, "poseidon")).toThrow();
  });
});

describe.each(backends)("limits of $name kernels", ({ backend, loaded: { limits } }) => {
  it("are computed, one answer for one question, and wrong questions are refused", () => {
    if (limits === undefined) throw new Error("a compiled back end has limits");
    expect(Object.keys(limits)).toEqual(
      expect.arrayContaining(["blake2s_one_stream", "blake2s_many_streams"]),
    );
    for (const [name, loop] of Object.entries(limits)) {
      const sum = loop(128);
      expect(Number.isInteger(sum)).toBe(true);
      if (/^(blake2s|sha256)_/.test(name)) expect([loop(128), loop(256) === sum]).toEqual([sum, false]);
    }
    if (backend === "native") expect(() => limits.blake2s_one_stream?.(-1)).toThrow(RangeError);
  });
});

describe("canaries", () => {
  const fails = <Ts>(property: fc.IProperty<Ts>): boolean =>
    (
      fc.check(property as fc.IRawProperty<Ts>, {
        numRuns: 20,
        seed: 7,
        endOnFailure: true,
      }) as fc.RunDetails<Ts>
    ).failed;

  it("a lost parent, a wrong layer and a wrong order are found", () => {
    const changing =
      (change: (layer: ZigzagLayer) => LayerPass): LayerKernel["zigzag"] =>
      (layer) =>
        change(layer);
    expect(fails(sameZigzag(changing(plainZigzagPass), "blake2s"))).toBe(false);
    const lost = changing((layer) => {
      const pass = plainZigzagPass(layer);
      const run: LayerPass["run"] = (given) =>
        pass.run({ ...given, counts: given.counts.map((count) => Math.min(count, degree - 1)) });
      return { ...pass, run };
    });
    const wrongLayer = changing((layer) => plainZigzagPass({ ...layer, number: layer.number + 1 }));
    const wrongOrder = changing((layer) => {
      const pass = plainZigzagPass(layer);
      return { ...pass, run: (given) => pass.run({ ...given, descending: !given.descending }) };
    });
    for (const planted of [lost, wrongLayer, wrongOrder]) {
      expect(fails(sameZigzag(planted, "blake2s"))).toBe(true);
      expect(fails(sameRuns(planted, "blake2s"))).toBe(true);
    }
    expect(fails(sameLabels((layer) => plainLabelPass({ ...layer, number: 1 })))).toBe(true);
  });
});
