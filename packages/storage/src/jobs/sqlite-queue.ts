/**
 * The job queue in SQLite: for one machine, any number of processes. Each method is one transaction (BEGIN IMMEDIATE),
 * so claims of many workers come one after the other.
 */
import type { SQLInputValue } from "node:sqlite";
import { assert, type Clock } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import type { VolumeSpec } from "../volumes/index.ts";
import type { Carrier, MovableQueue } from "./carry.ts";
import { checkNewJob, checkOutput, crashOf, told } from "./checks.ts";
import { ClockJumps, checkedLeaseMs, longest } from "./clock-jumps.ts";
import { SqliteCarrier } from "./sqlite-carrier.ts";
import { SqliteFile, type SqliteJobsOptions } from "./sqlite-file.ts";
import { jobOf, number } from "./sqlite-rows.ts";
import { neverMs } from "./sqlite-schema.ts";
import { SqliteViews } from "./sqlite-views.ts";
import {
  type ClaimRequest,
  type CordonTarget,
  type DoneJob,
  type Job,
  type JobFailure,
  type JobListener,
  type JobResources,
  type JobState,
  jobLimits,
  type Lease,
  type NewJob,
  type Renewal,
  urgencyOf,
  type WorkerInfo,
} from "./types.ts";

/** Opens or makes the queue. Throws storage/foreign-database, schema-too-new, database-damaged. */
export function openSqliteJobs(options: SqliteJobsOptions): MovableQueue {
  return new SqliteJobs(options);
}

const isClaimable = `state = 'waiting' AND not_before_ms NOT BETWEEN :now + 1 AND :now + ${longest.pauseMs}
  AND cpus <= :cpus AND memory_bytes <= :memory
  AND kind IN (SELECT value FROM json_each(:kinds)) AND (for_worker IS NULL OR for_worker = :worker)
  AND (:reach IS NULL OR volumes = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(jobs.volumes) needed
    WHERE needed.value NOT IN (SELECT value FROM json_each(:reach))))
  AND NOT EXISTS (SELECT 1 FROM job_cordons
    WHERE target IN ('all', 'kind:' || jobs.kind, 'worker:' || :worker))`;
const order = "ORDER BY urgency, due_ms, backward_priority, job_id LIMIT 1";

class SqliteJobs extends SqliteViews implements MovableQueue {
  readonly carrier: Carrier;
  readonly #clock: Clock;
  readonly #jumps: ClockJumps;

  constructor(options: SqliteJobsOptions) {
    super(new SqliteFile(options), options.clock);
    this.#clock = options.clock;
    this.carrier = new SqliteCarrier(this.file, options.dbPath, options.clock);
    this.#jumps = new ClockJumps(options.clock);
    this.#jumps.isPast(options.clock.nowMs());
  }

  async enqueue(job: NewJob): Promise<Job> {
    checkNewJob(job);
    const { key, kind, sectorId = null, input, priority = 0, dueMs } = job;
    const { resources = { cpus: 1, memoryBytes: 0 }, maxFailures = jobLimits.maxFailures, forWorker } = job;
    const { volumes = [] } = job;
    return this.file.transaction(() => {
      const known = this.file.get("SELECT * FROM jobs WHERE key = ?", key);
      if (known !== undefined) return this.#renewed(jobOf(known), { input, volumes, dueMs });
      const row = this.file.get(
        `INSERT INTO jobs (key, kind, urgency, sector_id, state, input, backward_priority, due_ms, cpus,
           memory_bytes, max_failures, for_worker, volumes, not_before_ms, created_ms)
         VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING *`,
        ...[key, kind, urgencyOf(kind), sectorId, input, -priority, dueMs ?? neverMs],
        ...[resources.cpus, resources.memoryBytes, maxFailures, forWorker ?? null, JSON.stringify(volumes)],
        this.#clock.nowMs(),
      );
      assert(row !== undefined, "an inserted row is returned");
      const made = jobOf(row);
      this.#tell(made, null, null);
      return made;
    });
  }

