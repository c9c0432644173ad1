/** The job queue in SQLite: the suite of all engines, and what is this one's own. */
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "@holdfast/base";
import { codeThrown, SimClock } from "@holdfast/base/testing";
import { type Lease, openSqliteJobs, ownerOfQueue } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { scratch } from "../support.ts";
import { checkHistories } from "./queue-history.ts";
import { jobQueueSuite } from "./queue-suite.ts";
import { claimBy, type QueueUnderTest } from "./queue-tools.ts";

const files = scratch();
afterAll(() => files.remove());

async function sqlite(): Promise<QueueUnderTest> {
  const clock = new SimClock();
  let aheadMs = 0;
  const settable: Clock = {
    nowMs: () => clock.nowMs() + aheadMs,
    steadyMs: () => clock.nowMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const options = { dbPath: files.next(), clock: settable, pollMs: 50 };
  const queue = openSqliteJobs(options);
  const other = openSqliteJobs(options);
  return {
    queue,
    other,
    advance: (ms) => clock.advance(ms),
    async jump(ms) {
      aheadMs += ms;
    },
    async dispose() {
      await queue[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}

jobQueueSuite("the job queue in SQLite", sqlite);

describe("the file of the queue", () => {
  it("keeps everything over the end of its processes", async () => {
    const options = { dbPath: files.next(), clock: new SimClock() };
    const first = openSqliteJobs(options);
    await first.enqueue({ key: "a", kind: "seal", input: "kept" });
    const held = await claimBy(first, "w");
    await first.cordon("kind:move", "test");
    await first[Symbol.asyncDispose]();
    await using second = openSqliteJobs(options);
    expect(await second.job(held?.jobId ?? 0)).toEqual(held);
    expect(await second.cordons()).toHaveLength(1);
    await second.done(held ?? { jobId: 0, token: 0 }, "by the second");
    expect(await second.lastCursor()).toBe(3);
  });

  it("is heard of at once when another writes to it, without a look", async () => {
    const clock = new SimClock(); // stands still: nobody looks by himself
    const options = { dbPath: files.next(), clock, pollMs: 250, isWatched: true };
    await using queue = openSqliteJobs(options);
    await using other = openSqliteJobs(options);
    for (const key of ["a", "b"]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      using _listening = queue.onChange(() => resolve());
      await other.enqueue({ key, kind: "seal", input: "" });
      await promise;
      expect((await claimBy(queue, "w"))?.key).toBe(key);
    }
  });

  it("takes over the jobs of a file that knew fewer kinds", async () => {
    const options = { dbPath: files.next(), clock: new SimClock() };
    const first = openSqliteJobs(options);
    await first.enqueue({ key: "a", kind: "seal", input: "kept" });
    const held = await claimBy(first, "w");
    await first[Symbol.asyncDispose]();
    const tables = ["job_volumes", "job_meta", "job_owner"].map((name) => `DROP TABLE ${name}; `).join("");
    new DatabaseSync(options.dbPath).exec(`${tables} PRAGMA user_version = 2`);
    await using second = openSqliteJobs(options);
    expect(await second.job(held?.jobId ?? 0)).toEqual(held);
    const { jobId } = await second.enqueue({ key: "b", kind: "drain", input: "" });
    expect(jobId).toBeGreaterThan(held?.jobId ?? 0);
  });

  it("is the miner's whose volumes a file names that knew no owner yet", async () => {
    const options = { dbPath: files.next(), clock: new SimClock() };
    const first = openSqliteJobs(options);
    await first.shareVolumes("a", [{ volumeId: 0, marker: "m", place: { kind: "folder", path: "/d" } }]);
    await first[Symbol.asyncDispose]();
    new DatabaseSync(options.dbPath).exec("DROP TABLE job_owner; PRAGMA user_version = 5");
    await using second = openSqliteJobs(options);
    expect(await ownerOfQueue(second)).toBe("a");
  });

  it("refuses other programs' databases and newer schemas", () => {
    const clock = new SimClock();
    const foreign = files.next();
    new DatabaseSync(foreign).exec("CREATE TABLE t (a); PRAGMA application_id = 7");
    expect(codeThrown(() => openSqliteJobs({ dbPath: foreign, clock }))).toBe("storage/foreign-database");
    const newer = files.next();
    openSqliteJobs({ dbPath: newer, clock });
    new DatabaseSync(newer).exec("PRAGMA user_version = 99");
    expect(codeThrown(() => openSqliteJobs({ dbPath: newer, clock }))).toBe("storage/schema-too-new");
  });

  it("canary: a queue that takes what a zombie brings is found by the histories", async () => {
    const under = await sqlite();
    const credulous = new Proxy(under.queue, {
      get: (target, name) => {
        if (name !== "done") return Reflect.get(target, name).bind(target);
        return async (lease: Lease, output: string) => {
          const job = await target.job(lease.jobId);
          await target.done({ ...lease, token: job?.token ?? 0 }, output);
        };
      },
    });
    await expect(checkHistories({ ...under, queue: credulous }, 12)).rejects.toThrow();
    await under.dispose();
  });
});
