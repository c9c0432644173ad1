/** Jobs on their way from one queue to another, of whatever engines, while both are used. */
import { codeOf } from "@holdfast/base/testing";
import {
  carryJobs,
  jobKinds,
  type MovableQueue,
  SwitchQueue,
  standingOf,
  storageErrors,
} from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { claimBy, claimed, failureOf, plenty, seal } from "./queue-tools.ts";

/** A place for a queue that does not exist yet; each call opens another connection to it. */
export type NewPlace = () => () => Promise<MovableQueue>;

const about = { place: "a machine", kinds: jobKinds, capacity: plenty };

/** Jobs in every state, and something in every table. */
async function fill(queue: MovableQueue): Promise<void> {
  const volume = { volumeId: 0, marker: "m", place: { kind: "folder", path: "/d" } } as const;
  await queue.shareVolumes("miner", [volume]);
  for (let count = 0; count < 60; count++) await queue.enqueue(seal(`done ${count}`));
  for (let count = 0; count < 60; count++) await queue.done(await claimed(queue), `output ${count}`);
  await queue.enqueue(seal("failed"));
  await queue.fail(await claimed(queue), failureOf("x/y"), { isFinal: true, backoffMs: 0 });
  const { jobId } = await queue.enqueue(seal("cancelled", { sectorId: 7 }));
  await queue.cancel(jobId, "nobody wants it");
  await queue.enqueue(seal("again", { kind: "move", forWorker: "mine", priority: 3, dueMs: 99 }));
  await queue.cordon("kind:drain", "a test");
  await queue.saveCursor("reader", 5);
}

const contents = async (queue: MovableQueue) => ({
  jobs: (await queue.list({}, { limit: 1_000 })).map(({ leaseUntilMs: _, ...job }) => job),
  events: await queue.events(0, 1_000),
  counts: (await queue.counts()).sort((one, other) =>
    one.kind + one.state < other.kind + other.state ? -1 : 1,
  ),
  cordons: await queue.cordons(),
  volumes: await queue.volumes(),
  cursor: await queue.cursorOf("reader"),
  last: await queue.lastCursor(),
});

export function carrySuite(name: string, newHere: NewPlace, newThere: NewPlace): void {
  describe(name, () => {
    wholeCases(newHere, newThere);
    brokenCases(newHere, newThere);
    busyCases(newHere, newThere);
  });
}

function wholeCases(newHere: NewPlace, newThere: NewPlace): void {
  it("takes everything there and back, and a lease holds over the move", async () => {
    const [openHere, openThere] = [newHere(), newThere()];
    await using here = await openHere();
    await fill(here);
    await here.enqueue(seal("runs", { volumes: ["m"] }));
    const held = await claimed(here, "w");
    const before = await contents(here);
    await using there = await openThere();
    await there.enqueue(seal("of another time"));
    await there.cordon("all", "of another time");
    await carryJobs(here, there);
    expect(await contents(there)).toEqual(before);
    await there.heartbeat(held, 10_000, 0.5);
    expect((await there.job(held.jobId))?.progress).toBe(0.5);
    await there.done(held, "made");
    const { jobId } = await there.enqueue(seal("new"));
    expect(jobId).toBeGreaterThan(held.jobId);
    expect((await there.events(before.last, 9)).map(({ to }) => to)).toEqual(["done", "waiting"]);
    const after = await contents(there);
    await using again = await openHere(); // another process, onto the old copy
    await carryJobs(there, again);
    expect(await contents(here)).toEqual(after);
    expect([await standingOf(here.carrier), await standingOf(there.carrier)]).toEqual(["open", "moved"]);
    expect((await claimBy(here, "w"))?.jobId).toBe(jobId);
  });

  it("refuses every change of the queue that was left, in every process, and changes nothing", async () => {
    const open = newHere();
    await using here = await open();
    await using other = await open();
    await fill(here);
    await here.enqueue(seal("waits"));
    const { jobId } = await here.enqueue(seal("runs", { kind: "window-post" }));
    const held = await claimed(other, "w");
    expect(held.jobId).toBe(jobId);
    await using there = await newThere()();
    await carryJobs(here, there);
    const before = await contents(other);
    for (const queue of [here, other]) {
      const failure = { isFinal: false, backoffMs: 0 };
      const refused = [
        queue.enqueue(seal("late")),
        claimBy(queue, "w"),
        queue.heartbeat(held, 1_000, 1),
        queue.done(held, ""),
        queue.fail(held, failureOf("x/y"), failure),
        queue.release(held, "-"),
        queue.cancel(jobId, "-"),
        queue.bury("w"),
        queue.cordon("all", "-"),
        queue.uncordon("kind:drain"),
        queue.saveCursor("reader", 6),
        queue.shareVolumes("miner", []),
        queue.announce({ workerId: "w", ...about }),
        queue.prune(1),
      ];
      expect(new Set(await Promise.all(refused.map(codeOf)))).toEqual(new Set(["storage/queue-moved"]));
    }
    expect(await contents(other)).toEqual(before);
    expect((await claimBy(there, "w2"))?.key).toBe("waits");
  });
}

