/**
 * What every engine of the job queue promises (src/jobs/types.ts), as cases that run on each. An engine shows itself
 * through two connections, as two processes have them, and lets its time pass.
 */
import { codeOf } from "@holdfast/base/testing";
import { jobKinds, jobLimits } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { historyCases } from "./queue-history.ts";
import { holdingCases } from "./queue-leases.ts";
import {
  claimBy,
  claimed,
  leaseMs,
  type MakeQueue,
  plenty,
  type QueueUnderTest,
  seal,
  type Using,
} from "./queue-tools.ts";
import { tellingCases } from "./queue-views.ts";

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
    outputCases(using);
    choiceCases(using);
    reachCases(using);
    togetherCases(using);
    holdingCases(using);
    tellingCases(using);
    historyCases(using);
  });
}

function reachCases(using: Using): void {
  const onVolumes = (key: string, ...volumes: string[]) => seal(key, { volumes });
  it(
    "gives a job to nobody who does not reach all of its volumes",
    using(async ({ queue, other }) => {
      await queue.enqueue(onVolumes("both", "home", "bucket"));
      await queue.enqueue(onVolumes("bucket", "bucket"));
      await queue.enqueue(onVolumes("none"));
      const asked = { workerId: "w", kinds: jobKinds, free: plenty };
      const claim = (reach?: readonly string[]) =>
        other.claim({ ...asked, leaseMs, ...(reach === undefined ? {} : { reach }) });
      expect(await other.peek({ ...asked, reach: ["elsewhere"] })).toMatchObject({ key: "none" });
      expect(await claim([])).toMatchObject({ key: "none", volumes: [] });
      expect(await claim([])).toBe(undefined);
      expect(await claim(["home"])).toBe(undefined);
      expect(await claim(["bucket", "elsewhere"])).toMatchObject({ key: "bucket", volumes: ["bucket"] });
      expect(await claim(["bucket", "home"])).toMatchObject({ key: "both", volumes: ["home", "bucket"] });
    }),
  );

  it(
    "takes the volumes of whoever asks for a job again, and gives all to who reaches everything",
    using(async ({ queue, other }) => {
      await queue.enqueue(onVolumes("a", "home"));
      await other.enqueue({ ...onVolumes("a", "bucket"), input: "moved" });
      expect(await other.peek({ workerId: "w", kinds: jobKinds, free: plenty, reach: ["home"] })).toBe(
        undefined,
      );
      expect(await claimed(other)).toMatchObject({ key: "a", volumes: ["bucket"] });
    }),
  );

  it(
    "tells the volumes of each owner as it has said them last",
    using(async ({ queue, other }) => {
      const home = { volumeId: 0, marker: "m0", place: { kind: "folder", path: "/mine" } } as const;
      const bucket = {
        ...{ volumeId: 1, marker: "m1" },
        place: { kind: "s3", endpoint: "http://b", region: "r", bucket: "b", prefix: "" },
      } as const;
      expect(await other.volumes()).toEqual([]);
      await queue.shareVolumes("alice", [home]);
      await queue.shareVolumes("bob", [{ ...home, marker: "other" }]);
      await queue.shareVolumes("alice", [home, bucket]);
      expect(await other.volumes()).toEqual([home, bucket, { ...home, marker: "other" }]);
      await queue.shareVolumes("alice", [bucket]);
      expect(await other.volumes()).toEqual([bucket, { ...home, marker: "other" }]);
    }),
  );
}

