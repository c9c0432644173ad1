/**
 * One process's connection to the queue's file: statements, transactions, and who wants to hear of changes. Changes of
 * this process are told when they are committed; for those of others the counter of the file is looked at: every now
 * and then, and at once where the system says that the file was written to.
 */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { assert, type Clock } from "@holdfast/base";
import { asStoreError } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import { closedWord } from "./carry.ts";
import type { Row } from "./sqlite-rows.ts";
import { openJobDatabase, pragma } from "./sqlite-schema.ts";
import type { JobListener } from "./types.ts";

export interface SqliteJobsOptions {
  /** The SQLite file, a path of the operating system. */
  readonly dbPath: string;
  readonly clock: Clock;
  /** How often changes of other processes are looked for; never when left out: there are no others. */
  readonly pollMs?: number;
  /** The system is asked to tell of them too: for processes in real time. */
  readonly isWatched?: boolean;
}

/** The system may tell of a write before it can be read by others. */
const settledMs = 3;

export class SqliteFile implements AsyncDisposable {
  readonly #db: DatabaseSync;
  readonly #dbPath: string;
  readonly #clock: Clock;
  readonly #pollMs: number | undefined;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #listeners = new Set<JobListener>();
  readonly #end = new AbortController();
  readonly #isWatched: boolean;
  #polling: Promise<void> | undefined;
  /** The counter of the file when it was last looked at. */
  #seen: number | undefined;
  #lookingAgain: NodeJS.Timeout | undefined;
  /** Jobs that the present transaction has changed; undefined: something else. Null outside of one. */
  #changed: Set<number | undefined> | null = null;

  constructor({ dbPath, clock, pollMs, isWatched = false }: SqliteJobsOptions) {
    this.#dbPath = dbPath;
    this.#clock = clock;
    this.#pollMs = pollMs;
    this.#isWatched = isWatched;
    this.#db = openJobDatabase(dbPath);
  }

  /** All changes of `run` or none; then the listeners are told. */
  transaction<T>(run: () => T): T {
    if (!this.#db.isOpen) throw storageErrors.closed({});
    assert(this.#changed === null, "transactions of the queue do not nest");
    const changed = new Set<number | undefined>();
    this.#guarded(() => this.#db.exec("BEGIN IMMEDIATE"));
    this.#changed = changed;
    let result: T;
    try {
      result = run();
      this.#guarded(() => this.#db.exec("COMMIT"));
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#changed = null;
    }
    for (const jobId of changed) this.#announce(jobId);
    return result;
  }

  /** To be told after the transaction; without a number: of no job in particular. */
  changed(jobId?: number): void {
    assert(this.#changed !== null, "changes are made in transactions");
    this.#changed.add(jobId);
  }

  onChange(listener: JobListener): Disposable {
    const own: JobListener = (jobId) => listener(jobId); // the same listener twice is two
    this.#listeners.add(own);
    this.#polling ??= this.#poll();
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(storageErrors.closed({}));
    if (this.#db.isOpen) this.#db.close();
    await this.#polling;
    this.#announce(undefined); // whoever waits looks again, and finds it closed
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...values));
  }
  named(sql: string, values: Record<string, SQLInputValue>): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(values));
  }
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...values));
  }
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#guarded(() => this.#prepare(sql).run(...values)).changes);
  }

  #announce(jobId: number | undefined): void {
    for (const listener of [...this.#listeners]) listener(jobId);
  }

  async #poll(): Promise<void> {
    if (this.#pollMs === undefined) return;
    using _watching = this.#watch();
    while (!this.#end.signal.aborted) {
      try {
        this.#look();
        await this.#clock.sleep(this.#pollMs, this.#end.signal);
      } catch (error) {
        if (this.#end.signal.aborted) return;
        throw error;
      }
    }
  }

  /** Tells if others have changed something since the last look. */
  #look(): void {
    const now = pragma(this.#db, "data_version");
    const isNews = this.#seen !== undefined && now !== this.#seen;
    this.#seen = now;
    if (isNews) this.#announce(undefined);
  }

  /** Looks when the log of the file is written to, and once more a moment later. What it misses the next look sees. */
  #watch(): Disposable {
    const name = `${basename(this.#dbPath)}-wal`;
    const lookNow = (): void => {
      try {
        if (this.#db.isOpen) this.#look();
      } catch {
        // The look that comes by itself says what is wrong.
      }
    };
    const heard = (_event: string, changed: string | null): void => {
      if (changed !== name) return;
      lookNow();
      this.#lookingAgain ??= setTimeout(() => {
        this.#lookingAgain = undefined;
        lookNow();
      }, settledMs).unref();
    };
    let watcher: FSWatcher | undefined;
    try {
      if (this.#isWatched) watcher = watch(dirname(this.#dbPath), { persistent: false }, heard);
      watcher?.on("error", () => watcher?.close());
    } catch {
      // A system that watches no more files, or never does.
    }
    return {
      [Symbol.dispose]: () => {
        watcher?.close();
        clearTimeout(this.#lookingAgain);
      },
    };
  }

  #prepare(sql: string): StatementSync {
    if (!this.#db.isOpen) throw storageErrors.closed({});
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof Error && error.message.includes(closedWord)) {
        throw storageErrors.queueMoved({ place: this.#dbPath }, error);
      }
      throw asStoreError(this.#dbPath, error);
    }
  }
}
