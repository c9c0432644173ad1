/**
 * Timing of short work: the fastest of several samples, because other programs on the machine make a sample
 * slow but never fast. What is compared is sampled in turns, so that a busy moment hits both sides.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export interface Sampling {
  readonly samples?: number;
  /** Time that one sample takes at least. */
  readonly sampleMs?: number;
}

const defaults = { samples: 15, sampleMs: 30 } as const;

/** Calls in a second, of each work by its name. */
export function callsPerSecond<Name extends string>(
  works: { readonly [name in Name]: () => void },
  sampling: Sampling = {},
): { readonly [name in Name]: number } {
  const { samples, sampleMs } = { ...defaults, ...sampling };
  const runs = Object.entries<() => void>(works).map(([name, work]) => {
    return { name, work, calls: callsFor(work, sampleMs), fastest: 0 };
  });
  for (let sample = 0; sample < samples; sample += 1) {
    for (const run of runs) run.fastest = Math.max(run.fastest, rateOf(run.work, run.calls));
  }
  return Object.fromEntries(runs.map(({ name, fastest }) => [name, fastest])) as { [name in Name]: number };
}

function rateOf(work: () => void, calls: number): number {
  const startedMs = performance.now();
  for (let call = 0; call < calls; call += 1) work();
  return (calls * 1000) / (performance.now() - startedMs);
}

/** How many calls fill a sample; the counting is the warm-up. */
function callsFor(work: () => void, sampleMs: number): number {
  for (let calls = 1; ; calls *= 2) {
    const tookMs = (calls * 1000) / rateOf(work, calls);
    if (tookMs >= sampleMs) return Math.max(1, Math.round((calls * sampleMs) / tookMs));
  }
}

export async function elapsedMs(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** The shortest of several runs. */
export async function fastestMs(runs: number, work: () => unknown): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) fastest = Math.min(fastest, await elapsedMs(work));
  return fastest;
}
