/** Work on stored files as jobs: answers, priorities, what a life before has left, and rot that is found by itself. */
import { type Logger, silentLogger, utf8Bytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import {
  type Chores,
  type ChoresOptions,
  type JobQueue,
  jobLimits,
  openChores,
  openSqliteJobs,
} from "@holdfast/storage";
import { afterAll, describe, expect, it, vi } from "vitest";
import { pieceOf, readAll, scratch } from "../support.ts";
import { committedSector, expectExact, VolumeWorld } from "../volume-world.ts";

const files = scratch();
afterAll(() => files.remove());
const never = new AbortController().signal;
const hourMs = 3_600_000;

/** A storage with two disks, one committed sector, and a queue. */
class World extends VolumeWorld {
  readonly queue: JobQueue = openSqliteJobs({ dbPath: files.next(), clock: this.clock });
  #lives = 0;

  static async make(): Promise<World> {
    const world = new World(files.next());
    await world.open();
    await world.storage.volumes.attach({ place: "/mnt/a" });
    await committedSector(world.storage, "p");
    return world;
  }
  chores(more: Partial<ChoresOptions> = {}): Promise<Chores> {
    this.#lives += 1;
    return openChores({
      ...{ queue: this.queue, storage: this.storage, owner: "tf0miner", place: "here", clock: this.clock },
      ...{ logger: silentLogger, parallel: 1, scrubMs: 0, life: `${this.#lives}` },
      ...more,
    });
  }
  async jobs(): Promise<string[]> {
    const found = await this.queue.list({}, { limit: 99 });
    return found.map(({ kind, state, sectorId }) => `${kind} ${sectorId ?? "-"} ${state}`).reverse();
  }
  async places(sectorId: number): Promise<number[]> {
    return [...new Set((await this.storage.volumes.filesOf(sectorId)).map(({ volumeId }) => volumeId))];
  }
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}

describe("chores", () => {
  it("are jobs with answers and errors of their own", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const [other = 0] = (await world.storage.volumes.list())
      .map(({ volumeId }) => volumeId)
      .filter((volumeId) => volumeId !== 0);
    expect(await chores.check(1, never)).toEqual({ sectorId: 1, troubles: [] });
    const [from = 0] = await world.places(1);
    const to = from === other ? 0 : other;
    await chores.move(1, to, never);
    expect(await world.places(1)).toEqual([to]);
    const disk = to === 0 ? world.home : world.diskAt("/mnt/a");
    await disk.writeFile("sealed/1-1", utf8Bytes("rotten"));
    await disk.writeFile("sealed/77-1", utf8Bytes("an orphan"));
    expect((await chores.check(1, never)).troubles).toMatchObject([{ role: "sealed" }]);
    expect(await chores.repair(1, never)).toMatchObject({ repaired: ["sealed"] });
    expect(await chores.clean(never)).toMatchObject({ removedCount: 1 });
    expect(await codeOf(chores.check(99, never))).toBe("storage/unknown-sector");
    expect(await world.jobs()).toEqual([
      ...["scrub 1 done", "move 1 done", "scrub 1 done", "repair 1 done"],
      ...["delete - done", "scrub 99 failed"],
    ]);
    await expectExact(world.storage);
  });

  it("wait behind a cordon and in the order of their priorities, and are called off", async () => {
    await using world = await World.make();
    await committedSector(world.storage, "q");
    await using chores = await world.chores();
    await world.queue.cordon("kind:scrub", "the disks are busy");
    const checks = [chores.check(1, never), chores.check(2, never)];
    const dropped = codeOf(chores.check(1, never));
    const waiting = async () => await world.queue.list({ states: ["waiting"] }, { limit: 9 });
    await expect.poll(async () => (await waiting()).length).toBe(3);
    const [third, second] = await waiting();
    await world.queue.prioritise(second?.jobId ?? 0, 9);
    await world.queue.cancel(third?.jobId ?? 0, "not needed");
    expect(await dropped).toBe("storage/cancelled");
    await world.queue.uncordon("kind:scrub");
    await Promise.all(checks);
    const starts = (await world.queue.events(0, 99)).filter(({ to }) => to === "running");
    expect(starts.map(({ sectorId }) => sectorId)).toEqual([2, 1]);
  });

  it("outlive their process: the next one does what the last one has not", async () => {
    await using world = await World.make();
    const [from = 0] = await world.places(1);
    const to = from === 0 ? "/mnt/a" : 0;
    await world.queue.cordon("kind:move", "later");
    const first = await world.chores();
    const asked = codeOf(first.move(1, to, never));
    await expect.poll(async () => (await world.jobs()).length).toBe(1);
    await first[Symbol.asyncDispose]();
    expect(await asked).not.toBe("none");
    expect(await world.jobs()).toEqual(["move 1 waiting"]);
    // As if the process had died in the middle of it: nobody has given it back.
    await world.queue.uncordon("kind:move");
    const free = { cpus: 9, memoryBytes: 2 ** 40 };
    await world.queue.claim({
      workerId: "files-tf0miner",
      kinds: ["move"],
      free,
      leaseMs: jobLimits.longestLeaseMs,
    });
    await world.reopen();
    await using _second = await world.chores();
    await expect.poll(async () => await world.jobs()).toEqual(["move 1 done"]);
    expect(await world.places(1)).not.toEqual([from]);
    await expectExact(world.storage);
  });

  it("mend a plain copy that a reader has found damaged", async () => {
    await using world = await World.make();
    await using _chores = await world.chores();
    const [file] = (await world.storage.volumes.filesOf(1)).filter(({ role }) => role === "unsealed");
    const disk = file?.volumeId === 0 ? world.home : world.diskAt("/mnt/a");
    const rotten = (await disk.readFile(file?.path ?? ""))?.fill(7, 100, 120) ?? new Uint8Array();
    await disk.writeFile(file?.path ?? "", rotten);
    expect(await world.storage.doubtPiece("p")).toBe(true);
    await expect.poll(() => world.jobs()).toEqual(["repair 1 done"]);
    expect(Buffer.from(await readAll(world.storage.readPiece("p"))).equals(pieceOf("p", 900).bytes)).toBe(
      true,
    );
  });

  it("let go of a doubt whose repair was called off before anybody looked", async () => {
    await using world = await World.make();
    await using _chores = await world.chores();
    await world.queue.cordon("all", "the disks are busy");
    expect(await world.storage.doubtPiece("p")).toBe(true);
    expect(await world.storage.hasPlainCopy("p")).toBe(false);
    await expect.poll(() => world.jobs()).toEqual(["repair 1 waiting"]);
    await world.queue.cancel((await world.queue.list({}, { limit: 1 }))[0]?.jobId ?? 0, "not now");
    await expect.poll(() => world.storage.hasPlainCopy("p")).toBe(true);
    expect(await world.storage.doubtPiece("p")).toBe(false); // for an hour
    await world.clock.advance(hourMs);
    expect(await world.storage.doubtPiece("p")).toBe(true);
    await expect.poll(() => world.jobs()).toEqual(["repair 1 cancelled", "repair 1 waiting"]);
  });

  it("leave nobody at work where they cannot begin", async () => {
    await using world = await World.make();
    const list = vi.spyOn(world.storage.volumes, "list").mockRejectedValue(new Error("the disk is on fire"));
    await expect(world.chores()).rejects.toThrow("the disk is on fire");
    list.mockRestore();
    await world.clock.advance(60_000);
    expect(await world.queue.workers()).toEqual([]);
  });

  it("read every stored sector once in a while, and make anew what has rotted", async () => {
    await using world = await World.make();
    await committedSector(world.storage, "q");
    const piece = pieceOf("q", 900);
    const told: string[] = [];
    const logger: Logger = { ...silentLogger, error: (text) => void told.push(text) };
    await using _chores = await world.chores({ scrubMs: 2 * hourMs, logger });
    const [file] = (await world.storage.volumes.filesOf(2)).filter(({ role }) => role === "unsealed");
    const disk = file?.volumeId === 0 ? world.home : world.diskAt("/mnt/a");
    const rotten = (await disk.readFile(file?.path ?? ""))?.fill(7, 100, 120) ?? new Uint8Array();
    await disk.writeFile(file?.path ?? "", rotten);
    const passed = async (wanted: readonly string[]): Promise<void> => {
      await world.clock.advance(hourMs + 1);
      await expect.poll(async () => await world.jobs()).toEqual(wanted);
    };
    await passed(["scrub 1 done"]);
    expect(told).toEqual([]);
    await passed(["scrub 1 done", "scrub 2 done", "repair 2 done"]);
    expect(told).toEqual(["storage: a stored sector is damaged and is being repaired"]);
    expect(Buffer.from(await readAll(world.storage.readPiece("q"))).equals(piece.bytes)).toBe(true);
    await passed(["scrub 1 done", "scrub 2 done", "repair 2 done"]); // the end: it begins again
    await passed(["scrub 1 done", "scrub 2 done", "repair 2 done", "scrub 1 done"]);
    expect(told).toHaveLength(1);
  });

  it("leave a sector alone whose volume is away, and mend nothing of it", async () => {
    await using world = await World.make();
    const told: string[] = [];
    const tell = (text: string) => void told.push(text);
    await using chores = await world.chores({
      scrubMs: hourMs,
      logger: { ...silentLogger, error: tell, warn: tell },
    });
    const places = await world.places(1);
    if (!places.includes(1)) await chores.move(1, 1, never);
    const before = await world.storage.volumes.filesOf(1);
    const disk = world.unmount("/mnt/a");
    await world.clock.advance(hourMs + 1);
    await expect.poll(() => told).toEqual(["storage: a sector is read again when its volume is back"]);
    expect(await world.storage.volumes.repair(1, never, { sparesAway: true })).toMatchObject({
      repaired: [],
    });
    expect(await world.storage.volumes.filesOf(1)).toEqual(before);
    world.disks.set("/mnt/a", disk);
    expect((await world.storage.volumes.check(1)).troubles).toEqual([]);
    expect((await world.jobs()).filter((job) => job.startsWith("repair"))).toEqual([]);
  });
});
