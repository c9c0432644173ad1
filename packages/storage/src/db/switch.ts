/** A database that can be exchanged for another while it is used. Whoever exchanges it sees to it that nothing runs. */
import type { Cancel } from "@holdfast/base";
import type { SilenceListener } from "./silence.ts";
import type { Db, Ddl, Engine, Row, Sql, SqlValue } from "./types.ts";

interface Listening {
  readonly channel: string;
  readonly wake: (word?: string) => void;
  readonly signal: Cancel;
}

export class SwitchDb implements Db {
  #now: Db;
  readonly #listening = new Set<Listening>();
  readonly #watching = new Set<{ readonly told: SilenceListener; readonly signal: Cancel }>();

  constructor(first: Db) {
    this.#now = first;
  }

  get engine(): Engine {
    return this.#now.engine;
  }
  get place(): string {
    return this.#now.place;
  }
  get current(): Db {
    return this.#now;
  }

  /** From now on everything goes to the other one; who listened hears of it, and is woken. Returns the old one. */
  switchTo(next: Db): Db {
    const before = this.#now;
    this.#now = next;
    for (const { channel, wake, signal } of this.#listening) {
      next.listen(channel, wake, signal);
      if (!signal.aborted) wake();
    }
    for (const { told, signal } of this.#watching) {
      if (!signal.aborted) told(undefined); // it has just taken everything
      next.onSilence(told, signal);
    }
    return before;
  }

  all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#now.all(text, ...values);
  }
  get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return this.#now.get(text, ...values);
  }
  run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    return this.#now.run(text, ...values);
  }
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#now.transaction(work);
  }
  migrate(room: string, steps: readonly Ddl[]): Promise<void> {
    return this.#now.migrate(room, steps);
  }
  notify(sql: Sql, channel: string, word?: string): Promise<void> {
    return this.#now.notify(sql, channel, word);
  }
  listen(channel: string, wake: (word?: string) => void, signal: Cancel): void {
    const entry = { channel, wake, signal };
    this.#listening.add(entry);
    signal.addEventListener("abort", () => this.#listening.delete(entry), { once: true });
    this.#now.listen(channel, wake, signal);
  }
  onSilence(told: SilenceListener, signal: Cancel): void {
    const entry = { told, signal };
    this.#watching.add(entry);
    signal.addEventListener("abort", () => this.#watching.delete(entry), { once: true });
    this.#now.onSilence(told, signal);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#now[Symbol.asyncDispose]();
  }
}
