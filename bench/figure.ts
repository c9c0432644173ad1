/**
 * What a benchmark says: figures, each beside what it is measured against. Invariant: a peer's value was
 * measured in the same run, on the same bytes, so that the ratio holds on any machine; nothing here fails a
 * build, because a slow machine is no defect.
 */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** What we want on an ordinary machine, in the same unit. */
  readonly target?: number;
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
export type Unit = "s" | "ms" | "µs" | "MB" | "KB" | "%" | "s/MiB" | "MB/s" | "/s";

export interface BenchOptions {
  /** Adds where the processor's time went. */
  readonly profile: boolean;
  /** Shorter and rougher. */
  readonly quick: boolean;
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
  return unit === "/s" || unit === "MB/s";
}

/** How many times better than the compared value; below 1 it is worse. */
export function ratio({ value, unit }: Pick<Figure, "value" | "unit">, other: number): number {
  return isRate(unit) ? value / other : other / value;
}

export function meetsTarget(figure: Figure): boolean | undefined {
  return figure.target === undefined ? undefined : ratio(figure, figure.target) >= 1;
}
