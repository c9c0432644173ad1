/**
 * Timing of short work. What counts is the processor time of this thread, because other programs on the machine
 * take the clock's seconds but not those; the median of several samples, and how far they lie apart. What is
 * compared is sampled in turns, so that a busy moment hits both sides. Work that other threads do, or that waits,
 * is timed by the clock instead (`elapsedMs`).
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between the samples where the place falls between two. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return below + (above - below) * (at - Math.floor(at));
}

/** Half the distance of the quartiles in parts of the median: 0.02 is ± 2 %. */
export function spreadOf(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);
}

export interface Sampling {
  readonly samples?: number;
  /** Time that one sample takes at least. */
  readonly sampleMs?: number;
}

const defaults = { samples: 9, sampleMs: 40 } as const;

export interface Measured {
  /** Calls in a second of processor time. */
  readonly rate: number;
  readonly spread: number;
  /** Calls in a second by the clock. */
  readonly clockRate: number;
}

interface Sample {
  readonly cpuMs: number;
  readonly clockMs: number;
}

/** Work may be asynchronous, but must be done in this thread. */
type Work = () => unknown;

async function sampleOf(work: Work, calls: number): Promise<Sample> {
  const startedMs = performance.now();
  const before = process.threadCpuUsage();
  for (let call = 0; call < calls; call += 1) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.threadCpuUsage(before);
  return { cpuMs: (user + system) / 1000, clockMs: performance.now() - startedMs };
}

/** How many calls fill a sample; the counting is the warm-up. */
async function callsFor(work: Work, sampleMs: number): Promise<number> {
  for (let calls = 1; ; calls *= 2) {
    const { cpuMs } = await sampleOf(work, calls);
    if (cpuMs >= sampleMs) return Math.max(1, Math.round((calls * sampleMs) / cpuMs));
  }
}

/** The speed of each work by its name, sampled in turns. */
export async function measureInTurns<Name extends string>(
  works: { readonly [name in Name]: Work },
  sampling: Sampling = {},
): Promise<{ readonly [name in Name]: Measured }> {
  const { samples, sampleMs } = { ...defaults, ...sampling };
  const runs: { name: string; work: Work; calls: number; taken: Sample[] }[] = [];
  for (const [name, work] of Object.entries<Work>(works)) {
    runs.push({ name, work, calls: await callsFor(work, sampleMs), taken: [] });
  }
  for (let sample = 0; sample < samples; sample += 1) {
    for (const run of runs) run.taken.push(await sampleOf(run.work, run.calls));
  }
  const measured = runs.map(({ name, calls, taken }) => {
    const rates = taken.map(({ cpuMs }) => (1000 * calls) / cpuMs);
    const clockRates = taken.map(({ clockMs }) => (1000 * calls) / clockMs);
    return [name, { rate: median(rates), spread: spreadOf(rates), clockRate: median(clockRates) }] as const;
  });
  return Object.fromEntries(measured) as { [name in Name]: Measured };
}

/** Calls in a second of processor time, of each work by its name. */
export async function callsPerSecond<Name extends string>(
  works: { readonly [name in Name]: Work },
  sampling: Sampling = {},
): Promise<{ readonly [name in Name]: number }> {
  const measured = Object.entries<Measured>(await measureInTurns(works, sampling));
  return Object.fromEntries(measured.map(([name, { rate }]) => [name, rate])) as { [name in Name]: number };
}

export async function elapsedMs(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** The shortest of several runs: other programs make a run slow, never fast. */
export async function fastestMs(runs: number, work: () => unknown): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) fastest = Math.min(fastest, await elapsedMs(work));
  return fastest;
}

/** The exponent e of cost ≈ c · size^e by least squares over the logarithms. */
export function growthOf(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => [Math.log(size), Math.log(cost)] as const);
  const mean = (axis: 0 | 1): number => logs.reduce((sum, at) => sum + at[axis], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, at) => sum + (at[0] - x) * (at[1] - y), 0);
  return above / logs.reduce((sum, at) => sum + (at[0] - x) ** 2, 0);
}

/** What a piece of work gave, and the processor time of its thread. */
export interface Timed<T> {
  readonly result: T;
  readonly cpuS: number;
}

export function timed<T>(work: () => T): Timed<T> {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, cpuS: (user + system) / 1e6 };
}
