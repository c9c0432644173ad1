/**
 * zigzag-2019 by the compiled kernels of every back end against the reference: graphs of any size in both directions
 * and in any runs, layers both ways, and the published seal. Canaries: a lost round of the permutation, a lost parent
 * and a wrong order are found.
 */
import { equalBytes } from "@holdfast/base";
import {
  type EraBase,
  type EraGraphKernel,
  eraGraph,
  eraReplication,
  extractEra,
  frsToBytes,
  installLayerKernel,
  installTreeKernel,
  type LayerKernel,
  type NodeRun,
  plainEraGraph,
  plainEraPass,
  replicateEra,
  sealZigzag2019,
  sha256EraHasher,
  zigzag2019Report,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { backends } from "./kernel-backends.ts";
import { element, holds, leavesOf, readVectors } from "./vectors.ts";

interface EraSealVector {
  readonly sectorBytes: number;
  readonly userByte: number;
  readonly proverIdByte: number;
  readonly sectorId: number;
  readonly expected: ReturnType<typeof zigzag2019Report>;
}
const { seals } = readVectors<{ seals: EraSealVector[] }>("proofs", "zigzag-2019");

type EraKernels = Pick<LayerKernel, "zigzag2019" | "eraGraph">;
const plain: EraKernels = { zigzag2019: (layer) => plainEraPass(layer), eraGraph: plainEraGraph };
const directions = ["forward", "reversed"] as const;

/** Runs while these kernels are installed. */
function having<Result>(kernels: Partial<EraKernels>, act: () => Result): Result {
  const restore = installLayerKernel({ ...plain, ...kernels });
  try {
    return act();
  } finally {
    restore();
  }
}

const sameGraph = (kernel: EraGraphKernel) =>
  fc.property(fc.integer({ min: 2, max: 2000 }), fc.nat(), fc.nat(), (nodes, from, length) => {
    const low = from % nodes;
    const count = 1 + (length % Math.min(nodes - low, 100));
    return directions.every((direction) => {
      const parents = (used: EraGraphKernel): string =>
        having({ eraGraph: used }, () => eraGraph(nodes).parentsOfRun(direction, low, count).join());
      return parents(kernel) === parents(plainEraGraph);
    });
  });

const sameLayers = (kernel: LayerKernel["zigzag2019"]) =>
  fc.property(
    fc.integer({ min: 2, max: 90 }),
    fc.integer({ min: 1, max: 3 }),
    fc.array(element, { minLength: 91, maxLength: 91 }),
    (nodes, layers, elements) => {
      const data = frsToBytes(elements.slice(0, nodes));
      const replicaId = frsToBytes(elements.slice(-1));
      const replication = { ...eraReplication(eraGraph(nodes), layers), hasher: sha256EraHasher };
      const replicaBy = (used: LayerKernel["zigzag2019"]): Uint8Array =>
        having({ zigzag2019: used }, () => replicateEra(replication, replicaId, data).replica);
      const replica = replicaBy(kernel);
      const back = having({ zigzag2019: kernel }, () => extractEra(replication, replicaId, replica));
      return equalBytes(replica, replicaBy(plain.zigzag2019)) && equalBytes(back, data);
    },
  );

/** Any length of slices. */
const sliced =
  (kernel: LayerKernel["zigzag2019"], sliceNodes: number): LayerKernel["zigzag2019"] =>
  (layer) => {
    const pass = kernel(layer);
    return pass && { ...pass, sliceNodes };
  };

/** What a graph asks the kernel for. */
function baseOf(): EraBase {
  let asked: EraBase | undefined;
  const spy: EraGraphKernel = {
    ...plainEraGraph,
    base: (graph, low, into) => {
      asked = graph;
      plainEraGraph.base(graph, low, into);
    },
  };
  having({ eraGraph: spy }, () => eraGraph(4).parentsOfRun("forward", 0, 4));
  return asked as EraBase;
}

describe.each(backends)("$name kernels", ({ backend, loaded: { layers, tree } }) => {
  const { zigzag2019 = plain.zigzag2019, eraGraph: graph = plainEraGraph } = layers;
  let restore = (): void => undefined;
  afterEach(() => restore());

  it("find parents in the graph of 2019", () => {
    expect(layers.eraGraph).toBeDefined();
    holds(sameGraph(graph), { numRuns: 25 });
    // Around the numbers whose logarithm the era rounded up, and at the largest sector's end.
    const base = baseOf();
    for (const node of [2 ** 21 / 5, 2 ** 22 / 5, 2 ** 24 / 5, 2 ** 25 / 5, 2 ** 23 - 9].map(Math.floor)) {
      const [found, expected] = [new Uint32Array(50), new Uint32Array(50)];
      graph.base(base, node - 4, found);
      plainEraGraph.base(base, node - 4, expected);
      expect([node, found]).toEqual([node, expected]);
    }
  });

  it("find parents of runs over more than one slice of the table", () => {
    const nodes = 17_000;
    const parents = (used: EraGraphKernel, low: number, count: number): Uint32Array =>
      having({ eraGraph: used }, () => eraGraph(nodes).parentsOfRun("reversed", low, count));
    expect(parents(graph, 8500, 620)).toEqual(parents(plainEraGraph, 8500, 620));
  });

  it("encode and decode layers of 2019", () => {
    expect(layers.zigzag2019).toBeDefined();
    holds(sameLayers(zigzag2019), { numRuns: 8 });
    holds(sameLayers(sliced(zigzag2019, 7)), { numRuns: 4 });
    const data = leavesOf(100);
    const replication = { ...eraReplication(eraGraph(100), 2), hasher: sha256EraHasher };
    const id = leavesOf(1);
    const replicaBy = (used: LayerKernel["zigzag2019"]): Uint8Array =>
      having({ zigzag2019: used }, () => replicateEra(replication, id, data).replica);
    const replica = replicaBy(zigzag2019);
    expect(equalBytes(replica, replicaBy(plain.zigzag2019))).toBe(true);
    expect(having({ zigzag2019 }, () => extractEra(replication, id, replica))).toEqual(data);
  });

  it("refuse parents that are no nodes, and nodes with some of them", () => {
    const run = (parent: number, count: number): void =>
      zigzag2019({ bytes: leavesOf(8), replicaId: leavesOf(1), mode: "encode" })?.run({
        low: 3,
        count: 1,
        descending: false,
        parents: new Uint32Array(13).fill(parent),
        counts: Uint8Array.of(count),
      });
    expect(() => run(8, 13)).toThrow();
    expect(() => run(0, 12)).toThrow();
    expect(() => run(0, 13)).not.toThrow();
  });

  it.skipIf(backend !== "native")(
    "refuse counts that lie in the layer, which changes while they are read",
    () => {
      const bytes = new Uint8Array(32 * 8);
      const pass = zigzag2019({ bytes, replicaId: leavesOf(1), mode: "encode" });
      const run = { low: 0, count: 8, descending: false, parents: new Uint32Array(13 * 8) };
      expect(() => pass?.run({ ...run, counts: bytes.subarray(0, 8) })).toThrow(/written and read/);
      expect(() => pass?.run({ ...run, counts: new Uint8Array(8) })).not.toThrow();
    },
  );

  it("make the published seal", () => {
    const undo = [installLayerKernel(layers), installTreeKernel(tree)];
    restore = () => {
      for (const one of undo) one();
    };
    for (const { sectorBytes, userByte, proverIdByte, sectorId, expected } of seals) {
      const data = new Uint8Array((sectorBytes / 128) * 127).fill(userByte);
      const proverId = new Uint8Array(31).fill(proverIdByte);
      expect(zigzag2019Report(sealZigzag2019({ sectorBytes, data, proverId, sectorId }))).toEqual(expected);
    }
  });
});

describe("canaries", () => {
  const fails = <Ts>(property: fc.IProperty<Ts>): boolean =>
    (fc.check(property as fc.IRawProperty<Ts>, { numRuns: 8, seed: 7 }) as fc.RunDetails<Ts>).failed;

  it("a lost round, a lost parent and a wrong order are found", () => {
    const lostRound: EraGraphKernel = {
      ...plainEraGraph,
      parents: (graph, ...rest) => {
        const rounds = graph.rounds.slice().fill(0, 0, 2 ** graph.halfBits);
        plainEraGraph.parents({ ...graph, rounds }, ...rest);
      },
    };
    expect(fails(sameGraph(plainEraGraph))).toBe(false);
    expect(fails(sameGraph(lostRound))).toBe(true);
    const changed =
      (change: (run: NodeRun) => NodeRun): LayerKernel["zigzag2019"] =>
      (layer) => {
        const pass = plainEraPass(layer);
        return { ...pass, run: (run) => pass.run(change(run)) };
      };
    expect(fails(sameLayers(changed((run) => run)))).toBe(false);
    const lost = changed((run) => ({
      ...run,
      parents: run.parents.map((one, i) => (i % 13 === 0 ? 0 : one)),
    }));
    expect(fails(sameLayers(lost))).toBe(true);
    expect(fails(sameLayers(changed((run) => ({ ...run, descending: !run.descending }))))).toBe(true);
  });
});
