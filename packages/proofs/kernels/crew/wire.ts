/** What travels between a crew's caller and its helpers, and how a kind of slices is written. */
import type { MessagePort } from "node:worker_threads";
import type { CurveKernel } from "../../src/curve/index.ts";
import type { LayerKernel } from "../../src/layers/index.ts";
import type { TreeKernel } from "../../src/merkle/index.ts";
import type { KernelBackend, NativeOptions } from "../index.ts";

/** The kernels of one thread, none of which starts other threads. */
export interface ThreadKernels {
  readonly tree: TreeKernel;
  readonly curve: CurveKernel;
  readonly layers: Partial<LayerKernel>;
}

/**
 * Independent slices of one computation. A module exports the kind under `name`, so that helpers find it. The input
 * is cloned for each helper: what is large in it lies in shared memory.
 *
 * Invariant: a slice writes only what belongs to it and reads nothing that slices write, so it may be done again, on
 * any thread, with the same result.
 */
export interface SliceKind<Input> {
  /** `import.meta.url` of the module; null for a kind of the crew's own (kinds.ts), which helpers have already. */
  readonly module: string | null;
  readonly name: string;
  /** Prepares a thread for a task; the result does one slice. */
  readonly make: (kernels: ThreadKernels, input: Input) => DoSlice;
}

/**
 * Does one slice. One that takes longer than some milliseconds is done in steps, which say how much of it is done:
 * between them its thread hears whether it is still wanted.
 */
export type DoSlice = ((slice: number) => SliceSteps | undefined) | ((slice: number) => void);
export type SliceSteps = Generator<number, void, void>;

/** What a helper is started with. */
export interface HelperData {
  /** Its number on boards. */
  readonly number: number;
  readonly port: MessagePort;
  /** Words of `bellWord`. */
  readonly bell: Int32Array;
  readonly seats: Int32Array;
  readonly backend: KernelBackend;
  readonly native: NativeOptions;
  /** A module that is imported first, or null. */
  readonly setup: string | null;
  readonly idleMs: number;
}

/**
 * A helper's bell: how often it rang, how many tasks it has taken up, whether it goes on, the processor time that it
 * has used in parts of a millisecond, and its seat (from 1, or 0) with the second up to which it has it.
 */
export const bellWord = { rings: 0, taken: 1, state: 2, cpuParts: 3, seat: 4, until: 5, count: 6 } as const;
/** Parts of a millisecond: slices take less than one, and a word has room for a day and a half. */
export const cpuPartsPerMs = 16;
export const bellState = { open: 0, quitting: 1, left: 2 } as const;

export interface TaskMessage {
  readonly module: string | null;
  readonly name: string;
  readonly input: unknown;
  readonly board: Int32Array;
}

/** A helper's only word to its caller: why it failed. */
export interface HelperMessage {
  readonly problem: string;
}
