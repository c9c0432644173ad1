/** What asking for a random part of each kept copy has shown, in SQLite: a restart does not begin to count anew. */
import type { Database } from "../../database.ts";
import { numberOf, numberOrNull, textOf } from "../rows.ts";

export interface Audit {
  /** Of the last try. */
  readonly height: number;
  /** When it was last given; null: never. */
  readonly servedHeight: number | null;
  /** Tries in a row that gave nothing. */
  readonly misses: number;
  /** Tries in a row to which it said that it is busy. */
  readonly busy: number;
  /** What the last miss said. */
  readonly detail: string;
}

const migrations = [
  `CREATE TABLE market_audits (
     attempt_id INTEGER PRIMARY KEY, height INTEGER NOT NULL, served_height INTEGER, misses INTEGER NOT NULL,
     detail TEXT NOT NULL
   ) STRICT`,
  "ALTER TABLE market_audits ADD COLUMN busy INTEGER NOT NULL DEFAULT 0",
];

export class AuditStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("market_audits", migrations);
  }

  of(attemptId: number): Audit | undefined {
    const row = this.#database.get("SELECT * FROM market_audits WHERE attempt_id = ?", attemptId);
    if (row === undefined) return undefined;
    return {
      height: numberOf(row, "height"),
      servedHeight: numberOrNull(row, "served_height"),
      misses: numberOf(row, "misses"),
      detail: textOf(row, "detail"),
      busy: numberOf(row, "busy"),
    };
  }
  set(attemptId: number, { height, servedHeight, misses, detail, busy }: Audit): void {
    const values = [attemptId, height, servedHeight, misses, detail, busy];
    this.#database.run("INSERT OR REPLACE INTO market_audits VALUES (?, ?, ?, ?, ?, ?)", ...values);
  }
}
