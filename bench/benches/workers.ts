/**
 * What a second worker is worth: the same work by one thread alone and by a crew of two, in turns. What counts is
 * the processor time of the thread that had most to do, which is what the clock shows on a machine with a core free
 * for each; the clock's own seconds stand beside it.
 */
import { installNativeKernels } from "@holdfast/node";
import {
  allocate,
  g1BytesOf,
  installAllocator,
  installCurveKernel,
  installTreeKernel,
  nodeBytes,
  poseidonHasher,
  prove,
  rowsLength,
  setup,
  sha254Hasher,
  startColumns,
  startRows,
  type TreeHasher,
  treeKernel,
} from "@holdfast/proofs";
import {
  allocateShared,
  type Crew,
  createCrew,
  crewCurve,
  crewTree,
  loadKernels,
  type SliceKind,
  type ThreadKernels,
} from "@holdfast/proofs/kernels";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type Bench, type BenchOptions, type Figure, isChosen } from "../figure.ts";
import { elements } from "../kernels/samples.ts";
import { median } from "../measure.ts";
import { chainOf } from "../pipelines/groth16.ts";

interface Work {
  readonly name: string;
  readonly samples: number;
  /** What is measured; `kernels` are in use already, by one thread or by two. */
  readonly prepare: (kernels: ThreadKernels) => () => unknown;
}

/** What one thread alone would have to do less. */
const wanted = 1.8;

function leavesOf(count: number): Uint8Array {
  const some = elements(2048);
  const all = allocateShared(nodeBytes * count);
  for (let at = 0; at < all.length; at += some.length) all.set(some.subarray(0, all.length - at), at);
  return all;
}

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
  return [
    tree(20, sha254Hasher),
    tree(20 - less, poseidonHasher),
    columns,
    sums(16 - less),
    snark(15 - less, "setup"),
    snark(15 - less, "proof"),
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

/** Does nothing but keep every thread for a moment, so that the helper is there before anything is measured. */
export const gather: SliceKind<{ readonly arrived: Int32Array }> = {
  module: import.meta.url,
  name: "gather",
  make:
    (_kernels, { arrived }) =>
    () => {
      const count = Atomics.add(arrived, 0, 1);
      Atomics.notify(arrived, 0);
      Atomics.wait(arrived, 0, count + 1, 10_000);
    },
};

function figuresOf(name: string, one: readonly Sample[], two: readonly Sample[]): readonly Figure[] {
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
      target: alone / wanted,
      note: `${ratio.toFixed(2)} × one worker`,
    },
  ];
}

async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels();
  const { backend, curve, layers } = await loadKernels();
  const kernels: ThreadKernels = { tree: treeKernel, curve, layers };
  const setupHref = new URL("../../packages/node/src/crew-hashing.ts", import.meta.url).href;
  await using crew = createCrew({ backend, kernels, threads: 2, setup: setupHref });
  crew.run(gather, { arrived: new Int32Array(new SharedArrayBuffer(4)) }, 2);
  const shared = { ...kernels, curve: crewCurve(crew, kernels) };
  const withCrew = <T>(act: () => T): T => {
    const restore = [
      installTreeKernel(crewTree(crew, kernels)),
      installCurveKernel(shared.curve),
      installAllocator(allocateShared),
    ];
    try {
      return act();
    } finally {
      for (const undo of restore.reverse()) undo();
    }
  };
  const figures: Figure[] = [];
  for (const { name, samples, prepare } of works(options.quick)) {
    if (!isChosen(name, options)) continue;
    options.say(name);
    const alone = prepare(kernels);
    const together = withCrew(() => prepare(shared));
    const one: Sample[] = [];
    const two: Sample[] = [];
    for (let i = 0; i < (options.quick ? 2 : samples); i += 1) {
      one.push(sampleOf(undefined, alone));
      two.push(withCrew(() => sampleOf(crew, together)));
    }
    figures.push(...figuresOf(name, one, two));
  }
  return figures;
}

export const workersBench: Bench = {
  name: "workers",
  about: "large computations by one thread and by two: processor time of the thread that had most to do",
  run,
};
