/**
 * What goes on beside a loop, each thing under a name of its own. What has ended, well or not, does not begin again
 * before something from outside has changed, so a thing that fails is tried at the pace of the chain. It is told once
 * why it fails, and once that it does no more.
 */
import { HoldfastError, type Logger } from "@holdfast/base";

interface Task {
  readonly control: AbortController;
  readonly done: Promise<void>;
}

/** Failures that are remembered; one that was forgotten is told again. */
const knownFailures = 256;

export class Tasks {
  readonly #logger: Logger;
  readonly #running = new Map<string, Task>();
  readonly #resting = new Set<string>();
  /** Why what failed last did, by its name. */
  readonly #failing = new Map<string, string>();
  #wakes = 0;
  #waiting = Promise.withResolvers<void>();
  #isEnded = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }
  /** How often the loop was woken. */
  get wakes(): number {
    return this.#wakes;
  }

  has(name: string): boolean {
    return this.#running.has(name);
  }
  count(prefix: string): number {
    return [...this.#running.keys()].filter((name) => name.startsWith(prefix)).length;
  }

  /** False: it goes on already, or has ended and nothing has changed since. */
  begin(name: string, work: (signal: AbortSignal) => unknown): boolean {
    if (this.#isEnded || this.has(name) || this.#resting.has(name)) return false;
    const control = new AbortController();
    const done = this.#watch(name, control, work);
    this.#running.set(name, { control, done });
    return true;
  }

  /** Ends a task and waits for its end; it may begin again. */
  async cancel(name: string): Promise<void> {
    const task = this.#running.get(name);
    this.abort(name);
    await task?.done;
    this.#resting.delete(name);
  }
  abort(name: string): void {
    this.#running.get(name)?.control.abort(new Error("given up"));
  }
  async cancelAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.cancel(name)));
    this.#resting.clear();
  }

  /** Something from outside is different. */
  wake(): void {
    this.#resting.clear();
    this.nudge();
  }
  /** Something from inside is. */
  nudge(): void {
    this.#wakes += 1;
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }
  /** Resolves when the loop was woken more often than that. */
  async woken(seen: number): Promise<void> {
    if (this.#wakes === seen && !this.#isEnded) await this.#waiting.promise;
  }

  async end(reason: Error): Promise<void> {
    this.#isEnded = true;
    for (const { control } of this.#running.values()) control.abort(reason);
    this.nudge();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #watch(
    name: string,
    control: AbortController,
    work: (signal: AbortSignal) => unknown,
  ): Promise<void> {
    try {
      await Promise.resolve(); // it is known as running before it begins
      await work(control.signal);
      if (this.#failing.delete(name)) this.#logger.info("idle: what failed goes well again", { what: name });
    } catch (error) {
      if (!control.signal.aborted) this.#failed(name, error);
    } finally {
      this.#running.delete(name);
      this.#resting.add(name);
      this.nudge();
    }
  }

  #failed(name: string, error: unknown): void {
    const { code = "internal", message: detail } = error instanceof HoldfastError ? error : asError(error);
    const isKnown = this.#failing.get(name) === detail;
    this.#failing.delete(name);
    this.#failing.set(name, detail);
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > knownFailures && oldest !== undefined) this.#failing.delete(oldest);
    if (!isKnown)
      this.#logger.warn("idle: something failed, and is tried again", { what: name, code, detail });
  }
}

const asError = (error: unknown): { readonly code?: string; readonly message: string } => ({
  message: error instanceof Error ? error.message : String(error),
});
