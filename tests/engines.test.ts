/**
 * A miner's engine and two workers over a queue in a file, in virtual time; `HOLDFAST_ENGINE_RUNS` is how many
 * histories.
 */
import type { JobQueue, Lease } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { World } from "../packages/storage/test/jobs/runner-world.ts";
import { checkEngines, checkLeases, enginesSuite } from "./engines-suite.ts";

const runs = Number(process.env.HOLDFAST_ENGINE_RUNS ?? 60);

enginesSuite("SQLite", World.inFile, runs);

/** What a zombie brings is taken, as if its lease were the newest. */
function credulous(queue: JobQueue): JobQueue {
  const newest = async (lease: Lease) => ({ ...lease, token: (await queue.job(lease.jobId))?.token ?? 0 });
  return new Proxy(queue, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (["heartbeat", "done", "fail", "release"].includes(String(name)))
        return async (lease: Lease, ...rest: unknown[]) =>
          await value.call(target, await newest(lease), ...rest);
      if (name === "doneAll")
        return async (jobs: readonly Lease[]) =>
          await value.call(target, await Promise.all(jobs.map(newest)));
      return value.bind(target);
    },
  });
}

/** Leases are never renewed. */
function silent(queue: JobQueue): JobQueue {
  return new Proxy(queue, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "heartbeat") return async () => undefined;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("planted faults of the queue", () => {
  it("canary: zombies that are believed are found", async () => {
    await expect(checkEngines(World.inFile, { runs: 200, plant: credulous })).rejects.toThrow();
  });
  it("canary: leases that nobody renews are found", async () => {
    await expect(checkLeases(World.inFile, silent)).rejects.toThrow();
  });
});
