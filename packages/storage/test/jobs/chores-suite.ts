/**
 * Work on stored files as jobs, on any records and any volumes: moved, mended and cleared away as it was asked for,
 * gone on with by the next life of a node that was killed, and spoilt by none that comes late.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Disk, diskErrors, equalBytes, silentLogger, utf8Bytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { type Chores, type JobQueue, openChores } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import type { Ground, Records, Volumes } from "../grounds.ts";
import { pieceOf, readAll } from "../support.ts";
import { committedSector, expectExact, VolumeWorld } from "../volume-world.ts";

const never = new AbortController().signal;
const sectorCount = 3;
const plenty = { cpus: 9, memoryBytes: 2 ** 40 };

/** What becomes of a file of the volume that is opened to be read. */
type OnRead = (path: string) => Promise<void>;

/** Sectors on a volume, room at home, and a queue. */
class World extends VolumeWorld {
  readonly records: Records;
  readonly volumes: Volumes;
  readonly queue: JobQueue;
  readonly #gate: { onRead: OnRead };
  #lives = 0;

  private constructor(ground: { records: Records; volumes: Volumes; queue: JobQueue }) {
    const gate = { onRead: async () => undefined } as { onRead: OnRead };
    super(ground.records.dbPath, (place) => gated(ground.volumes.openPlace(place), gate.onRead));
    this.#gate = gate;
    this.records = ground.records;
    this.volumes = ground.volumes;
    this.queue = ground.queue;
  }
  static async make(ground: Ground): Promise<World> {
    const [records, volumes] = [ground.records(), ground.volumes()];
    let world: World | undefined;
    const now = () => world?.clock.nowMs() ?? 0;
    const queue = await records.openQueue({ nowMs: now, sleep: () => new Promise(() => undefined) });
    world = new World({ records, volumes, queue });
    await world.open({ isDrainedByJobs: true });
    await world.storage.volumes.attach({ place: world.place, weight: 99 });
    for (let n = 0; n < sectorCount; n++) await committedSector(world.storage, `${n}`);
    return world;
  }
  get place(): string {
    return this.volumes.places[0];
  }
  get volume(): Disk {
    return this.volumes.diskAt(this.place);
  }
  /** For disks that are opened from now on: those of the next life. */
  set onRead(onRead: OnRead) {
    this.#gate.onRead = onRead;
  }
  chores(): Promise<Chores> {
    this.#lives += 1;
    return openChores({
      ...{ queue: this.queue, storage: this.storage, owner: "tf0miner", place: "here", clock: this.clock },
      ...{ logger: silentLogger, parallel: 1, scrubMs: 0, life: `${this.#lives}` },
    });
  }
  /** The next life of the node; what the one before has begun stands as it is. */
  async reborn(): Promise<Chores> {
    await this.open({ isDrainedByJobs: true });
    return await this.chores();
  }
  async filesLeft(): Promise<number> {
    return (await this.storage.volumes.list())[1]?.fileCount ?? -1;
  }
  async until(isSo: () => Promise<boolean>): Promise<void> {
    const look = async () => {
      await this.clock.advance(500);
      await turn();
      return await isSo();
    };
    await expect.poll(look, { interval: 1 }).toBe(true);
  }
  /** Everything is there, owned and readable. */
  async expectWhole(): Promise<void> {
    await this.storage.collectGarbage();
    await expectExact(this.storage);
    for (let n = 0; n < sectorCount; n++) {
      const bytes = await readAll(this.storage.readPiece(`${n}`));
      expect(equalBytes(bytes, pieceOf(`${n}`, 900).bytes)).toBe(true);
      expect((await this.storage.volumes.check(n + 1)).troubles).toEqual([]);
    }
  }
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}

