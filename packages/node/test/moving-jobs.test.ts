/**
 * A miner's jobs go to PostgreSQL and back while a worker of its folder seals: `node tools/with-postgres.ts npx vitest
 * run packages/node/test/moving-jobs.test.ts`; what needs no server runs without.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, silentLogger } from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import {
  carryJobs,
  createSealingPool,
  type JobQueue,
  type MovableQueue,
  openNodeDisk,
  openStorage,
  type Storage,
} from "@holdfast/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock, realRandom } from "../src/clock.ts";
import { openJobEngine } from "../src/job-engine.ts";
import { installNativeKernels } from "../src/kernels.ts";
import { placesOfRecords, recordsMover } from "../src/records.ts";
import { readConfig } from "../src/repo/index.ts";
import { configOf, followedQueue, leftJobs, openNodeJobs, openRepoJobs } from "../src/repo-jobs.ts";
import { startWorker } from "../src/start-worker.ts";

const server = process.env.HOLDFAST_TEST_POSTGRES;
const sectorBytes = 2 ** 18;
const miner = addressOf(1, new Uint8Array(20).fill(9));
const neighbour = addressOf(1, new Uint8Array(20).fill(8));
const identity = { networkId: new Uint8Array(32).fill(7), miner };
const ticket = { epoch: 5, bytes: new SeededRandom("ticket").bytes(32) };
const clock = realClock();
const own = { miner, clock, logger: silentLogger };
const folder = mkdtempSync(join(tmpdir(), "holdfast-moving-"));
beforeAll(() => installNativeKernels().then(() => undefined));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function freshUrl(): string {
  return `${server}&schema=m_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
}

let count = 0;
function newRepo(of = miner): string {
  const repo = join(folder, `${count++}`);
  mkdirSync(repo);
  writeFileSync(join(repo, "config.toml"), `[mining]\nminer = "${of}"\n`);
  return repo;
}

/** What a daemon has of its jobs and records; its own threads take what is due alone. */
async function live(repo: string, database: string) {
  await using stack = new AsyncDisposableStack();
  const setup = new URL("../src/worker-kernels.ts", import.meta.url).href;
  const pool = stack.use(createSealingPool({ threads: 1, setup }));
  const jobs = stack.use(await openNodeJobs({ repo, database, ...own }));
  const engine = stack.use(
    await openJobEngine({
      ...{ queue: jobs.queue, miner, pool, parallel: 1, processes: 0, repo, clock },
      dials: { parallel: { seal: 0 }, urgentCpus: 1, memoryBytes: 2 ** 32 },
      database: jobs.database,
      ...{ logger: silentLogger, random: realRandom },
    }),
  );
  const storage = stack.use(
    await openStorage({
      ...{ sectorBytes, clock, prover: engine.prover, disk: openNodeDisk(join(repo, "sectors")) },
      ...placesOfRecords(repo, database),
    }),
  );
  await engine.reconcile(storage);
  const held = stack.move();
  const move = recordsMover(repo, storage, jobs);
  return { jobs, engine, storage, move, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function sealed(storage: Storage, sectorId: number): Promise<void> {
  for await (const _ of storage.events(0)) {
    const { state, failure } = await storage.getSector(sectorId);
    if (state === "sealed" || failure !== null)
      return expect({ state, failure }).toMatchObject({ state: "sealed" });
  }
}

/** Ends when somebody has taken the only seal of a sector, or of any; the queue tells when it changes. */
async function taken(queue: JobQueue, sectorId?: number): Promise<void> {
  for (;;) {
    const news = Promise.withResolvers<void>();
    using _listening = queue.onChange(() => news.resolve());
    const filter = { kinds: ["seal"], ...(sectorId === undefined ? {} : { sectorId }) } as const;
    const seals = await queue.list(filter, { limit: 9 });
    if (seals.some(({ token }) => token > 0)) return;
    await news.promise;
  }
}

describe.skipIf(server === undefined)("a miner whose records and jobs move", () => {
  it("has its seals done by the worker that it had, there and back, each once", async () => {
    const repo = newRepo();
    const url = freshUrl();
    const placed = () => readConfig(readFileSync(join(repo, "config.toml"), "utf8"), "").mining.database;
    await using life = await live(repo, "");
    const { queue } = life.engine;
    await using _worker = await startWorker({ repo, parallel: 1 });
    const wanted = Array.from({ length: 3 }, async () => {
      const sectorId = await life.storage.addCommittedCapacity();
      await life.storage.startSeal(sectorId, ticket, identity);
      await sealed(life.storage, sectorId);
    });
    await queue.cordon("kind:move", "a test");
    await taken(queue);
    await life.move(url);
    expect([placed(), life.jobs.database]).toEqual([url, url]);
    expect(await queue.cordons()).toMatchObject([{ target: "kind:move" }]);
    await Promise.all(wanted);
    const later = await life.storage.addCommittedCapacity();
    await life.storage.startSeal(later, ticket, identity);
    await taken(queue, later);
    await life.move("files");
    await sealed(life.storage, later);
    expect([placed(), life.jobs.database]).toEqual(["", ""]);
    const seals = await queue.list({ kinds: ["seal"] }, { limit: 9 });
    expect(seals).toHaveLength(4);
    for (const job of seals) expect(job).toMatchObject({ state: "done", token: 1, failures: 0 });
    expect(await codeOf(openNodeJobs({ repo, database: url, ...own }))).toBe("storage/queue-moved");
    expect(await codeOf(startWorker({ database: url }))).toBe("storage/queue-moved");
  });

  it("does not go where another miner's are: those stay, and all of its own where they were", async () => {
    const [repo, url] = [newRepo(), freshUrl()];
    await using life = await live(repo, "");
    await life.storage.addCommittedCapacity();
    const { queue } = life.engine;
    await queue.enqueue({ key: `move/${miner}`, kind: "move", input: "" });
    await using other = await openNodeJobs({ repo: newRepo(), database: url, ...own, miner: neighbour });
    await other.queue.enqueue({ key: "seal/another", kind: "seal", input: "" });
    expect(await codeOf(life.move(url))).toBe("storage/others-records");
    expect([(await configOf(repo)).mining.database, await leftJobs(repo)]).toEqual(["", undefined]);
    expect(await queue.list({ states: ["waiting"] }, { limit: 9 })).toMatchObject([{ kind: "move" }]);
    await queue.cordon("all", "it takes changes");
    expect((await other.queue.list({}, { limit: 9 })).map(({ key }) => key)).toEqual(["seal/another"]);
  });

  it("has its database alone: another miner's node and its workers are refused, and change nothing", async () => {
    const url = freshUrl();
    await using life = await live(newRepo(), url);
    const { queue } = life.engine;
    await queue.enqueue({ key: `move/${miner}`, kind: "move", input: "" });
    const repo = newRepo(neighbour);
    const refused = { code: "storage/others-records", data: { owner: `miner ${miner}` } };
    const node = openNodeJobs({ repo, database: url, ...own, miner: neighbour });
    await expect(node).rejects.toMatchObject({ ...refused, fix: expect.stringContaining("?schema=NAME") });
    await expect(startWorker({ repo, database: url })).rejects.toMatchObject(refused);
    await using worker = await startWorker({ database: url, parallel: 1 }); // of whoever has it
    expect(worker.miner).toBe(miner);
    expect(await life.storage.addCommittedCapacity()).toBe(1); // nobody has taken it over
    expect(await queue.list({ kinds: ["move"] }, { limit: 9 })).toMatchObject([{ state: "waiting" }]);
    await using beside = await openNodeJobs({ repo, database: freshUrl(), ...own, miner: neighbour });
    expect(await beside.queue.list({}, { limit: 9 })).toEqual([]);
  });

  it("is marked by nodes alone: a worker beside the wrong folder keeps its own node from nothing", async () => {
    const [stranger, url] = [newRepo(neighbour), freshUrl()];
    {
      await using worker = await startWorker({ repo: stranger, database: url, parallel: 1 });
      expect(worker.miner).toBe(neighbour);
    }
    await using life = await live(newRepo(), url);
    await life.engine.queue.enqueue({ key: `move/${miner}`, kind: "move", input: "" });
    expect(await codeOf(startWorker({ repo: stranger, database: url }))).toBe("storage/others-records");
  });

  it("changes the name alone where the database is the one that it has, by another", async () => {
    const repo = newRepo();
    const url = freshUrl();
    const again = url.replace(/^postgres:/, "postgresql:");
    {
      await using life = await live(repo, "");
      await life.storage.addCommittedCapacity();
      await life.move(url);
      expect(again).not.toBe(url);
      expect(await life.move(again)).toMatchObject({ rowCount: 0 });
      expect([(await configOf(repo)).mining.database, life.jobs.database]).toEqual([again, again]);
      expect(await leftJobs(repo)).toBeUndefined();
      await life.engine.queue.cordon("all", "it takes changes");
    }
    await using jobs = await openNodeJobs({ repo, database: again, ...own });
    expect(await jobs.queue.cordons()).toMatchObject([{ target: "all" }]);
    await jobs.queue.uncordon("all");
  });

  it.each(["before its queue is closed", "when its queue is left"])(
    "is killed %s: the next start has its jobs",
    async (when) => {
      const repo = newRepo();
      const url = freshUrl();
      const first = await openNodeJobs({ repo, database: "", ...own });
      await using worker = followedQueue(await openRepoJobs(repo, "", clock), { repo, clock });
      const seal = { key: `seal/${miner}/5`, kind: "seal", sectorId: 5, input: "" } as const;
      await first.queue.enqueue(seal);
      await first.queue.cordon("kind:move", "a test");
      const request = { workerId: "w", kinds: ["seal"], free: { cpus: 9, memoryBytes: 2 ** 40 } } as const;
      const held = await worker.claim({ ...request, leaseMs: 20_000 });
      if (held === undefined) throw new Error("it is there");
      const storage = {
        moveMetadata: async (place: string) => ({ from: "", place, rowCount: 0, passCount: 1 }),
      };
      const killed = async () => {
        if (when === "before its queue is closed") throw new Error("killed");
        await using there = await openRepoJobs(repo, url, clock);
        await using here = await openRepoJobs(repo, "", clock);
        await carryJobs(here, withoutOpening(there));
      };
      const mover = recordsMover(repo, storage as unknown as Storage, {
        ...{ database: "", leave: first.leave, moveTo: killed },
      });
      await expect(mover(url)).rejects.toThrow("killed");
      await first[Symbol.asyncDispose]();
      expect((await configOf(repo)).mining.database).toBe(url);
      await using second = await openNodeJobs({ repo, database: url, ...own });
      expect(second.database).toBe(url);
      expect(await second.queue.cordons()).toMatchObject([{ target: "kind:move" }]);
      expect(await second.queue.enqueue(seal)).toMatchObject({
        jobId: held.jobId,
        state: "running",
        token: 1,
      });
      await worker.done(held, "made");
      expect(await second.queue.job(held.jobId)).toMatchObject({ state: "done", output: "made" });
      expect(await leftJobs(repo)).toBeUndefined();
    },
  );
});

/** A queue whose node is killed when it opens it. */
function withoutOpening(queue: MovableQueue): MovableQueue {
  const { carrier } = queue;
  const changed = new Proxy(carrier, {
    get: (_, name) => {
      if (name === "reopen") return () => Promise.reject(new Error("killed"));
      const own: unknown = Reflect.get(carrier, name);
      return typeof own === "function" ? own.bind(carrier) : own;
    },
  });
  return new Proxy(queue, { get: (_, name) => (name === "carrier" ? changed : Reflect.get(queue, name)) });
}

describe("a node whose last life ended within a move", () => {
  it("opens its queue again", async () => {
    const repo = newRepo();
    {
      await using queue = await openRepoJobs(repo, "", clock);
      await queue.enqueue({ key: `seal/${miner}`, kind: "seal", input: "" });
      await queue.carrier.close();
      expect(await codeOf(queue.cordon("all", "test"))).toBe("storage/queue-moved");
    }
    await using jobs = await openNodeJobs({ repo, database: "", ...own });
    await jobs.queue.cordon("all", "test");
    expect(await jobs.queue.list({}, { limit: 9 })).toHaveLength(1);
  });

  it("leaves it closed where it is another miner's", async () => {
    const repo = newRepo();
    await using jobs = await openNodeJobs({ repo, database: "", ...own });
    await using same = await openRepoJobs(repo, "", clock);
    await same.carrier.close(); // it moves
    const stranger = { repo, database: "", ...own, miner: neighbour };
    expect(await codeOf(openNodeJobs(stranger))).toBe("storage/others-records");
    expect(await codeOf(same.cordon("all", "test"))).toBe("storage/queue-moved");
    await same.carrier.reopen();
    await jobs.queue.cordon("all", "test");
  });
});
