/**
 * Labels of idle files by the compiled kernels against the reference: any shape, any bytes, whole files, tables and
 * columns; the sets of the original; and the two ways to make a set against each other. Canaries: a parent that
 * counts twice, one of the wrong layer, a file that forgets what was made before are found.
 */
import { createHash } from "node:crypto";
import { equalBytes, toHex } from "@holdfast/base";
import {
  type CessColumns,
  type CessKernel,
  cessElders,
  cessHead,
  cessHotInGroup,
  cessLabelBytes,
  cessParents,
  cessRowOverLabels,
  cessSetSteps,
  installCessKernel,
  isCessElder,
  plainCessKernel,
  runSteps,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cessSets, madeSet, minerId } from "./cess-fixtures.ts";
import { backends } from "./kernel-backends.ts";
import { holds } from "./vectors.ts";

/** So many rows of bytes that a seed gives. */
function rows(seed: number, count: number): Uint8Array {
  const words = new Uint32Array((count * cessLabelBytes) / 4);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < words.length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

/** Files of small shapes, those with the rare rules among them: every position hot, one group. */
const files = fc
  .record({
    log: fc.constantFrom(0, 0, 1, 2),
    spreadLog: fc.constantFrom(0, 0, 1, 3),
    layers: fc.integer({ min: 1, max: 9 }),
    cluster: fc.constantFrom(1, 77, 2 ** 33),
    layerShare: fc.nat(),
    seed: fc.integer({ min: 1, max: 2 ** 20 }),
    elders: fc.boolean(),
    before: fc.boolean(),
    sums: fc.boolean(),
  })
  .map(({ log, spreadLog, layers, layerShare, ...rest }) => {
    const shape = { layers, nodes: 2 ** (8 + log + spreadLog), degree: 2 ** log };
    return { ...rest, shape, realLayer: layerShare % (2 * layers) };
  });
type File = typeof files extends fc.Arbitrary<infer T> ? T : never;

const optional = (
  there: boolean,
  name: string,
  seed: number,
  count: number,
): { [name: string]: Uint8Array } => (there ? { [name]: rows(seed, count) } : {});

const headOfFile = ({ shape, cluster, realLayer }: File): Uint8Array =>
  cessHead({ minerId, shape, cluster, realLayer });

/** The same positions by a kernel and by the reference: near the start, near the end, in two runs. */
function sameLayer(kernel: CessKernel) {
  return fc.property(files, fc.integer({ min: 1, max: 30 }), (file, length) => {
    const { nodes } = file.shape;
    const made = [kernel, plainCessKernel].map(({ cessLayer }) => {
      const into = rows(file.seed, nodes);
      const pass = cessLayer({
        head: headOfFile(file),
        into,
        ...optional(file.realLayer > 0, "previous", file.seed + 1, nodes),
        ...optional(file.elders, "elders", file.seed + 2, nodes),
        ...optional(file.before, "before", file.seed + 3, nodes),
      });
      const group = nodes / file.shape.degree;
      for (const low of [0, length, group - 5, nodes - length]) pass?.run(low, Math.min(length, nodes - low));
      pass?.finish();
      return into;
    });
    return equalBytes(made[0] as Uint8Array, made[1] as Uint8Array);
  });
}

function sameHot(kernel: CessKernel) {
  return fc.property(files, (file) => {
    const count = cessHotInGroup * file.shape.degree;
    const made = [kernel, plainCessKernel].map(({ cessHot }) => {
      const [table, sums] = [rows(file.seed, count), rows(file.seed + 1, count)];
      cessHot({
        head: headOfFile(file),
        table,
        ...(file.realLayer > 0 && { previous: rows(file.seed + 2, count), next: rows(file.seed + 3, count) }),
        ...optional(file.elders, "elders", file.seed + 4, count),
        ...optional(file.before, "before", file.seed + 5, count),
        ...(file.sums && { sums }),
      });
      return [table, sums];
    });
    return made[0]?.every((bytes, i) => equalBytes(bytes, made[1]?.[i] as Uint8Array)) === true;
  });
}

function sameColumns(kernel: CessKernel) {
  const parts = fc.record({ low: fc.nat(), count: fc.integer({ min: 1, max: 50 }), inPlace: fc.boolean() });
  return fc.property(files, parts, fc.boolean(), (file, part, beside) => {
    const table = cessHotInGroup * file.shape.degree;
    const entries = beside ? table : file.shape.nodes;
    const count = Math.min(part.count, entries);
    const low = part.low % 3 === 0 ? entries - count : part.low % (entries - count + 1);
    const made = [kernel, plainCessKernel].map(({ cessColumns }) => {
      const straight = rows(file.seed + 2, count);
      const into = part.inPlace ? straight : rows(file.seed, count);
      const sums = rows(file.seed + 1, count);
      cessColumns({
        head: headOfFile(file),
        into,
        table: rows(file.seed + 3, table),
        ...(file.realLayer > 0 && { previous: rows(file.seed + 4, table), straight }),
        ...optional(file.elders, "elders", file.seed + 5, count),
        ...optional(file.before, "before", file.seed + 6, count),
        ...(file.sums && { sums }),
        low,
        count,
        beside,
      });
      return [into, sums];
    });
    return made[0]?.every((bytes, i) => equalBytes(bytes, made[1]?.[i] as Uint8Array)) === true;
  });
}

const xorInto = (sum: Uint8Array, bytes: Uint8Array): void => {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) ^ (bytes[i] ?? 0);
};

