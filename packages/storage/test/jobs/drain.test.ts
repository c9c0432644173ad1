/** Emptying a volume as one job: how far it is, what stops it and what goes on, and what nobody has to ask for. */
import { type SQLInputValue, type SQLOutputValue, StatementSync } from "node:sqlite";
import { silentLogger } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import {
  type Chores,
  type Job,
  type JobQueue,
  openChores,
  openSqliteJobs,
  storageErrors,
  type VolumeInfo,
} from "@holdfast/storage";
import { afterAll, describe, expect, it, vi } from "vitest";
import { scratch } from "../support.ts";
import { committedSector, expectExact, VolumeWorld } from "../volume-world.ts";

const files = scratch();
afterAll(() => files.remove());
const sectorCount = 4;

/** Four sectors on a disk that is to be emptied, and room at home. */
class World extends VolumeWorld {
  readonly queue: JobQueue = openSqliteJobs({ dbPath: files.next(), clock: this.clock });
  #lives = 0;

  static async make(): Promise<World> {
    const world = new World(files.next());
    await world.open({ isDrainedByJobs: true });
    await world.storage.volumes.attach({ place: "/mnt/a", weight: 99 });
    for (let n = 0; n < sectorCount; n++) await committedSector(world.storage, `${n}`);
    return world;
  }
  chores(): Promise<Chores> {
    this.#lives += 1;
    return openChores({
      ...{ queue: this.queue, storage: this.storage, owner: "tf0miner", place: "here", clock: this.clock },
      ...{ logger: silentLogger, parallel: 1, scrubMs: 0, life: `${this.#lives}` },
    });
  }
  async drained(mode: "draining" | "open" = "draining"): Promise<VolumeInfo> {
    return await this.storage.volumes.change("/mnt/a", { mode });
  }
  async filesLeft(): Promise<number> {
    return (await this.storage.volumes.list())[1]?.fileCount ?? -1;
  }
  async job(): Promise<Job | undefined> {
    return (await this.queue.list({ kinds: ["drain"] }, { limit: 9 }))[0];
  }
  /** No file leaves the disk but those of this sector. */
  holdAllBut(sectorId: number): void {
    this.diskAt("/mnt/a").fault = (operation, path) =>
      operation === "readAt" && !path.includes(`/${sectorId}`) ? "io" : undefined;
  }
  /** Time passes until something is so. */
  async until(isSo: () => Promise<boolean>): Promise<void> {
    for (let n = 0; n < 60 && !(await isSo()); n++) await this.clock.advance(2_000);
    expect(await isSo()).toBe(true);
  }
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}

