/** The job queue in PostgreSQL: the suite of all engines on the server of the tests, and what is this one's own. */
import { SimClock } from "@holdfast/base/testing";
import { jobKinds, openPostgresJobs, openSqliteJobs } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { cutConnections, freshUrl, inPostgres, postgresUrl, serverTime, serverTimeOf } from "../postgres.ts";
import { scratch } from "../support.ts";
import { carrySuite } from "./carry-suite.ts";
import { deathsSuite } from "./deaths-suite.ts";
import { onBucket, onSimDisk } from "./deaths-worlds.ts";
import { jobQueueSuite } from "./queue-suite.ts";
import { claimBy, leaseMs, plenty, type QueueUnderTest, seal } from "./queue-tools.ts";
import { runnerSuite } from "./runner-suite.ts";
import { World } from "./runner-world.ts";

/** The queue's time is a row, which the tests move. */
async function postgres(): Promise<QueueUnderTest & { readonly url: string }> {
  const { url, addMs, forget } = await serverTime();
  let passedMs = 0;
  const steadyMs = () => passedMs;
  const options = { url, steadyMs, clock: serverTimeOf(url) };
  const queue = await openPostgresJobs(options);
  const other = await openPostgresJobs(options);
  return {
    url,
    queue,
    other,
    async advance(ms) {
      passedMs += ms;
      await addMs(ms);
    },
    jump: addMs,
    async dispose() {
      await queue[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await forget();
    },
  };
}

const files = scratch();
afterAll(() => files.remove());

const inFile = () => {
  const options = { dbPath: files.next(), clock: new SimClock() };
  return async () => openSqliteJobs(options);
};
const onServer = () => {
  const url = freshUrl();
  return () => openPostgresJobs({ url });
};

const inSchema = async () => {
  const url = freshUrl();
  return { queue: await openPostgresJobs({ url }), other: await openPostgresJobs({ url }) };
};

describe.runIf(postgresUrl !== undefined)("with a server", () => {
  jobQueueSuite("the job queue in PostgreSQL", postgres);
  runnerSuite("PostgreSQL", World.onServer);
  deathsSuite("PostgreSQL and a disk", onSimDisk(inSchema));
  deathsSuite("PostgreSQL and a bucket", onBucket(inSchema));
  carrySuite("jobs from SQLite to PostgreSQL", inFile, onServer);
  carrySuite("jobs from PostgreSQL to SQLite", onServer, inFile);

  it("numbers events as they become visible: who reads meanwhile misses none", async () => {
    const under = await postgres();
    const { queue, other } = under;
    for (let count = 0; count < 60; count++) await queue.enqueue(seal(`${count}`));
    const seen = new Set<number>();
    let cursor = 0;
    let isOver = false;
    const read = async () => {
      const events = await other.events(cursor, 7);
      for (const event of events) {
        expect(event.cursor).toBeGreaterThan(cursor);
        cursor = event.cursor;
        seen.add(event.cursor);
      }
      return events.length;
    };
    const reading = (async () => {
      while (!isOver || (await read()) > 0) await read();
    })();
    const work = async (workerId: string) => {
      for (
        let job = await claimBy(queue, workerId);
        job !== undefined;
        job = await claimBy(queue, workerId)
      ) {
        await queue.done(job, "");
      }
    };
    await Promise.all(["a", "b", "c", "d", "e", "f"].map(work));
    isOver = true;
    await reading;
    expect(seen.size).toBe(180);
    expect(cursor).toBe(await queue.lastCursor());
    await under.dispose();
  });

  it("goes on when the server has cut all connections, and says so meanwhile", async () => {
    const under = await postgres();
    const { queue, other } = under;
    let wakes = 0;
    const listening = other.onChange(() => void wakes++);
    await queue.enqueue(seal("a"));
    while (wakes === 0) await new Promise(setImmediate);
    await cutConnections(under.url);
    for (;;) {
      try {
        expect((await claimBy(queue, "w"))?.key).toBe("a");
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: "storage/database-unreachable" });
      }
    }
    const before = wakes;
    while (wakes === before) await new Promise(setImmediate); // of itself, when it listens again
    listening[Symbol.dispose]();
    await under.dispose();
  });

  it("has the server's clock", async () => {
    const url = freshUrl();
    await using queue = await openPostgresJobs({ url });
    const { createdMs } = await queue.enqueue(seal("a"));
    const { rows } = await inPostgres(url, (client) => client.query("SELECT extract(epoch FROM now()) AS s"));
    expect(Math.abs(createdMs - 1000 * Number(rows[0].s))).toBeLessThan(60_000);
    const job = await queue.claim({ workerId: "w", kinds: jobKinds, free: plenty, leaseMs });
    expect(job?.leaseUntilMs).toBe((job?.startedMs ?? 0) + leaseMs);
  });
});
