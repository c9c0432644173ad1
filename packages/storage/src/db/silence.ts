/**
 * A database that does not answer: nobody gets through to it, and nothing was answered on any connection for a while.
 * It is known since when, with one line of the log at its beginning and one at its end, whoever asks how often
 * meanwhile. The tries of whoever asked fail by themselves, with storage/database-unreachable.
 */
import type { Cancel, Clock, Logger } from "@holdfast/base";
import { isNoWay } from "./postgres-errors.ts";

export interface Silence {
  readonly sinceMs: number;
  readonly detail: string;
}

/** Told with what the last try gave when nobody answers any more, and without when somebody does again. */
export type SilenceListener = (detail: string | undefined) => void;

/** A server that has answered within so long is well, though it lets nobody in just now. */
const quietMs = 5_000;

/** Of the ways to one server: some try to connect, some are asked. */
export class Answers {
  readonly #steadyMs: () => number;
  readonly #listeners = new Set<SilenceListener>();
  #detail: string | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;

  constructor(steadyMs: () => number = () => performance.now()) {
    this.#steadyMs = steadyMs;
  }

  /** A try to connect has failed. */
  failed(error: unknown): void {
    if (this.#detail !== undefined || !isNoWay(error)) return;
    if (this.#steadyMs() - this.#answeredMs < quietMs) return;
    this.#tell(error instanceof Error ? error.message || error.name : String(error));
  }
  answered(): void {
    this.#answeredMs = this.#steadyMs();
    if (this.#detail !== undefined) this.#tell(undefined);
  }

  listen(listener: SilenceListener, signal: Cancel): void {
    if (signal.aborted) return;
    const own: SilenceListener = (detail) => listener(detail);
    this.#listeners.add(own);
    signal.addEventListener("abort", () => this.#listeners.delete(own), { once: true });
    if (this.#detail !== undefined) own(this.#detail);
  }

  #tell(detail: string | undefined): void {
    this.#detail = detail;
    for (const listener of [...this.#listeners]) listener(detail);
  }
}

/** What is known of it here, and said in the log. */
export class SilenceWatch {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #now: Silence | undefined;

  constructor(what: string, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#what = what;
    this.#clock = clock;
    this.#logger = logger;
  }

  get now(): Silence | undefined {
    return this.#now;
  }

  readonly told: SilenceListener = (detail) => {
    const before = this.#now;
    if (detail !== undefined) {
      if (before !== undefined) return;
      this.#now = { sinceMs: this.#clock.nowMs(), detail };
      return this.#logger.error(`storage: the database of ${this.#what} does not answer`, { detail });
    }
    this.#now = undefined;
    if (before === undefined) return;
    const forMs = Math.max(0, this.#clock.nowMs() - before.sinceMs);
    this.#logger.warn(`storage: the database of ${this.#what} answers again`, { forMs });
  };
}
