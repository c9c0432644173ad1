/**
 * The worker processes of a node. One is started when a job waits that nobody takes, and each ends when it was idle for
 * a while, so a node with nothing to seal has none. What one holds that dies goes back to the queue at once. A worker
 * whose node is gone brings its job to an end (the next life of the node fetches it) and takes no other.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Clock, HoldfastError, type Logger } from "@holdfast/base";
import { isDatabaseSilent, type JobKind, type JobQueue, type JobResources } from "@holdfast/storage";
import { workLimits } from "./work-limits.ts";

export interface WorkerProcessesOptions {
  readonly queue: JobQueue;
  readonly repo: string;
  /** Of the queue: postgres://…, or empty. As it is at present: it may move. */
  readonly database: string;
  /** Processes at most. */
  readonly most: number;
  /** Of each of them. */
  readonly capacity: JobResources;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WorkerProcesses extends AsyncDisposable {
  /** Of those that run now. */
  readonly pids: readonly number[];
}

/** What a process is started for; it does the others too. */
const heavyKinds: readonly JobKind[] = ["seal", "commit-proof", "unseal"];
const entry = fileURLToPath(new URL("./worker-process.ts", import.meta.url));

export function startWorkerProcesses(options: WorkerProcessesOptions): WorkerProcesses {
  return new Processes(options);
}

class Processes implements WorkerProcesses {
  readonly #options: WorkerProcessesOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #listening: Disposable;
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;
  #news = Promise.withResolvers<void>();
  /** Deaths in a row: what dies at once is not started again at once. */
  #deaths = 0;

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
    this.#listening = options.queue.onChange(() => this.#news.resolve());
    this.#loop = this.#watch();
  }

  get pids(): readonly number[] {
    return [...this.#children.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    this.#listening[Symbol.dispose]();
    this.#news.resolve();
    await this.#loop;
    await Promise.all([...this.#children.values()].map(endOf));
  }

  async #watch(): Promise<void> {
    const { clock, logger } = this.#options;
    while (!this.#end.signal.aborted) {
      this.#news = Promise.withResolvers<void>(); // before the look, so that no change falls between
      try {
        if (await this.#isNeeded()) await this.#start();
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        if (!this.#end.signal.aborted && !isDatabaseSilent(error))
          logger.error("jobs: the queue does not answer", { detail: error.message });
      }
      const woken = new AbortController();
      this.#news.promise.then(() => woken.abort());
      const pauseMs = workLimits.workerLookMs * 2 ** Math.min(this.#deaths, 5);
      const signals = this.#deaths > 0 ? [this.#end.signal] : [this.#end.signal, woken.signal];
      await clock.sleep(pauseMs, AbortSignal.any(signals)).catch(() => undefined);
    }
  }

  /** A job waits that fits a process, and no process has a place for it. */
  async #isNeeded(): Promise<boolean> {
    const { queue, most, capacity } = this.#options;
    if (this.#children.size >= most || this.#end.signal.aborted) return false;
    const request = {
      workerId: "",
      kinds: heavyKinds,
      free: { ...capacity, memoryBytes: Number.MAX_SAFE_INTEGER },
    };
    if ((await queue.peek(request)) === undefined) return false;
    // Whoever is there gets a moment to take it.
    await this.#options.clock.sleep(workLimits.workerStartMs, this.#end.signal).catch(() => undefined);
    return !this.#end.signal.aborted && (await queue.peek(request)) !== undefined;
  }

  /** Resolves when the process has said that it takes jobs, or has ended. */
  async #start(): Promise<void> {
    const { repo, database, newId, capacity, logger } = this.#options;
    const workerId = newId();
    const child = fork(entry, [repo, workerId, `${capacity.cpus}`], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, HOLDFAST_DATABASE: database }, // not an argument: all the machine sees those
    });
    this.#children.set(workerId, child);
    const ready = Promise.withResolvers<void>();
    child.once("message", () => {
      this.#deaths = 0;
      ready.resolve();
    });
    child.once("error", (error) => {
      logger.error("jobs: a worker process cannot be started", { detail: error.message });
      // One that was never there has no exit either.
      if (child.pid === undefined && this.#children.delete(workerId)) this.#deaths += 1;
      ready.resolve();
    });
    child.once("exit", (code, signal) => {
      this.#children.delete(workerId);
      ready.resolve();
      if (code !== 0) void this.#bury(workerId, signal ?? `code ${code}`);
    });
    logger.info("jobs: a worker process is started", { workerId, pid: child.pid ?? null });
    await ready.promise;
  }

  async #bury(workerId: string, cause: string): Promise<void> {
    const { queue, logger } = this.#options;
    this.#deaths += 1;
    try {
      const jobs = await queue.bury(workerId);
      logger.warn("jobs: a worker process died", { workerId, cause, jobs });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error; // its leases end by themselves
      logger.warn("jobs: a worker process died", { workerId, cause, detail: error.message });
    }
  }
}

/** Ends a worker in good order: it gives its jobs back. */
async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), workLimits.workerEndMs);
  await promise;
  clearTimeout(timer);
}
