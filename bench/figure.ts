/**
 * What a benchmark says: figures, each beside what it is measured against. Invariant: a peer's value was
 * measured in the same run, on the same work, so that the ratio holds on any machine; nothing here fails a
 * build, because a slow machine is no defect.
 */
export interface Figure {
  readonly name: string;
  /** Who did it, where several do the same: a back end, a peer. Figures of one name stand together. */
  readonly by?: string;
  readonly value: number;
  readonly unit: Unit;
  /** Half the distance of the quartiles in parts of the value. */
  readonly spread?: number;
  /** The same by the clock, in the same unit, where the value counts processor time. */
  readonly byClock?: number;
  /** Processor time of all threads, where the value counts the clock. */
  readonly cpuS?: number;
  /** The largest that the process was. */
  readonly peakMB?: number;
  /** The fitted exponent over all sizes of this work: cost grows as size to this power. */
  readonly growth?: number;
  /** What we want on an ordinary machine, in the same unit. */
  readonly target?: number;
  /** The TypeScript reference. */
  readonly reference?: number;
  readonly peer?: Compared;
  /** What the hardware, the protocol or the mathematics allow. */
  readonly bound?: Compared;
  readonly note?: string;
}

export interface Compared {
  readonly name: string;
  readonly value: number;
}

/** More is better for rates, less for all others. */
export type Unit = "s" | "ms" | "µs" | "ns" | "MB" | "KB" | "B" | "%" | "×" | "s/MiB" | "MB/s" | "/s" | "/h";

export interface BenchOptions {
  /** Adds where the processor's time went. */
  readonly profile: boolean;
  /** Shorter and rougher. */
  readonly quick: boolean;
  /** Programs in other languages are built and measured beside ours. */
  readonly peers: boolean;
  /** Of benchmarks with many rows: only those whose name has one of these words; all if there are none. */
  readonly only: readonly string[];
  /** Progress for a person; not part of the result. */
  readonly say: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Only run when it is named. */
  readonly onlyIfNamed?: boolean;
  run(options: BenchOptions): Promise<readonly Figure[]>;
}

export function isRate(unit: Unit): boolean {
  return unit === "/s" || unit === "/h" || unit === "MB/s" || unit === "×";
}

/** How many times better than the compared value; below 1 it is worse. */
export function ratio({ value, unit }: Pick<Figure, "value" | "unit">, other: number): number {
  return isRate(unit) ? value / other : other / value;
}

export function meetsTarget(figure: Figure): boolean | undefined {
  return figure.target === undefined ? undefined : ratio(figure, figure.target) >= 1;
}

/** Whether a row is wanted. */
export function isChosen(name: string, { only }: Pick<BenchOptions, "only">): boolean {
  return only.length === 0 || only.some((word) => name.toLowerCase().includes(word.toLowerCase()));
}
