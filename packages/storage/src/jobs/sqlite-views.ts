/** What is read of the job queue in SQLite. */
import type { Clock } from "@holdfast/base";
import type { VolumeSpec } from "../volumes/index.ts";
import type { SqliteFile } from "./sqlite-file.ts";
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

export class SqliteViews {
  protected readonly file: SqliteFile;
  readonly #clock: Clock;

  constructor(file: SqliteFile, clock: Clock) {
    this.file = file;
    this.#clock = clock;
  }

  async job(jobId: number): Promise<Job | undefined> {
    return this.jobNow(jobId);
  }

  async list(
    filter: JobFilter,
    { beforeId = neverMs, limit }: { readonly beforeId?: number; readonly limit: number },
  ): Promise<Job[]> {
    const { states, kinds, sectorId } = filter;
    if (sectorId !== undefined) {
      const sql = `SELECT * FROM jobs WHERE sector_id = ? AND job_id < ?
        AND state IN (SELECT value FROM json_each(?)) AND kind IN (SELECT value FROM json_each(?))
        ORDER BY job_id DESC LIMIT ?`;
      const names = [JSON.stringify(states ?? jobStates), JSON.stringify(kinds ?? jobKinds)];
      return this.file.all(sql, sectorId, beforeId, ...names, limit).map(jobOf);
    }
    if (states === undefined && kinds === undefined) {
      const sql = "SELECT * FROM jobs WHERE job_id < ? ORDER BY job_id DESC LIMIT ?";
      return this.file.all(sql, beforeId, limit).map(jobOf);
    }
    // One range of the index for each pair: none of them reads what it does not give.
    const sql = "SELECT * FROM jobs WHERE state = ? AND kind = ? AND job_id < ? ORDER BY job_id DESC LIMIT ?";
    const found = (states ?? jobStates).flatMap((state) =>
      (kinds ?? jobKinds).flatMap((kind) => this.file.all(sql, state, kind, beforeId, limit).map(jobOf)),
    );
    return found.sort((one, other) => other.jobId - one.jobId).slice(0, limit);
  }

  async counts(): Promise<JobCount[]> {
    const rows = this.file.all("SELECT kind, state, count(*) AS n FROM jobs GROUP BY state, kind");
    return rows.map((row) => ({
      kind: jobKinds.find((kind) => kind === row.kind) ?? "seal",
      state: jobStates.find((state) => state === row.state) ?? "waiting",
      count: number(row, "n"),
    }));
  }

  async cordons(): Promise<Cordon[]> {
    return this.file.all("SELECT * FROM job_cordons ORDER BY target").map((row) => ({
      target: targetOf(text(row, "target")),
      reason: text(row, "reason"),
      sinceMs: number(row, "since_ms"),
    }));
  }

  async workers(): Promise<KnownWorker[]> {
    const sql = `SELECT *, (SELECT count(*) FROM jobs WHERE state = 'running' AND jobs.worker_id = w.worker_id)
      AS running_count FROM job_workers w WHERE seen_ms >= ? ORDER BY worker_id`;
    return this.file.all(sql, this.#clock.nowMs() - jobLimits.workerForgottenMs).map(workerOf);
  }

  async events(after: number, limit: number): Promise<JobEvent[]> {
    return this.file
      .all("SELECT * FROM job_events WHERE cursor > ? ORDER BY cursor LIMIT ?", after, limit)
      .map(eventOf);
  }

  async eventsOf(jobId: number, limit: number): Promise<JobEvent[]> {
    const sql = "SELECT * FROM job_events WHERE job_id = ? ORDER BY cursor LIMIT ?";
    return this.file.all(sql, jobId, limit).map(eventOf);
  }

  async lastCursor(): Promise<number> {
    const row = this.file.get("SELECT seq FROM sqlite_sequence WHERE name = 'job_events'");
    return row === undefined ? 0 : number(row, "seq");
  }

  async cursorOf(consumer: string): Promise<number> {
    const row = this.file.get("SELECT cursor FROM job_cursors WHERE consumer = ?", consumer);
    return row === undefined ? 0 : number(row, "cursor");
  }

  /** Also in the midst of a transaction. */
  protected jobNow(jobId: number): Job | undefined {
    const row = this.file.get("SELECT * FROM jobs WHERE job_id = ?", jobId);
    return row === undefined ? undefined : jobOf(row);
  }

  async volumes(): Promise<VolumeSpec[]> {
    return this.file.all("SELECT * FROM job_volumes ORDER BY owner, volume_id").map(volumeOf);
  }
}
