/**
 * What a second worker is worth: the same work by one thread alone and by a crew of two, in turns. What counts is
 * the processor time of the thread that had most to do, which is what the clock shows on a machine with a core free
 * for each; the clock's own seconds stand beside it.
 */
import { installNativeKernels } from "@holdfast/node";
import {
  allocate,
  cessSetSteps,
  g1BytesOf,
  nodeBytes,
  poseidonHasher,
  prove,
  rowsLength,
  runSteps,
  setup,
  sha254Hasher,
  startColumns,
  startRows,
  type TreeHasher,
} from "@holdfast/proofs";
import {
  allocateShared,
  type Crew,
  cessRootBlocks,
  crewCessBlocks,
  type ThreadKernels,
} from "@holdfast/proofs/kernels";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { benchCrew } from "../crew.ts";
import { type Bench, type BenchOptions, type Figure, isChosen } from "../figure.ts";
import { elements } from "../kernels/samples.ts";
import { median } from "../measure.ts";
import { memorySlices, slicesOf } from "../memory-slices.ts";
import { chainOf } from "../pipelines/groth16.ts";

interface Work {
  readonly name: string;
  /** What the machine gives, for others to be held against: nobody asks for 1.8 times of it. */
  readonly isLimit?: boolean;
  readonly samples: number;
  /** What is measured; `kernels` are in use already, by one thread or by two. */
  readonly prepare: (kernels: ThreadKernels, crew?: Crew) => () => unknown;
}

const memoryBytes = 2 ** 28;
/** What one thread alone would have to do less. */
const wanted = 1.8;

function leavesOf(count: number): Uint8Array {
  const some = elements(2048);
  const all = allocateShared(nodeBytes * count);
  for (let at = 0; at < all.length; at += some.length) all.set(some.subarray(0, all.length - at), at);
  return all;
}

const memory = (what: "reading" | "copying"): Work => ({
  name: `memory, ${what} 256 MiB`,
  isLimit: true,
  samples: 7,
  prepare: (kernels, crew) => {
    const [from, to] = [allocateShared(memoryBytes).fill(1), allocateShared(memoryBytes).fill(2)];
    const input = what === "reading" ? { from } : { from, to };
    if (crew !== undefined) return () => crew.run(memorySlices, input, slicesOf(input));
    const slice = memorySlices.make(kernels, input);
    return () => {
      for (let at = 0; at < slicesOf(input); at += 1) slice(at);
    };
  },
});

function works(quick: boolean): readonly Work[] {
  const less = quick ? 2 : 0;
  const tree = (log: number, hasher: TreeHasher): Work => ({
    name: `tree over 2^${log} leaves, ${hasher.name}`,
    samples: 5,
    prepare: () => {
      const leaves = leavesOf(2 ** log);
      const rows = allocateShared(rowsLength(hasher, 2 ** log));
      return () => startRows(hasher, leaves, rows).finish();
    },
  });
  const sums = (log: number): Work => ({
    name: `sum of 2^${log} points of G1`,
    samples: 7,
    prepare: ({ curve }) => {
      const scalars = elements(2 ** log);
      const points = curve.fixedBaseG1(g1BytesOf(bls12_381.G1.Point.BASE), scalars);
      return () => curve.msmG1(points, scalars);
    },
  });
  const snark = (log: number, what: "setup" | "proof"): Work => ({
    name: `Groth16 ${what} of 2^${log} constraints`,
    samples: 3,
    prepare: () => {
      const entropy = new Uint8Array(32).fill(9);
      const { r1cs, witness } = chainOf(2 ** log - 8);
      if (what === "setup") return () => setup(r1cs, entropy);
      const { provingKey } = setup(r1cs, entropy);
      return () => prove(provingKey, r1cs, witness, entropy);
    },
  });
  const columns: Work = {
    name: `columns of eleven labels, 2^${16 - less} nodes`,
    samples: 3,
    prepare: () => {
      const labels = Array.from({ length: 11 }, () => leavesOf(2 ** (16 - less)));
      const into = allocate(labels[0]?.length ?? 0);
      return () => startColumns(labels, into).finish();
    },
  };
  const idle: Work = {
    name: "idle set of cess, 128 MiB",
    samples: 3,
    prepare: (_kernels, crew) => {
      const shape = { layers: 4, nodes: 2 ** (17 - less), degree: 16 };
      const set = { minerId: new Uint8Array(32).fill(5), shape, startCluster: 1, clusters: 4 };
      const options = crew && { start: crewCessBlocks(crew, cessRootBlocks, null) };
      return () => runSteps(cessSetSteps(set, { write: () => undefined }, options));
    },
  };
  return [
    memory("reading"),
    memory("copying"),
    tree(20, sha254Hasher),
    tree(20 - less, poseidonHasher),
    columns,
    sums(16 - less),
    snark(15 - less, "setup"),
    snark(15 - less, "proof"),
    idle,
  ];
}

const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

interface Sample {
  readonly longestMs: number;
  readonly allMs: number;
  readonly clockMs: number;
}

function sampleOf(crew: Crew | undefined, work: () => unknown): Sample {
  const helpers = (): number => (crew?.helperCpuMs ?? []).reduce((sum, one) => sum + one, 0);
  const before = { own: threadMs(), helpers: helpers(), clock: performance.now() };
  work();
  const own = threadMs() - before.own;
  const theirs = helpers() - before.helpers;
  return { longestMs: Math.max(own, theirs), allMs: own + theirs, clockMs: performance.now() - before.clock };
}

function figuresOf(
  { name, isLimit }: Work,
  one: readonly Sample[],
  two: readonly Sample[],
): readonly Figure[] {
  const of = (samples: readonly Sample[], part: keyof Sample): number =>
    median(samples.map((at) => at[part]));
  const [alone, shared] = [of(one, "longestMs"), of(two, "longestMs")];
  const ratio = median(one.map(({ longestMs }, i) => longestMs / (two[i]?.longestMs ?? longestMs)));
  const unit = "ms" as const;
  return [
    { name, by: "one worker", value: alone, unit, byClock: of(one, "clockMs") },
    {
      name,
      by: "two workers",
      value: shared,
      unit,
      byClock: of(two, "clockMs"),
      cpuS: of(two, "allMs") / 1000,
      ...(isLimit === true ? {} : { target: alone / wanted }),
      note: `${ratio.toFixed(2)} × one worker`,
    },
  ];
}

async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels();
  await using bench = await benchCrew(2);
  const { crew, kernels, shared } = bench;
  const withCrew = <T>(act: () => T): T => {
    const restore = bench.install();
    try {
      return act();
    } finally {
      restore();
    }
  };
  const figures: Figure[] = [];
  for (const one of works(options.quick)) {
    const { name, samples, prepare } = one;
    if (!isChosen(name, options)) continue;
    options.say(name);
    const alone = prepare(kernels);
    const together = withCrew(() => prepare(shared, crew));
    const taken = { alone: [] as Sample[], together: [] as Sample[] };
    for (let i = 0; i < (options.quick ? 2 : samples); i += 1) {
      taken.alone.push(sampleOf(undefined, alone));
      taken.together.push(withCrew(() => sampleOf(crew, together)));
    }
    figures.push(...figuresOf(one, taken.alone, taken.together));
  }
  return figures;
}

export const workersBench: Bench = {
  name: "workers",
  about: "large computations by one thread and by two: processor time of the thread that had most to do",
  run,
};
