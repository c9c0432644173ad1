/** A queue with workers whose jobs go on as a test says, in simulated time. */
import { setImmediate as turn } from "node:timers/promises";
import { type Clock, silentLogger } from "@holdfast/base";
import { type Drain, drainMicrotasks, SimClock } from "@holdfast/base/testing";
import {
  type Job,
  type JobHandlers,
  type JobKind,
  type JobQueue,
  jobKinds,
  type NewJob,
  openPostgresJobs,
  openSqliteJobs,
  type Runner,
  type RunnerOptions,
  startRunner,
} from "@holdfast/storage";
import { afterAll } from "vitest";
import { serverTime, serverTimeOf } from "../postgres.ts";
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

interface Engine {
  /** How far the queue's clock is from the time that passes. */
  readonly set: { aheadMs: number };
  readonly drain: Drain;
  forget(): Promise<void>;
}

export class World implements AsyncDisposable {
  readonly clock: SimClock;
  readonly queue: JobQueue;
  readonly underway: Underway[] = [];
  readonly #engine: Engine;

  private constructor(clock: SimClock, queue: JobQueue, engine: Engine) {
    this.clock = clock;
    this.queue = queue;
    this.#engine = engine;
  }
  static async inFile(): Promise<World> {
    const clock = new SimClock();
    const set = { aheadMs: 0 };
    const settable: Clock = {
      nowMs: () => clock.nowMs() + set.aheadMs,
      steadyMs: () => clock.nowMs(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    const queue = openSqliteJobs({ dbPath: files.next(), clock: settable });
    return new World(clock, queue, { set, drain: drainMicrotasks, forget: async () => undefined });
  }
  /** Over a server, whose time goes with ours. */
  static async onServer(): Promise<World> {
    const clock = new SimClock();
    const { url, setMs, forget } = await serverTime();
    const set = { aheadMs: 0 };
    let [underWay, toldMs] = [0, 0];
    let told = Promise.resolve();
    const pass = (): Promise<void> => {
      told = told.then(async () => {
        const nowMs = clock.nowMs() + set.aheadMs;
        if (nowMs !== toldMs) await setMs(nowMs);
        toldMs = nowMs;
      });
      return told;
    };
    const own = await openPostgresJobs({
      ...{ url, clock: serverTimeOf(url), steadyMs: () => clock.nowMs() },
    });
    const queue = new Proxy(own, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...given: unknown[]) => unknown;
        if (name === "onChange") return method;
        return async (...given: unknown[]) => {
          underWay += 1;
          try {
            await pass();
            return await method(...given);
          } finally {
            underWay -= 1;
          }
        };
      },
    });
    // Until nobody waits for the server, and nobody who was answered has asked again.
    const drain = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet = underWay === 0 ? quiet + 1 : 0) await turn();
    };
    return new World(clock, queue, { set, drain, forget });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue[Symbol.asyncDispose]();
    await this.#engine.forget();
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
    return this.clock.advance(ms, this.#engine.drain);
  }
  /** Somebody sets the clock of the queue; no time passes. */
  jump(ms: number): void {
    this.#engine.set.aheadMs += ms;
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
