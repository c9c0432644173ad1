/**
 * One life of a simulated process, from its start to its end or its murder. All that a process does to the world goes
 * through a life: it can be killed between any two effects, and from then on nothing of it reaches the world and
 * nothing answers it, as code of a killed process stands still. A paused process stands still and goes on later.
 */
import type { Cancel, Clock, Disk, DiskFile } from "@holdfast/base";
import { diskErrors } from "@holdfast/base";
import type { SimClock, SimDisk } from "@holdfast/base/testing";
import { simErrors } from "./errors.ts";

/** What goes wrong around a process at present; the nemesis changes it. */
export interface Troubles {
  /** The volume is full: whatever needs room fails. */
  diskFull: boolean;
  /** Probability that an operation of the disk fails. */
  diskErrorRatio: number;
  /** The process's clock is so far ahead (milliseconds; behind if negative). */
  skewMs: number;
}

export interface LifeParts {
  readonly name: string;
  readonly troubles: Troubles;
  /** Draws for faults of the disk. */
  readonly chance: (probability: number) => boolean;
  readonly onDeath: (where: string) => void;
  readonly onEffect: (what: string) => void;
}

export class Life {
  readonly #parts: LifeParts;
  readonly #end = Promise.withResolvers<void>();
  #alive = true;
  #effectsLeft = Number.POSITIVE_INFINITY;
  #paused: { readonly over: Promise<void>; readonly resume: () => void } | undefined;
  /** How often it has stood still. */
  pauses = 0;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  get alive(): boolean {
    return this.#alive;
  }
  /** Resolves when the process is dead. */
  get end(): Promise<void> {
    return this.#end.promise;
  }
  get isPaused(): boolean {
    return this.#paused !== undefined;
  }
  get troubles(): Troubles {
    return this.#parts.troubles;
  }
  chance(probability: number): boolean {
    return probability > 0 && this.#parts.chance(probability);
  }

  /** The n-th effect from now is the last one that happens, or the first that does not. */
  killAfter(effects: number): void {
    this.#effectsLeft = effects;
  }
  kill(where: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#paused?.resume();
    this.#paused = undefined;
    this.#parts.onDeath(where);
    this.#end.resolve();
  }
  pause(): void {
    if (this.#paused !== undefined || !this.#alive) return;
    this.pauses += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paused = { over: promise, resume: resolve };
  }
  resume(): void {
    this.#paused?.resume();
    this.#paused = undefined;
  }

  /** Before and after each effect: the process may die here. Throws `sim/killed` when it has. */
  pass(what: string): void {
    this.assertAlive();
    this.#parts.onEffect(what);
    this.#effectsLeft -= 0.5;
    if (this.#effectsLeft > 0) return;
    this.kill(what);
    this.assertAlive();
  }
  assertAlive(): void {
    if (!this.#alive) throw simErrors.killed({ node: this.#parts.name });
  }

  /** What is awaited by a process that dies meanwhile never answers. */
  async gate<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      const result = await answer;
      while (this.#paused !== undefined) await this.#paused.over;
      if (this.#alive) return result;
    } catch (error) {
      while (this.#paused !== undefined) await this.#paused.over;
      if (this.#alive) throw error;
    }
    return new Promise<never>(() => undefined);
  }
}

/** The clock that a process sees: skewed, and silent after its death. */
export function clockOf(life: Life, clock: SimClock): Clock {
  return {
    nowMs: () => clock.nowMs() + life.troubles.skewMs,
    steadyMs: () => clock.nowMs(),
    sleep: (ms: number, signal?: Cancel) =>
      life.alive ? life.gate(clock.sleep(ms, signal)) : new Promise<never>(() => undefined),
  };
}

/** The disk that a process sees. */
export function diskOf(life: Life, disk: Disk): Disk {
  const change = async <Result>(what: string, run: () => Promise<Result>): Promise<Result> => {
    if (!life.alive) return new Promise<never>(() => undefined);
    try {
      life.pass(`disk ${what}`);
    } catch {
      return new Promise<never>(() => undefined);
    }
    return life.gate(run());
  };
  const file = (path: string, open: DiskFile): DiskFile => ({
    readAt: (offset, length) => life.gate(open.readAt(offset, length)),
    writeAt: (offset, bytes) => change(`write ${path}`, () => open.writeAt(offset, bytes)),
    sizeBytes: () => life.gate(open.sizeBytes()),
    truncate: (length) => change(`truncate ${path}`, () => open.truncate(length)),
    sync: () => change(`sync ${path}`, () => open.sync()),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  });
  return {
    readFile: (path) => life.gate(disk.readFile(path)),
    writeFile: (path, bytes) => change(`replace ${path}`, () => disk.writeFile(path, bytes)),
    open: async (path, mode) =>
      file(
        path,
        mode === "create"
          ? await change(`create ${path}`, () => disk.open(path, mode))
          : await life.gate(disk.open(path, mode)),
      ),
    list: (path) => life.gate(disk.list(path)),
    remove: (path) => change(`remove ${path}`, () => disk.remove(path)),
    rename: (from, to) => change(`rename ${from}`, () => disk.rename(from, to)),
    sizeBytes: (path) => life.gate(disk.sizeBytes(path)),
    freeBytes: () => life.gate(disk.freeBytes()),
    nativePath: (path) => disk.nativePath(path),
  };
}

/** Makes the disk fail as the troubles of this life say; one that was pulled out fails whoever has a file open. */
export function plantDiskFaults(life: Life, disk: SimDisk, isGone: () => boolean = () => false): void {
  disk.fault = (operation) => {
    if (isGone()) return "io";
    if (!life.alive) return undefined;
    const { diskFull, diskErrorRatio } = life.troubles;
    if (diskFull && (operation === "writeFile" || operation === "writeAt" || operation === "open"))
      return "full";
    return life.chance(diskErrorRatio) ? "io" : undefined;
  };
}

/** The error of a full volume, or of one that fails, if that is due now. */
export function volumeFault(life: Life, path: string): Error | undefined {
  const { diskFull, diskErrorRatio } = life.troubles;
  if (diskFull) return diskErrors.full({ path });
  return life.chance(diskErrorRatio) ? diskErrors.io({ path, operation: "commit" }) : undefined;
}
