/** What is read of the job queue in PostgreSQL, and the numbering of events that reading begins with. */
import type { Db, Sql } from "../db/index.ts";
import type { VolumeSpec } from "../volumes/index.ts";
import { eventOf, jobOf, number, targetOf, text, volumeOf, workerOf } from "./sqlite-rows.ts";
import { neverMs } from "./sqlite-schema.ts";
import {
  type Cordon,
  type Job,
  type JobCount,
  type JobEvent,
  type JobFilter,
  jobKinds,
  jobLimits,
  jobStates,
  type KnownWorker,
} from "./types.ts";

/** Events that are numbered at once. */
const numberedAtOnce = 10_000;

export class PostgresViews {
  protected readonly db: Db;
  /** SQL for the time. */
  readonly #clock: string;

  constructor(db: Db, clock: string) {
    this.db = db;
    this.#clock = clock;
  }

  async job(jobId: number): Promise<Job | undefined> {
    const row = await this.db.get("SELECT * FROM jobs WHERE job_id = ?", jobId);
    return row === undefined ? undefined : jobOf(row);
  }

  async list(
    filter: JobFilter,
    { beforeId = neverMs, limit }: { readonly beforeId?: number; readonly limit: number },
  ): Promise<Job[]> {
    const { states, kinds, sectorId } = filter;
    if (sectorId !== undefined) {
      const sql = `SELECT * FROM jobs WHERE sector_id = ? AND job_id < ? AND state = ANY (string_to_array(?, ' '))
        AND kind = ANY (string_to_array(?, ' ')) ORDER BY job_id DESC LIMIT ?`;
      const names = [(states ?? jobStates).join(" "), (kinds ?? jobKinds).join(" ")];
      return (await this.db.all(sql, sectorId, beforeId, ...names, limit)).map(jobOf);
    }
    if (states === undefined && kinds === undefined) {
      const sql = "SELECT * FROM jobs WHERE job_id < ? ORDER BY job_id DESC LIMIT ?";
      return (await this.db.all(sql, beforeId, limit)).map(jobOf);
    }
    // One range of the index for each pair, all in one statement: none of them reads more than it may give.
    const sql = `SELECT found.* FROM unnest(string_to_array(?, ' ')) AS of_state,
        unnest(string_to_array(?, ' ')) AS of_kind,
        LATERAL (SELECT * FROM jobs WHERE state = of_state AND kind = of_kind AND job_id < ?
          ORDER BY job_id DESC LIMIT ?) found
      ORDER BY job_id DESC LIMIT ?`;
    const names = [(states ?? jobStates).join(" "), (kinds ?? jobKinds).join(" ")];
    return (await this.db.all(sql, ...names, beforeId, limit, limit)).map(jobOf);
  }

  async counts(): Promise<JobCount[]> {
    const rows = await this.db.all("SELECT kind, state, count(*) AS n FROM jobs GROUP BY state, kind");
    return rows.map((row) => ({
      kind: jobKinds.find((kind) => kind === row.kind) ?? "seal",
      state: jobStates.find((state) => state === row.state) ?? "waiting",
      count: number(row, "n"),
    }));
  }

  async cordons(): Promise<Cordon[]> {
    const rows = await this.db.all("SELECT * FROM job_cordons ORDER BY target");
    return rows.map((row) => ({
      target: targetOf(text(row, "target")),
      reason: text(row, "reason"),
      sinceMs: number(row, "since_ms"),
    }));
  }

  async workers(): Promise<KnownWorker[]> {
    const sql = `SELECT w.*, (SELECT count(*) FROM jobs WHERE state = 'running' AND jobs.worker_id = w.worker_id)
      AS running_count FROM job_workers w WHERE seen_ms >= ${this.#clock} - ? ORDER BY worker_id`;
    return (await this.db.all(sql, jobLimits.workerForgottenMs)).map(workerOf);
  }

  async events(after: number, limit: number): Promise<JobEvent[]> {
    await this.#numberEvents();
    const sql = "SELECT * FROM job_events WHERE cursor > ? ORDER BY cursor LIMIT ?";
    return (await this.db.all(sql, after, limit)).map(eventOf);
  }

  async eventsOf(jobId: number, limit: number): Promise<JobEvent[]> {
    await this.#numberEvents();
    // One that was committed since has no cursor yet: it is told the next time.
    const sql = "SELECT * FROM job_events WHERE job_id = ? AND cursor IS NOT NULL ORDER BY cursor LIMIT ?";
    return (await this.db.all(sql, jobId, limit)).map(eventOf);
  }

  async lastCursor(): Promise<number> {
    await this.#numberEvents();
    const row = await this.db.get("SELECT value FROM job_meta WHERE name = 'last_cursor'");
    return row === undefined ? 0 : number(row, "value");
  }

  async cursorOf(consumer: string): Promise<number> {
    const row = await this.db.get("SELECT cursor FROM job_cursors WHERE consumer = ?", consumer);
    return row === undefined ? 0 : number(row, "cursor");
  }

  async volumes(): Promise<VolumeSpec[]> {
    return (await this.db.all("SELECT * FROM job_volumes ORDER BY owner, volume_id")).map(volumeOf);
  }

  /** Gives their cursors to the events that are committed and have none yet. */
  async #numberEvents(): Promise<void> {
    const sql = "SELECT event_id FROM job_events WHERE cursor IS NULL LIMIT 1";
    while ((await this.db.get(sql)) !== undefined) await this.db.transaction(numberSome);
  }
}

async function numberSome(sql: Sql): Promise<void> {
  // Held to the end: the next one numbers what it sees after us, and begins where we have ended.
  await sql.all("SELECT value FROM job_meta WHERE name = 'last_cursor' FOR UPDATE");
  await sql.all(
    `WITH fresh AS (
        SELECT event_id, row_number() OVER (ORDER BY event_id) AS place FROM (
          SELECT event_id FROM job_events WHERE cursor IS NULL ORDER BY event_id LIMIT ?) picked),
      numbered AS (
        UPDATE job_events SET cursor = (SELECT value FROM job_meta WHERE name = 'last_cursor') + fresh.place
        FROM fresh WHERE job_events.event_id = fresh.event_id RETURNING 1)
      UPDATE job_meta SET value = value + (SELECT count(*) FROM numbered) WHERE name = 'last_cursor'`,
    numberedAtOnce,
  );
}

/** The job, which nobody else changes until the end of the transaction. */
export async function lockJob(sql: Sql, jobId: number): Promise<Job | undefined> {
  const row = await sql.get("SELECT * FROM jobs WHERE job_id = ? FOR UPDATE", jobId);
  return row === undefined ? undefined : jobOf(row);
}
