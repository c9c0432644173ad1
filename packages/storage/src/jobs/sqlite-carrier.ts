/**
 * Taking the jobs of a queue in SQLite elsewhere, and bringing them here (carry.ts). A closed queue has triggers that
 * refuse every change of every process, so no statement asks whether it is open.
 */
import type { Clock } from "@holdfast/base";
import type { Row, Sql, SqlValue } from "../db/index.ts";
import { type Carrier, carriedTables, closedTables, closedWord, type Numbers, standings } from "./carry.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import { number } from "./sqlite-rows.ts";
import { openJobDatabase } from "./sqlite-schema.ts";

const changes = ["INSERT", "UPDATE", "DELETE"] as const;
const triggers = closedTables.flatMap((table) =>
  changes.map((change) => ({ table, change, name: `${table}_closed_${change.toLowerCase()}` })),
);
const makeTriggers = triggers.map(
  ({ table, change, name }) =>
    `CREATE TRIGGER IF NOT EXISTS ${name} BEFORE ${change} ON ${table}
      BEGIN SELECT RAISE(ABORT, '${closedWord}'); END`,
);
const dropTriggers = triggers.map(({ name }) => `DROP TRIGGER IF EXISTS ${name}`);

const put = "INSERT OR REPLACE INTO job_meta VALUES (?, ?)";

export class SqliteCarrier implements Carrier {
  readonly place: string;
  readonly #file: SqliteFile;
  readonly #clock: Clock;

  constructor(file: SqliteFile, dbPath: string, clock: Clock) {
    this.#file = file;
    this.place = dbPath;
    this.#clock = clock;
  }

  async all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#file.all(text, ...values) as Row[];
  }
  async nowMs(): Promise<number> {
    return this.#clock.nowMs();
  }
  async numbers(): Promise<Numbers> {
    const last = (table: string): number =>
      Number(this.#file.get("SELECT seq FROM sqlite_sequence WHERE name = ?", table)?.seq ?? 0);
    return { jobId: last("jobs"), cursor: last("job_events") };
  }

  async close(): Promise<void> {
    this.#file.transaction(() => {
      this.#stands("moving");
      for (const make of makeTriggers) this.#file.run(make);
      this.#file.changed();
    });
  }
  async reopen(): Promise<void> {
    this.#file.transaction(() => {
      for (const drop of dropTriggers) this.#file.run(drop);
      this.#file.run("DELETE FROM job_meta WHERE name = 'standing'");
      this.#file.changed();
    });
  }
  async leave(): Promise<void> {
    this.#file.transaction(() => this.#stands("moved"));
  }

  async replace(given: Numbers, fill: (sql: Sql) => Promise<void>): Promise<void> {
    // A connection of its own: what others of this process do meanwhile is no part of the transaction.
    const db = openJobDatabase(this.place);
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const drop of dropTriggers) db.exec(drop);
      for (const { name } of carriedTables) db.exec(`DELETE FROM ${name}`);
      const run = (text: string, values: readonly SqlValue[]): number =>
        Number(db.prepare(text).run(...values).changes);
      const all = (text: string, values: readonly SqlValue[]): Row[] =>
        db.prepare(text).all(...values) as Row[];
      await fill({
        all: async (text, ...values) => all(text, values),
        get: async (text, ...values) => all(text, values)[0],
        run: async (text, ...values) => run(text, values),
      });
      for (const [table, last] of [["jobs", given.jobId] as const, ["job_events", given.cursor] as const]) {
        const [row] = all("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]);
        if (row === undefined) run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, last]);
        else
          run("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", [
            Math.max(last, number(row, "seq")),
            table,
          ]);
      }
      for (const make of makeTriggers) db.exec(make);
      run(put, ["standing", standings.moving]);
      db.exec("COMMIT");
    } finally {
      if (db.isTransaction) db.exec("ROLLBACK");
      db.close();
    }
  }

  #stands(standing: keyof typeof standings): void {
    this.#file.run(put, "standing", standings[standing]);
  }
}
