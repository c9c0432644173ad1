/**
 * What every engine of the job queue promises (src/jobs/types.ts), as cases that run on each. An engine shows itself
 * through two connections, as two processes have them, and lets its time pass.
 */
import { codeOf } from "@holdfast/base/testing";
import { type Job, type JobQueue, jobKinds, jobLimits, type NewJob } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { historyCases } from "./queue-history.ts";

export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** Another connection to the same jobs. */
  readonly other: JobQueue;
  /** Lets the engine's time pass. */
  advance(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Each case begins with an empty queue. */
export type MakeQueue = () => Promise<QueueUnderTest>;

export const plenty = { cpus: 64, memoryBytes: 2 ** 40 };
export const leaseMs = 10_000;

/** A claim of whatever there is. */
export function claimBy(queue: JobQueue, workerId: string): Promise<Job | undefined> {
  return queue.claim({ workerId, kinds: jobKinds, free: plenty, leaseMs });
}

export function failureOf(code: string): { code: string; message: string; detail: string } {
  return { code, message: `it was ${code}`, detail: "{}" };
}

export function jobQueueSuite(name: string, make: MakeQueue): void {
  const using = (body: (under: QueueUnderTest) => Promise<void>) => async (): Promise<void> => {
    const under = await make();
    try {
      await body(under);
    } finally {
      await under.dispose();
    }
  };
  describe(name, () => {
    enqueueCases(using);
    orderCases(using);
    leaseCases(using);
    failureCases(using);
    stopCases(using);
    eventCases(using);
    viewCases(using);
    historyCases(using);
  });
}

export type Using = (body: (under: QueueUnderTest) => Promise<void>) => () => Promise<void>;

const seal = (key: string, more: Partial<NewJob> = {}): NewJob => ({
  key,
  kind: "seal",
  input: "{}",
  ...more,
});

/** A job that a worker has claimed. */
async function claimed(queue: JobQueue, workerId = "w"): Promise<Job> {
  const job = await claimBy(queue, workerId);
  if (job === undefined) throw new Error("there is a job to claim");
  return job;
}

function enqueueCases(using: Using): void {
  it(
    "takes a job once for each key, in whatever state it is",
    using(async ({ queue, other }) => {
      const made = await queue.enqueue(seal("a", { input: "first", sectorId: 4, priority: 2, dueMs: 99 }));
      expect(made).toMatchObject({
        ...{ key: "a", kind: "seal", state: "waiting", input: "first", sectorId: 4, priority: 2, dueMs: 99 },
        ...{
          token: 0,
          failures: 0,
          maxFailures: 3,
          output: null,
          workerId: null,
          progress: 0,
          failure: null,
        },
      });
      expect((await other.enqueue(seal("a", { input: "second" }))).jobId).toBe(made.jobId);
      const running = await claimed(other);
      expect(await queue.enqueue(seal("a"))).toMatchObject({ jobId: made.jobId, state: "running" });
      await other.done(running, "result");
      expect(await queue.enqueue(seal("a"))).toMatchObject({
        state: "done",
        output: "result",
        input: "first",
      });
      expect(await claimBy(queue, "w")).toBe(undefined);
      expect((await queue.enqueue(seal("b"))).jobId).toBeGreaterThan(made.jobId);
    }),
  );

  it(
    "refuses what is too long, and keeps what is as long as may be",
    using(async ({ queue }) => {
      const { maxKeyBytes, maxInputBytes } = jobLimits;
      expect(await codeOf(queue.enqueue(seal("")))).toBe("storage/bad-job");
      expect(await codeOf(queue.enqueue(seal("é".repeat(maxKeyBytes / 2 + 1))))).toBe("storage/bad-job");
      const tooLong = seal("k", { input: "x".repeat(maxInputBytes + 1) });
      expect(await codeOf(queue.enqueue(tooLong))).toBe("storage/bad-job");
      const key = "k".repeat(maxKeyBytes);
      const job = await queue.enqueue(seal(key, { input: "€".repeat(1000) }));
      expect(await queue.job(job.jobId)).toEqual(job);
      expect(await queue.job(job.jobId + 1)).toBe(undefined);
    }),
  );
}

function orderCases(using: Using): void {
  it(
    "gives window PoSt before all, then by kind, deadline, priority and age",
    using(async ({ queue }) => {
      const wanted = ["window", "winning", "read", "due-1", "due-2", "first", "urged", "old", "new"];
      await queue.enqueue(seal("old"));
      await queue.enqueue(seal("new"));
      await queue.enqueue(seal("urged", { priority: 1 }));
      await queue.enqueue(seal("first", { priority: 7 }));
      await queue.enqueue(seal("due-2", { dueMs: 2 }));
      await queue.enqueue(seal("due-1", { dueMs: 1, priority: -9 }));
      await queue.enqueue({ key: "read", kind: "unseal", input: "", priority: -5 });
      await queue.enqueue({ key: "winning", kind: "winning-post", input: "", dueMs: 5 });
      await queue.enqueue({ key: "window", kind: "window-post", input: "", dueMs: 9_000 });
      const found: string[] = [];
      for (;;) {
        const peeked = await queue.peek({ workerId: "w", kinds: jobKinds, free: plenty });
        const job = await claimBy(queue, "w");
        expect(job?.key).toBe(peeked?.key);
        if (job === undefined) break;
        found.push(job.key);
      }
      expect(found).toEqual(wanted);
    }),
  );

  it(
    "passes over kinds that a worker does not do and jobs that do not fit",
    using(async ({ queue }) => {
      await queue.enqueue({ key: "post", kind: "window-post", input: "" });
      await queue.enqueue(seal("large", { priority: 1, resources: { cpus: 2, memoryBytes: 1_000 } }));
      await queue.enqueue(seal("broad", { priority: 1, resources: { cpus: 4, memoryBytes: 10 } }));
      await queue.enqueue(seal("small", { resources: { cpus: 1, memoryBytes: 100 } }));
      const request = { workerId: "w", kinds: ["seal"], leaseMs } as const;
      const claim = (cpus: number, memoryBytes: number) =>
        queue.claim({ ...request, free: { cpus, memoryBytes } });
      expect(await claim(0, 9_999)).toBe(undefined);
      expect((await claim(2, 999))?.key).toBe("small");
      expect(await claim(2, 999)).toBe(undefined);
      expect((await claim(2, 1_000))?.key).toBe("large");
      expect((await claim(4, 10))?.key).toBe("broad");
      expect(await queue.claim({ ...request, kinds: [], free: plenty })).toBe(undefined);
      expect((await claimBy(queue, "w"))?.key).toBe("post");
    }),
  );
}

function leaseCases(using: Using): void {
  it(
    "gives a job to one of many that ask at once",
    using(async ({ queue, other }) => {
      for (let at = 0; at < 20; at++) await queue.enqueue(seal(`${at}`));
      const claims = Array.from({ length: 30 }, (_none, at) => claimBy(at % 2 ? queue : other, `${at}`));
      const got = (await Promise.all(claims)).filter((job) => job !== undefined);
      expect(new Set(got.map((job) => job.jobId)).size).toBe(20);
      expect(got.length).toBe(20);
    }),
  );

  it(
    "keeps a job for whoever says that it works on it, and takes it from the dead",
    using(async ({ queue, other, advance }) => {
      await queue.enqueue(seal("a"));
      const first = await claimed(queue, "first");
      expect(first).toMatchObject({ state: "running", token: 1, workerId: "first" });
      await advance(leaseMs - 1_000);
      await queue.heartbeat(first, leaseMs, 0.25);
      await advance(leaseMs - 1_000);
      expect(await claimBy(other, "second")).toBe(undefined);
      expect(await queue.job(first.jobId)).toMatchObject({ progress: 0.25 });
      await advance(2_000);
      const second = await claimed(other, "second");
      expect(second).toMatchObject({ jobId: first.jobId, token: 2, workerId: "second", failures: 1 });
    }),
  );

  it(
    "refuses everything from a zombie, and changes nothing by it",
    using(async ({ queue, other, advance }) => {
      await queue.enqueue(seal("a"));
      const zombie = await claimed(queue, "zombie");
      await advance(leaseMs + 1);
      const heir = await claimed(other, "heir");
      const before = await queue.job(heir.jobId);
      const events = await queue.events(0, 100);
      const options = { isFinal: true, backoffMs: 0 };
      expect(await codeOf(queue.heartbeat(zombie, 60_000, 1))).toBe("storage/lease-lost");
      expect(await codeOf(queue.done(zombie, "stale"))).toBe("storage/lease-lost");
      expect(await codeOf(queue.fail(zombie, failureOf("x/y"), options))).toBe("storage/lease-lost");
      expect(await codeOf(queue.release(zombie, "over"))).toBe("storage/lease-lost");
      expect(await queue.job(heir.jobId)).toEqual(before);
      expect(await queue.events(0, 100)).toEqual(events);
      await other.done(heir, "fresh");
      expect(await codeOf(queue.done(zombie, "stale"))).toBe("storage/lease-lost");
      expect(await codeOf(other.done(heir, "twice"))).toBe("storage/lease-lost");
      expect(await queue.job(heir.jobId)).toMatchObject({ state: "done", output: "fresh", progress: 1 });
    }),
  );

  it(
    "takes the result of a worker that is late, if nobody else was there",
    using(async ({ queue, advance }) => {
      await queue.enqueue(seal("a"));
      const job = await claimed(queue);
      await advance(10 * leaseMs);
      await queue.heartbeat(job, leaseMs, 0.5);
      await advance(10 * leaseMs);
      await queue.done(job, "late");
      expect(await queue.job(job.jobId)).toMatchObject({ state: "done", output: "late", failures: 0 });
    }),
  );

  it(
    "gives back what a worker lets go, without counting it as a failure",
    using(async ({ queue }) => {
      await queue.enqueue(seal("a"));
      for (let turn = 1; turn <= 5; turn++) {
        const job = await claimed(queue, `${turn}`);
        expect(job).toMatchObject({ token: turn, failures: 0 });
        await queue.release(job, "pre-empted");
        expect(await codeOf(queue.done(job, ""))).toBe("storage/lease-lost");
      }
    }),
  );
}

function failureCases(using: Using): void {
  const again = { isFinal: false, backoffMs: 1_000 };
  it(
    "tries a failed job again after a pause, and poison no more",
    using(async ({ queue, advance }) => {
      const { jobId } = await queue.enqueue(seal("a"));
      for (let failures = 1; failures <= 3; failures++) {
        const job = await claimed(queue);
        await queue.fail(job, failureOf(`disk/io-${failures}`), again);
        expect(await claimBy(queue, "w")).toBe(undefined);
        const state = failures < 3 ? "waiting" : "failed";
        const failure = failureOf(`disk/io-${failures}`);
        expect(await queue.job(jobId)).toMatchObject({ state, failures, failure });
        await advance(1_001);
      }
      expect(await claimBy(queue, "w")).toBe(undefined);
      expect(await queue.retry(jobId)).toBe(true);
      expect(await claimed(queue)).toMatchObject({ failures: 0, failure: null, token: 4, endedMs: null });
    }),
  );

  it(
    "fails at once where trying again is of no use, and at the first failure where one is allowed",
    using(async ({ queue }) => {
      const { jobId } = await queue.enqueue(seal("a"));
      await queue.fail(await claimed(queue), failureOf("storage/staged-corrupt"), {
        isFinal: true,
        backoffMs: 0,
      });
      expect(await queue.job(jobId)).toMatchObject({ state: "failed", failures: 1 });
      const once = await queue.enqueue(seal("b", { maxFailures: 1 }));
      await queue.fail(await claimed(queue), failureOf("disk/io"), again);
      expect(await queue.job(once.jobId)).toMatchObject({ state: "failed" });
    }),
  );

  it(
    "counts the deaths of workers: a job that kills them is poison",
    using(async ({ queue, advance }) => {
      const { jobId } = await queue.enqueue(seal("a"));
      for (let death = 1; death <= 3; death++) {
        await claimed(queue, `victim ${death}`);
        await advance(leaseMs + 1);
        expect(await queue.expire()).toBe(1);
        expect(await queue.expire()).toBe(0);
      }
      const job = await queue.job(jobId);
      expect(job).toMatchObject({
        state: "failed",
        failures: 3,
        failure: { code: "storage/worker-crashed" },
      });
      expect(JSON.parse(job?.failure?.detail ?? "")).toMatchObject({
        exit: "retry-later",
        data: { attempts: 3 },
      });
      expect(await claimBy(queue, "w")).toBe(undefined);
    }),
  );

  it(
    "ends the pause of a waiting job on retry, and leaves running and done ones alone",
    using(async ({ queue }) => {
      const { jobId } = await queue.enqueue(seal("a"));
      await queue.fail(await claimed(queue), failureOf("disk/io"), { isFinal: false, backoffMs: 60_000 });
      expect(await queue.retry(jobId)).toBe(true);
      const job = await claimed(queue);
      expect(job.failures).toBe(0);
      expect(await queue.retry(jobId)).toBe(false);
      await queue.done(job, "");
      expect(await queue.retry(jobId)).toBe(false);
      expect(await queue.retry(jobId + 1)).toBe(false);
    }),
  );
}

function stopCases(using: Using): void {
  it(
    "cancels what waits and what runs, and says when there is nothing to cancel",
    using(async ({ queue, other }) => {
      const waiting = await queue.enqueue(seal("a"));
      expect(await other.cancel(waiting.jobId, "no more")).toBe(true);
      expect(await claimBy(queue, "w")).toBe(undefined);
      const { jobId } = await queue.enqueue(seal("b"));
      const running = await claimed(queue);
      expect(await other.cancel(jobId, "no more")).toBe(true);
      expect(await codeOf(queue.heartbeat(running, leaseMs, 0.1))).toBe("storage/lease-lost");
      expect(await codeOf(queue.done(running, "late"))).toBe("storage/lease-lost");
      expect(await queue.job(jobId)).toMatchObject({ state: "cancelled", output: null });
      expect(await other.cancel(jobId, "again")).toBe(false);
      expect(await other.cancel(jobId + 1, "none")).toBe(false);
      expect(await queue.retry(jobId)).toBe(true);
      expect(await claimed(queue)).toMatchObject({ jobId, token: 2 });
    }),
  );

  it(
    "gives nothing that is cordoned, and goes on with what runs",
    using(async ({ queue, other }) => {
      await queue.enqueue(seal("a"));
      await queue.enqueue({ key: "post", kind: "window-post", input: "" });
      await queue.cordon("kind:window-post", "a new disk");
      const job = await claimed(other, "w");
      expect(job.key).toBe("a");
      await other.cordon("worker:w", "its fan is loud");
      await other.done(job, "");
      await queue.enqueue(seal("b"));
      expect(await claimBy(other, "w")).toBe(undefined);
      await queue.cordon("all", "holidays");
      expect(await claimBy(other, "v")).toBe(undefined);
      expect((await other.cordons()).map(({ target, reason }) => [target, reason])).toEqual([
        ["all", "holidays"],
        ["kind:window-post", "a new disk"],
        ["worker:w", "its fan is loud"],
      ]);
      expect(await queue.uncordon("all")).toBe(true);
      expect(await queue.uncordon("all")).toBe(false);
      expect((await claimBy(other, "v"))?.key).toBe("b");
      await queue.uncordon("kind:window-post");
      await queue.uncordon("worker:w");
      expect((await claimBy(other, "w"))?.key).toBe("post");
    }),
  );
}

function eventCases(using: Using): void {
  it(
    "tells every move once, in order, to whoever comes with a cursor",
    using(async ({ queue, other, advance }) => {
      const { jobId } = await queue.enqueue(seal("a", { sectorId: 3 }));
      await queue.release(await claimed(other, "w"), "drained");
      await claimed(queue, "x");
      await advance(leaseMs + 1);
      await queue.expire();
      await other.done(await claimed(other, "y"), "");
      const events = await queue.events(0, 100);
      expect(events.map(({ from, to, workerId, reason }) => [from, to, workerId, reason])).toEqual([
        [null, "waiting", null, null],
        ["waiting", "running", "w", null],
        ["running", "waiting", "w", "drained"],
        ["waiting", "running", "x", null],
        ["running", "waiting", "x", "storage/worker-crashed"],
        ["waiting", "running", "y", null],
        ["running", "done", "y", null],
      ]);
      for (const event of events) expect(event).toMatchObject({ jobId, kind: "seal", sectorId: 3 });
      const cursors = events.map((event) => event.cursor);
      expect(cursors).toEqual([...new Set(cursors)].sort((one, two) => one - two));
      expect(await other.events(cursors[2] ?? 0, 2)).toEqual(events.slice(3, 5));
      expect(await other.lastCursor()).toBe(cursors.at(-1));
      expect(await queue.cursorOf("page")).toBe(0);
      await queue.saveCursor("page", 5);
      await queue.saveCursor("page", 6);
      expect(await other.cursorOf("page")).toBe(6);
    }),
  );

  it(
    "wakes who listens, also for what another process does",
    using(async ({ queue, other, advance }) => {
      const heard: (number | undefined)[] = [];
      const listening = other.onChange((jobId) => void heard.push(jobId));
      const { jobId } = await other.enqueue(seal("a"));
      for (let turn = 0; turn < 200 && heard.length < 1; turn++) await advance(100);
      expect([jobId, undefined]).toContain(heard[0]);
      heard.length = 0;
      await queue.enqueue(seal("b"));
      for (let turn = 0; turn < 200 && heard.length < 1; turn++) await advance(100);
      expect(heard.length).toBeGreaterThan(0);
      listening[Symbol.dispose]();
    }),
  );
}

function viewCases(using: Using): void {
  it(
    "lists pages, newest first, of the states, kinds and sector that are asked for",
    using(async ({ queue }) => {
      for (let at = 1; at <= 9; at++) {
        const kind = at % 3 === 0 ? "unseal" : "seal";
        await queue.enqueue({ key: `${at}`, kind, sectorId: at % 2, input: "" });
      }
      await queue.done(await claimed(queue), "");
      const keys = async (...args: Parameters<JobQueue["list"]>) =>
        (await queue.list(...args)).map((job) => job.key);
      const limit = 4;
      expect(await keys({}, { limit })).toEqual(["9", "8", "7", "6"]);
      const [, , , last] = await queue.list({}, { limit });
      expect(await keys({}, { limit, beforeId: last?.jobId ?? 0 })).toEqual(["5", "4", "3", "2"]);
      expect(await keys({ states: ["waiting"], kinds: ["unseal"] }, { limit })).toEqual(["9", "6"]);
      expect(await keys({ states: ["done", "failed"] }, { limit })).toEqual(["3"]);
      expect(await keys({ kinds: ["seal", "check"] }, { limit: 3 })).toEqual(["8", "7", "5"]);
      expect(await keys({ sectorId: 0, states: ["waiting"] }, { limit })).toEqual(["8", "6", "4", "2"]);
      const counts = await queue.counts();
      expect(counts).toHaveLength(3);
      expect(counts).toContainEqual({ kind: "seal", state: "waiting", count: 6 });
      expect(counts).toContainEqual({ kind: "unseal", state: "done", count: 1 });
    }),
  );

  it(
    "forgets the oldest that have ended, and nothing that is alive",
    using(async ({ queue, advance }) => {
      for (let at = 0; at < 6; at++) {
        const job = await queue.enqueue(seal(`${at}`));
        if (at === 2) continue;
        await advance(10);
        await queue.cancel(job.jobId, "test");
      }
      expect(await queue.prune(2)).toBe(3);
      expect((await queue.list({}, { limit: 9 })).map((job) => job.key)).toEqual(["5", "4", "2"]);
      const told = new Set((await queue.events(0, 99)).map((event) => event.jobId));
      expect(told.size).toBe(3);
      expect(await queue.prune(2)).toBe(0);
      expect((await queue.enqueue(seal("0"))).state).toBe("waiting");
    }),
  );

  it(
    "knows the workers that have said lately that they are there",
    using(async ({ queue, other, advance }) => {
      const capacity = { cpus: 2, memoryBytes: 77 };
      await queue.announce({ workerId: "w", place: "here, 1", kinds: ["seal", "check"], capacity });
      await other.announce({ workerId: "v", place: "there, 2", kinds: [], capacity });
      await queue.enqueue(seal("a"));
      await claimed(queue, "w");
      const found = await other.workers();
      expect(found).toMatchObject([
        { workerId: "v", kinds: [], runningCount: 0 },
        { workerId: "w", place: "here, 1", kinds: ["seal", "check"], capacity, runningCount: 1 },
      ]);
      await queue.leave("v");
      expect((await queue.workers()).map((worker) => worker.workerId)).toEqual(["w"]);
      await advance(jobLimits.workerForgottenMs + 1);
      expect(await queue.workers()).toEqual([]);
    }),
  );

  it(
    "is closed when it is closed",
    using(async ({ other }) => {
      await other[Symbol.asyncDispose]();
      expect(await codeOf(other.enqueue(seal("a")))).toBe("storage/closed");
      expect(await codeOf(claimBy(other, "w"))).toBe("storage/closed");
      expect(await codeOf(other.job(1))).toBe("storage/closed");
      await other[Symbol.asyncDispose]();
    }),
  );
}