describe("draining as a job", () => {
  it("is one job of a volume that says how far it is, and ends when nothing is left", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    world.holdAllBut(1);
    const { jobId } = await chores.drain(await world.drained());
    expect((await chores.drain(await world.drained())).jobId).toBe(jobId);
    await world.until(async () => ((await chores.drainOf(1))?.progress ?? 0) > 0);
    expect((await chores.drainOf(1))?.progress).toBeCloseTo(1 / sectorCount, 1);
    expect(await codeOf(world.storage.volumes.detach("/mnt/a"))).toBe("storage/volume-in-use");
    world.diskAt("/mnt/a").fault = () => undefined;
    await world.until(async () => (await world.job())?.state === "done");
    expect(await world.filesLeft()).toBe(0);
    await expectExact(world.storage);
    await world.storage.volumes.detach("/mnt/a");
  });

  it("knows what is left by the counters: the files are not added up after each sector", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const sums: string[] = [];
    const all = StatementSync.prototype.all as (
      ...values: SQLInputValue[]
    ) => Record<string, SQLOutputValue>[];
    const asked = vi.spyOn(StatementSync.prototype, "all");
    asked.mockImplementation(function (this: StatementSync, ...values: unknown[]) {
      if (this.sourceSQL.includes("GROUP BY role")) sums.push(this.sourceSQL);
      return all.apply(this, values as SQLInputValue[]);
    });
    try {
      world.holdAllBut(1);
      await chores.drain(await world.drained());
      await world.until(async () => ((await chores.drainOf(1))?.progress ?? 0) > 0);
      expect(sums).toEqual([]);
      const recorded = (await world.storage.volumes.explain())[1]?.recorded ?? [];
      const sum = recorded.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
      expect(await world.storage.volumes.sectorBytesOn(1)).toBe(sum);
    } finally {
      asked.mockRestore();
    }
  });

  it("that is called off and asked for again at once is done by one worker, one claim after the other", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    world.holdAllBut(0);
    const { jobId } = await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "running");
    let [now, most] = [0, 0];
    const { volumes } = world.storage;
    const drain = volumes.drain.bind(volumes);
    vi.spyOn(volumes, "drain").mockImplementation(async (id, options) => {
      now += 1;
      most = Math.max(most, now);
      return await drain(id, options).finally(() => (now -= 1));
    });
    for (let n = 0; n < 3; n++) {
      await world.queue.cancel(jobId, "not now");
      expect((await chores.drain(await world.drained())).jobId).toBe(jobId);
      await expect.poll(async () => (await world.job())?.state).toBe("running");
    }
    await expect.poll(() => now).toBe(1);
    expect(most).toBe(1);
    expect(chores.runner.running).toHaveLength(1);
    world.diskAt("/mnt/a").fault = () => undefined;
    await world.until(async () => (await world.job())?.state === "done");
    expect(await world.filesLeft()).toBe(0);
  });

  it("that has failed says why", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const broken = vi.spyOn(world.storage.volumes, "drain");
    broken.mockRejectedValue(storageErrors.workerCrashed({ job: "drain", attempts: 1, detail: "no memory" }));
    await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "failed");
    expect((await chores.drainOf(1))?.failure).toMatchObject({ code: "storage/worker-crashed" });
    broken.mockRestore();
    await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "done");
    expect((await chores.drainOf(1))?.failure).toBeNull();
  });

  it("is called off, stays so over a restart, and goes on where it was when it is asked for again", async () => {
    await using world = await World.make();
    const first = await world.chores();
    world.holdAllBut(1);
    const { jobId } = await first.drain(await world.drained());
    await world.until(async () => ((await first.drainOf(1))?.progress ?? 0) > 0);
    await world.queue.cancel(jobId, "not now");
    await world.until(async () => first.runner.running.length === 0);
    world.diskAt("/mnt/a").fault = () => undefined;
    const left = await world.filesLeft();
    expect(left).toBeGreaterThan(0);
    await first[Symbol.asyncDispose]();
    await world.reopen({ isDrainedByJobs: true });
    await using second = await world.chores();
    await world.clock.advance(60_000);
    expect([await world.filesLeft(), (await world.job())?.state]).toEqual([left, "cancelled"]);
    expect((await second.drain(await world.drained())).jobId).toBe(jobId);
    await world.until(async () => (await world.filesLeft()) === 0);
    await world.until(async () => (await world.job())?.state === "done");
    await expectExact(world.storage);
  });

  it("goes on by itself in the next life of a node that was killed", async () => {
    await using world = await World.make();
    const first = await world.chores();
    world.holdAllBut(1);
    const { jobId } = await first.drain(await world.drained());
    await world.until(async () => ((await first.drainOf(1))?.progress ?? 0) > 0);
    await first[Symbol.asyncDispose]();
    // As if the process had died: nobody has given the job back.
    const free = { cpus: 9, memoryBytes: 2 ** 40 };
    await world.queue.claim({ workerId: "files-tf0miner", kinds: ["drain"], free, leaseMs: 30_000 });
    world.diskAt("/mnt/a").fault = () => undefined;
    await world.reopen({ isDrainedByJobs: true });
    await using _second = await world.chores();
    await world.until(async () => (await world.job())?.state === "done");
    expect((await world.job())?.jobId).toBe(jobId);
    expect(await world.filesLeft()).toBe(0);
  });

  it("ends when the volume takes files again, and the next time is another job", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    world.holdAllBut(0);
    const { jobId } = await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "running");
    const { volumeId } = await world.drained("open");
    await chores.endDrain(volumeId);
    expect((await world.job())?.state).toBe("cancelled");
    world.diskAt("/mnt/a").fault = () => undefined;
    await world.until(async () => chores.runner.running.length === 0);
    await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "done");
    await world.drained("open");
    await world.storage.volumes.move(1, "/mnt/a");
    const again = await chores.drain(await world.drained());
    expect(again.jobId).toBeGreaterThan(jobId);
    await world.until(async () => (await world.filesLeft()) === 0);
  });

  it("leaves the place for repairs: it takes no thread of the others", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    world.holdAllBut(0);
    await chores.drain(await world.drained());
    await world.until(async () => (await world.job())?.state === "running");
    world.diskAt("/mnt/a").fault = () => undefined;
    expect(await chores.check(1, new AbortController().signal)).toMatchObject({ sectorId: 1 });
    expect((await world.job())?.state).toBe("running");
  });
});
