/** What the queue tells: events with cursors, lists, counts, workers. */
import { codeOf } from "@holdfast/base/testing";
import { type JobQueue, jobLimits } from "@holdfast/storage";
import { expect, it } from "vitest";
import { claimBy, claimed, leaseMs, seal, type Using } from "./queue-tools.ts";

export function tellingCases(using: Using): void {
  eventCases(using);
  viewCases(using);
  workerCases(using);
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
      await queue.cancel((await queue.enqueue(seal("b"))).jobId, "test");
      expect(await other.eventsOf(jobId, 100)).toEqual(events);
      expect(await other.eventsOf(jobId, 3)).toEqual(events.slice(0, 3));
      expect(await other.lastCursor()).toBe((await queue.events(0, 100)).at(-1)?.cursor);
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
}

function workerCases(using: Using): void {
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
