/**
 * A kernel in the table: one piece of work that every back end does on the same bytes, beside the TypeScript
 * reference, its peers and the limit of the hardware, all sampled in turns in one thread. Rates count units of work
 * in a second of processor time; whoever is slow may do less of the same work in a call. To add one: a `Kernel` in
 * the family where it belongs (`bench/kernels/`).
 */
import type { LoadedKernels } from "@holdfast/proofs/kernels";
import { type BenchOptions, type Compared, type Figure, isChosen, type Unit } from "./figure.ts";
import type { Limits } from "./limits.ts";
import { type Measured, measureInTurns, type Sampling } from "./measure.ts";
import type { ForeignRates } from "./peers.ts";

/** Somebody who does the work; `count` if a call does another number of units than the kernel's. */
export interface Contender {
  readonly name: string;
  readonly count?: number;
  /** One call, in this thread; it may be asynchronous. */
  readonly work: () => unknown;
}

export interface Kernel {
  readonly name: string;
  /** Units of work in one call: hashes, nodes, points, or megabytes where the unit is MB/s. */
  readonly count: number;
  readonly unit?: Extract<Unit, "/s" | "MB/s">;
  /** One call by these kernels; undefined if they do not have it. */
  readonly work: (kernels: LoadedKernels) => (() => unknown) | undefined;
  /** The TypeScript reference; its name is not shown. */
  readonly reference?: Omit<Contender, "name">;
  readonly peers?: readonly Contender[];
  /** What the programs in other languages (`bench/peers`) call this work. */
  readonly foreign?: string;
  readonly limit?: (limits: Limits) => Compared | undefined;
  readonly note?: string;
}

/** Kernels that share their bytes. */
export interface KernelFamily {
  readonly name: string;
  readonly kernels: (setting: Setting) => readonly Kernel[] | Promise<readonly Kernel[]>;
}

export interface Setting {
  /** The fastest that is here: to make points and the like. */
  readonly best: LoadedKernels;
  readonly quick: boolean;
}

/** A back end under measurement. */
export interface Variant {
  readonly name: string;
  readonly kernels: LoadedKernels;
}

export interface Beside {
  readonly variants: readonly Variant[];
  readonly limits: Limits;
  readonly foreign: ForeignRates;
}

export function samplingOf({ quick }: Pick<BenchOptions, "quick">): Sampling {
  return quick ? { samples: 3, sampleMs: 15 } : { samples: 7, sampleMs: 50 };
}

interface Entry extends Contender {
  readonly kind: "back end" | "reference" | "peer";
}

function entriesOf(kernel: Kernel, variants: readonly Variant[]): readonly Entry[] {
  const backEnds = variants.flatMap(({ name, kernels }): Entry[] => {
    const work = kernel.work(kernels);
    return work === undefined ? [] : [{ kind: "back end", name, work }];
  });
  const { reference, peers = [] } = kernel;
  return [
    ...backEnds,
    ...(reference === undefined ? [] : [{ ...reference, kind: "reference", name: "reference" } as const]),
    ...peers.map((peer) => ({ ...peer, kind: "peer" }) as const),
  ];
}

function fastest(peers: readonly Compared[]): Compared | undefined {
  return peers.reduce<Compared | undefined>(
    (best, peer) => (best === undefined || peer.value > best.value ? peer : best),
    undefined,
  );
}

/** A row for every back end and everybody else; back ends stand beside the reference, the best peer and the limit. */
export async function figuresOf(
  kernel: Kernel,
  beside: Beside,
  sampling: Sampling,
): Promise<readonly Figure[]> {
  const entries = entriesOf(kernel, beside.variants);
  if (!entries.some(({ kind }) => kind === "back end")) return [];
  const keyed = entries.map((entry, i) => [String(i), entry.work] as const);
  const measured: Record<string, Measured> = await measureInTurns(Object.fromEntries(keyed), sampling);
  const { name, unit = "/s" } = kernel;
  const foreign = kernel.foreign === undefined ? [] : (beside.foreign.get(kernel.foreign) ?? []);
  const rows = entries.flatMap(
    ({ kind, name: by, count = kernel.count }, i): (Figure & { kind: string })[] => {
      const found = measured[String(i)];
      if (found === undefined) return [];
      const { rate, spread, clockRate } = found;
      return [{ kind, name, by, unit, value: rate * count, spread, byClock: clockRate * count }];
    },
  );
  const peers = rows.filter(({ kind }) => kind === "peer").map(({ by = "", value }) => ({ name: by, value }));
  const reference = rows.find(({ kind }) => kind === "reference")?.value;
  const peer = fastest([...peers, ...foreign]);
  const bound = kernel.limit?.(beside.limits);
  const beyond = {
    ...(reference === undefined ? {} : { reference }),
    ...(peer === undefined ? {} : { peer }),
    ...(bound === undefined ? {} : { bound }),
  };
  const own = rows.map(({ kind, ...figure }) => (kind === "back end" ? { ...figure, ...beyond } : figure));
  const theirs = foreign.map((rate) => ({ name, by: rate.name, unit, value: rate.value, ...spreadIn(rate) }));
  const all = [...own, ...theirs];
  const { note } = kernel;
  return all.map((figure, i) => (i === 0 && note !== undefined ? { ...figure, note } : figure));
}

const spreadIn = ({ spread }: { readonly spread?: number }) => (spread === undefined ? {} : { spread });

/** The figures of these families' kernels that are chosen. One that fails is named; the others still run. */
export async function measureFamilies(
  families: readonly KernelFamily[],
  setting: Setting,
  beside: Beside,
  options: BenchOptions,
): Promise<readonly Figure[]> {
  const sampling = samplingOf(options);
  const figures: Figure[] = [];
  for (const { name: family, kernels } of families) {
    try {
      for (const kernel of await kernels(setting)) {
        if (!isChosen(`${family} ${kernel.name}`, options)) continue;
        options.say(kernel.name);
        figures.push(...(await figuresOf(kernel, beside, sampling)));
      }
    } catch (error) {
      options.say(`${family} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return figures;
}
