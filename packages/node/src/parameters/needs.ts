/** What parameter files need of the rest of the node: locks that heal, and a network. */
import type { Json } from "@holdfast/base";

/** Takes the lock of a folder; fails with `repo/locked` while another process holds it. */
export type LockFolder = (folder: string) => Promise<AsyncDisposable>;

/** Work of a module on a thread of its own. */
export type RunThread = <Input, Result>(
  module: URL,
  input: Input,
  hooks: { readonly signal?: AbortSignal; progress?(report: Json): void },
) => Promise<Result>;

export interface ParametersNeeds {
  readonly lock: LockFolder;
  readonly runThread: RunThread;
}

/** Whoever waits for parameters may hear what happens. */
export interface ParameterHooks {
  readonly signal?: AbortSignal;
  /** What is done now, and the share of it from 0 to 1, if that is known. */
  progress?(what: string, doneRatio?: number): void;
}