/** The roots of a set, file after file by the graph alone. */
function rootsByGraph(
  kernel: CessKernel,
  shape: { layers: number; nodes: number; degree: number },
  clusters: number,
) {
  const made: Uint8Array[] = [];
  const bytes = shape.nodes * cessLabelBytes;
  const sums = Array.from({ length: 2 * clusters }, () => new Uint8Array(bytes));
  const roots: string[] = [];
  for (let index = 0; index < 2 * shape.layers * clusters; index += 1) {
    const [realLayer, cluster] = [Math.floor(index / clusters), index % clusters];
    const into = new Uint8Array(bytes);
    const previous = made[(Math.min(realLayer, shape.layers) - 1) * clusters + cluster];
    const elders = sums[2 * cluster + (cessElders(shape, realLayer) ?? 2)];
    const before = made[index - 1];
    const pass = kernel.cessLayer({
      head: cessHead({ minerId, shape, cluster: cluster + 1, realLayer }),
      into,
      ...(previous && { previous }),
      ...(cessElders(shape, realLayer) !== undefined && elders && { elders }),
      ...(before && { before }),
    });
    for (let low = 0; low < shape.nodes; low += 3000) pass?.run(low, Math.min(3000, shape.nodes - low));
    pass?.finish();
    if (realLayer < shape.layers && isCessElder(shape, realLayer))
      xorInto(sums[2 * cluster + (realLayer % 2)] as Uint8Array, into);
    made.push(into);
    roots.push(toHex(cessRowOverLabels(into, 1)));
  }
  return roots.join("");
}