/** Looks at the gate as it was when the disk was opened. */
function gated(disk: Disk, onRead: OnRead): Disk {
  const open: Disk["open"] = async (path, mode) => {
    if (mode === "read") await onRead(path);
    return await disk.open(path, mode);
  };
  return new Proxy(disk, {
    get: (target, name) => {
      const value: unknown = name === "open" ? open : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A process that is killed says no more to the queue and gives nothing back: another has its name and its jobs. */
async function killed(world: World, chores: Chores, kind: "drain" | "move"): Promise<void> {
  await chores[Symbol.asyncDispose]();
  const claim = { workerId: "files-tf0miner", kinds: [kind], free: plenty, leaseMs: 30_000 };
  await world.until(async () => (await world.queue.claim(claim)) !== undefined);
}

async function answers(ground: Ground): Promise<void> {
  await using world = await World.make(ground);
  await using chores = await world.chores();
  expect(await chores.check(1, never)).toEqual({ sectorId: 1, troubles: [] });
  await chores.move(1, 0, never);
  const places = (await world.storage.volumes.filesOf(1)).map(({ volumeId }) => volumeId);
  expect(new Set(places)).toEqual(new Set([0]));
  await chores.move(1, 1, never);
  const [sealed] = (await world.storage.volumes.filesOf(1)).filter(({ role }) => role === "sealed");
  await world.volume.writeFile(sealed?.path ?? "", utf8Bytes("rotten"));
  await world.volume.writeFile("sealed/77-1", utf8Bytes("an orphan"));
  expect((await chores.check(1, never)).troubles).toMatchObject([{ role: "sealed" }]);
  expect(await chores.repair(1, never)).toMatchObject({ repaired: ["sealed"] });
  expect((await chores.clean(never)).removed).toContain("volumes/1/sealed/77-1");
  expect(await codeOf(chores.check(99, never))).toBe("storage/unknown-sector");
  const jobs = (await world.queue.list({}, { limit: 99 })).map(({ kind, state }) => `${kind} ${state}`);
  expect(jobs.reverse()).toEqual([
    ...["scrub done", "move done", "move done", "scrub done", "repair done", "delete done", "scrub failed"],
  ]);
  await world.expectWhole();
}

async function drainedOverDeath(ground: Ground): Promise<void> {
  await using world = await World.make(ground);
  // Of all sectors but the first nothing leaves the volume in this life.
  world.onRead = async (path) => {
    if (!/\/1-/.test(path)) throw diskErrors.io({ path, operation: "reading" });
  };
  await world.reopen({ isDrainedByJobs: true });
  const first = await world.chores();
  const { jobId } = await first.drain(await world.storage.volumes.change(world.place, { mode: "draining" }));
  await world.until(async () => ((await first.drainOf(1))?.progress ?? 0) > 0);
  expect(await world.filesLeft()).toBeGreaterThan(0);
  await killed(world, first, "drain");
  await world.storage.close();
  world.onRead = async () => undefined;
  await using _second = await world.reborn();
  await world.until(async () => (await world.queue.job(jobId))?.state === "done");
  expect(await world.filesLeft()).toBe(0);
  await world.expectWhole();
}

/** One that stands still in the midst of a move, is taken for dead, and goes on beside its successor. */
async function zombie(ground: Ground): Promise<void> {
  await using world = await World.make(ground);
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.onRead = async () => {
    reached.resolve();
    await released.promise;
  };
  await world.reopen({ isDrainedByJobs: true });
  const [before, late] = [world.storage, await world.chores()];
  const asked = codeOf(late.move(1, 0, never));
  await reached.promise;
  world.onRead = async () => undefined;
  await using heir = await world.reborn();
  const moves = async () => (await world.queue.list({ kinds: ["move"] }, { limit: 9 }))[0];
  await world.until(async () => (await moves())?.state === "done");
  expect((await moves())?.token).toBe(2);
  released.resolve();
  await late[Symbol.asyncDispose]();
  await asked;
  await before.close().catch(() => undefined);
  const places = (await world.storage.volumes.filesOf(1)).map(({ volumeId }) => volumeId);
  expect(new Set(places)).toEqual(new Set([0]));
  expect((await heir.check(1, never)).troubles).toEqual([]);
  await world.expectWhole();
}

export function choresSuite(name: string, make: () => Promise<Ground>): void {
  const cases: readonly (readonly [string, (ground: Ground) => Promise<void>])[] = [
    ["are done, answered and written down", answers],
    ["go on in the next life of a node that was killed, and lose no file", drainedOverDeath],
    ["are spoilt by no life that was taken for dead and comes late", zombie],
  ];
  describe(`chores (${name})`, () => {
    for (const [title, run] of cases) {
      it(title, async () => {
        await using ground = await make();
        await run(ground);
      });
    }
  });
}
