/** Who follows jobs or sectors by a name gets each event once, whenever it comes and goes, also over a restart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { createProver } from "@holdfast/proofs";
import { openSqliteJobs, openStorage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { jobsDoorOf } from "../src/compose-jobs.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-watch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const consumer = "billing";

class World {
  readonly clock = new SimClock();
  readonly disk = new SimDisk();
  readonly path: string;
  constructor(name: string) {
    this.path = join(folder, name);
  }
  /** A life of the node. */
  async live<T>(run: (life: Life) => Promise<T>): Promise<T> {
    const { clock, disk } = this;
    await using queue = openSqliteJobs({ dbPath: `${this.path}-jobs.db`, clock });
    await using storage = await openStorage({
      ...{ sectorBytes: 1024, clock, disk, prover: createProver() },
      dbPath: `${this.path}.db`,
    });
    return await run({ door: jobsDoorOf(queue, storage), queue, storage });
  }
}
interface Life {
  readonly door: ReturnType<typeof jobsDoorOf>;
  readonly queue: ReturnType<typeof openSqliteJobs>;
  readonly storage: Awaited<ReturnType<typeof openStorage>>;
}

/** Reads so many events and asks for one more, as whoever has dealt with them does; then leaves. */
async function take<Event extends { readonly cursor: number }>(
  watch: (signal: AbortSignal) => AsyncIterable<Event>,
  count: number,
): Promise<number[]> {
  const leave = new AbortController();
  const events = watch(leave.signal)[Symbol.asyncIterator]();
  const cursors: number[] = [];
  while (cursors.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    cursors.push(next.value.cursor);
  }
  const last = events.next().catch(() => undefined);
  leave.abort();
  await last;
  return cursors;
}

describe("a consumer with a name", () => {
  it("misses no event of jobs between two visits, and gets none twice", async () => {
    const world = new World("jobs");
    const add = ({ queue }: Life, key: string) => queue.enqueue({ key, kind: "seal", input: "" });
    const watch =
      ({ door }: Life) =>
      (signal: AbortSignal) =>
        door.watchJobs({ consumer }, signal);
    await world.live(async (life) => {
      expect(await take(watch(life), 0)).toEqual([]); // nothing had happened
      await add(life, "a");
      await add(life, "b");
    });
    await world.live(async (life) => {
      expect(await take(watch(life), 2)).toEqual([1, 2]);
      await add(life, "c");
    });
    await world.live(async (life) => {
      expect(await take(watch(life), 1)).toEqual([3]);
    });
    await world.live(async (life) => {
      await add(life, "d");
      expect(await take(watch(life), 1)).toEqual([4]);
    });
  });

  it("misses no event of sectors either", async () => {
    const world = new World("sectors");
    const watch =
      ({ door }: Life) =>
      (signal: AbortSignal) =>
        door.watchSectors({ consumer }, signal);
    await world.live(async (life) => {
      expect(await take(watch(life), 0)).toEqual([]);
      await life.storage.addCommittedCapacity();
    });
    const seen = await world.live(async (life) => {
      const cursors = await take(watch(life), 1);
      await life.storage.addCommittedCapacity();
      return cursors;
    });
    await world.live(async (life) => {
      const [next] = await take(watch(life), 1);
      expect(next).toBeGreaterThan(seen[0] ?? Number.NaN);
    });
  });

  it("that has none begins with what happens from now on", async () => {
    const world = new World("nameless");
    await world.live(async ({ door, queue }) => {
      await queue.enqueue({ key: "a", kind: "seal", input: "" });
      const leave = new AbortController();
      const events = door.watchJobs({}, leave.signal)[Symbol.asyncIterator]();
      const next = events.next();
      await queue.lastCursor(); // it has looked where the events end
      await queue.enqueue({ key: "b", kind: "seal", input: "" });
      expect((await next).value).toMatchObject({ cursor: 2 });
      leave.abort();
      await events.next();
    });
  });
});
