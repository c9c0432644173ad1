/**
 * A worker: takes jobs from a queue, as many as its resources allow, keeps their leases and brings their results. Jobs
 * with a deadline have a lane of their own that no seal can take; where memory does not suffice for one of them, the
 * least urgent job is given back (its next worker goes on behind its last whole layer).
 * Invariant: what a job's end says to the queue is said with the lease of its claim. A worker that has lost a lease
 * stops that job and says nothing.
 */
import { type Clock, HoldfastError, type Logger } from "@holdfast/base";
import { isDatabaseSilent, storageErrors } from "../errors.ts";
import { errorData } from "../pool/index.ts";
import { checkOutput } from "./checks.ts";
import { passedMs } from "./clock-jumps.ts";
import { DoneTogether } from "./done-together.ts";
import type { Reach } from "./reach.ts";
import {
  type ClaimRequest,
  type Job,
  type JobKind,
  type JobQueue,
  type JobResources,
  jobKinds,
  jobLimits,
  urgencyOf,
} from "./types.ts";

export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (doneRatio: number) => void;
}
/** Does a job and returns its output. An aborted one may end as it likes: nobody looks at it. */
export type JobWork = (job: Job, options: WorkOptions) => Promise<string>;
export type JobHandlers = { readonly [Kind in JobKind]?: JobWork };

export interface RunnerOptions {
  readonly queue: JobQueue;
  readonly handlers: JobHandlers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Its own for as long as the process lives. */
  readonly workerId: string;
  /** Machine and process, for people. */
  readonly place: string;
  readonly capacity: JobResources;
  /** Where it may not reach every volume: other jobs are left to others. */
  readonly reach?: Reach;
  /** Jobs of a kind at a time; as many as fit for kinds that are not named. */
  readonly parallel?: { readonly [Kind in JobKind]?: number };
  /** Threads of the lane for what is urgent; 1 when left out. */
  readonly urgentCpus?: number;
  /** How long a job is kept without a word; a third of it is the time between two words. */
  readonly leaseMs?: number;
  /** The queue is looked at after so long even if nobody has told of a change. */
  readonly lookMs?: number;
}

export interface Runner extends AsyncDisposable {
  readonly workerId: string;
  readonly capacity: JobResources;
  /** Jobs that it works on. */
  readonly running: readonly Job[];
  /** It takes no more jobs and brings those to their end that it has. */
  drain(): void;
  /** Resolves when it has had nothing to do for so long; rejects with the signal's reason. */
  idle(forMs: number, signal?: AbortSignal): Promise<void>;
}

const defaultLeaseMs = jobLimits.longestLeaseMs;
const defaultLookMs = 5_000;
/** How often a worker is looked at that is to end as soon as it is idle. */
const shortestIdleMs = 100;
/** People look at the progress of a job. */
const longestBeatMs = 2_000;
/** Kinds up to this one have deadlines: they push others aside. */
const pressing = urgencyOf("winning-post");
const pressingKinds: readonly JobKind[] = jobKinds.filter((kind) => urgencyOf(kind) <= pressing);
/** So long only the node takes what has a deadline: who falls silent elsewhere keeps it for the length of a lease. */
const headStartMs = 1_000;
/** The lane that no seal can take; the same kinds have threads of their own in the pool. */
const quick: ReadonlySet<JobKind> = new Set(["window-post", "winning-post", "unseal", "check"]);
/** What was begun so often ends before the next block is tried for: a lost block costs less than a job without end. */
const mostStarts = 3;
const everything: JobResources = { cpus: Number.MAX_SAFE_INTEGER, memoryBytes: Number.MAX_SAFE_INTEGER };
const backoffMs = { first: 1_000, factor: 4, most: jobLimits.longestPauseMs } as const;

interface Running {
  readonly job: Job;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  progress: number;
}

export function startRunner(options: RunnerOptions): Runner {
  return new QueueRunner(options);
}

