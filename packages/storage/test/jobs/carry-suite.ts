/** Jobs on their way from one queue to another, of whatever engines, while both are used. */
import { codeOf } from "@holdfast/base/testing";
import {
  carryJobs,
  jobKinds,
  type MovableQueue,
  ownerOfQueue,
  ownQueue,
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
    sameCases(newHere, newThere);
    brokenCases(newHere, newThere);
    doubtfulCases(newHere, newThere);
    busyCases(newHere, newThere);
    ownerCases(newHere, newThere);
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

/** A queue some of whose steps of a move are others. */
function withSteps(queue: MovableQueue, steps: Partial<MovableQueue["carrier"]>): MovableQueue {
  const { carrier } = queue;
  const changed = new Proxy(carrier, {
    get: (_, name) => {
      const own: unknown = Reflect.get(steps, name) ?? Reflect.get(carrier, name);
      return typeof own === "function" && !(name in steps) ? own.bind(carrier) : own;
    },
  });
  return new Proxy(queue, { get: (_, name) => (name === "carrier" ? changed : Reflect.get(queue, name)) });
}

const lost = () => storageErrors.databaseUnreachable({ place: "a server", detail: "its answer was lost" });

function doubtfulCases(newHere: NewPlace, newThere: NewPlace): void {
  const steps = (here: MovableQueue, there: MovableQueue) => {
    const after = (run: () => Promise<void>) => async (): Promise<void> => {
      await run();
      throw lost();
    };
    const never = () => Promise.reject(lost());
    return {
      "the jobs were written": [
        here,
        withSteps(there, {
          replace: async (...all) => after(() => there.carrier.replace(...all))(),
        }),
      ],
      "the old one was left": [withSteps(here, { leave: after(() => here.carrier.leave()) }), there],
      "the old one could not be left": [withSteps(here, { leave: never }), there],
      "the new one was opened": [here, withSteps(there, { reopen: after(() => there.carrier.reopen()) })],
      "the new one could not be opened": [here, withSteps(there, { reopen: never })],
    } as const;
  };
  it.each([
    "the jobs were written",
    "the old one was left",
    "the old one could not be left",
    "the new one was opened",
    "the new one could not be opened",
  ] as const)("has never two that take changes where the answer was lost that %s", async (name) => {
    await using here = await newHere()();
    await using there = await newThere()();
    await fill(here);
    await here.enqueue(seal("waits"));
    const [from, to] = steps(here, there)[name];
    await carryJobs(from, to).catch(() => undefined);
    const standing = async () => [await standingOf(here.carrier), await standingOf(there.carrier)];
    expect((await standing()).filter((one) => one === "open").length).toBeLessThanOrEqual(1);
    const open = (await standingOf(there.carrier)) === "open" ? there : here;
    if ((await standingOf(open.carrier)) === "open") await open.enqueue(seal("late")); // whoever goes on there
    const before = await contents(open);
    await carryJobs(here, there); // said again
    expect(await standing()).toEqual(["moved", "open"]);
    expect(await contents(there)).toEqual(before);
  });
}

function sameCases(newHere: NewPlace, newThere: NewPlace): void {
  it("refuses to carry a queue onto itself, and leaves it open", async () => {
    for (const open of [newHere(), newThere()]) {
      await using one = await open();
      await using again = await open();
      await fill(one);
      const before = await contents(one);
      expect(await codeOf(carryJobs(one, again))).toBe("storage/same-database");
      expect(await contents(again)).toEqual(before);
      expect(await standingOf(one.carrier)).toBe("open");
      await one.enqueue(seal("it takes changes"));
    }
  });

  it("takes long jobs a few at a time", async () => {
    await using here = await newHere()();
    await using there = await newThere()();
    const input = "x".repeat(2 ** 21 - 1);
    for (let count = 0; count < 5; count++) await here.enqueue(seal(`long ${count}`, { input }));
    let most = 0;
    const counted = withSteps(there, {
      replace: (numbers, fill) =>
        there.carrier.replace(numbers, (sql) =>
          fill({
            all: (text, ...values) => sql.all(text, ...values),
            get: (text, ...values) => sql.get(text, ...values),
            run: (text, ...values) => {
              const lengths = values.map((value) => (typeof value === "string" ? value.length : 0));
              most = Math.max(
                most,
                lengths.reduce((sum, one) => sum + one, 0),
              );
              return sql.run(text, ...values);
            },
          }),
        ),
    });
    await carryJobs(here, counted);
    expect(most).toBeLessThan(2.5 * 2 ** 21);
    expect((await there.list({}, { limit: 9 })).map((job) => job.input === input)).toEqual(
      Array(5).fill(true),
    );
  });
}

function brokenCases(newHere: NewPlace, newThere: NewPlace): void {
  it("leaves the old queue as it was where the new one cannot take them", async () => {
    await using here = await newHere()();
    await fill(here);
    const before = await contents(here);
    const openThere = newThere();
    await using broken = await openThere();
    const full = withSteps(broken, {
      replace: (numbers, fill) =>
        broken.carrier.replace(numbers, async (sql) => {
          await fill(sql);
          throw storageErrors.databaseFull({ dbPath: broken.carrier.place });
        }),
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

function ownerCases(newHere: NewPlace, newThere: NewPlace): void {
  const others = "storage/others-records";

  it("is the first miner's who asks for it, also of several at a time, and stays so", async () => {
    const openHere = newHere();
    await using here = await openHere();
    expect(await ownerOfQueue(here)).toBeUndefined();
    const miners = ["a", "b", "c", "d"];
    const codes = await Promise.all(
      miners.map(async (miner) => {
        await using own = await openHere();
        return await codeOf(ownQueue(own, miner));
      }),
    );
    expect(codes.toSorted()).toEqual(["no error", others, others, others]);
    const owner = miners[codes.indexOf("no error")] ?? "";
    expect(await ownerOfQueue(here)).toBe(owner);
    await ownQueue(here, owner);
    await here.carrier.close();
    expect(await codeOf(ownQueue(here, "e"))).toBe(others);
    expect(await standingOf(here.carrier)).toBe("moving"); // whoever was refused has opened nothing
  });

  it("has the owner that it had when jobs are brought", async () => {
    await using here = await newHere()();
    await using there = await newThere()();
    await ownQueue(here, "a");
    await ownQueue(there, "a");
    await here.enqueue(seal("one"));
    await carryJobs(here, there);
    for (const queue of [here, there]) {
      expect(await ownerOfQueue(queue)).toBe("a");
      expect(await codeOf(ownQueue(queue, "b"))).toBe(others);
    }
  });
}
