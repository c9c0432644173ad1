/**
 * Taking the jobs of a queue in PostgreSQL elsewhere, and bringing them here (carry.ts). A closed queue's triggers are
 * on: that waits for changes under way, and every later one of every process is refused.
 */
import type { Db, Row, Sql, SqlValue } from "../db/index.ts";
import { type Carrier, carriedTables, closedTables, type Numbers, standings } from "./carry.ts";
import { number } from "./sqlite-rows.ts";

export interface PostgresCarrierParts {
  readonly db: Db;
  nowMs(): Promise<number>;
  /** The cursor of the newest event, when all have one. */
  lastCursor(): Promise<number>;
  /** Wakes whoever listens to the queue. */
  tell(): void;
}

export class PostgresCarrier implements Carrier {
  readonly #parts: PostgresCarrierParts;

  constructor(parts: PostgresCarrierParts) {
    this.#parts = parts;
  }

  get place(): string {
    return this.#parts.db.place;
  }
  all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#parts.db.all(text, ...values);
  }
  nowMs(): Promise<number> {
    return this.#parts.nowMs();
  }
  async numbers(): Promise<Numbers> {
    const cursor = await this.#parts.lastCursor();
    const [row] = await this.all(
      "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM jobs_job_id_seq",
    );
    return { jobId: number(row ?? {}, "last"), cursor };
  }

  async close(): Promise<void> {
    await this.#parts.db.transaction(close);
    this.#parts.tell();
  }
  async reopen(): Promise<void> {
    await this.#parts.db.transaction(open);
    this.#parts.tell();
  }
  async leave(): Promise<void> {
    await this.#parts.db.transaction((sql) => stands(sql, "moved"));
    this.#parts.tell();
  }

  async replace({ jobId, cursor }: Numbers, fill: (sql: Sql) => Promise<void>): Promise<void> {
    await this.#parts.db.transaction(async (sql) => {
      await open(sql);
      for (const { name } of carriedTables) await sql.run(`DELETE FROM ${name}`);
      await fill(sql);
      await sql.all(
        `SELECT setval('jobs_job_id_seq', greatest(?::bigint,
           (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM jobs_job_id_seq)) + 1, false)`,
        jobId,
      );
      const raise = "UPDATE job_meta SET value = greatest(value, ?) WHERE name = 'last_cursor'";
      await sql.run(raise, cursor);
      await close(sql);
    });
    this.#parts.tell();
  }
}

async function close(sql: Sql): Promise<void> {
  for (const table of closedTables) await sql.run(`ALTER TABLE ${table} ENABLE TRIGGER ${table}_closed`);
  await stands(sql, "moving");
}

async function open(sql: Sql): Promise<void> {
  for (const table of closedTables) await sql.run(`ALTER TABLE ${table} DISABLE TRIGGER ${table}_closed`);
  await sql.run("DELETE FROM job_meta WHERE name = 'standing'");
}

async function stands(sql: Sql, standing: keyof typeof standings): Promise<void> {
  const put =
    "INSERT INTO job_meta VALUES ('standing', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
  await sql.run(put, standings[standing]);
}
