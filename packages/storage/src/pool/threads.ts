/**
 * Worker threads that start on demand and end when idle. A worker that dies (out of memory, a crash of native
 * code) takes only its own task down; the task starts again a few times, then fails with a typed error.
 * Cancelling ends the thread: a computation of minutes has no other handle.
 */
import type { MessagePort } from "node:worker_threads";
import { assert } from "@holdfast/base";
import { Piscina } from "piscina";
import { storageErrors } from "../errors.ts";
import { errorOf } from "./payload.ts";
import type { WorkerAnswer, WorkerTask } from "./wire.ts";

export interface ThreadOptions {
  /** Threads at most. */
  readonly threads: number;
  /** A thread that had nothing to do for so long ends. */
  readonly idleMs: number;
  /** How often a task is started whose worker dies. */
  readonly maxStarts: number;
  /** Address of a module that every worker imports first (native kernels). */
  readonly setup: string | undefined;
}

export const defaultThreadOptions: Omit<ThreadOptions, "threads"> = {
  idleMs: 30_000,
  maxStarts: 3,
  setup: undefined,
};

/** Tasks that wait for a thread, at most. */
const maxWaiting = 4_096;

/** A task as its caller makes it anew for each start; ports can be sent only once. */
export type TaskSource = () => {
  readonly work: WorkerTask["work"];
  readonly transfer: readonly MessagePort[];
};

export class Threads implements AsyncDisposable {
  readonly #pool: Piscina<WorkerTask, WorkerAnswer>;
  readonly #options: ThreadOptions;
  /** Rejects the tasks that wait while a worker cannot even start. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #ended = false;

  constructor(options: ThreadOptions) {
    assert(Number.isInteger(options.threads) && options.threads >= 1, "a pool has at least one thread");
    this.#options = options;
    this.#pool = new Piscina<WorkerTask, WorkerAnswer>({
      filename: new URL("./worker.ts", import.meta.url).href,
      name: "runTask",
      minThreads: 0,
      maxThreads: options.threads,
      idleTimeout: options.idleMs,
      maxQueue: maxWaiting,
    });
    this.#pool.on("error", (error: unknown) => {
      for (const reject of this.#waiting) reject(error);
    });
  }

  /** Threads that exist now. */
  get threadCount(): number {
    return this.#pool.threads.length;
  }

  /** Throws the task's own error, storage/worker-crashed, and the signal's reason when it aborts. */
  async run(name: string, make: TaskSource, signal?: AbortSignal): Promise<unknown> {
    for (let start = 1; ; start++) {
      signal?.throwIfAborted();
      if (this.#ended) throw storageErrors.closed({});
      try {
        const answer = await this.#once(make, signal);
        if (answer.ok) return answer.result;
        throw errorOf(answer.error);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof WorkerDeath)) throw error;
        if (this.#ended) throw storageErrors.closed({}, error.cause);
        if (start < this.#options.maxStarts) continue;
        throw storageErrors.workerCrashed({ job: name, attempts: start, detail: error.message }, error.cause);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#pool.destroy();
  }

  async #once(make: TaskSource, signal: AbortSignal | undefined): Promise<WorkerAnswer> {
    const { work, transfer } = make();
    const unstarted = Promise.withResolvers<never>();
    this.#waiting.add(unstarted.reject);
    try {
      const task: WorkerTask = { setup: this.#options.setup ?? null, work };
      const options = { transferList: [...transfer], ...(signal === undefined ? {} : { signal }) };
      return await Promise.race([this.#pool.run(task, options), unstarted.promise]);
    } catch (error) {
      throw new WorkerDeath(error);
    } finally {
      this.#waiting.delete(unstarted.reject);
    }
  }
}

/** A task that got no answer; stays inside of this file. */
class WorkerDeath extends Error {
  override readonly name = "WorkerDeath";
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
