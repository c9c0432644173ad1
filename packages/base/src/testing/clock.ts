/**
 * Virtual time. Nothing passes but what `advance` lets pass; timers fire in the order of their due time,
 * then of their creation, and between two instants a drain lets the woken code run (and start new timers).
 * After TigerBeetle's and FoundationDB's deterministic simulators.
 */
import { assert } from "../errors.ts";
import type { Cancel, Clock } from "../seams/types.ts";

/** Lets everything that was woken run until it waits again: microtasks, and what the host has to do. */
export type Drain = () => Promise<void>;

/** 2025-01-01T00:00:00Z. */
const defaultStartMs = 1_735_689_600_000;
const microtaskTurns = 1_024;

/**
 * Lets microtasks run, many turns of them. Enough for code that waits for nothing but the simulated twins;
 * code that also waits for the host (files, workers) needs a drain with `setImmediate`.
 */
export async function drainMicrotasks(): Promise<void> {
  for (let turn = 0; turn < microtaskTurns; turn++) await undefined;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  fire(): void;
}

export class SimClock implements Clock {
  #nowMs: number;
  #created = 0;
  #advancing = false;
  /** The next timer is the last one. */
  readonly #timers: Timer[] = [];

  constructor(startMs: number = defaultStartMs) {
    this.#nowMs = startMs;
  }

  /** Whole milliseconds, as a real clock has them: who sleeps for a part of one wakes within one. */
  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  sleep(ms: number, signal?: Cancel): Promise<void> {
    assert(!Number.isNaN(ms), "a sleep has a length");
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#timers.splice(this.#timers.indexOf(timer), 1);
        reject(signal?.reason);
      };
      const timer: Timer = {
        dueMs: this.#nowMs + ms,
        order: this.#created++,
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#insert(timer);
    });
  }

  /** How many sleeps are pending. */
  get pendingTimers(): number {
    return this.#timers.length;
  }
  /** When the next sleep ends (milliseconds since the Unix epoch), or undefined. */
  get nextTimerMs(): number | undefined {
    return this.#timers.at(-1)?.dueMs;
  }

  /** Lets `ms` pass, timer by timer. */
  async advance(ms: number, drain: Drain = drainMicrotasks): Promise<void> {
    await this.#run(this.#nowMs + ms, () => false, drain);
  }

  /** Lets time pass until `done` holds, at most `limitMs`; says whether it holds. */
  async advanceUntil(
    done: () => boolean,
    options: { readonly limitMs: number; readonly drain?: Drain },
  ): Promise<boolean> {
    await this.#run(this.#nowMs + options.limitMs, done, options.drain ?? drainMicrotasks);
    return done();
  }

  /** Lets time pass until the promise settles, and settles alike; asserts that `limitMs` is enough. */
  async settle<T>(
    promise: Promise<T>,
    options: { readonly limitMs: number; readonly drain?: Drain },
  ): Promise<T> {
    let settled = false;
    const watch = (): void => {
      settled = true;
    };
    promise.then(watch, watch);
    await this.advanceUntil(() => settled, options);
    assert(settled, `the promise settles within ${options.limitMs} ms of virtual time`);
    return promise;
  }

  async #run(targetMs: number, done: () => boolean, drain: Drain): Promise<void> {
    assert(!this.#advancing, "one advance at a time");
    this.#advancing = true;
    try {
      await drain(); // what was started before now sets its timers
      for (;;) {
        if (done()) return;
        const next = this.#timers.at(-1);
        if (next === undefined || next.dueMs > targetMs) break;
        this.#nowMs = next.dueMs;
        while (this.#timers.at(-1)?.dueMs === this.#nowMs) this.#timers.pop()?.fire();
        await drain();
      }
      this.#nowMs = targetMs;
    } finally {
      this.#advancing = false;
    }
  }

  #insert(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#timers[middle];
      // The array falls: later timers first, and of one instant the youngest first.
      if (other !== undefined && other.dueMs > timer.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}