describe.each(backends)("idle files by $name kernels", ({ loaded, backend }) => {
  const kernel: CessKernel = { ...plainCessKernel, ...loaded.cess };
  const installed = <Result>(work: () => Result): Result => {
    const restore = installCessKernel(kernel);
    try {
      return work();
    } finally {
      restore();
    }
  };

  it("are there", () => expect(Object.keys(loaded.cess)).toHaveLength(3));
  it("whole files", () => holds(sameLayer(kernel), { numRuns: 25 }));
  it("tables", () => holds(sameHot(kernel), { numRuns: 12 }));
  it("columns", () => holds(sameColumns(kernel), { numRuns: 60 }));

  // In these clusters the last node of a group draws itself, and the first node of the next group too.
  it.each([
    [255, 268_507],
    [511, 64_597],
  ])("a parent that is chosen twice, of node %i, counts once", (position, cluster) => {
    const shape = { layers: 2, nodes: 512, degree: 2 };
    const file = { minerId, ...shape, cluster, realLayer: 1 };
    expect(cessParents(file, shape.nodes + position)).toHaveLength(2);
    const head = cessHead({ minerId, shape, cluster, realLayer: 1 });
    const made = [kernel, plainCessKernel].map(({ cessHot, cessLayer }) => {
      const [table, into] = [rows(1, 512), rows(1, 512)];
      cessHot({ head, table, previous: rows(2, 512), next: rows(3, 512) });
      const pass = cessLayer({ head, into, previous: rows(2, 512) });
      pass?.run(0, 512);
      pass?.finish();
      expect(equalBytes(into, table)).toBe(true); // all positions are hot
      return table;
    });
    expect(equalBytes(made[0] as Uint8Array, made[1] as Uint8Array)).toBe(true);
  });

  it("128 parents, which two hashes draw", () => {
    const shape = { layers: 1, nodes: 32_768 * 2, degree: 128 };
    const head = cessHead({ minerId, shape, cluster: 9, realLayer: 1 });
    const made = [kernel, plainCessKernel].map(({ cessColumns }) => {
      const into = rows(1, 21);
      const table = rows(2, 32_768);
      const given = { head, into, table, previous: rows(3, 32_768), straight: rows(4, 21) };
      cessColumns({ ...given, low: 40_000, count: 21, beside: false });
      return into;
    });
    expect(equalBytes(made[0] as Uint8Array, made[1] as Uint8Array)).toBe(true);
  });

  // The large one, whose time goes into everything around the kernels, by one of them.
  const sets = cessSets.filter(({ n }) => n === 2048 || loaded === backends[0].loaded);
  it.each(sets.map((set): [number, (typeof cessSets)[number]] => [set.n, set]))(
    "the set of the original with n = %i",
    (_n, vector) => {
      const { files: made, roots } = installed(() => madeSet(vector));
      expect(toHex(roots.commitHash)).toBe(vector.commitHash);
      const digests = made.map((bytes) => createHash("sha256").update(bytes).digest("hex"));
      if (vector.filesSha256 !== undefined) {
        expect(createHash("sha256").update(digests.join("")).digest("hex")).toBe(vector.filesSha256);
        expect(toHex(roots.roots)).toBe(vector.roots?.join(""));
      } else expect(digests).toEqual(vector.files?.map(({ sha256 }) => sha256));
    },
  );

  it("a set with n = 16384, d = 64, and one with few hot positions: by columns as by the graph alone", () => {
    for (const [shape, clusters] of [
      [{ layers: 2, nodes: 16_384, degree: 64 }, 1],
      [{ layers: 3, nodes: 8192, degree: 4 }, 2],
    ] as const) {
      const set = { minerId, shape, startCluster: 1, clusters };
      const { roots } = installed(() =>
        runSteps(cessSetSteps(set, { write: () => undefined }, { blockNodes: 2048 })),
      );
      expect(toHex(roots)).toBe(rootsByGraph(kernel, shape, clusters));
    }
  });

  it.skipIf(backend === "wasm")("bytes that are too few, and files that cannot be, are refused", () => {
    const shape = { layers: 2, nodes: 512, degree: 2 };
    const head = cessHead({ minerId, shape, cluster: 1, realLayer: 1 });
    const table = rows(1, 512);
    const columns: CessColumns = {
      head,
      into: rows(2, 8),
      table,
      previous: table,
      straight: rows(3, 8),
      low: 504,
      count: 8,
      beside: false,
    };
    expect(() => kernel.cessColumns(columns)).not.toThrow();
    const few = table.subarray(64);
    const otherHead = (at: number, value: number): Uint8Array => {
      const changed = head.slice();
      changed[at] = value;
      return changed;
    };
    for (const wrong of [
      { table: few },
      { previous: few },
      { into: rows(2, 7) },
      { straight: rows(2, 7) },
      { elders: rows(2, 7) },
      { before: rows(2, 7) },
      { sums: rows(2, 7) },
      { low: 505 },
      { count: 9 },
      { low: -1 },
      { head: head.subarray(1) },
      { head: otherHead(48, 1) }, // n
      { head: otherHead(51, 0xff) },
      { head: otherHead(52, 3) }, // d
      { head: otherHead(56, 0xff) }, // logical layer
    ])
      expect(() => kernel.cessColumns({ ...columns, ...wrong })).toThrow();
    const { straight: _none, ...without } = columns;
    expect(() => kernel.cessColumns(without)).toThrow();
    expect(() => kernel.cessHot({ head, table, previous: table })).toThrow();
    expect(() => kernel.cessHot({ head, table: few })).toThrow();
    expect(() => kernel.cessLayer({ head, into: few, previous: table })?.run(0, 8)).toThrow();
    expect(() => kernel.cessLayer({ head, into: table, previous: table })?.run(508, 8)).toThrow();
  });

  it.skipIf(backend === "wasm")("works in memory that threads share", () => {
    const shared = (bytes: Uint8Array): Uint8Array => {
      const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
      copy.set(bytes);
      return copy;
    };
    const shape = { layers: 2, nodes: 512, degree: 2 };
    const head = cessHead({ minerId, shape, cluster: 1, realLayer: 1 });
    const plain = rows(1, 512);
    const own = shared(plain);
    plainCessKernel.cessHot({ head, table: plain, previous: rows(2, 512), next: rows(3, 512) });
    kernel.cessHot({ head, table: own, previous: shared(rows(2, 512)), next: shared(rows(3, 512)) });
    expect(equalBytes(own, plain)).toBe(true);
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

  it("a forgotten file before, another layer's parents and a lost sum are found", () => {
    const { cessLayer, cessHot, cessColumns } = plainCessKernel;
    expect(fails(sameColumns(plainCessKernel))).toBe(false);
    const forgets: CessKernel = {
      ...plainCessKernel,
      cessLayer: ({ before: _none, ...layer }) => cessLayer(layer),
      cessHot: ({ sums: _none, ...given }) => cessHot(given),
      cessColumns: (columns) =>
        cessColumns({ ...columns, ...(columns.previous && { previous: columns.table }) }),
    };
    expect(fails(sameLayer(forgets))).toBe(true);
    expect(fails(sameHot(forgets))).toBe(true);
    expect(fails(sameColumns(forgets))).toBe(true);
  });
});
