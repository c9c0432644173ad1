/**
 * The job queue in PostgreSQL: for any number of machines. Claims do not wait for each other (SKIP LOCKED); whoever
 * changes a job holds its row, and a lease counts only with the token of its claim.
 */
import { type Db, openPostgres, type Row, type Sql, type SqlValue } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import type { VolumeSpec } from "../volumes/index.ts";
import type { Carrier, MovableQueue } from "./carry.ts";
import { checkNewJob, checkOutput, crashOf, told } from "./checks.ts";
import { ClockJumps, checkedLeaseMs, longest } from "./clock-jumps.ts";
import { PostgresCarrier } from "./postgres-carrier.ts";
import { PostgresNews } from "./postgres-news.ts";
import { postgresJobsSchema } from "./postgres-schema.ts";
import { serverClock, wantedOf, withClock } from "./postgres-statements.ts";
import { lockJob, PostgresViews } from "./postgres-views.ts";
import { jobOf, number } from "./sqlite-rows.ts";
import { neverMs } from "./sqlite-schema.ts";
import {
  type ClaimRequest,
  type CordonTarget,
  type DoneJob,
  type Job,
  type JobFailure,
  type JobListener,
  type JobState,
  jobLimits,
  type Lease,
  type NewJob,
  type Renewal,
  urgencyOf,
  type WorkerInfo,
} from "./types.ts";

export interface PostgresJobsOptions {
  /** postgres://…; the schema is that of the storage's metadata. */
  readonly url: string;
  /** SQL for milliseconds since 1970; the server's clock when left out. */
  readonly clock?: string;
  /** Beside a clock of one's own: milliseconds that passed, whatever that clock is set to. */
  readonly steadyMs?: () => number;
  /** Who is told when the server does not answer, and when it does again. */
  readonly onSilence?: Parameters<Db["onSilence"]>[0];
}

/** Told after changes of jobs. */
const channel = "jobs";

/**
 * Opens or makes the queue. Throws storage/bad-database-url, database-unreachable, foreign-database,
 * schema-too-new.
 */
export async function openPostgresJobs({
  url,
  clock = serverClock,
  steadyMs = clock === serverClock ? () => performance.now() : undefined,
  onSilence,
}: PostgresJobsOptions): Promise<MovableQueue> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await openPostgres(url));
  await db.migrate("jobs", postgresJobsSchema);
  const jumps = new ClockJumps(steadyMs === undefined ? {} : { steadyMs });
  jumps.isPast(number((await db.get(withClock(clock).now)) ?? {}, "now"));
  stack.move();
  if (onSilence !== undefined) db.onSilence(onSilence, new AbortController().signal);
  return new PostgresJobs(db, clock, jumps);
}

class PostgresJobs extends PostgresViews implements MovableQueue {
  readonly carrier: Carrier;
  readonly #sql: ReturnType<typeof withClock>;
  readonly #listening = new Set<{ readonly stop: AbortController; readonly listener: JobListener }>();
  readonly #news: PostgresNews;
  readonly #jumps: ClockJumps;
  /** Jobs that a transaction has moved. */
  readonly #moved = new WeakMap<Sql, Set<number>>();

  constructor(db: Db, clock: string, jumps: ClockJumps) {
    super(db, clock);
    this.#jumps = jumps;
    this.#sql = withClock(clock);
    this.#news = new PostgresNews(db);
    this.carrier = new PostgresCarrier({
      db,
      nowMs: () => this.#nowMs(db),
      lastCursor: () => this.lastCursor(),
      tell: () => this.#tell(),
    });
  }

  async enqueue(job: NewJob): Promise<Job> {
    checkNewJob(job);
    const { key, kind, sectorId = null, input, priority = 0, dueMs } = job;
    const { resources = { cpus: 1, memoryBytes: 0 }, maxFailures = jobLimits.maxFailures, forWorker } = job;
    const { volumes = [] } = job;
    for (;;) {
      const row =
        (await this.db.get(
          this.#sql.enqueue,
          ...[key, kind, urgencyOf(kind), sectorId, input, -priority, dueMs ?? neverMs],
          ...[resources.cpus, resources.memoryBytes, maxFailures, forWorker ?? null],
          JSON.stringify(volumes),
        )) ?? (await this.db.get("SELECT * FROM jobs WHERE key = ?", key));
      if (row === undefined) continue; // it was pruned between the two
      const made = jobOf(row);
      this.#tell(made.jobId);
      return await this.#renewed(made, { input, volumes, dueMs });
    }
  }

