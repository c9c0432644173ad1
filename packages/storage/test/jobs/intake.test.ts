/** Adding pieces as jobs: seen, held back and called off; what their caller hears is the storage's word. */
import { silentLogger } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import {
  type Chores,
  type Job,
  type JobQueue,
  openChores,
  openSqliteJobs,
  storageErrors,
} from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, readAll, scratch } from "../support.ts";
import { VolumeWorld } from "../volume-world.ts";

const files = scratch();
afterAll(() => files.remove());

class World extends VolumeWorld {
  readonly queue: JobQueue = openSqliteJobs({ dbPath: files.next(), clock: this.clock });
  #lives = 0;

  static async make(): Promise<World> {
    const world = new World(files.next());
    await world.open();
    return world;
  }
  chores(queue: JobQueue = this.queue): Promise<Chores> {
    this.#lives += 1;
    return openChores({
      ...{ queue, storage: this.storage, owner: "tf0miner", place: "here", clock: this.clock },
      ...{ logger: silentLogger, parallel: 1, scrubMs: 0, life: `${this.#lives}` },
    });
  }
  async jobs(): Promise<Job[]> {
    return (await this.queue.list({ kinds: ["add-piece"] }, { limit: 99 })).reverse();
  }
  async states(): Promise<string[]> {
    return (await this.jobs()).map(({ state }) => state);
  }
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}

