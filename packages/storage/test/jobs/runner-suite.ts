/**
 * Workers over any queue: what they take and when, what they give back, and what becomes of the work of those that die.
 */
import { type Logger, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { jobLimits, storageErrors } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { leaseMs, type World } from "./runner-world.ts";

type Make = () => Promise<World>;

export function runnerSuite(name: string, make: Make): void {
  describe(`a worker (${name})`, () => {
    for (const cases of [laneCases, pressingCases, choiceCases, endCases]) cases(make);
  });
  describe(`a job (${name})`, () => {
    for (const cases of [leaseCases, troubleCases]) cases(make);
  });
}

function laneCases(make: Make): void {
  it("takes as many jobs as fit, and the next when one is done", async () => {
    await using world = await make();
    for (const key of ["a", "b", "c"]) await world.add(key);
    await using _runner = world.start();
    await world.pass(1);
    expect(world.keys).toEqual(["a", "b"]);
    world.of("a").done("result");
    await world.pass(1);
    expect(world.keys).toEqual(["b", "c"]);
    expect(await world.state("a")).toMatchObject({ state: "done", output: "result" });
  });

  it("does a job that was called off and asked for again once, after the claim before has given way", async () => {
    await using world = await make();
    const { jobId } = await world.add("a");
    await using runner = world.start();
    await world.pass(1);
    const first = world.of("a");
    await world.queue.cancel(jobId, "not now");
    await world.queue.retry(jobId);
    await world.pass(1);
    expect(first.signal.aborted).toBe(true);
    expect(world.keys).toEqual(["a"]);
    expect(runner.running.map(({ token }) => token)).toEqual([2]);
    world.of("a").done("result");
    await world.pass(1);
    expect(await world.state("a")).toMatchObject({ state: "done", output: "result" });
    expect(runner.running).toEqual([]);
  });

  it("keeps a lane for what is quick and due, which no seal can take", async () => {
    await using world = await make();
    for (const key of ["a", "b", "c"]) await world.add(key);
    await using _runner = world.start();
    await world.pass(1);
    await world.add("read", "unseal");
    await world.pass(1);
    expect(world.keys).toEqual(["a", "b", "read"]);
    await world.add("window", "window-post");
    // The read is in the way of a proof with a deadline: it is given back, and no failure of its.
    await world.pass(1);
    expect(await world.state("read")).toMatchObject({ state: "waiting", failures: 0 });
    expect(world.keys).toEqual(["a", "b", "window"]);
    world.of("window").done("");
    await world.pass(1);
    expect(world.keys).toEqual(["a", "b", "read"]);
  });
}

function pressingCases(make: Make): void {
  it("takes no seal away for a proof that only waits for its lane", async () => {
    await using world = await make();
    for (const key of ["a", "b"]) await world.add(key);
    await using _runner = world.start();
    await world.pass(1);
    for (let round = 1; round <= 9; round++) {
      await world.add(`read ${round}`, "unseal");
      await world.add(`proof ${round}`, "commit-proof"); // waits for a seal's place, and is in nobody's way
      await world.pass(1);
      await world.add(`block ${round}`, "winning-post");
      await world.pass(1);
      world.of(`block ${round}`).done("");
      await world.pass(1);
      world.of(`read ${round}`).done("");
      await world.pass(1);
    }
    expect(world.keys.slice(0, 2)).toEqual(["a", "b"]);
    expect(
      (await world.queue.events(0, 999)).filter(({ from, kind }) => from === "running" && kind === "seal"),
    ).toEqual([]);
    world.of("a").done("");
    await world.pass(1);
    expect(world.keys).toContain("proof 1");
  });

  it("lets a read come to its end although a block is tried for in every round", async () => {
    await using world = await make();
    await world.add("read", "unseal");
    await using _runner = world.start();
    await world.pass(1);
    for (let round = 1; round <= 5; round++) {
      await world.add(`block ${round}`, "winning-post");
      await world.pass(1);
      if (world.keys.includes(`block ${round}`)) world.of(`block ${round}`).done("");
      await world.pass(1);
    }
    expect(await world.state("read")).toMatchObject({ state: "running", token: 4 });
    await world.add("window", "window-post");
    await world.pass(1);
    expect(world.keys).toContain("window");
  });

  it("gives the least urgent job back for a proof that its memory is needed for", async () => {
    await using world = await make();
    const resources = { cpus: 1, memoryBytes: 450 };
    await world.add("older", "seal", { resources });
    await world.add("newer", "seal", { resources });
    await using _runner = world.start();
    await world.pass(1);
    await world.add("large proof", "window-post", { resources });
    await world.pass(1);
    await world.pass(1);
    expect(world.keys).toEqual(["older", "large proof"]);
    const events = await world.queue.events(0, 99);
    expect(events.find(({ reason }) => reason?.includes("window-post"))?.from).toBe("running");
    world.of("large proof").done("");
    await world.pass(1);
    expect(world.keys).toEqual(["older", "newer"]);
    expect(await world.state("newer")).toMatchObject({ state: "running", failures: 0, token: 2 });
  });
}

function choiceCases(make: Make): void {
  it("stops nothing for a proof that may not run yet all the same", async () => {
    await using world = await make();
    await using _runner = world.start({ urgentCpus: 2, parallel: { "window-post": 1 } });
    for (const key of ["first", "second"]) await world.add(key, "window-post");
    await world.add("read", "unseal");
    await world.pass(20_000);
    expect(world.keys).toEqual(["first", "read"]);
    expect(await world.state("read")).toMatchObject({ state: "running", token: 1 });
  });

  it("does no more of a kind than it is told, and nothing that is cordoned", async () => {
    await using world = await make();
    for (const key of ["a", "b"]) await world.add(key);
    await world.add("move", "move");
    await world.queue.cordon("worker:w", "maintenance");
    await using _runner = world.start({ parallel: { seal: 1 } });
    await world.pass(1);
    expect(world.keys).toEqual([]);
    await world.queue.uncordon("worker:w");
    await world.pass(1);
    expect(world.keys).toEqual(["a", "move"]);
  });

  it("tries what is larger than the machine alone, rather than never", async () => {
    await using world = await make();
    await world.add("huge", "seal", { resources: { cpus: 1, memoryBytes: 9_999 } });
    await world.add("small");
    await using _runner = world.start();
    await world.pass(1);
    expect(world.keys).toEqual(["huge"]);
    world.of("huge").done("");
    await world.pass(1);
    expect(world.keys).toEqual(["small"]);
  });

  it("calls a job failed whose output is larger than the queue takes, and not its worker dead", async () => {
    await using world = await make();
    await world.add("large");
    await using _runner = world.start();
    await world.pass(1);
    world.of("large").done("x".repeat(jobLimits.maxOutputBytes + 1));
    await world.pass(1);
    expect(await world.state("large")).toMatchObject({
      state: "failed",
      failure: { code: "storage/bad-job" },
    });
  });
}

function endCases(make: Make): void {
  it("tries again what may go well later, and reports at once what cannot", async () => {
    await using world = await make();
    await world.add("full");
    await world.add("rotten");
    await using _runner = world.start();
    await world.pass(1);
    world.of("rotten").fail(storageErrors.stagedCorrupt({ sectorId: 1, expected: "aa", found: "bb" }));
    world.of("full").fail(storageErrors.workerCrashed({ job: "seal", attempts: 1, detail: "SIGSEGV" }));
    await world.pass(1);
    expect(await world.state("rotten")).toMatchObject({
      state: "failed",
      failure: { code: "storage/staged-corrupt" },
    });
    const [{ detail } = { detail: "" }] = [(await world.state("rotten")).failure ?? { detail: "" }];
    expect(JSON.parse(detail)).toMatchObject({ exit: "internal", data: { expected: "aa", found: "bb" } });
    expect(await world.state("full")).toMatchObject({ state: "waiting", failures: 1 });
    for (let failures = 1; failures < 3; failures++) {
      const before = world.underway.length;
      await world.pass(70_000);
      expect(world.underway.length).toBe(before + 1);
      world.of("full").fail(storageErrors.workerCrashed({ job: "seal", attempts: 1, detail: "SIGSEGV" }));
      await world.pass(1);
    }
    expect(await world.state("full")).toMatchObject({ state: "failed", failures: 3 });
  });

  it("gives its jobs back when it ends, and says that it has left", async () => {
    await using world = await make();
    await world.add("a");
    const runner = world.start();
    await world.pass(1);
    expect((await world.queue.workers()).map(({ workerId }) => workerId)).toEqual(["w"]);
    const ending = runner[Symbol.asyncDispose]();
    await world.pass(1);
    await ending;
    expect(await world.state("a")).toMatchObject({ state: "waiting", failures: 0 });
    expect(await world.queue.workers()).toEqual([]);
    await world.add("b");
    await world.pass(60_000);
    expect(world.underway).toHaveLength(1);
  });

  it("is idle when it has had nothing to do for a while", async () => {
    await using world = await make();
    await using runner = world.start();
    await world.add("a");
    let isIdle = false;
    const idle = runner.idle(10_000).then(() => {
      isIdle = true;
    });
    await world.pass(25_000);
    expect(isIdle).toBe(false);
    world.of("a").done("");
    await world.pass(9_000);
    expect(isIdle).toBe(false);
    await world.pass(11_000);
    await idle;
    expect(isIdle).toBe(true);
  });
}

function leaseCases(make: Make): void {
  it("stops when it is cancelled, and its lease is kept while it runs", async () => {
    await using world = await make();
    const { jobId } = await world.add("a");
    await using _runner = world.start();
    await world.pass(10 * leaseMs);
    expect(await world.state("a")).toMatchObject({ state: "running", failures: 0 });
    await world.queue.cancel(jobId, "test");
    await world.pass(3_000);
    expect(world.of("a").signal.aborted).toBe(true);
    expect(await world.state("a")).toMatchObject({ state: "cancelled" });
  });

  it("outlives its worker: another takes it, and the zombie's result is refused", async () => {
    await using world = await make();
    await world.add("a");
    const stopped = new SimClock(world.clock.nowMs()); // the first worker's process stands still
    const zombie = world.start({ workerId: "zombie", clock: stopped });
    await world.pass(1);
    zombie.drain(); // others' news reach it all the same
    const first = world.of("a");
    await using _heir = world.start({ workerId: "heir" });
    await world.pass(leaseMs + 6_000);
    const second = world.of("a");
    expect(second.job).toMatchObject({ workerId: "heir", token: 2, failures: 1 });
    first.done("of the zombie");
    await world.pass(1);
    expect(await world.state("a")).toMatchObject({ state: "running", workerId: "heir" });
    second.done("of the heir");
    await world.pass(1);
    expect(await world.state("a")).toMatchObject({ state: "done", output: "of the heir" });
    await zombie[Symbol.asyncDispose]();
  });
}

function troubleCases(make: Make): void {
  it("is reported when the queue answers again", async () => {
    await using world = await make();
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => void errors.push(message) };
    let failing = 0;
    const sick = new Proxy(world.queue, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (failing > 0 && name !== "onChange") {
            failing -= 1;
            return Promise.reject(storageErrors.databaseFull({ dbPath: "q" }));
          }
          return method.apply(target, args);
        };
      },
    });
    await world.add("a");
    await using _runner = world.start({ queue: sick, logger });
    await world.pass(1);
    failing = 4;
    world.of("a").done("kept");
    await world.pass(8_000);
    expect(errors.length).toBeGreaterThan(0);
    expect(await world.state("a")).toMatchObject({ state: "done", output: "kept" });
  });

  it("that kills every worker is poison, and the others go on", async () => {
    await using world = await make();
    await world.add("killer", "seal", { priority: 1 });
    await world.add("good");
    for (let life = 0; life < 3; life++) {
      const clock = new SimClock(world.clock.nowMs());
      world.start({ workerId: `victim ${life}`, clock, capacity: { cpus: 1, memoryBytes: 1 } });
      await world.pass(1);
      expect(world.of("killer").job.workerId).toBe(`victim ${life}`);
      await world.pass(leaseMs + 1);
    }
    await using _runner = world.start({ workerId: "survivor" });
    await world.pass(1);
    expect(world.of("good").job.workerId).toBe("survivor");
    const failed = await world.state("killer");
    expect(failed).toMatchObject({ state: "failed", failures: 3 });
    expect(failed.failure?.code).toBe("storage/worker-crashed");
  });
}
