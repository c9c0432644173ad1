/**
 * What a whole seal costs beside its kernels: one thread seals a sector while every call of a kernel is timed by that
 * thread's processor time. The rest is what comes in and goes out (memory in the place of a disk), checks, copying,
 * steps, garbage and the threads of the platform.
 */
import { installNativeKernels } from "@holdfast/node";
import {
  boundTo,
  bytesInput,
  installLayerKernel,
  installTreeKernel,
  type LayerKernel,
  type LayerPass,
  layerKernel,
  MemoryStore,
  runSteps,
  type TreeKernel,
  treeKernel,
} from "@holdfast/proofs";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { median, spreadOf } from "../measure.ts";
import { sealKinds, sectorOf } from "../pipelines/seal.ts";

const wantedPercent = 5;

const threadS = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
};
const processS = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The kernels in use, timed; `seconds` counts up by name. */
function timedKernels(): { readonly seconds: Map<string, number>; readonly restore: () => void } {
  const seconds = new Map<string, number>();
  const timed =
    <Args extends readonly unknown[], Result>(name: string, act: (...args: Args) => Result) =>
    (...args: Args): Result => {
      const before = threadS();
      const result = act(...args);
      seconds.set(name, (seconds.get(name) ?? 0) + threadS() - before);
      return result;
    };
  const timedPass = (name: string, pass: LayerPass | undefined): LayerPass | undefined =>
    pass && { ...pass, run: timed(name, pass.run), finish: timed(name, pass.finish) };
  const { sha256Pairs, poseidonRow }: TreeKernel = treeKernel;
  const { zigzag, sdr, zigzagParents, sdrParents }: Partial<LayerKernel> = layerKernel;
  const layers: Partial<LayerKernel> = {
    ...(zigzag && { zigzag: timed("encoding", (layer) => timedPass("encoding", zigzag(layer))) }),
    ...(sdr && { sdr: timed("labels", (layer) => timedPass("labels", sdr(layer))) }),
    ...(zigzagParents && { zigzagParents: (graph) => timed("parents", zigzagParents(graph)) }),
    ...(sdrParents && { sdrParents: (graph) => timed("parents", sdrParents(graph)) }),
  };
  const undo = [
    installTreeKernel({
      sha256Pairs: timed("SHA-256", sha256Pairs),
      poseidonRow: timed("Poseidon", poseidonRow),
    }),
    installLayerKernel(layers),
  ];
  return {
    seconds,
    restore: () => {
      for (const one of undo) one();
    },
  };
}

interface Sample {
  readonly wholeS: number;
  readonly kernels: ReadonlyMap<string, number>;
}

function sampleOf(work: () => unknown): Sample {
  const { seconds, restore } = timedKernels();
  try {
    const before = processS();
    work();
    return { wholeS: processS() - before, kernels: seconds };
  } finally {
    restore();
  }
}

const sumOf = ({ kernels }: Sample): number => [...kernels.values()].reduce((sum, one) => sum + one, 0);

async function run({ quick, say }: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels();
  const figures: Figure[] = [];
  const size = (quick ? 1 : 8) * 2 ** 20;
  for (const kind of sealKinds) {
    const { name, porep } = kind;
    say(`${name}, ${size / 2 ** 20} MiB`);
    const { profile, identity, data } = sectorOf(kind, size);
    const store = new MemoryStore(porep.auxLength(profile));
    const work = () => runSteps(porep.sealSteps(profile, boundTo(identity), bytesInput(data), store));
    work(); // tables of the graph, and the platform's compiler
    const samples = Array.from({ length: quick ? 1 : 5 }, () => sampleOf(work));
    const percents = samples.map((one) => 100 * (one.wholeS / sumOf(one) - 1));
    const whole = median(samples.map(({ wholeS }) => wholeS));
    const parts = [...(samples[0]?.kernels.keys() ?? [])].map((part) => {
      const partS = median(samples.map(({ kernels }) => kernels.get(part) ?? 0));
      return `${part} ${partS.toPrecision(3)} s`;
    });
    figures.push({
      name: `${name}, ${size / 2 ** 20} MiB, beside its kernels`,
      value: median(percents),
      unit: "%",
      ...(quick ? {} : { spread: spreadOf(percents) }),
      cpuS: whole,
      target: wantedPercent,
      note: `of ${whole.toPrecision(3)} s: ${parts.join(", ")}`,
    });
  }
  return figures;
}

export const overheadBench: Bench = {
  name: "overhead",
  about: "what a seal costs beside its kernels, in parts of these, one thread",
  run,
};
