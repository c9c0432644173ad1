/**
 * The port of the job queue: what every engine behind it (SQLite in the node's folder, PostgreSQL for many machines)
 * promises, and test/suites/job-queue.ts checks of each. A job is a row; who works on it holds a lease.
 *
 *   waiting ──claim──► running ──done──► done
 *      ▲                 │ │
 *      │◄──release───────┘ │            given back: no fault of the job
 *      │◄──fail, lease ended, failures < maxFailures (after a pause)
 *      │                   └──fail: final, or the last that is allowed──► failed (poison)
 *   waiting, running ──cancel──► cancelled
 *   failed, cancelled ──retry──► waiting
 *
 * Invariants: a job is never lost: it is in one of these states until `prune` forgets one that has ended. At most one
 * worker holds it: `token` grows with each claim, and whoever comes with an older one, or after the job has left
 * `running`, is refused with storage/lease-lost and has changed nothing. Every change is an event of the same
 * transaction. Time is the engine's own (one clock for all workers), durations are the caller's.
 */

import type { VolumeSpec } from "../volumes/index.ts";

/** In the order in which they are done: what has a deadline comes before all that has none. */
export const jobKinds = [
  "window-post",
  "winning-post",
  "unseal",
  "commit-proof",
  "check",
  "add-piece",
  "repair",
  "seal",
  "move",
  "delete",
  "scrub",
  "drain",
] as const;
export type JobKind = (typeof jobKinds)[number];

/** A claim takes the smallest urgency first; then the nearest `dueMs`, the highest `priority`, the oldest. */
export function urgencyOf(kind: JobKind): number {
  return jobKinds.indexOf(kind);
}

export const jobStates = ["waiting", "running", "done", "failed", "cancelled"] as const;
export type JobState = (typeof jobStates)[number];

/** What a job takes of the machine that it runs on. */
export interface JobResources {
  /** Threads that compute; may be 0 for what only moves bytes. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface NewJob {
  /**
   * 1 to 256 bytes of text. The same key again is the same job, whatever state it is in, until it is pruned; one that
   * has not ended takes the new input, for its next claim: what it names may lie elsewhere by now; and the new `dueMs`,
   * if one is said.
   */
  readonly key: string;
  readonly kind: JobKind;
  /** What the job is about, for whoever lists or stops jobs. */
  readonly sectorId?: number;
  /** What the worker needs to know, as text; at most `maxInputBytes`. */
  readonly input: string;
  /** 0 when left out; larger comes first among jobs of one kind that are due at the same time. */
  readonly priority?: number;
  /** When the result is of no more use; orders jobs of a kind. Never when null, and of a new job when left out. */
  readonly dueMs?: number | null;
  /** One thread and no memory to speak of when left out. */
  readonly resources?: JobResources;
  /** How often it may fail, or its worker die, before it is poison; 3 when left out. */
  readonly maxFailures?: number;
  /** Only this worker does it: what it needs is in that process alone. */
  readonly forWorker?: string;
  /** Markers of the volumes that its files lie on: it is given to nobody who does not reach them all. */
  readonly volumes?: readonly string[];
}

/** What the same key says anew of a job. `dueMs` undefined: as it was. */
export interface Renewal {
  readonly input: string;
  readonly volumes: readonly string[];
  readonly dueMs: number | null | undefined;
}

/** An error as data: it keeps its code and its fix on the way from one machine to the other. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** As JSON: fields of the error that whoever throws it again needs. */
  readonly detail: string;
}

export interface Job {
  readonly jobId: number;
  readonly key: string;
  readonly kind: JobKind;
  readonly sectorId: number | null;
  readonly state: JobState;
  readonly input: string;
  readonly output: string | null;
  readonly priority: number;
  readonly dueMs: number | null;
  readonly resources: JobResources;
  /** Claims so far; of a running job the fencing token of its lease. */
  readonly token: number;
  readonly failures: number;
  readonly maxFailures: number;
  /** Waiting: it is not claimed before. */
  readonly notBeforeMs: number;
  /** 0…1, as its worker has said last. */
  readonly progress: number;
  readonly forWorker: string | null;
  readonly volumes: readonly string[];
  /** Who works on it, or has last. */
  readonly workerId: string | null;
  /** Running: until when it is that worker's without another word of it. */
  readonly leaseUntilMs: number | null;
  /** Why it failed last. */
  readonly failure: JobFailure | null;
  readonly createdMs: number;
  /** Of the last claim. */
  readonly startedMs: number | null;
  readonly endedMs: number | null;
}