  async #renewed(job: Job, { input, volumes, dueMs = job.dueMs }: Renewal): Promise<Job> {
    if (job.endedMs !== null || (job.input === input && job.dueMs === dueMs)) return job;
    const sql = "UPDATE jobs SET input = ?, volumes = ?, due_ms = ? WHERE job_id = ? AND ended_ms IS NULL";
    await this.db.run(sql, input, JSON.stringify(volumes), dueMs ?? neverMs, job.jobId);
    return { ...job, input, volumes, dueMs };
  }

  async claim(request: ClaimRequest): Promise<Job | undefined> {
    return (await this.claimSome(request, 1))[0];
  }

  async claimSome(request: ClaimRequest, most: number): Promise<Job[]> {
    const first = await this.#claim(request, most, true);
    const isAlone = number(first[0] ?? {}, "dead_count") === 0;
    if (!isAlone) await this.expire();
    const rows = isAlone ? first : await this.#claim(request, most, false);
    const jobs = rows.filter(({ job_id }) => job_id !== null).map(jobOf);
    for (const { jobId } of jobs) this.#tell(jobId);
    return jobs;
  }

  /** `isAlert`: gives nothing where dead workers have left jobs. */
  #claim({ leaseMs, ...request }: ClaimRequest, most: number, isAlert: boolean): Promise<Row[]> {
    const { workerId, free } = request;
    const lease = [workerId, checkedLeaseMs(leaseMs), free.cpus, free.memoryBytes];
    return this.db.all(this.#sql.claim, ...wantedOf(request), isAlert ? 1 : 0, most, ...lease);
  }

  async peek(request: Omit<ClaimRequest, "leaseMs">): Promise<Job | undefined> {
    const row = await this.db.get(this.#sql.peek, ...wantedOf(request));
    return row === undefined ? undefined : jobOf(row);
  }

  async heartbeat({ jobId, token }: Lease, leaseMs: number, progress: number): Promise<void> {
    const done = Math.min(1, Math.max(0, progress));
    const row = await this.db.get(this.#sql.heartbeat, checkedLeaseMs(leaseMs), done, jobId, token);
    if (row === undefined) throw storageErrors.leaseLost({ jobId, token });
    this.#tell(jobId);
  }

  async done(lease: Lease, output: string): Promise<void> {
    const [lost] = await this.doneAll([{ ...lease, output }]);
    if (lost !== undefined) throw storageErrors.leaseLost({ jobId: lost.jobId, token: lost.token });
  }

  async doneAll(jobs: readonly DoneJob[]): Promise<Lease[]> {
    for (const { output } of jobs) checkOutput(output);
    const said = jobs.map(({ jobId, token, output }) => ({ job_id: jobId, token, output }));
    const rows = await this.db.all(this.#sql.done, JSON.stringify(said));
    const moved = new Set(rows.map((row) => number(row, "job_id")));
    for (const jobId of moved) this.#tell(jobId);
    return jobs.filter(({ jobId }) => !moved.has(jobId));
  }

  async fail(
    lease: Lease,
    failure: JobFailure,
    { isFinal, backoffMs }: { readonly isFinal: boolean; readonly backoffMs: number },
  ): Promise<void> {
    await this.#moving(async (sql) => {
      await this.#fail(sql, await this.#held(sql, lease), failure, isFinal, backoffMs);
    });
  }

  async release(lease: Lease, reason: string): Promise<void> {
    await this.#moving(async (sql) => {
      await this.#move(sql, await this.#held(sql, lease), "waiting", reason);
    });
  }

  async cancel(jobId: number, reason: string): Promise<boolean> {
    return await this.#moving(async (sql) => {
      const job = await lockJob(sql, jobId);
      if (job?.state !== "waiting" && job?.state !== "running") return false;
      await this.#move(sql, job, "cancelled", reason);
      return true;
    });
  }

  async prioritise(jobId: number, priority: number): Promise<boolean> {
    const sql = "UPDATE jobs SET backward_priority = ? WHERE job_id = ? AND ended_ms IS NULL";
    const found = (await this.db.run(sql, -priority, jobId)) > 0;
    this.#tell(jobId);
    return found;
  }

  async taken(jobId: number): Promise<void> {
    await this.db.run("UPDATE jobs SET input = '', output = '' WHERE job_id = ? AND state = 'done'", jobId);
  }

  async retry(jobId: number): Promise<boolean> {
    return await this.#moving(async (sql) => {
      const job = await lockJob(sql, jobId);
      if (job === undefined || job.state === "running" || job.state === "done") return false;
      const anew = { failures: 0, not_before_ms: 0, failure_code: null, failure_message: null };
      await this.#move(sql, job, "waiting", "retry", { ...anew, failure_detail: null });
      return true;
    });
  }

  async expire(): Promise<number> {
    return await this.#moving(async (sql) => {
      const nowMs = await this.#nowMs(sql);
      if (!this.#jumps.isPast(nowMs)) return 0;
      const rows = await sql.all(
        `SELECT * FROM jobs WHERE state = 'running' AND lease_until_ms NOT BETWEEN ? AND ?
         ORDER BY job_id FOR UPDATE SKIP LOCKED`,
        ...[nowMs, nowMs + longest.leaseMs],
      );
      return await this.#takeBack(sql, rows.map(jobOf));
    });
  }

  async bury(workerId: string): Promise<number> {
    return await this.#moving(async (sql) => {
      await sql.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
      const held =
        "SELECT * FROM jobs WHERE state = 'running' AND worker_id = ? ORDER BY job_id FOR UPDATE SKIP LOCKED";
      return await this.#takeBack(sql, (await sql.all(held, workerId)).map(jobOf));
    });
  }

  async #takeBack(sql: Sql, jobs: readonly Job[]): Promise<number> {
    for (const job of jobs) await this.#fail(sql, job, crashOf(job), false, 0);
    return jobs.length;
  }

  async cordon(target: CordonTarget, reason: string): Promise<void> {
    await this.db.transaction(async (sql) => {
      await sql.run(
        `INSERT INTO job_cordons VALUES (?, ?, ?) ON CONFLICT (target) DO UPDATE SET reason = excluded.reason`,
        ...[target, told(reason), await this.#nowMs(sql)],
      );
    });
    this.#tell();
  }

  async uncordon(target: CordonTarget): Promise<boolean> {
    const found = (await this.db.run("DELETE FROM job_cordons WHERE target = ?", target)) > 0;
    this.#tell();
    return found;
  }

  async announce({ workerId, place, kinds, capacity }: WorkerInfo): Promise<void> {
    await this.db.transaction(async (sql) => {
      const nowMs = await this.#nowMs(sql);
      this.#jumps.isPast(nowMs);
      await sql.run("DELETE FROM job_workers WHERE seen_ms < ?", nowMs - jobLimits.workerForgottenMs);
      await sql.run(
        `INSERT INTO job_workers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (worker_id) DO UPDATE SET
           place = excluded.place, kinds = excluded.kinds, cpus = excluded.cpus,
           memory_bytes = excluded.memory_bytes, seen_ms = excluded.seen_ms`,
        ...[workerId, place, kinds.join(" "), capacity.cpus, capacity.memoryBytes, nowMs],
      );
    });
  }

  async shareVolumes(owner: string, volumes: readonly VolumeSpec[]): Promise<void> {
    await this.db.transaction(async (sql) => {
      await sql.run("DELETE FROM job_volumes WHERE owner = ?", owner);
      for (const { volumeId, marker, place } of volumes) {
        const insert = "INSERT INTO job_volumes (owner, volume_id, marker, place) VALUES (?, ?, ?, ?)";
        await sql.run(insert, owner, volumeId, marker, JSON.stringify(place));
      }
    });
    this.#tell();
  }

  async leave(workerId: string): Promise<void> {
    await this.db.run("DELETE FROM job_workers WHERE worker_id = ?", workerId);
  }

  async saveCursor(consumer: string, cursor: number): Promise<void> {
    await this.db.run(
      "INSERT INTO job_cursors VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor",
      consumer,
      cursor,
    );
  }

  onChange(listener: JobListener): Disposable {
    const entry = { stop: new AbortController(), listener };
    this.#listening.add(entry);
    const hear = (word?: string) => listener(word === undefined || word === "" ? undefined : Number(word));
    this.db.listen(channel, hear, entry.stop.signal);
    return {
      [Symbol.dispose]: () => {
        entry.stop.abort();
        this.#listening.delete(entry);
      },
    };
  }

  async prune(keepCount: number): Promise<number> {
    return await this.db.transaction(async (sql) => {
      const rows = await sql.all(
        `WITH gone AS (
          DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs WHERE ended_ms IS NOT NULL
            ORDER BY ended_ms DESC, job_id DESC OFFSET ? FOR UPDATE SKIP LOCKED) RETURNING job_id),
        forgotten AS (DELETE FROM job_events WHERE job_id IN (SELECT job_id FROM gone))
        SELECT count(*) AS n FROM gone`,
        keepCount,
      );
      const { keptCharacters, outputKeptMs } = jobLimits;
      await sql.run(
        `UPDATE jobs SET input = CASE WHEN length(input) > ? THEN '' ELSE input END,
           output = CASE WHEN length(output) > ? THEN '' ELSE output END
         WHERE state = 'done' AND ended_ms < ? AND (length(input) > ? OR length(output) > ?)`,
        ...[
          keptCharacters,
          keptCharacters,
          (await this.#nowMs(sql)) - outputKeptMs,
          keptCharacters,
          keptCharacters,
        ],
      );
      return number(rows[0] ?? {}, "n");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#news.told();
    await this.db[Symbol.asyncDispose]();
    for (const { listener } of this.#listening) listener(undefined); // whoever waits looks again: it is closed
    this.#listening.clear();
  }

  async #nowMs(sql: Sql): Promise<number> {
    return number((await sql.get(this.#sql.now)) ?? {}, "now");
  }

  /** The running job of a lease, which nobody else changes until the end. Throws storage/lease-lost. */
  async #held(sql: Sql, { jobId, token }: Lease): Promise<Job> {
    const job = await lockJob(sql, jobId);
    if (job?.state !== "running" || job.token !== token) throw storageErrors.leaseLost({ jobId, token });
    return job;
  }

  async #fail(sql: Sql, job: Job, failure: JobFailure, isFinal: boolean, backoffMs: number): Promise<void> {
    const failures = job.failures + 1;
    const to = isFinal || failures >= job.maxFailures ? "failed" : "waiting";
    await this.#move(sql, job, to, failure.code, {
      failures,
      not_before_ms: to === "waiting" ? (await this.#nowMs(sql)) + backoffMs : 0,
      failure_code: failure.code,
      failure_message: told(failure.message),
      failure_detail: failure.detail,
    });
  }

  /** Of a job whose row is locked, with its event. */
  async #move(
    sql: Sql,
    job: Job,
    to: JobState,
    reason: string | null,
    change: Readonly<Record<string, SqlValue>> = {},
  ): Promise<void> {
    const nowMs = await this.#nowMs(sql);
    const isEnd = to === "done" || to === "failed" || to === "cancelled";
    const sets = { lease_until_ms: null, ended_ms: isEnd ? nowMs : null, ...change, state: to };
    const names = Object.keys(sets).map((name) => `${name} = ?`);
    await sql.run(`UPDATE jobs SET ${names.join(", ")} WHERE job_id = ?`, ...Object.values(sets), job.jobId);
    await sql.run(
      `INSERT INTO job_events (job_id, kind, sector_id, from_state, to_state, worker_id, reason, at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[job.jobId, job.kind, job.sectorId, job.state, to, job.workerId],
      ...[reason === null ? null : told(reason), nowMs],
    );
    this.#moved.get(sql)?.add(job.jobId);
  }

  /** A transaction that moves jobs; what it has moved is told when it is committed. */
  async #moving<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const moved = new Set<number>();
    const result = await this.db.transaction(async (sql) => {
      this.#moved.set(sql, moved);
      return await work(sql);
    });
    for (const jobId of moved) this.#tell(jobId);
    return result;
  }

  /** Of a change that is committed: here at once, elsewhere soon. */
  #tell(jobId?: number): void {
    for (const { listener } of [...this.#listening]) listener(jobId);
    this.#news.tell(jobId);
  }
}
