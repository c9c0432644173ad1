/**
 * The kernels of a crew against those of one thread, on every back end that is here: trees and columns, sums and
 * multiples, checks and lists of calls, of any size, in ordinary and in shared memory. The sizes of slices are small,
 * so that few points make many. Canaries: a lost slice and a lost half of the bits are found.
 */
import { equalBytes } from "@holdfast/base";
import {
  type CurveCall,
  type CurveKernel,
  curveCall,
  frsToBytes,
  graphOf,
  installAllocator,
  installLayerKernel,
  installTreeKernel,
  type LayerKernel,
  plainTreeKernel,
  poseidonHasher,
  rowsLength,
  sha254Hasher,
  startColumns,
  startRows,
  type TreeHasher,
  zigzag,
} from "@holdfast/proofs";
import {
  type Crew,
  createCrew,
  crewCurve,
  crewLayers,
  crewTree,
  type LoadedKernels,
  sharedBytes,
  type ThreadKernels,
} from "@holdfast/proofs/kernels";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { generatorG1, generatorG2, groupsOf, pointsOf, scalar, terms } from "./curve-fixtures.ts";
import { backends } from "./kernel-backends.ts";
import { withoutTables } from "./large-graph.ts";
import { profileWithLayers, sectorOf } from "./reference.ts";
import { element, flipBit, holds, leavesOf } from "./vectors.ts";

const treeSizes = { poseidonLeaves: 8, sha256Leaves: 4, columns: 5, minSlices: 2 };
const curveSizes = { sumPoints: 3, multiples: 3, checkedPoints: 3 };

const kernelsOf = ({ tree, curve, layers }: LoadedKernels): ThreadKernels => ({
  tree: { ...plainTreeKernel, ...tree },
  curve,
  layers,
});

const pair = <T>(value: fc.Arbitrary<T>) => fc.tuple(value, fc.boolean());

/** A tree by passes is the tree by rows. */
function sameRows(kernels: ThreadKernels, tree: ReturnType<typeof crewTree>, hasher: TreeHasher) {
  const logs = fc.integer({ min: 2, max: 8 });
  return fc.property(logs, fc.bigInt({ min: 1n, max: 99n }), fc.boolean(), (log, seed, inShared) => {
    const leaves = leavesOf(2 ** log, seed);
    const build = (functions: Partial<typeof kernels.tree>): Uint8Array => {
      const restore = installTreeKernel({ ...kernels.tree, ...functions });
      const rows = new Uint8Array(rowsLength(hasher, 2 ** log));
      try {
        const pass = startRows(hasher, inShared ? sharedBytes(leaves) : leaves, rows);
        while (pass.advance());
        pass.finish();
        return rows;
      } finally {
        restore();
      }
    };
    return equalBytes(build(tree), build({}));
  });
}

function sameColumns(kernels: ThreadKernels, tree: ReturnType<typeof crewTree>) {
  return fc.property(fc.constantFrom(2, 11), fc.integer({ min: 1, max: 40 }), (layers, nodes) => {
    const labels = Array.from({ length: layers }, (_none, i) => sharedBytes(leavesOf(nodes, BigInt(i + 1))));
    const build = (functions: Partial<typeof kernels.tree>): Uint8Array => {
      const restore = installTreeKernel({ ...kernels.tree, ...functions });
      const into = new Uint8Array(32 * nodes);
      try {
        startColumns(labels, into).finish();
        return into;
      } finally {
        restore();
      }
    };
    return equalBytes(build(tree), build({}));
  });
}

/** Hashes that take the place of labels do so at the end: until then every slice may be done again. */
function columnsInPlace(kernels: ThreadKernels, tree: ReturnType<typeof crewTree>) {
  return fc.property(fc.integer({ min: 11, max: 40 }), (nodes) => {
    const [first, last] = [sharedBytes(leavesOf(nodes, 1n)), sharedBytes(leavesOf(nodes, 2n))];
    const expected = new Uint8Array(first.length);
    startColumns([first, last], expected).finish();
    const restore = installTreeKernel({ ...kernels.tree, ...tree });
    try {
      const pass = startColumns([first, last], first);
      while (pass.advance());
      const isUntouched = equalBytes(first, leavesOf(nodes, 1n));
      pass.finish();
      return isUntouched && equalBytes(first, expected);
    } finally {
      restore();
    }
  });
}

/**
 * A replica is decoded to the same data by runs that threads share, in layers of either direction, also where they
 * find the parents for one another.
 */
function sameData(shared: Partial<LayerKernel>, layers: number) {
  return fc.property(fc.integer({ min: 1, max: 99 }), (seed) => {
    const { profile, identity, data } = sectorOf(profileWithLayers(layers, 16_384), seed);
    if (layers === 5) withoutTables(graphOf(identity.networkId, profile));
    const { replica } = zigzag.replicate(profile, identity, data);
    const back = [
      installLayerKernel(shared),
      installAllocator((bytes) => sharedBytes(new Uint8Array(bytes))),
    ];
    try {
      const extracted = zigzag.extract(profile, identity, replica);
      return equalBytes(extracted, data) && extracted.buffer instanceof ArrayBuffer;
    } finally {
      for (const undo of back) undo();
    }
  });
}