function togetherCases(using: Using): void {
  const request = { workerId: "w", kinds: jobKinds, leaseMs } as const;
  it(
    "gives several at once in their order, up to the first that does not fit beside the others",
    using(async ({ queue, other }) => {
      const sized = (key: string, cpus: number, memoryBytes: number) =>
        queue.enqueue(seal(key, { resources: { cpus, memoryBytes } }));
      await sized("a", 1, 400);
      await sized("b", 1, 400);
      await sized("large", 1, 300);
      await sized("c", 1, 100);
      await queue.enqueue({ key: "first", kind: "window-post", input: "" });
      const some = async (cpus: number, memoryBytes: number, most: number) =>
        (await other.claimSome({ ...request, free: { cpus, memoryBytes } }, most)).map(({ key }) => key);
      expect(await some(8, 1_000, 2)).toEqual(["first", "a"]);
      // Beside b the large one does not fit, and what comes after it waits with it.
      expect(await some(8, 500, 9)).toEqual(["b"]);
      // One that alone is too large is passed over.
      expect(await some(8, 200, 9)).toEqual(["c"]);
      expect(await some(8, 200, 9)).toEqual([]);
      expect(await some(0, 9_999, 9)).toEqual([]);
      expect(await some(1, 300, 9)).toEqual(["large"]);
    }),
  );

  it(
    "takes several ends at once, and says whose leases were lost",
    using(async ({ queue, other }) => {
      for (const key of ["a", "b", "c", "d"]) await queue.enqueue(seal(key));
      const jobs = await queue.claimSome({ ...request, free: plenty }, 4);
      const [a, b, c, d] = jobs.map(({ jobId, token }) => ({ jobId, token }));
      if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("four");
      await other.cancel(b.jobId, "not wanted");
      await other.release(c, "given back");
      const [again] = await other.claimSome({ ...request, free: plenty }, 1);
      expect(again).toMatchObject({ jobId: c.jobId, token: 2 });
      const output = 'of "a"\n\u20ac, \\ {}';
      const ends = [{ ...a, output }, ...[b, c, d].map((lease) => ({ ...lease, output: "x" }))];
      const lost = await queue.doneAll(ends);
      expect(lost.map(({ jobId }) => jobId)).toEqual([b.jobId, c.jobId]);
      expect(await other.job(a.jobId)).toMatchObject({ state: "done", output, progress: 1 });
      expect(await other.job(b.jobId)).toMatchObject({ state: "cancelled", output: null });
      expect(await other.job(c.jobId)).toMatchObject({ state: "running", token: 2 });
      expect(await other.job(d.jobId)).toMatchObject({ state: "done", output: "x" });
      expect((await other.eventsOf(d.jobId, 9)).map(({ to }) => to)).toEqual(["waiting", "running", "done"]);
      const tooLong = {
        ...again,
        jobId: c.jobId,
        token: 2,
        output: "x".repeat(jobLimits.maxOutputBytes + 1),
      };
      expect(await codeOf(queue.doneAll([tooLong]))).toBe("storage/bad-job");
      for (const output of ["a\0b", "half \ud83d of one"]) {
        expect(await codeOf(queue.done({ jobId: c.jobId, token: 2 }, output))).toBe("storage/bad-job");
      }
      expect(await queue.doneAll([])).toEqual([]);
    }),
  );
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
      expect(await other.enqueue(seal("a", { input: "second" }))).toMatchObject({
        ...{ jobId: made.jobId, input: "second", sectorId: 4, priority: 2 },
      });
      const running = await claimed(other);
      expect(running.input).toBe("second");
      expect(await queue.enqueue(seal("a", { input: "third" }))).toMatchObject({
        ...{ jobId: made.jobId, state: "running" },
      });
      await queue.release(running, "its files have moved");
      const again = await claimed(other);
      expect(again.input).toBe("third");
      await other.done(again, "result");
      expect(await queue.enqueue(seal("a"))).toMatchObject({
        state: "done",
        output: "result",
        input: "third",
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

function outputCases(using: Using): void {
  it(
    "lets go of what was said once it is taken, and of what is long and old",
    using(async ({ queue, other, advance }) => {
      const long = "x".repeat(jobLimits.keptCharacters + 1);
      const ends: number[] = [];
      for (const key of ["taken", "long", "short"]) {
        const { jobId } = await queue.enqueue(seal(key, { input: key === "short" ? "{}" : long }));
        await queue.done(await claimed(queue), key === "short" ? "result" : long);
        ends.push(jobId);
      }
      const [taken = 0, large = 0, short = 0] = ends;
      await other.taken(taken);
      expect(await queue.job(taken)).toMatchObject({ state: "done", input: "", output: "" });
      await queue.prune(100);
      expect(await queue.job(large)).toMatchObject({ input: long, output: long });
      await advance(jobLimits.outputKeptMs + 1);
      await queue.prune(100);
      expect(await queue.job(large)).toMatchObject({ state: "done", input: "", output: "" });
      expect(await queue.job(short)).toMatchObject({ input: "{}", output: "result" });
      const { jobId } = await queue.enqueue(seal("waits", { input: long }));
      await queue.taken(jobId);
      expect(await queue.job(jobId)).toMatchObject({ input: long, output: null });
    }),
  );
}

function choiceCases(using: Using): void {
  it(
    "keeps a job for the one worker that can do it",
    using(async ({ queue, other }) => {
      const { jobId } = await queue.enqueue({ key: "own", kind: "move", input: "", forWorker: "files" });
      await queue.enqueue({ key: "any", kind: "scrub", input: "" });
      expect((await claimBy(other, "stranger"))?.key).toBe("any");
      expect(await claimBy(other, "stranger")).toBe(undefined);
      const wanted = { kinds: jobKinds, free: plenty };
      expect(await other.peek({ workerId: "stranger", ...wanted })).toBe(undefined);
      expect(await other.peek({ workerId: "files", ...wanted })).toMatchObject({ jobId, forWorker: "files" });
      expect(await claimBy(queue, "files")).toMatchObject({ jobId, state: "running" });
    }),
  );

  it(
    "gives a job another priority until it has ended",
    using(async ({ queue, other }) => {
      const [first, second] = [await queue.enqueue(seal("first")), await queue.enqueue(seal("second"))];
      expect(await other.prioritise(second.jobId, 5)).toBe(true);
      expect(await queue.job(second.jobId)).toMatchObject({ priority: 5, state: "waiting" });
      const running = await claimed(queue);
      expect(running.key).toBe("second");
      expect(await queue.prioritise(second.jobId, -3)).toBe(true);
      await queue.release(running, "given back");
      expect((await claimed(queue)).key).toBe("first");
      expect(await queue.cancel(first.jobId, "")).toBe(true);
      expect(await queue.prioritise(first.jobId, 1)).toBe(false);
      expect(await queue.prioritise(9_999, 1)).toBe(false);
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
    "gives a job by the deadline that was said of it last",
    using(async ({ queue, other }) => {
      const dueOf = async (key: string, dueMs?: number | null) =>
        (await other.enqueue(seal(key, dueMs === undefined ? {} : { dueMs }))).dueMs;
      for (const [key, dueMs] of Object.entries({ a: 5, b: 6, c: 7 }))
        await queue.enqueue(seal(key, { dueMs }));
      await queue.enqueue(seal("d"));
      expect(await dueOf("a")).toBe(5);
      expect(await dueOf("d", 4)).toBe(4);
      expect(await dueOf("c", 3)).toBe(3);
      expect(await dueOf("a", null)).toBe(null);
      const found: (string | undefined)[] = [];
      for (let count = 0; count < 4; count += 1) found.push((await claimBy(queue, "w"))?.key);
      expect(found).toEqual(["c", "d", "b", "a"]);
      // One that runs stays who it is.
      expect(await queue.enqueue(seal("b", { dueMs: 1 }))).toMatchObject({ state: "running", dueMs: 1 });
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