  #renewed(job: Job, { input, volumes, dueMs = job.dueMs }: Renewal): Job {
    if (job.endedMs !== null || (job.input === input && job.dueMs === dueMs)) return job;
    const sql = "UPDATE jobs SET input = ?, volumes = ?, due_ms = ? WHERE job_id = ?";
    this.file.run(sql, input, JSON.stringify(volumes), dueMs ?? neverMs, job.jobId);
    if (job.dueMs !== dueMs) this.file.changed(job.jobId);
    return { ...job, input, volumes, dueMs };
  }

  async claim(request: ClaimRequest): Promise<Job | undefined> {
    return (await this.claimSome(request, 1))[0];
  }

  async claimSome({ leaseMs, ...request }: ClaimRequest, most: number): Promise<Job[]> {
    const { workerId, free } = request;
    return this.file.transaction(() => {
      this.#expire();
      const nowMs = this.#clock.nowMs();
      const claimed: Job[] = [];
      while (claimed.length < most) {
        const found = this.#find(request);
        if (found === undefined || !fitTogether([...claimed, found], free)) break;
        const lease = {
          worker_id: workerId,
          lease_until_ms: nowMs + checkedLeaseMs(leaseMs),
          started_ms: nowMs,
        };
        claimed.push(this.#move(found, "running", null, { token: found.token + 1, ...lease }));
      }
      return claimed;
    });
  }

  async peek(request: Omit<ClaimRequest, "leaseMs">): Promise<Job | undefined> {
    return this.#find(request);
  }

  #find({ workerId, kinds, free, reach }: Omit<ClaimRequest, "leaseMs">): Job | undefined {
    const row = this.file.named(`SELECT * FROM jobs INDEXED BY jobs_waiting WHERE ${isClaimable} ${order}`, {
      now: this.#clock.nowMs(),
      cpus: free.cpus,
      memory: free.memoryBytes,
      kinds: JSON.stringify(kinds),
      worker: workerId,
      reach: reach === undefined ? null : JSON.stringify(reach),
    });
    return row === undefined ? undefined : jobOf(row);
  }

  async heartbeat(lease: Lease, leaseMs: number, progress: number): Promise<void> {
    this.file.transaction(() => {
      this.#held(lease);
      const until = this.#clock.nowMs() + checkedLeaseMs(leaseMs);
      const sql = "UPDATE jobs SET lease_until_ms = ?, progress = ? WHERE job_id = ?";
      this.file.run(sql, until, Math.min(1, Math.max(0, progress)), lease.jobId);
      this.file.changed(lease.jobId);
    });
  }

  async done(lease: Lease, output: string): Promise<void> {
    checkOutput(output);
    this.file.transaction(() => {
      this.#move(this.#held(lease), "done", null, { output, progress: 1 });
    });
  }

  async doneAll(jobs: readonly DoneJob[]): Promise<Lease[]> {
    for (const { output } of jobs) checkOutput(output);
    return this.file.transaction(() =>
      jobs.filter((job) => {
        const { output } = job;
        const held = this.#heldNow(job);
        if (held !== undefined) this.#move(held, "done", null, { output, progress: 1 });
        return held === undefined;
      }),
    );
  }

  async fail(
    lease: Lease,
    failure: JobFailure,
    { isFinal, backoffMs }: { readonly isFinal: boolean; readonly backoffMs: number },
  ): Promise<void> {
    this.file.transaction(() => this.#fail(this.#held(lease), failure, isFinal, backoffMs));
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
    this.file.transaction(() => {
      this.#move(this.#held(lease), "waiting", reason);
    });
  }

  async cancel(jobId: number, reason: string): Promise<boolean> {
    return this.file.transaction(() => {
      const job = this.jobNow(jobId);
      if (job?.state !== "waiting" && job?.state !== "running") return false;
      this.#move(job, "cancelled", reason);
      return true;
    });
  }

  async prioritise(jobId: number, priority: number): Promise<boolean> {
    return this.file.transaction(() => {
      this.file.changed(jobId);
      const sql = "UPDATE jobs SET backward_priority = ? WHERE job_id = ? AND ended_ms IS NULL";
      return this.file.run(sql, -priority, jobId) > 0;
    });
  }

  async taken(jobId: number): Promise<void> {
    this.file.transaction(() => {
      this.file.run("UPDATE jobs SET input = '', output = '' WHERE job_id = ? AND state = 'done'", jobId);
    });
  }

  async retry(jobId: number): Promise<boolean> {
    return this.file.transaction(() => {
      const job = this.jobNow(jobId);
      if (job === undefined || job.state === "running" || job.state === "done") return false;
      const anew = { failures: 0, not_before_ms: 0, failure_code: null, failure_message: null };
      this.#move(job, "waiting", "retry", { ...anew, failure_detail: null });
      return true;
    });
  }

  async expire(): Promise<number> {
    return this.file.transaction(() => this.#expire());
  }

  async bury(workerId: string): Promise<number> {
    return this.file.transaction(() => {
      this.file.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
      const sql = "SELECT * FROM jobs WHERE state = 'running' AND worker_id = ?";
      return this.#takeBack(this.file.all(sql, workerId).map(jobOf));
    });
  }

  #expire(): number {
    if (!this.#jumps.isPast(this.#clock.nowMs())) return 0;
    const nowMs = this.#clock.nowMs();
    const sql = "SELECT * FROM jobs WHERE state = 'running' AND lease_until_ms NOT BETWEEN ? AND ?";
    return this.#takeBack(this.file.all(sql, nowMs, nowMs + longest.leaseMs).map(jobOf));
  }

  #takeBack(jobs: readonly Job[]): number {
    for (const job of jobs) this.#fail(job, crashOf(job), false, 0);
    return jobs.length;
  }

  async cordon(target: CordonTarget, reason: string): Promise<void> {
    this.file.transaction(() => {
      const sql = `INSERT INTO job_cordons VALUES (?, ?, ?)
        ON CONFLICT (target) DO UPDATE SET reason = excluded.reason`;
      this.file.run(sql, target, told(reason), this.#clock.nowMs());
      this.file.changed();
    });
  }

  async uncordon(target: CordonTarget): Promise<boolean> {
    return this.file.transaction(() => {
      this.file.changed();
      return this.file.run("DELETE FROM job_cordons WHERE target = ?", target) > 0;
    });
  }

  async announce({ workerId, place, kinds, capacity }: WorkerInfo): Promise<void> {
    this.file.transaction(() => {
      const nowMs = this.#clock.nowMs();
      this.file.run("DELETE FROM job_workers WHERE seen_ms < ?", nowMs - jobLimits.workerForgottenMs);
      this.file.run(
        "INSERT OR REPLACE INTO job_workers VALUES (?, ?, ?, ?, ?, ?)",
        ...[workerId, place, kinds.join(" "), capacity.cpus, capacity.memoryBytes, nowMs],
      );
    });
  }

  async shareVolumes(owner: string, volumes: readonly VolumeSpec[]): Promise<void> {
    this.file.transaction(() => {
      this.file.run("DELETE FROM job_volumes WHERE owner = ?", owner);
      for (const { volumeId, marker, place } of volumes) {
        const sql = "INSERT INTO job_volumes (owner, volume_id, marker, place) VALUES (?, ?, ?, ?)";
        this.file.run(sql, owner, volumeId, marker, JSON.stringify(place));
      }
      this.file.changed();
    });
  }

  async leave(workerId: string): Promise<void> {
    this.file.transaction(() => {
      this.file.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
    });
  }

  async saveCursor(consumer: string, cursor: number): Promise<void> {
    this.file.transaction(() => {
      this.file.run("INSERT OR REPLACE INTO job_cursors VALUES (?, ?)", consumer, cursor);
    });
  }

  onChange(listener: JobListener): Disposable {
    return this.file.onChange(listener);
  }

  async prune(keepCount: number): Promise<number> {
    return this.file.transaction(() => {
      const sql = `DELETE FROM jobs WHERE job_id IN
        (SELECT job_id FROM jobs WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC, job_id DESC LIMIT -1 OFFSET ?)
        RETURNING job_id`;
      const gone = this.file.all(sql, keepCount).map((row) => number(row, "job_id"));
      for (const jobId of gone) this.file.run("DELETE FROM job_events WHERE job_id = ?", jobId);
      const { keptCharacters, outputKeptMs } = jobLimits;
      this.file.run(
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
    await this.file[Symbol.asyncDispose]();
  }

  /** The running job of a lease. Throws storage/lease-lost. */
  #held({ jobId, token }: Lease): Job {
    const job = this.#heldNow({ jobId, token });
    if (job === undefined) throw storageErrors.leaseLost({ jobId, token });
    return job;
  }
  #heldNow({ jobId, token }: Lease): Job | undefined {
    const job = this.jobNow(jobId);
    return job?.state === "running" && job.token === token ? job : undefined;
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
    const row = this.file.named(sql, { ...sets, id: job.jobId });
    assert(row !== undefined, "a job that was just read is there");
    const moved = jobOf(row);
    this.#tell(moved, job.state, reason);
    return moved;
  }

  /** Writes the event of a move. */
  #tell(job: Job, from: JobState | null, reason: string | null): void {
    this.file.changed(job.jobId);
    this.file.run(
      `INSERT INTO job_events (job_id, kind, sector_id, from_state, to_state, worker_id, reason, at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[job.jobId, job.kind, job.sectorId, from, job.state, job.workerId],
      ...[reason === null ? null : told(reason), this.#clock.nowMs()],
    );
  }
}

function fitTogether(jobs: readonly Job[], { cpus, memoryBytes }: JobResources): boolean {
  const sum = (of: (resources: JobResources) => number) =>
    jobs.reduce((total, { resources }) => total + of(resources), 0);
  return sum((one) => one.cpus) <= cpus && sum((one) => one.memoryBytes) <= memoryBytes;
}
