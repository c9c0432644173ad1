/**
 * The job queue in SQLite: for one machine, any number of processes. Each method is one transaction (BEGIN IMMEDIATE),
 * so claims of many workers come one after the other.
 */
import type { SQLInputValue } from "node:sqlite";
import { assert, type Clock } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { checkNewJob, checkOutput, crashOf, told } from "./checks.ts";
import { SqliteFile, type SqliteJobsOptions } from "./sqlite-file.ts";
import { eventOf, jobOf, number, targetOf, text, workerOf } from "./sqlite-rows.ts";
import { neverMs } from "./sqlite-schema.ts";
import {
  type ClaimRequest,
  type Cordon,
  type CordonTarget,
  type Job,
  type JobCount,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  type JobListener,
  type JobQueue,
  type JobState,
  jobKinds,
  jobLimits,
  jobStates,
  type KnownWorker,
  type Lease,
  type NewJob,
  urgencyOf,
  type WorkerInfo,
} from "./types.ts";

/** Opens or makes the queue. Throws storage/foreign-database, schema-too-new, database-damaged. */
export function openSqliteJobs(options: SqliteJobsOptions): JobQueue {
  return new SqliteJobs(options);
}

const isClaimable = `state = 'waiting' AND not_before_ms <= :now AND cpus <= :cpus AND memory_bytes <= :memory
  AND kind IN (SELECT value FROM json_each(:kinds)) AND (for_worker IS NULL OR for_worker = :worker)
  AND NOT EXISTS (SELECT 1 FROM job_cordons
    WHERE target IN ('all', 'kind:' || jobs.kind, 'worker:' || :worker))`;
const order = "ORDER BY urgency, due_ms, backward_priority, job_id LIMIT 1";

class SqliteJobs implements JobQueue {
  readonly #file: SqliteFile;
  readonly #clock: Clock;

  constructor(options: SqliteJobsOptions) {
    this.#clock = options.clock;
    this.#file = new SqliteFile(options);
  }

