/** A queue with workers whose jobs go on as a test says, in simulated time. */
import { silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import {
  type Job,
  type JobHandlers,
  type JobKind,
  type JobQueue,
  jobKinds,
  type NewJob,
  openSqliteJobs,
  type Runner,
  type RunnerOptions,
  startRunner,
} from "@holdfast/storage";
import { afterAll } from "vitest";
import { scratch } from "../support.ts";

const files = scratch();
afterAll(() => files.remove());

export const leaseMs = 30_000;

/** A job under way that ends when the test says so. */
interface Underway {
  readonly job: Job;
  readonly signal: AbortSignal;
  done(output: string): void;
  fail(error: unknown): void;
}

export class World {
  readonly clock = new SimClock();
  readonly queue: JobQueue;
  readonly underway: Underway[] = [];

  constructor() {
    this.queue = openSqliteJobs({ dbPath: files.next(), clock: this.clock });
  }

  /** Handlers of all kinds whose jobs wait for the test. */
  handlers(): JobHandlers {
    const work = (job: Job, { signal }: { readonly signal: AbortSignal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      this.underway.push({ job, signal, done: resolve, fail: reject });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      return promise;
    };
    return Object.fromEntries(jobKinds.map((kind) => [kind, work]));
  }

  start(more: Partial<RunnerOptions> = {}): Runner {
    return startRunner({
      queue: this.queue,
      handlers: this.handlers(),
      clock: this.clock,
      logger: silentLogger,
      workerId: "w",
      place: "here",
      capacity: { cpus: 2, memoryBytes: 1_000 },
      leaseMs,
      ...more,
    });
  }

  add(key: string, kind: JobKind = "seal", more: Partial<NewJob> = {}): Promise<Job> {
    return this.queue.enqueue({ key, kind, input: "", ...more });
  }
  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }
  /** Keys of the jobs that run at present, in order of their start. */
  get keys(): string[] {
    return this.underway.filter(({ signal }) => !signal.aborted).map(({ job }) => job.key);
  }
  of(key: string): Underway {
    const found = this.underway.findLast(({ job }) => job.key === key);
    if (found === undefined) throw new Error(`${key} has been started`);
    return found;
  }
  async state(key: string): Promise<Partial<Job>> {
    const [job] = (await this.queue.list({}, { limit: 99 })).filter((one) => one.key === key);
    return job ?? {};
  }
}
