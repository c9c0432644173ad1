/**
 * Work in the background: each name runs once at a time, a failure is logged, and disposal stops everything
 * and waits for it. Waiting always ends with the signal.
 */
import type { Clock, Logger } from "@holdfast/base";
import { isDatabaseSilent } from "@holdfast/storage";
import type { MarketChain } from "./needs.ts";

/** What the log says of one that threw. */
export const taskFailed = "market: a task failed";

export class Tasks implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
  isRunning(name: string): boolean {
    return this.#running.has(name);
  }
  /** Running tasks whose name starts so. */
  count(prefix: string): number {
    return [...this.#running.keys()].filter((name) => name.startsWith(prefix)).length;
  }

  /** Nothing if a task of this name runs already, or after the end. */
  start(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#running.has(name) || this.isStopped) return;
    const run = this.#guard(name, work).finally(() => this.#running.delete(name));
    this.#running.set(name, run);
  }

  async #guard(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await undefined; // never inside the caller: a listener of the chain must not be held up or see an error
    try {
      await work(this.signal);
    } catch (error) {
      if (this.isStopped || isDatabaseSilent(error)) return;
      this.#logger.error(taskFailed, {
        task: name,
        detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("the market closes", "AbortError"));
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}

/** Resolves at the next head; rejects with the signal's reason. */
export async function nextHead(chain: Pick<MarketChain, "onHead">, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason);
  const end = chain.onHead(() => resolve());
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    end();
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Remembers since which height something is missing. A reorganisation may take a thing off the chain for some
 * rounds, so only what stays away counts as gone.
 */
export class Missing<Key> {
  readonly #since = new Map<Key, number>();
  readonly #rounds: number;

  constructor(rounds: number) {
    this.#rounds = rounds;
  }
  /**
   * To be called at every look, also at what is wanted no more, which is then forgotten; true when it was missing at
   * every look for longer than the rounds.
   */
  isGone(key: Key, isMissing: boolean, height: number): boolean {
    if (!isMissing) this.#since.delete(key);
    else if (!this.#since.has(key)) this.#since.set(key, height);
    return isMissing && height - (this.#since.get(key) ?? height) > this.#rounds;
  }
}

/** Pauses that double from `firstMs` up to `mostMs`, until `reset`. */
export class Backoff {
  readonly #clock: Clock;
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(clock: Clock, firstMs: number, mostMs: number) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#nextMs = firstMs;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(this.#mostMs, 2 * ms);
    await this.#clock.sleep(ms, signal);
  }
}

/** At most so many at a time; the others wait in the order of their coming. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    while (this.#taken >= this.#most) await this.#wait(signal);
    this.#taken += 1;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#taken -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