class QueueRunner implements Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<number, Running>();
  readonly #end = new AbortController();
  readonly #listening: Disposable;
  readonly #loop: Promise<void>;
  readonly #ends: DoneTogether;
  #news = Promise.withResolvers<void>();
  #idleSinceMs: number;
  #isDraining = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#ends = new DoneTogether(options.queue);
    this.#idleSinceMs = passedMs(options.clock);
    this.#listening = options.queue.onChange(() => this.#news.resolve());
    this.#loop = this.#work();
  }

  get workerId(): string {
    return this.#options.workerId;
  }
  get capacity(): JobResources {
    return this.#options.capacity;
  }
  get running(): readonly Job[] {
    return [...this.#running.values()].map(({ job }) => job);
  }

  drain(): void {
    this.#isDraining = true;
  }

  async idle(forMs: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const isBusy = this.#running.size > 0;
      const leftMs = isBusy ? Math.max(forMs, shortestIdleMs) : this.#idleSinceMs + forMs - passedMs(clock);
      if (leftMs <= 0) return;
      await clock.sleep(leftMs, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(storageErrors.closed({}));
    this.#listening[Symbol.dispose]();
    this.#news.resolve();
    await this.#loop;
    for (const { stop } of this.#running.values()) stop.abort(giveBack("its worker ends"));
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await this.#told(() => this.#options.queue.leave(this.workerId));
  }

  async #work(): Promise<void> {
    while (!this.#end.signal.aborted) {
      this.#news = Promise.withResolvers<void>(); // before the look, so that no change falls between
      const worked = await this.#told(async () => {
        await this.#announce();
        await this.#options.reach?.look();
        for (;;) {
          const jobs = await this.#claim();
          for (const job of jobs) await this.#startOrRelease(job);
          if (jobs.length === 0 || this.#end.signal.aborted) break;
        }
        await this.#makeRoom();
      });
      if (!worked) await this.#pause(backoffMs.first);
      else if (this.#isLeft) await this.#pause(headStartMs);
      else await this.#pause(this.#options.lookMs ?? defaultLookMs);
    }
  }

  #announced = Number.NEGATIVE_INFINITY;
  async #announce(): Promise<void> {
    const { queue, clock, place, capacity, lookMs = defaultLookMs } = this.#options;
    if (passedMs(clock) - this.#announced < lookMs) return;
    this.#announced = passedMs(clock);
    await queue.announce({ workerId: this.workerId, place, kinds: this.#kinds(), capacity });
  }

  /** Until something changes, or it is time to look. */
  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#news.promise.then(() => woken.abort());
    try {
      await this.#options.clock.sleep(ms, AbortSignal.any([this.#end.signal, woken.signal]));
    } catch {
      // Woken: that is what it was waiting for.
    }
  }

  #kinds(): JobKind[] {
    return jobKinds.filter((kind) => this.#options.handlers[kind] !== undefined);
  }

  async #startOrRelease(job: Job): Promise<void> {
    if (this.#end.signal.aborted) await this.#options.queue.release(job, "its worker ends");
    else this.#start(job);
  }

  /** The next jobs of either lane. */
  async #claim(): Promise<readonly Job[]> {
    const { queue, leaseMs = defaultLeaseMs } = this.#options;
    if (this.#isDraining || this.#end.signal.aborted) return [];
    this.#isLeft = await this.#isNodesFirst();
    const left = this.#isLeft ? pressingKinds : [];
    // Of one moment: what becomes free while the first is asked is for what is urgent, which is asked for next time.
    const lanes = [true, false].map((isQuick) => ({ isQuick, free: this.#free(isQuick) }));
    for (const { isQuick, free } of lanes) {
      const kinds = this.#kinds().filter(
        (kind) => isInLane(kind, isQuick) && this.#placesOf(kind) > 0 && !left.includes(kind),
      );
      if (kinds.length === 0) continue;
      const most = this.#mostOf(kinds, free);
      const jobs = await queue.claimSome({ ...this.#who(), kinds, free, leaseMs }, most);
      if (jobs.length > 0) return jobs;
    }
    return [];
  }

  /** Jobs that may be taken at once, whatever of these kinds they are. */
  #mostOf(kinds: readonly JobKind[], { cpus }: JobResources): number {
    // The first may be larger than the machine: what goes beside it is seen when it runs.
    if (this.#running.size === 0) return 1;
    const places = Math.min(...kinds.map((kind) => this.#placesOf(kind)));
    return Math.max(1, Math.min(Math.floor(cpus), places, jobLimits.jobsTogether));
  }

  /** Something with a deadline waits that is the node's for a moment. */
  #isLeft = false;
  /** Since when each of them waits that this worker would do. */
  #seen = new Map<number, number>();
  async #isNodesFirst(): Promise<boolean> {
    const { queue, reach, clock } = this.#options;
    const kinds = this.#kinds().filter((kind) => pressingKinds.includes(kind));
    if (reach === undefined || kinds.length === 0) return false;
    const first = await queue.peek({ ...this.#who(), kinds, free: everything });
    if (first === undefined) return false;
    const waiting = await queue.list({ kinds, states: ["waiting"] }, { limit: jobLimits.jobsTogether });
    const nowMs = passedMs(clock);
    this.#seen = new Map(waiting.map(({ jobId }) => [jobId, this.#seen.get(jobId) ?? nowMs]));
    // One that so many have come after is old.
    return nowMs - (this.#seen.get(first.jobId) ?? Number.NEGATIVE_INFINITY) < headStartMs;
  }

  #who(): Pick<ClaimRequest, "workerId" | "reach"> {
    return { workerId: this.workerId, ...(this.#options.reach && { reach: this.#options.reach.markers }) };
  }

  #placesOf(kind: JobKind): number {
    if (this.#options.reach?.isResting(kind) === true) return 0;
    const most = this.#options.parallel?.[kind] ?? Number.POSITIVE_INFINITY;
    return most - this.running.filter((job) => job.kind === kind).length;
  }

  /** What a lane has left; memory is one for both. */
  #free(isQuick: boolean): JobResources {
    const { capacity, urgentCpus = 1 } = this.#options;
    const usedCpus = this.running
      .filter(({ kind }) => isInLane(kind, isQuick))
      .reduce((sum, { resources }) => sum + resources.cpus, 0);
    const usedBytes = this.running.reduce((sum, { resources }) => sum + resources.memoryBytes, 0);
    return {
      cpus: (isQuick ? urgentCpus : capacity.cpus) - usedCpus,
      // What alone is larger than the machine is tried alone, rather than never.
      memoryBytes: this.#running.size === 0 ? Number.MAX_SAFE_INTEGER : capacity.memoryBytes - usedBytes,
    };
  }

  /** Gives the least urgent job back if one with a deadline waits that does not fit beside it. */
  async #makeRoom(): Promise<void> {
    const kinds = this.#kinds().filter((kind) => urgencyOf(kind) <= pressing && this.#placesOf(kind) > 0);
    if (kinds.length === 0 || this.#running.size === 0 || this.#isLeft) return;
    const waiting = await this.#options.queue.peek({ ...this.#who(), kinds, free: everything });
    if (waiting === undefined) return;
    const { cpus, memoryBytes } = this.#free(true);
    const isLaneFull = cpus < waiting.resources.cpus;
    // Room came since the last claim: the next one takes it.
    if (!isLaneFull && memoryBytes >= waiting.resources.memoryBytes) return this.#news.resolve();
    const isDuty = waiting.kind === "window-post";
    const [victim] = [...this.#running.values()]
      .filter(({ job }) => urgencyOf(job.kind) > pressing && (isDuty || job.token <= mostStarts))
      // A place in the lane frees only who is in it; memory, anyone.
      .filter(({ job }) => !isLaneFull || isInLane(job.kind, true))
      .sort(
        (one, other) =>
          urgencyOf(other.job.kind) - urgencyOf(one.job.kind) || other.job.jobId - one.job.jobId,
      );
    if (victim?.stop.signal.aborted === false)
      victim.stop.abort(giveBack(`job ${waiting.jobId} (${waiting.kind}) is due`));
  }

  #start(job: Job): void {
    const stop = new AbortController();
    const entry: Running = { job, stop, done: Promise.resolve(), progress: 0 };
    // Called off and asked for again before our heartbeat has heard of it: the claim before gives way first.
    const before = this.#running.get(job.jobId);
    before?.stop.abort(storageErrors.leaseLost({ jobId: job.jobId, token: before.job.token }));
    const run = async (): Promise<void> => {
      const beating = this.#beat(entry);
      try {
        await before?.done;
        await this.#do(entry);
      } finally {
        if (this.#running.get(job.jobId) === entry) this.#running.delete(job.jobId);
        stop.abort(giveBack("it is over"));
        await beating;
        this.#idleSinceMs = passedMs(this.#options.clock);
        this.#news.resolve();
      }
    };
    this.#running.set(job.jobId, Object.assign(entry, { done: run() }));
  }

  async #do(entry: Running): Promise<void> {
    const { queue, handlers, logger } = this.#options;
    const { job, stop } = entry;
    const onProgress = (doneRatio: number) => {
      entry.progress = doneRatio;
    };
    try {
      stop.signal.throwIfAborted();
      const work = handlers[job.kind];
      if (work === undefined) throw storageErrors.jobFailed({ job: job.kind, detail: "no handler" });
      const output = await work(job, { signal: stop.signal, onProgress });
      checkOutput(output); // what the queue would not take is a failure of the job, and no silence of the queue
      await this.#toQueue(() => this.#ends.done({ ...job, output }));
    } catch (error) {
      if (stop.signal.aborted) {
        const why: unknown = stop.signal.reason;
        if (why instanceof GiveBack) await this.#toQueue(() => queue.release(job, why.message));
        return;
      }
      const lack = await this.#options.reach?.lackOf(job, error);
      if (lack !== undefined) {
        logger.warn("storage: a job is left to others", { jobId: job.jobId, kind: job.kind, detail: lack });
        return await this.#toQueue(() => queue.release(job, lack));
      }
      logger.warn("storage: a job failed", { jobId: job.jobId, kind: job.kind, detail: String(error) });
      const { code, message, ...detail } = errorData(error, job.kind);
      const failure = { code, message, detail: JSON.stringify(detail) };
      const isFinal = detail.exit !== "retry-later";
      await this.#toQueue(() => queue.fail(job, failure, { isFinal, backoffMs: pauseAfter(job.failures) }));
    }
  }

  /** Keeps the lease; whoever has lost it is stopped. */
  async #beat(entry: Running): Promise<void> {
    const { job, stop } = entry;
    const { queue, clock, leaseMs = defaultLeaseMs } = this.#options;
    while (!stop.signal.aborted) {
      try {
        await clock.sleep(Math.min(leaseMs / 3, longestBeatMs), stop.signal);
        await queue.heartbeat(job, leaseMs, entry.progress);
      } catch (error) {
        if (stop.signal.aborted) return;
        if (isLost(error)) stop.abort(error);
        else if (!(error instanceof HoldfastError)) throw error; // a full disk: the lease may outlast it
      }
    }
  }

  /** Says how a job ended, as often as it takes while the lease may still be its own. */
  async #toQueue(say: () => Promise<void>): Promise<void> {
    const { clock, leaseMs = defaultLeaseMs } = this.#options;
    for (let waitedMs = 0; waitedMs <= leaseMs; waitedMs += backoffMs.first) {
      if (await this.#told(say)) return;
      await clock.sleep(backoffMs.first);
    }
  }

  /** False when the queue could not be asked; true also when it has answered that the job is another's. */
  async #told(say: () => Promise<unknown>): Promise<boolean> {
    try {
      await say();
      return true;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (isLost(error) || error.code === "storage/closed") return true;
      if (!isDatabaseSilent(error))
        this.#options.logger.error("storage: the job queue does not answer", { detail: error.message });
      return false;
    }
  }
}

/** Why a job is stopped that is to be given back. */
class GiveBack extends Error {
  override readonly name = "GiveBack";
}
function giveBack(reason: string): GiveBack {
  return new GiveBack(reason);
}

function isInLane(kind: JobKind, isQuick: boolean): boolean {
  return quick.has(kind) === isQuick;
}

function isLost(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "storage/lease-lost";
}

function pauseAfter(failures: number): number {
  return Math.min(backoffMs.first * backoffMs.factor ** failures, backoffMs.most);
}