/** Any function of a group, of long and of short scalars. */
function sameSums(own: CurveKernel, curve: CurveKernel, group: "g1" | "g2", most: number) {
  const [one, many] = [groupsOf(own)[group], groupsOf(curve)[group]];
  return fc.property(pair(terms(most)), ([pairs, inShared]) => {
    const bytes = [
      pointsOf(
        one,
        pairs.map(([point]) => point),
      ),
      frsToBytes(pairs.map(([, by]) => by)),
    ].map((given) => (inShared ? sharedBytes(given) : given));
    const [points, scalars] = bytes as [Uint8Array, Uint8Array];
    return (
      equalBytes(many.msm(points, scalars), one.msm(points, scalars)) &&
      equalBytes(many.scale(points, scalars), one.scale(points, scalars)) &&
      equalBytes(many.fixedBase(one.generator, scalars), one.fixedBase(one.generator, scalars)) &&
      many.firstBad(points) === -1
    );
  });
}

function sameLists(own: CurveKernel, curve: CurveKernel) {
  const scalars = fc.array(scalar, { minLength: 8, maxLength: 8 }).map(frsToBytes);
  return fc.property(scalars, scalars, fc.array(element, { minLength: 8, maxLength: 8 }), (a, b, values) => {
    const points = own.fixedBaseG1(generatorG1, a);
    const calls: CurveCall[] = [
      { call: "msmG1", args: [points, b] },
      { call: "fixedBaseG2", args: [generatorG2, a] },
      { call: "quotient", args: [a, b, frsToBytes(values)] },
      { call: "lagrangeG1", args: [points] },
      { call: "scaleG1", args: [points, a] },
    ];
    const together = curve.start?.(calls).finish() ?? calls.map((call) => curveCall(own, call));
    return calls.every((call, i) => equalBytes(curveCall(own, call), together[i] as Uint8Array));
  });
}

/** Many small sums are bundled. */
function sameSmallSums(own: CurveKernel, crew: Crew, kernels: ThreadKernels) {
  const curve = crewCurve(crew, kernels, { ...curveSizes, sumPoints: 100 });
  const counts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 24 });
  return fc.property(counts, scalar, (lengths, base) => {
    const some = frsToBytes([base, 5n, base]);
    const points = { msmG1: own.fixedBaseG1(generatorG1, some), msmG2: own.fixedBaseG2(generatorG2, some) };
    const calls = lengths.map((length, i): CurveCall => {
      const call = i % 3 === 0 ? "msmG2" : "msmG1";
      const unit = points[call].length / 3;
      return { call, args: [points[call].slice(0, unit * length), some.slice(0, 32 * length)] };
    });
    const together = curve.start?.(calls).finish() ?? calls.map((call) => curveCall(own, call));
    return calls.every((call, i) => equalBytes(curveCall(own, call), together[i] as Uint8Array));
  });
}

