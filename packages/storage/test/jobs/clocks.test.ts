/** Workers whose clock is set while they work: by the new time their leases may have ended, and they have not. */
import { type Clock, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { openSqliteJobs, startRunner } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { scratch } from "../support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("workers whose clock is set", () => {
  for (const dayMs of [86_400_000, -86_400_000]) {
    it(`by ${dayMs} ms keep what they have, announce themselves, and take what dies later`, async () => {
      const passing = new SimClock();
      let aheadMs = 0;
      const clock: Clock = {
        nowMs: () => passing.nowMs() + aheadMs,
        steadyMs: () => passing.nowMs(),
        sleep: (ms, signal) => passing.sleep(ms, signal),
      };
      const end = Promise.withResolvers<string>();
      const start = (workerId: string) =>
        startRunner({
          ...{ queue, clock, workerId, place: "here", logger: silentLogger },
          handlers: { seal: () => end.promise, move: async () => "" },
          capacity: { cpus: 1, memoryBytes: 1_000 },
        });
      await using queue = openSqliteJobs({ dbPath: files.next(), clock });
      const { jobId } = await queue.enqueue({ key: "a", kind: "seal", input: "", maxFailures: 1 });
      await using _first = start("first");
      await passing.advance(1);
      await using _second = start("second");
      await passing.advance(1);
      for (let jump = 1; jump <= 3; jump++) {
        aheadMs += dayMs;
        await queue.enqueue({ key: `${jump}`, kind: "move", input: "" }); // so that the second claims at once
        await passing.advance(60_000);
        expect(await queue.job(jobId)).toMatchObject({ state: "running", failures: 0, workerId: "first" });
        expect(await queue.workers()).toHaveLength(2);
      }
      end.resolve("result");
      await passing.advance(1);
      expect(await queue.job(jobId)).toMatchObject({ state: "done", output: "result" });
    });
  }
});