  async enqueue(job: NewJob): Promise<Job> {
    checkNewJob(job);
    const { key, kind, sectorId = null, input, priority = 0, dueMs = neverMs } = job;
    const { resources = { cpus: 1, memoryBytes: 0 }, maxFailures = jobLimits.maxFailures, forWorker } = job;
    return this.#file.transaction(() => {
      const known = this.#file.get("SELECT * FROM jobs WHERE key = ?", key);
      if (known !== undefined) return this.#renewed(jobOf(known), input);
      const row = this.#file.get(
        `INSERT INTO jobs (key, kind, urgency, sector_id, state, input, backward_priority, due_ms, cpus,
           memory_bytes, max_failures, for_worker, not_before_ms, created_ms)
         VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING *`,
        ...[key, kind, urgencyOf(kind), sectorId, input, -priority, dueMs],
        ...[resources.cpus, resources.memoryBytes, maxFailures, forWorker ?? null, this.#clock.nowMs()],
      );
      assert(row !== undefined, "an inserted row is returned");
      const made = jobOf(row);
      this.#tell(made, null, null);
      return made;
    });
  }

  #renewed(job: Job, input: string): Job {
    if (job.endedMs !== null || job.input === input) return job;
    this.#file.run("UPDATE jobs SET input = ? WHERE job_id = ?", input, job.jobId);
    return { ...job, input };
  }

  async claim({ workerId, kinds, free, leaseMs }: ClaimRequest): Promise<Job | undefined> {
    return this.#file.transaction(() => {
      this.#expire();
      const nowMs = this.#clock.nowMs();
      const found = this.#find({ workerId, kinds, free });
      if (found === undefined) return undefined;
      return this.#move(found, "running", null, {
        token: found.token + 1,
        worker_id: workerId,
        lease_until_ms: nowMs + leaseMs,
        started_ms: nowMs,
      });
    });
  }

  async peek(request: Omit<ClaimRequest, "leaseMs">): Promise<Job | undefined> {
    return this.#find(request);
  }

  #find({ workerId, kinds, free }: Omit<ClaimRequest, "leaseMs">): Job | undefined {
    const row = this.#file.named(`SELECT * FROM jobs INDEXED BY jobs_waiting WHERE ${isClaimable} ${order}`, {
      now: this.#clock.nowMs(),
      cpus: free.cpus,
      memory: free.memoryBytes,
      kinds: JSON.stringify(kinds),
      worker: workerId,
    });
    return row === undefined ? undefined : jobOf(row);
  }

  async heartbeat(lease: Lease, leaseMs: number, progress: number): Promise<void> {
    this.#file.transaction(() => {
      this.#held(lease);
      const until = this.#clock.nowMs() + leaseMs;
      const sql = "UPDATE jobs SET lease_until_ms = ?, progress = ? WHERE job_id = ?";
      this.#file.run(sql, until, Math.min(1, Math.max(0, progress)), lease.jobId);
      this.#file.changed(lease.jobId);
    });
  }

  async done(lease: Lease, output: string): Promise<void> {
    checkOutput(output);
    this.#file.transaction(() => {
      this.#move(this.#held(lease), "done", null, { output, progress: 1 });
    });
  }

  async fail(
    lease: Lease,
    failure: JobFailure,
    { isFinal, backoffMs }: { readonly isFinal: boolean; readonly backoffMs: number },
  ): Promise<void> {
    this.#file.transaction(() => this.#fail(this.#held(lease), failure, isFinal, backoffMs));
  }

  #fail(job: Job, failure: JobFailure, isFinal: boolean, backoffMs: number): void {
    const failures = job.failures + 1;
    const to = isFinal || failures >= job.maxFailures ? "failed" : "waiting";
    this.#move(job, to, failure.code, {
      failures,
      not_before_ms: to === "waiting" ? this.#clock.nowMs() + backoffMs : 0,
      failure_code: failure.code,
      failure_message: told(failure.message),
      failure_detail: failure.detail,
    });
  }

  async release(lease: Lease, reason: string): Promise<void> {
    this.#file.transaction(() => {
      this.#move(this.#held(lease), "waiting", reason);
    });
  }

  async cancel(jobId: number, reason: string): Promise<boolean> {
    return this.#file.transaction(() => {
      const job = this.#job(jobId);
      if (job?.state !== "waiting" && job?.state !== "running") return false;
      this.#move(job, "cancelled", reason);
      return true;
    });
  }

  async prioritise(jobId: number, priority: number): Promise<boolean> {
    return this.#file.transaction(() => {
      this.#file.changed(jobId);
      const sql = "UPDATE jobs SET backward_priority = ? WHERE job_id = ? AND ended_ms IS NULL";
      return this.#file.run(sql, -priority, jobId) > 0;
    });
  }

  async taken(jobId: number): Promise<void> {
    this.#file.transaction(() => {
      this.#file.run("UPDATE jobs SET input = '', output = '' WHERE job_id = ? AND state = 'done'", jobId);
    });
  }

  async retry(jobId: number): Promise<boolean> {
    return this.#file.transaction(() => {
      const job = this.#job(jobId);
      if (job === undefined || job.state === "running" || job.state === "done") return false;
      const anew = { failures: 0, not_before_ms: 0, failure_code: null, failure_message: null };
      this.#move(job, "waiting", "retry", { ...anew, failure_detail: null });
      return true;
    });
  }

  async expire(): Promise<number> {
    return this.#file.transaction(() => this.#expire());
  }

  async bury(workerId: string): Promise<number> {
    return this.#file.transaction(() => {
      this.#file.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
      const sql = "SELECT * FROM jobs WHERE state = 'running' AND worker_id = ?";
      return this.#takeBack(this.#file.all(sql, workerId).map(jobOf));
    });
  }

  #expire(): number {
    const sql = "SELECT * FROM jobs WHERE state = 'running' AND lease_until_ms < ?";
    return this.#takeBack(this.#file.all(sql, this.#clock.nowMs()).map(jobOf));
  }

  #takeBack(jobs: readonly Job[]): number {
    for (const job of jobs) this.#fail(job, crashOf(job), false, 0);
    return jobs.length;
  }

  async job(jobId: number): Promise<Job | undefined> {
    return this.#job(jobId);
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
      return this.#file.all(sql, sectorId, beforeId, ...names, limit).map(jobOf);
    }
    if (states === undefined && kinds === undefined) {
      const sql = "SELECT * FROM jobs WHERE job_id < ? ORDER BY job_id DESC LIMIT ?";
      return this.#file.all(sql, beforeId, limit).map(jobOf);
    }
    // One range of the index for each pair: none of them reads what it does not give.
    const sql = "SELECT * FROM jobs WHERE state = ? AND kind = ? AND job_id < ? ORDER BY job_id DESC LIMIT ?";
    const found = (states ?? jobStates).flatMap((state) =>
      (kinds ?? jobKinds).flatMap((kind) => this.#file.all(sql, state, kind, beforeId, limit).map(jobOf)),
    );
    return found.sort((one, other) => other.jobId - one.jobId).slice(0, limit);
  }

  async counts(): Promise<JobCount[]> {
    const rows = this.#file.all("SELECT kind, state, count(*) AS n FROM jobs GROUP BY state, kind");
    return rows.map((row) => ({
      kind: jobKinds.find((kind) => kind === row.kind) ?? "seal",
      state: jobStates.find((state) => state === row.state) ?? "waiting",
      count: number(row, "n"),
    }));
  }

  async cordon(target: CordonTarget, reason: string): Promise<void> {
    this.#file.transaction(() => {
      const sql = `INSERT INTO job_cordons VALUES (?, ?, ?)
        ON CONFLICT (target) DO UPDATE SET reason = excluded.reason`;
      this.#file.run(sql, target, told(reason), this.#clock.nowMs());
      this.#file.changed();
    });
  }

  async uncordon(target: CordonTarget): Promise<boolean> {
    return this.#file.transaction(() => {
      this.#file.changed();
      return this.#file.run("DELETE FROM job_cordons WHERE target = ?", target) > 0;
    });
  }

  async cordons(): Promise<Cordon[]> {
    return this.#file.all("SELECT * FROM job_cordons ORDER BY target").map((row) => ({
      target: targetOf(text(row, "target")),
      reason: text(row, "reason"),
      sinceMs: number(row, "since_ms"),
    }));
  }

  async announce({ workerId, place, kinds, capacity }: WorkerInfo): Promise<void> {
    this.#file.transaction(() => {
      const nowMs = this.#clock.nowMs();
      this.#file.run("DELETE FROM job_workers WHERE seen_ms < ?", nowMs - jobLimits.workerForgottenMs);
      this.#file.run(
        "INSERT OR REPLACE INTO job_workers VALUES (?, ?, ?, ?, ?, ?)",
        ...[workerId, place, kinds.join(" "), capacity.cpus, capacity.memoryBytes, nowMs],
      );
    });
  }

  async leave(workerId: string): Promise<void> {
    this.#file.transaction(() => {
      this.#file.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
    });
  }

  async workers(): Promise<KnownWorker[]> {
    const sql = `SELECT *, (SELECT count(*) FROM jobs WHERE state = 'running' AND jobs.worker_id = w.worker_id)
      AS running_count FROM job_workers w WHERE seen_ms >= ? ORDER BY worker_id`;
    return this.#file.all(sql, this.#clock.nowMs() - jobLimits.workerForgottenMs).map(workerOf);
  }

  async events(after: number, limit: number): Promise<JobEvent[]> {
    return this.#file
      .all("SELECT * FROM job_events WHERE cursor > ? ORDER BY cursor LIMIT ?", after, limit)
      .map(eventOf);
  }

  async eventsOf(jobId: number, limit: number): Promise<JobEvent[]> {
    const sql = "SELECT * FROM job_events WHERE job_id = ? ORDER BY cursor LIMIT ?";
    return this.#file.all(sql, jobId, limit).map(eventOf);
  }

  async lastCursor(): Promise<number> {
    const row = this.#file.get("SELECT seq FROM sqlite_sequence WHERE name = 'job_events'");
    return row === undefined ? 0 : number(row, "seq");
  }

  async cursorOf(consumer: string): Promise<number> {
    const row = this.#file.get("SELECT cursor FROM job_cursors WHERE consumer = ?", consumer);
    return row === undefined ? 0 : number(row, "cursor");
  }

  async saveCursor(consumer: string, cursor: number): Promise<void> {
    this.#file.transaction(() => {
      this.#file.run("INSERT OR REPLACE INTO job_cursors VALUES (?, ?)", consumer, cursor);
    });
  }

  onChange(listener: JobListener): Disposable {
    return this.#file.onChange(listener);
  }

  async prune(keepCount: number): Promise<number> {
    return this.#file.transaction(() => {
      const sql = `DELETE FROM jobs WHERE job_id IN
        (SELECT job_id FROM jobs WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC, job_id DESC LIMIT -1 OFFSET ?)
        RETURNING job_id`;
      const gone = this.#file.all(sql, keepCount).map((row) => number(row, "job_id"));
      for (const jobId of gone) this.#file.run("DELETE FROM job_events WHERE job_id = ?", jobId);
      const { keptCharacters, outputKeptMs } = jobLimits;
      this.#file.run(
        `UPDATE jobs SET input = CASE WHEN length(input) > ? THEN '' ELSE input END,
           output = CASE WHEN length(output) > ? THEN '' ELSE output END
         WHERE state = 'done' AND ended_ms < ? AND (length(input) > ? OR length(output) > ?)`,
        ...[
          keptCharacters,
          keptCharacters,
          this.#clock.nowMs() - outputKeptMs,
          keptCharacters,
          keptCharacters,
        ],
      );
      return gone.length;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  #job(jobId: number): Job | undefined {
    const row = this.#file.get("SELECT * FROM jobs WHERE job_id = ?", jobId);
    return row === undefined ? undefined : jobOf(row);
  }

  /** The running job of a lease. Throws storage/lease-lost. */
  #held({ jobId, token }: Lease): Job {
    const job = this.#job(jobId);
    if (job?.state !== "running" || job.token !== token) throw storageErrors.leaseLost({ jobId, token });
    return job;
  }

  #move(job: Job, to: JobState, reason: string | null, change: Record<string, SQLInputValue> = {}): Job {
    const isEnd = to === "done" || to === "failed" || to === "cancelled";
    const sets: Record<string, SQLInputValue> = {
      lease_until_ms: null,
      ended_ms: isEnd ? this.#clock.nowMs() : null,
      ...change,
      state: to,
    };
    const names = Object.keys(sets).map((name) => `${name} = :${name}`);
    const sql = `UPDATE jobs SET ${names.join(", ")} WHERE job_id = :id RETURNING *`;
    const row = this.#file.named(sql, { ...sets, id: job.jobId });
    assert(row !== undefined, "a job that was just read is there");
    const moved = jobOf(row);
    this.#tell(moved, job.state, reason);
    return moved;
  }

  /** Writes the event of a move. */
  #tell(job: Job, from: JobState | null, reason: string | null): void {
    this.#file.changed(job.jobId);
    this.#file.run(
      `INSERT INTO job_events (job_id, kind, sector_id, from_state, to_state, worker_id, reason, at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[job.jobId, job.kind, job.sectorId, from, job.state, job.workerId],
      ...[reason === null ? null : told(reason), this.#clock.nowMs()],
    );
  }
}
