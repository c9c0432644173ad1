/** Several jobs in one transaction: what a worker claims, and what it says of those that have ended meanwhile. */
import type { ClaimRequest, DoneJob, JobQueue } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { World } from "./runner-world.ts";

describe("a worker", () => {
  it("takes several in one claim and says several ends in one, within its places", async () => {
    await using world = await World.inFile();
    const calls: string[] = [];
    const held = Promise.withResolvers<void>();
    const queue = new Proxy(world.queue, {
      get(target, name: keyof JobQueue) {
        const own = Reflect.get(target, name);
        if (name === "claimSome")
          return async (request: ClaimRequest, most: number) => {
            const jobs = await target.claimSome(request, most);
            if (jobs.length > 0) calls.push(`claim ${jobs.map(({ key }) => key).join("")}`);
            return jobs;
          };
        if (name === "doneAll")
          return async (jobs: readonly DoneJob[]) => {
            calls.push(`done ${jobs.map(({ output }) => output).join("")}`);
            if (jobs[0]?.output === "a") await held.promise;
            return await target.doneAll(jobs);
          };
        return typeof own === "function" ? own.bind(target) : own;
      },
    });
    const keys = ["a", "b", "c", "d", "e", "f", "g"];
    for (const key of keys) await world.add(key);
    await using runner = world.start({
      ...{ queue, capacity: { cpus: 5, memoryBytes: 1_000 }, parallel: { seal: 4, scrub: 9 } },
      handlers: { seal: world.handlers().seal ?? (async () => "") },
    });
    await world.pass(1);
    expect(calls).toEqual(["claim a", "claim bcd"]);
    for (const key of ["a", "b", "c"]) world.of(key).done(key);
    await world.pass(1);
    expect(calls.slice(2)).toEqual(["done a"]);
    await world.queue.cancel(world.of("b").job.jobId, "not wanted any more");
    held.resolve();
    await world.pass(1);
    expect(calls.slice(3)).toEqual(expect.arrayContaining(["done bc"]));
    expect(await world.state("a")).toMatchObject({ state: "done", output: "a" });
    expect(await world.state("b")).toMatchObject({ state: "cancelled", output: null });
    expect(await world.state("c")).toMatchObject({ state: "done", output: "c" });
    expect(world.keys).toEqual(["d", "e", "f", "g"]);
    expect(runner.running.map(({ key }) => key)).toEqual(["d", "e", "f", "g"]);
  });
});
