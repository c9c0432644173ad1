/**
 * Tells whoever listens that jobs have changed, beside the transactions that changed them: a transaction that notifies
 * holds a lock of the whole server until its commit is on the disk, so commits would wait for each other's disks. What
 * is told is a hint: a process that ends between a change and its news leaves listeners to their own looks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "../db/index.ts";

/** Between two statements that tell; what changes meanwhile goes with the next. */
const spacingMs = 10;
/** Jobs that are named in one statement; of more it is only said that there are some. */
const mostWords = 200;

/** Without a wait for the disk: news that a server lost with its power had no listeners left. */
const sayAll = `SELECT set_config('synchronous_commit', 'off', true), pg_notify(current_schema() || '.jobs', word)
  FROM unnest(?::text[]) word`;

/** The form of an array in PostgreSQL; numbers and nothing need no escapes. */
function arrayOf(words: readonly string[]): string {
  return `{${words.map((word) => `"${word}"`).join(",")}}`;
}

export class PostgresNews {
  readonly #db: Db;
  readonly #waiting = new Set<string>();
  #telling: Promise<void> | undefined;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Without a number: of no job in particular. */
  tell(jobId?: number): void {
    this.#waiting.add(jobId === undefined ? "" : String(jobId));
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  }
  /** Resolves when nothing waits to be told. */
  async told(): Promise<void> {
    while (this.#telling !== undefined) await this.#telling;
  }

  async #tellAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const words = [...this.#waiting];
      this.#waiting.clear();
      const said = words.length > mostWords ? [""] : words;
      await this.#db.all(sayAll, arrayOf(said)).catch(() => undefined); // who writes next is told what is wrong
      await sleep(spacingMs);
    }
  }
}