/** The right to work on a job. */
export interface Lease {
  readonly jobId: number;
  readonly token: number;
}

export interface ClaimRequest {
  readonly workerId: string;
  /** Kinds that the worker does, and has a place at present. */
  readonly kinds: readonly JobKind[];
  /** What it has free: larger jobs are passed over. */
  readonly free: JobResources;
  /** Markers of the volumes that it reaches; all there are when left out. */
  readonly reach?: readonly string[];
  /** How long the job is this worker's without a heartbeat. */
  readonly leaseMs: number;
}

/** How a job ended that went well. */
export interface DoneJob extends Lease {
  readonly output: string;
}

/** A move of a job from one state to the next. `cursor` grows by time and never repeats. */
export interface JobEvent {
  readonly cursor: number;
  readonly jobId: number;
  readonly kind: JobKind;
  readonly sectorId: number | null;
  /** Null: it is new. */
  readonly from: JobState | null;
  readonly to: JobState;
  readonly workerId: string | null;
  /** An error code or somebody's words. */
  readonly reason: string | null;
  readonly atMs: number;
}

export interface JobFilter {
  readonly states?: readonly JobState[];
  readonly kinds?: readonly JobKind[];
  readonly sectorId?: number;
}

export interface JobCount {
  readonly kind: JobKind;
  readonly state: JobState;
  readonly count: number;
}

/** A worker as it describes itself, every now and then. */
export interface WorkerInfo {
  /** Its own for as long as its process lives. */
  readonly workerId: string;
  /** Machine and process, for people. */
  readonly place: string;
  readonly kinds: readonly JobKind[];
  readonly capacity: JobResources;
}
export interface KnownWorker extends WorkerInfo {
  readonly seenMs: number;
  readonly runningCount: number;
}

/** What nobody claims at present: everything, one kind, or whatever one worker would take. Running jobs go on. */
export type CordonTarget = "all" | `kind:${JobKind}` | `worker:${string}`;

export interface Cordon {
  readonly target: CordonTarget;
  readonly reason: string;
  readonly sinceMs: number;
}

/** Called after a change of this process or another; without a number where the engine cannot say of which job. */
export type JobListener = (jobId: number | undefined) => void;

/**
 * Every method throws storage/closed after the end, storage/database-full and storage/database-failed. All that
 * change something are durable against the end of a process when they resolve.
 */
export interface JobQueue extends AsyncDisposable {
  /** Throws storage/bad-job (a key or an input too long). */
  enqueue(job: NewJob): Promise<Job>;
  /**
   * The most urgent job that may run and fits, now this worker's; undefined: none. First takes back what dead workers
   * have left (`expire`). No two callers get the same job.
   */
  claim(request: ClaimRequest): Promise<Job | undefined>;
  /**
   * As so many claims one after the other, in one: at most `most`, in their order, which fit into `request.free`
   * together. The first that does not fit beside those before it ends the list.
   */
  claimSome(request: ClaimRequest, most: number): Promise<Job[]>;
  /** What `claim` would give to a worker with all resources of `request.free`; changes nothing. */
  peek(request: Omit<ClaimRequest, "leaseMs">): Promise<Job | undefined>;
  /**
   * Extends the lease and says how far the job is.
   * Throws storage/lease-lost: stop, it is somebody else's or nobody's.
   */
  heartbeat(lease: Lease, leaseMs: number, progress: number): Promise<void>;
  /** Throws storage/lease-lost, storage/bad-job (an output too long). */
  done(lease: Lease, output: string): Promise<void>;
  /** Several at once, each job once. Gives the leases that were lost; the others are done. Throws storage/bad-job. */
  doneAll(jobs: readonly DoneJob[]): Promise<Lease[]>;
  /**
   * The job failed. Unless `isFinal` it waits `backoffMs` and is tried again, until it has failed `maxFailures` times.
   * Throws storage/lease-lost.
   */
  fail(
    lease: Lease,
    failure: JobFailure,
    options: { readonly isFinal: boolean; readonly backoffMs: number },
  ): Promise<void>;
  /** Gives it back (pre-empted, the worker ends): it waits, and has not failed. Throws storage/lease-lost. */
  release(lease: Lease, reason: string): Promise<void>;
  /** waiting, running → cancelled; its worker learns of it by its next heartbeat. False when it had ended. */
  cancel(jobId: number, reason: string): Promise<boolean>;
  /** Orders a job among those of its kind that are due at the same time. False when it has ended. */
  prioritise(jobId: number, priority: number): Promise<boolean>;
  /** Whoever asked for a job that is done has its output: what it said and was told is let go. */
  taken(jobId: number): Promise<void>;
  /** failed, cancelled → waiting, with no failures; a waiting job's pause ends. False when it runs or is done. */
  retry(jobId: number): Promise<boolean>;
  /**
   * Running jobs whose lease has ended: each counts as a failure (storage/worker-crashed) and waits again, or is
   * poison. How many there were. None for the length of a lease after the clock was set: by the new time all leases may
   * have ended, also of those who work.
   */
  expire(): Promise<number>;
  /** As `expire`, at once, for all that a worker holds who is known to be dead. */
  bury(workerId: string): Promise<number>;