function brokenCases(newHere: NewPlace, newThere: NewPlace): void {
  it("leaves the old queue as it was where the new one cannot take them", async () => {
    await using here = await newHere()();
    await fill(here);
    const before = await contents(here);
    const openThere = newThere();
    await using broken = await openThere();
    const { carrier } = broken;
    const replace: typeof carrier.replace = (numbers, fill) =>
      carrier.replace(numbers, async (sql) => {
        await fill(sql);
        throw storageErrors.databaseFull({ dbPath: carrier.place });
      });
    const full = new Proxy(broken, {
      get: (_, name) =>
        name === "carrier"
          ? new Proxy(carrier, {
              get: (_, one) => (one === "replace" ? replace : Reflect.get(carrier, one).bind(carrier)),
            })
          : Reflect.get(broken, name),
    });
    expect(await codeOf(carryJobs(here, full))).toBe("storage/database-full");
    expect(await broken.counts()).toEqual([]);
    expect(await standingOf(here.carrier)).toBe("open");
    expect(await contents(here)).toEqual(before);
    await using there = await openThere();
    await here.enqueue(seal("a"));
    await carryJobs(here, there);
    expect((await claimBy(there, "w"))?.key).toBe("a");
  });
}

function busyCases(newHere: NewPlace, newThere: NewPlace): void {
  it("loses no job of those who work meanwhile, and has none done twice", async () => {
    const [openHere, openThere] = [newHere(), newThere()];
    let moved = Promise.resolve();
    const follow = async (to: () => Promise<MovableQueue>, left: MovableQueue) => {
      await moved.catch(() => undefined);
      return (await standingOf(left.carrier)) === "open" ? undefined : await to();
    };
    const node = new SwitchQueue(await openHere(), (left) => follow(openThere, left));
    const worker = new SwitchQueue(await openHere(), (left) => follow(openThere, left));
    const wanted = Array.from({ length: 80 }, (_, at) => `job ${at}`);
    const seen: string[] = [];
    const work = async (queue: SwitchQueue, workerId: string): Promise<void> => {
      while (seen.length < wanted.length) {
        await queue.announce({ workerId, ...about }); // by which an idle one learns that the jobs are elsewhere
        const job = await claimBy(queue, workerId);
        if (job === undefined) await new Promise(setImmediate);
        else {
          await queue.heartbeat(job, 10_000, 0.5);
          await queue.done(job, workerId);
          seen.push(job.key);
        }
      }
    };
    const ask = async (): Promise<void> => {
      for (const key of wanted) {
        await node.enqueue(seal(key));
        await new Promise(setImmediate);
      }
    };
    await using next = await openThere();
    const woken = Promise.withResolvers<void>();
    using _listening = worker.onChange((jobId) => jobId === undefined && woken.resolve());
    const all = Promise.all([ask(), work(node, "a"), work(node, "b"), work(worker, "c")]);
    while (seen.length < 10) await new Promise(setImmediate);
    moved = carryJobs(node.current, next);
    await Promise.all([moved, all]);
    await woken.promise;
    expect(seen.toSorted()).toEqual(wanted.toSorted());
    const jobs = await next.list({}, { limit: 1_000 });
    expect(jobs).toHaveLength(wanted.length);
    for (const { state, token, failures } of jobs) {
      expect({ state, token, failures }).toEqual({ state: "done", token: 1, failures: 0 });
    }
    await node[Symbol.asyncDispose]();
    await worker[Symbol.asyncDispose]();
  });
}