/** A queue one of whose methods nobody answers. */
function without(queue: JobQueue, mute: keyof JobQueue): JobQueue {
  return new Proxy(queue, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (key === mute)
        return () => Promise.reject(storageErrors.databaseUnreachable({ place: "db", detail: "nobody" }));
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A source that gives its bytes when it is told to. */
function slow(key: string) {
  const { bytes, ...piece } = pieceOf(key, 900);
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const source = (async function* () {
    asked += 1;
    yield bytes.subarray(0, 300);
    await gate.promise;
    yield bytes.subarray(300);
  })();
  return { piece: { ...piece, source }, bytes, open: () => gate.resolve(), asked: () => asked };
}

describe("pieces that are added as jobs", () => {
  it("are jobs with progress, several at a time, and are stored", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const [one, two] = [slow("one"), slow("two")];
    const adding = [chores.addPiece(one.piece), chores.addPiece(two.piece)];
    await expect.poll(() => world.states()).toEqual(["running", "running"]);
    await expect.poll(() => one.asked() + two.asked()).toBe(2);
    await world.clock.advance(3_000); // a heartbeat
    await expect.poll(async () => (await world.jobs())[0]?.progress).toBeCloseTo(1 / 3, 2);
    one.open();
    two.open();
    expect((await Promise.all(adding)).map(({ pieceKey }) => pieceKey)).toEqual(["one", "two"]);
    await expect.poll(() => world.states()).toEqual(["done", "done"]);
    expect(Buffer.from(await readAll(world.storage.readPiece("two"))).equals(two.bytes)).toBe(true);
    // What is here already is no work.
    expect((await chores.addPiece(slow("one").piece)).pieceKey).toBe("one");
    expect(await world.jobs()).toHaveLength(2);
  });

  it("wait behind a cordon without a look at their source, and are called off there", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    await world.queue.cordon("kind:add-piece", "the disk is being looked at");
    const [one, two, three] = [slow("one"), slow("two"), slow("three")];
    const stop = new AbortController();
    const first = chores.addPiece(one.piece);
    const second = codeOf(chores.addPiece(two.piece));
    const third = codeOf(chores.addPiece(three.piece, stop.signal));
    await expect.poll(() => world.states()).toEqual(["waiting", "waiting", "waiting"]);
    await world.queue.cancel((await world.jobs())[1]?.jobId ?? 0, "not this one");
    stop.abort(new Error("the client is gone"));
    expect(await Promise.all([second, third])).toEqual(["storage/cancelled", "storage/cancelled"]);
    expect(one.asked() + two.asked() + three.asked()).toBe(0);
    await world.queue.uncordon("kind:add-piece");
    one.open();
    await first;
    await expect.poll(() => world.states()).toEqual(["done", "cancelled", "cancelled"]);
  });

  it("are called off on their way, and leave nothing behind", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const one = slow("one");
    const adding = codeOf(chores.addPiece(one.piece));
    await expect.poll(() => one.asked()).toBe(1);
    await world.queue.cancel((await world.jobs())[0]?.jobId ?? 0, "not this one");
    await world.clock.advance(3_000); // its worker learns of it by its heartbeat
    expect(await adding).toBe("storage/cancelled");
    expect(await world.storage.getPiece("one")).toBeUndefined();
    const again = slow("one");
    again.open();
    await chores.addPiece(again.piece);
    await expect.poll(() => world.states()).toEqual(["cancelled", "done"]);
  });

  it("that fail are tried once, and the caller hears why", async () => {
    await using world = await World.make();
    await using chores = await world.chores();
    const { piece } = slow("one");
    const short = { ...piece, source: new Uint8Array(300) };
    expect(await codeOf(chores.addPiece(short))).toBe("storage/short-piece");
    class Gone extends Error {}
    const torn = (async function* () {
      yield new Uint8Array(100);
      throw new Gone("the line broke");
    })();
    await expect(chores.addPiece({ ...piece, source: torn })).rejects.toThrow(Gone);
    await expect.poll(() => world.states()).toEqual(["failed", "failed"]);
  });

  it("end with their process: the caller is told, and the next life does not wait for them", async () => {
    await using world = await World.make();
    const chores = await world.chores();
    await world.queue.cordon("kind:add-piece", "later");
    const waiting = codeOf(chores.addPiece(slow("one").piece));
    await expect.poll(() => world.states()).toEqual(["waiting"]);
    await chores[Symbol.asyncDispose]();
    expect(await waiting).toBe("storage/closed");
    await world.queue.uncordon("kind:add-piece");
    await world.reopen();
    await using _next = await world.chores();
    expect(await world.states()).toEqual(["cancelled"]);
  });

  it("have not failed when their process was killed and another one saw it first", async () => {
    await using world = await World.make();
    const { queue, clock } = world;
    const forWorker = "files-tf0miner";
    const resources = { cpus: 0, memoryBytes: 0 };
    const kinds = ["add-piece"] as const;
    await queue.enqueue({ key: "a", kind: "add-piece", input: "", resources, maxFailures: 1, forWorker });
    const free = { cpus: 1, memoryBytes: 1 };
    expect(await queue.claim({ workerId: forWorker, kinds, free, leaseMs: 1_000 })).toBeDefined();
    await clock.advance(2_000);
    expect(await queue.expire()).toBe(1);
    expect(await world.states()).toEqual(["failed"]);
    await using chores = await world.chores();
    expect(await world.states()).toEqual(["cancelled"]);
    // What failed by itself stays so.
    const { piece } = slow("one");
    expect(await codeOf(chores.addPiece({ ...piece, source: new Uint8Array(1) }))).toBe(
      "storage/short-piece",
    );
    await expect.poll(() => world.states()).toEqual(["cancelled", "failed"]);
    await using _next = await world.chores();
    expect(await world.states()).toEqual(["cancelled", "failed"]);
  });

  it("are added without a job while the queue does not answer", async () => {
    await using world = await World.make();
    await using chores = await world.chores(without(world.queue, "enqueue"));
    const one = slow("one");
    one.open();
    expect((await chores.addPiece(one.piece)).pieceKey).toBe("one");
    expect(await world.jobs()).toEqual([]);
  });

  it("are added without it too where it falls silent when it has taken the job", async () => {
    await using world = await World.make();
    await using chores = await world.chores(without(world.queue, "job"));
    await world.queue.cordon("kind:add-piece", "nobody begins it");
    const one = slow("one");
    one.open();
    expect((await chores.addPiece(one.piece)).pieceKey).toBe("one");
    await world.queue.uncordon("kind:add-piece");
    await expect.poll(() => world.states()).toEqual(["failed"]); // its source is taken
    expect(Buffer.from(await readAll(world.storage.readPiece("one"))).equals(one.bytes)).toBe(true);
  });
});