  job(jobId: number): Promise<Job | undefined>;
  /** Newest first, those below `beforeId` when given; reads no more rows than it gives. */
  list(filter: JobFilter, page: { readonly beforeId?: number; readonly limit: number }): Promise<Job[]>;
  counts(): Promise<JobCount[]>;

  cordon(target: CordonTarget, reason: string): Promise<void>;
  /** False when it was not cordoned. */
  uncordon(target: CordonTarget): Promise<boolean>;
  cordons(): Promise<Cordon[]>;

  /** A worker says that it is there; one that has not for `workerForgottenMs` is no longer listed. */
  announce(worker: WorkerInfo): Promise<void>;
  /** The worker has ended in good order. Its leases stand. */
  leave(workerId: string): Promise<void>;
  workers(): Promise<KnownWorker[]>;

  /** What an owner of jobs keeps its files on, in the place of what it said before: workers learn it here. */
  shareVolumes(owner: string, volumes: readonly VolumeSpec[]): Promise<void>;
  volumes(): Promise<VolumeSpec[]>;

  /** Events with a cursor above `after`, in order, at most `limit`. */
  events(after: number, limit: number): Promise<JobEvent[]>;
  /** Of one job, in order, at most `limit`. */
  eventsOf(jobId: number, limit: number): Promise<JobEvent[]>;
  /** Of the newest event; 0 if there was none. */
  lastCursor(): Promise<number>;
  /** Where a consumer has said it is; 0 if never. */
  cursorOf(consumer: string): Promise<number>;
  saveCursor(consumer: string, cursor: number): Promise<void>;
  /** Calls the listener after changes until it is disposed of; late rather than never. */
  onChange(listener: JobListener): Disposable;

  /**
   * Forgets all but the newest `keepCount` ended jobs, and events older than those that are kept of them. What was said
   * by those that are kept and done for so long that nobody will take it is let go, if it is long.
   */
  prune(keepCount: number): Promise<number>;
}

/** Bounds that every engine keeps. */
export const jobLimits = {
  maxKeyBytes: 256,
  maxInputBytes: 4 * 2 ** 20,
  /** Of all markers of a job. */
  maxVolumesBytes: 64 * 2 ** 10,
  /** A proof of spacetime as text; files travel as files. */
  maxOutputBytes: 64 * 2 ** 20,
  maxReasonCharacters: 500,
  /** Jobs that a worker takes, or says to be done, in one transaction. */
  jobsTogether: 64,
  /** Of the outputs of several that are said together. */
  charactersTogether: 2 ** 20,
  maxFailures: 3,
  /** Leases are no longer: so long nobody is given up after the clock was set. */
  longestLeaseMs: 30_000,
  /** A failed job rests for no longer. */
  longestPauseMs: 60_000,
  /** A clock that is ahead of the time that passed by less than this was not set. */
  clockSlackMs: 5_000,
  /** A worker that has not been heard of for so long is not listed. */
  workerForgottenMs: 60_000,
  /** Ended jobs that are kept for people. */
  keptJobs: 10_000,
  /** What a job that is done keeps of its input and output for good, each in characters: enough for any seal. */
  keptCharacters: 16_384,
  /** Whoever asked has taken a longer output by then. */
  outputKeptMs: 3_600_000,
} as const;
