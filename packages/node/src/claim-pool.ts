/**
 * Threads that verify signatures. They start with the first claims and end when there was nothing to do for a while.
 * Invariants: every claim gets its verdict, from this thread if a worker is not there yet, is lost or fails; lists are
 * cut so that no thread has much more than the others.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Claim, type ClaimChecker, inlineClaims } from "./claims.ts";
import { limits } from "./limits.ts";

export interface ClaimPool extends ClaimChecker, AsyncDisposable {
  /** Threads that exist now. */
  readonly threadCount: number;
}

/** Claims that one message to a thread carries at most: some tens of milliseconds of its time. */
const listMost = 48;
/** So few are no reason to wait for a thread that is only starting. */
const smallList = 6;

interface Job {
  readonly claims: readonly Claim[];
  done(verdicts: readonly boolean[] | undefined): void;
}

class Thread {
  readonly #worker = new Worker(new URL("./claim-worker.ts", import.meta.url), {
    // By itself V8 lets the young objects of each thread take up to 128 MiB, which here are short lists of verdicts.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  readonly #jobs: Job[] = [];
  isReady = false;
  isGone = false;

  constructor(changed: () => void) {
    this.#worker.unref();
    this.#worker.on("message", (message: "ready" | readonly boolean[]) => {
      if (message === "ready") this.isReady = true;
      else this.#jobs.shift()?.done(message);
      changed();
    });
    const end = (): void => {
      if (this.isGone) return;
      this.isGone = true;
      for (const job of this.#jobs.splice(0)) job.done(undefined);
      changed();
    };
    this.#worker.once("error", end);
    this.#worker.once("exit", end);
  }

  get waiting(): number {
    return this.#jobs.reduce((sum, { claims }) => sum + claims.length, 0);
  }
  give(job: Job): void {
    this.#jobs.push(job);
    this.#worker.postMessage(job.claims);
  }
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** One thread less than there are processors if left out, and no more than four: the main thread is the bottleneck. */
export function createClaimPool(
  threads: number = Math.max(1, Math.min(4, availableParallelism() - 1)),
): ClaimPool {
  let running: Thread[] = [];
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  const changed = (): void => {
    running = running.filter(({ isGone }) => !isGone);
    clearTimeout(idle);
    if (running.some(({ waiting }) => waiting > 0)) return;
    idle = setTimeout(() => {
      // What was given since then is answered first; its answer sets the time anew.
      if (running.some(({ waiting }) => waiting > 0)) return;
      for (const thread of running.splice(0)) void thread.end();
    }, limits.helperIdleMs);
    idle.unref();
  };

  const start = (): void => {
    while (running.length < threads) running.push(new Thread(changed));
    changed();
  };

  const verifyList = async (claims: readonly Claim[]): Promise<readonly boolean[]> => {
    const thread = running.toSorted((a, b) => a.waiting - b.waiting)[0];
    if (thread === undefined) return inlineClaims.verify(claims);
    const { promise, resolve } = Promise.withResolvers<readonly boolean[] | undefined>();
    thread.give({ claims, done: resolve });
    return (await promise) ?? inlineClaims.verify(claims);
  };

  return {
    get threadCount() {
      return running.length;
    },
    async verify(claims) {
      if (isClosed || claims.length === 0) return inlineClaims.verify(claims);
      if (running.length === 0) start();
      if (claims.length <= smallList && !running.some(({ isReady }) => isReady))
        return inlineClaims.verify(claims);
      const size = Math.min(listMost, Math.ceil(claims.length / threads));
      const lists: Promise<readonly boolean[]>[] = [];
      for (let at = 0; at < claims.length; at += size) lists.push(verifyList(claims.slice(at, at + size)));
      return (await Promise.all(lists)).flat();
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(idle);
      await Promise.all(running.splice(0).map((thread) => thread.end()));
    },
  };
}