describe.each(backends)("with $name kernels", ({ loaded }) => {
  const kernels = kernelsOf(loaded);
  const { layers } = kernels;
  const features = loaded.features ?? [];
  const without = ["adx", "sha", "ifma", "avx512"].filter((name) => !features.includes(name));
  const losses: string[] = [];

  describe.each([2, 3])("%i threads", (threads) => {
    const crew: Crew = createCrew({
      backend: loaded.backend,
      kernels,
      threads,
      native: { without },
      onLoss: (problem) => losses.push(problem),
    });
    afterAll(async () => {
      await crew[Symbol.asyncDispose]();
      expect(losses).toEqual([]);
    });
    const tree = crewTree(crew, kernels, treeSizes);
    const curve = crewCurve(crew, kernels, curveSizes);
    const { curve: own } = kernels;

    it("trees of Poseidon", () => holds(sameRows(kernels, tree, poseidonHasher), { numRuns: 8 }));
    it("trees of SHA-256", () => holds(sameRows(kernels, tree, sha254Hasher), { numRuns: 8 }));
    it("columns", () => holds(sameColumns(kernels, tree), { numRuns: 8 }));
    it("columns in the place of labels", () => holds(columnsInPlace(kernels, tree), { numRuns: 4 }));
    it("sums and multiples in G1", () => holds(sameSums(own, curve, "g1", 25), { numRuns: 4 }));
    it("sums and multiples in G2", () => holds(sameSums(own, curve, "g2", 11), { numRuns: 2 }));
    it("replicas, decoded in runs", () => {
      let shares = 0;
      const { startZigzagDecode } = crewLayers(crew, kernels, { nodes: 24, minSlices: 2 });
      const counted: typeof startZigzagDecode = (decoding) => {
        const pass = startZigzagDecode?.(decoding);
        shares += pass === undefined ? 0 : 1;
        return pass;
      };
      holds(sameData({ ...layers, startZigzagDecode: counted }, 4), { numRuns: 1 });
      holds(sameData({ ...layers, startZigzagDecode: counted }, 5), { numRuns: 1 });
      expect(shares > 0).toBe(loaded.backend === "native");
    });
    it("lists of calls", () => holds(sameLists(own, curve), { numRuns: 2 }));

    it("bundles of small sums", () => holds(sameSmallSums(own, crew, kernels), { numRuns: 2 }));

    it("finds the first bad point of many", () => {
      const points = own.fixedBaseG1(
        generatorG1,
        frsToBytes(Array.from({ length: 23 }, (_none, i) => BigInt(i))),
      );
      for (const bad of [0, 7, 22]) {
        expect(
          curve.firstBadG1(
            flipBit(flipBit(points, 96 * 8 * 22 + 300), 96 * 8 * bad + 300 + (bad === 22 ? 1 : 0)),
          ),
        ).toBe(bad);
      }
    });

    it("refuses what one thread refuses, in the same words", () => {
      const points = own.fixedBaseG1(
        generatorG1,
        frsToBytes(Array.from({ length: 12 }, (_none, i) => BigInt(i + 1))),
      );
      const scalars = new Uint8Array(32 * 12).fill(1);
      const code = (act: () => unknown): unknown => {
        try {
          return act();
        } catch (error) {
          return (error as { code?: string }).code;
        }
      };
      const wild = scalars.slice().fill(0xff, 32 * 11);
      const cases: ((kernel: CurveKernel) => unknown)[] = [
        (kernel) => kernel.msmG1(points, wild),
        (kernel) => kernel.msmG1(points.slice().fill(0xff, 96 * 5, 96 * 6), scalars),
        (kernel) => kernel.msmG1(points, scalars.subarray(32)),
        (kernel) => kernel.scaleG1(points.subarray(1), scalars),
        (kernel) => kernel.fixedBaseG1(points.subarray(0, 192), scalars),
        (kernel) => kernel.fixedBaseG1(generatorG1, wild),
      ];
      for (const act of cases) {
        expect(code(() => act(curve))).toMatch(/^(curve|field)\//);
        expect(code(() => act(curve))).toBe(code(() => act(own)));
      }
      const leaves = leavesOf(64).fill(0xff, 32 * 40, 32 * 41);
      const rows = new Uint8Array(rowsLength(poseidonHasher, 64));
      const task = { hasher: poseidonHasher.name, leaves, rows, shape: [8, 8] };
      expect(code(() => tree.startRows?.(task)?.finish())).toBe("field/not-canonical");
    });
  });
});

it("a crew of one thread leaves everything as it is", () => {
  const kernels = kernelsOf(backends[0].loaded);
  using crew = createCrew({ backend: "wasm", kernels, threads: 1 });
  expect(crewCurve(crew, kernels)).toBe(kernels.curve);
  const leaves = leavesOf(64);
  const rows = new Uint8Array(rowsLength(poseidonHasher, 64));
  const { startRows: start } = crewTree(crew, kernels, treeSizes);
  expect(start?.({ hasher: poseidonHasher.name, leaves, rows, shape: [8, 8] })).toBeUndefined();
});

describe("canaries", () => {
  const [{ loaded }] = backends;
  const kernels = kernelsOf(loaded);
  const fails = <Ts>(property: fc.IProperty<Ts>): boolean =>
    (
      fc.check(property as fc.IRawProperty<Ts>, {
        numRuns: 10,
        seed: 3,
        endOnFailure: true,
      }) as fc.RunDetails<Ts>
    ).failed;

  it("a lost slice and lost bits are found", () => {
    const lazy = createCrew({ backend: "reference", kernels, threads: 1 });
    const losing: Crew = {
      ...lazy,
      threads: 2,
      start: (kind, input, slices) => lazy.start(kind, input, slices - 1),
      run: (kind, input, slices) => lazy.run(kind, input, slices - 1),
    };
    expect(fails(sameRows(kernels, crewTree(losing, kernels, treeSizes), poseidonHasher))).toBe(true);
    expect(fails(sameColumns(kernels, crewTree(losing, kernels, treeSizes)))).toBe(true);
    expect(fails(sameSums(kernels.curve, crewCurve(losing, kernels, curveSizes), "g1", 30))).toBe(true);
    const whole: Crew = {
      ...lazy,
      threads: 2,
      start: (...args) => lazy.start(...args),
      run: (...args) => lazy.run(...args),
    };
    expect(fails(sameSums(kernels.curve, crewCurve(whole, kernels, curveSizes), "g1", 30))).toBe(false);
    expect(fails(sameRows(kernels, crewTree(whole, kernels, treeSizes), poseidonHasher))).toBe(false);
  });
});
