/** Who holds a job, and what becomes of it when its worker fails, dies, is told to stop or comes back too late. */
import { codeOf } from "@holdfast/base/testing";
import { jobLimits } from "@holdfast/storage";
import { expect, it } from "vitest";
import { claimBy, claimed, failureOf, leaseMs, seal, type Using } from "./queue-tools.ts";

export function holdingCases(using: Using): void {
  leaseCases(using);
  clockCases(using);
  zombieCases(using);
  failureCases(using);
  deathCases(using);
  stopCases(using);
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
    "gives no lease that is longer than the longest, which would be over as it begins",
    using(async ({ queue }) => {
      await queue.enqueue(seal("a"));
      const request = { workerId: "w", kinds: ["seal"], free: { cpus: 9, memoryBytes: 2 ** 40 } } as const;
      const tooLongMs = jobLimits.longestLeaseMs + 1;
      await expect(queue.claim({ ...request, leaseMs: tooLongMs })).rejects.toThrow("longest");
      const held = await claimed(queue, "w");
      await expect(queue.heartbeat(held, tooLongMs, 0)).rejects.toThrow("longest");
      expect(await queue.job(held.jobId)).toMatchObject({ state: "running", token: 1 });
    }),
  );
}

function clockCases(using: Using): void {
  for (const [name, dayMs] of [
    ["ahead", 86_400_000],
    ["back", -86_400_000],
  ] as const) {
    it(
      `counts no failure against who works while its clock is set a day ${name}`,
      using(async ({ queue, other, advance, jump }) => {
        await queue.enqueue(seal("works"));
        await queue.enqueue(seal("dies"));
        const works = await claimed(queue, "works");
        await claimed(queue, "dies");
        expect(await claimBy(other, "third")).toBe(undefined);
        await jump(dayMs);
        expect(await claimBy(other, "third")).toBe(undefined);
        for (let waitedMs = 0; waitedMs < 2 * jobLimits.longestLeaseMs; waitedMs += leaseMs / 2) {
          await queue.heartbeat(works, leaseMs, 0.5);
          await advance(leaseMs / 2);
          await other.expire();
        }
        expect(await queue.job(works.jobId)).toMatchObject({ state: "running", failures: 0, token: 1 });
        // Who works has said so by the new time, and who is dead is not waited for until the old one is there again.
        expect(await claimed(other, "third")).toMatchObject({ key: "dies", failures: 1, token: 2 });
      }),
    );
  }

  it(
    "lets a failed job rest for its pause and no longer, though its clock is set back meanwhile",
    using(async ({ queue, jump, advance }) => {
      await queue.enqueue(seal("failed"));
      await queue.fail(await claimed(queue), failureOf("x/y"), { isFinal: false, backoffMs: 3_000 });
      expect(await claimBy(queue, "w")).toBe(undefined);
      await jump(-86_400_000);
      await advance(1);
      expect(await claimed(queue)).toMatchObject({ key: "failed", token: 2 });
    }),
  );
}

function zombieCases(using: Using): void {
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
      expect(await codeOf(queue.heartbeat(zombie, leaseMs, 1))).toBe("storage/lease-lost");
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
}

function deathCases(using: Using): void {
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
    "takes back at once what a worker held that is known to be dead",
    using(async ({ queue, other }) => {
      for (const key of ["a", "b", "c"]) await queue.enqueue(seal(key));
      await claimed(queue, "dead");
      const alive = await claimed(queue, "alive");
      const zombie = await claimed(queue, "dead");
      expect(await other.bury("dead")).toBe(2);
      expect(await other.bury("dead")).toBe(0);
      expect(await codeOf(queue.done(zombie, ""))).toBe("storage/lease-lost");
      await queue.done(alive, "");
      const back = await queue.list({ states: ["waiting"] }, { limit: 9 });
      expect(back.map(({ key, failures }) => [key, failures])).toEqual([
        ["c", 1],
        ["a", 1],
      ]);
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
