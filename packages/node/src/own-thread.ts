/**
 * One long computation on a thread of its own, so that the program goes on drawing and hears Ctrl-C. Cancelling
 * ends the thread: a loop of native code has no other handle. For many short tasks there is the pool of
 * `storage`.
 */
import { type Transferable, Worker } from "node:worker_threads";
import { assert, type ExitClass, HoldfastError, type Json, type JsonObject } from "@holdfast/base";

export interface ThreadHooks {
  readonly signal?: AbortSignal;
  /** What the work reports of itself, in order. */
  progress?(report: Json): void;
  /** Parts of the input that are moved to the thread, such as the end of a channel. */
  readonly transfer?: readonly Transferable[];
}

/** What a module that works in such a thread exports as `work`. */
export type ThreadWork<Input, Result> = (input: Input, report: (report: Json) => void) => Promise<Result>;

/** Errors travel as data: a structured clone loses class, code and fix. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly data: JsonObject;
  readonly fix: string;
  readonly exit: ExitClass;
}

export type ThreadMessage =
  | { readonly type: "progress"; readonly report: Json }
  | { readonly type: "done"; readonly result: unknown }
  | { readonly type: "failed"; readonly error: ErrorData }
  | { readonly type: "broken"; readonly message: string; readonly stack: string };

/**
 * Runs `work` of a module. The input is copied. Ends with the work's result or error, or with the signal's
 * reason when it aborts.
 */
export function inOwnThread<Input, Result>(
  module: URL,
  input: Input,
  { signal, progress, transfer = [] }: ThreadHooks = {},
): Promise<Result> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL("./own-thread-entry.ts", import.meta.url), {
    workerData: { module: module.href, input },
    transferList: [...transfer],
  });
  const outcome = Promise.withResolvers<Result>();
  const stop = (): void => {
    outcome.reject(signal?.reason);
  };
  signal?.addEventListener("abort", stop, { once: true });
  worker.on("message", (message: ThreadMessage) => {
    if (message.type === "progress") progress?.(message.report);
    else if (message.type === "done") outcome.resolve(message.result as Result);
    else if (message.type === "failed") outcome.reject(new HoldfastError(message.error));
    else outcome.reject(Object.assign(new Error(message.message), { stack: message.stack }));
  });
  worker.once("error", (cause) => outcome.reject(cause));
  worker.once("exit", (code) => outcome.reject(new Error(`the computing thread ended with code ${code}`)));
  return outcome.promise.finally(async () => {
    signal?.removeEventListener("abort", stop);
    await worker.terminate();
  });
}

/** The part of a report that is a ratio from 0 to 1. */
export function ratioOf(report: Json): number {
  assert(typeof report === "number", "this work reports how much of it is done");
  return report;
}
