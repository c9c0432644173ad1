/**
 * Worker processes, for real: started when there is something to do, killed in the midst of it, and one that outlives
 * the node that started it. What they do is what the caller's thread would have done.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, equalBytes, silentLogger, toHex } from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import { commP, createProver } from "@holdfast/proofs";
import {
  createSealingPool,
  type Job,
  type JobKind,
  openNodeDisk,
  openStorage,
  type SealingPool,
  type Storage,
} from "@holdfast/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../src/clock.ts";
import { type JobEngine, openJobEngine } from "../src/job-engine.ts";
import { installNativeKernels } from "../src/kernels.ts";
import { openRepoJobs } from "../src/repo-jobs.ts";
import { startWorker } from "../src/start-worker.ts";

const sectorBytes = 2 ** 18;
const miner = addressOf(1, new Uint8Array(20).fill(9));
const identity = { networkId: new Uint8Array(32).fill(7), miner };
const ticket = { epoch: 5, bytes: new SeededRandom("ticket").bytes(32) };
const seed = new SeededRandom("seed").bytes(32);
const clock = realClock();
const folder = mkdtempSync(join(tmpdir(), "holdfast-workers-"));
beforeAll(() => installNativeKernels().then(() => undefined));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function newRepo(): string {
  const repo = join(folder, `${count++}`);
  mkdirSync(repo);
  writeFileSync(join(repo, "config.toml"), `[mining]\nminer = "${miner}"\n`);
  return repo;
}

interface Life extends AsyncDisposable {
  readonly engine: JobEngine;
  readonly storage: Storage;
}

/** A node's storage with its engine, as a daemon has them. */
async function live(repo: string, processes: number): Promise<Life> {
  await using stack = new AsyncDisposableStack();
  const pool: SealingPool = stack.use(
    createSealingPool({ threads: 1, setup: new URL("../src/worker-kernels.ts", import.meta.url).href }),
  );
  const engine = stack.use(
    await openJobEngine({
      ...{
        queue: stack.use(await openRepoJobs(repo, "", clock)),
        miner,
        pool,
        parallel: 1,
        dials: { parallel: {}, urgentCpus: 1, memoryBytes: 2 ** 32 },
        processes,
      },
      ...{ repo, database: "", clock, logger: silentLogger },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    }),
  );
  const storage = stack.use(
    await openStorage({
      ...{ sectorBytes, clock, prover: engine.prover, checkpointFromBytes: 0 },
      disk: openNodeDisk(join(repo, "sectors")),
      dbPath: join(repo, "storage.db"),
    }),
  );
  await engine.reconcile(storage);
  const held = stack.move();
  return { engine, storage, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function inState(storage: Storage, sectorId: number, wanted: string): Promise<void> {
  for await (const event of storage.events(0)) {
    const { state, failure } = await storage.getSector(sectorId);
    if (state === wanted || failure !== null)
      return expect({ event, state, failure }).toMatchObject({ state: wanted });
  }
}

/** Waits until the newest job of a kind is as it shall be. */
async function until(engine: JobEngine, holds: (job: Job) => boolean, kind: JobKind = "seal"): Promise<Job> {
  for (;;) {
    const [job] = await engine.queue.list({ kinds: [kind] }, { limit: 1 });
    if (job !== undefined && holds(job)) return job;
    await clock.sleep(5);
  }
}

const kinds = ["window-post", "unseal"] as const;

/** A sector with a piece, as if it were on the chain. */
async function committed(storage: Storage) {
  const bytes = new SeededRandom("piece").bytes(100_000);
  const { commitment, paddedBytes } = commP(bytes);
  const source = (async function* () {
    yield bytes;
  })();
  const piece = { pieceKey: "a", commP: commitment, paddedBytes, userBytes: bytes.length, source };
  const { sectorId } = await storage.addPiece(piece);
  await storage.sealAllStagedSectors();
  await storage.startSeal(sectorId, ticket, identity);
  await inState(storage, sectorId, "sealed");
  await storage.proveSeal(sectorId, seed);
  await inState(storage, sectorId, "proved");
  await storage.confirmCommitted(sectorId);
  return { sectorId, bytes };
}

/** Kills the process that has a job, or had it last; resolves when its node knows. */
async function killed(engine: JobEngine, { workerId }: Job): Promise<void> {
  const pid = await pidOf(engine, workerId);
  expect(pid).not.toBe(process.pid);
  process.kill(pid, "SIGKILL");
  while ((await engine.queue.workers()).some((worker) => worker.workerId === workerId)) await clock.sleep(5);
}

/** commR of the same sector, sealed in this thread. */
async function expectedCommR(): Promise<string> {
  const repo = newRepo();
  await using storage = await openStorage({
    ...{ sectorBytes, clock, prover: createProver() },
    disk: openNodeDisk(join(repo, "sectors")),
    dbPath: join(repo, "storage.db"),
  });
  const sectorId = await storage.addCommittedCapacity();
  await storage.startSeal(sectorId, ticket, identity);
  await inState(storage, sectorId, "sealed");
  return toHex((await storage.getSector(sectorId)).commitments?.commR ?? new Uint8Array());
}
/** Of the process of a worker, as it has said itself. */
async function pidOf({ queue }: JobEngine, workerId: string | null): Promise<number> {
  const found = (await queue.workers()).find((worker) => worker.workerId === workerId);
  return Number(found?.place.split(" ").at(-1));
}

describe("the jobs of a node that starts anew", () => {
  it("are those of its sectors, also behind the first page of them", async () => {
    const repo = newRepo();
    let last = 0;
    {
      await using life = await live(repo, 0);
      await life.engine.queue.cordon("all", "test");
      for (let count = 0; count <= 100; count++) last = await life.storage.addCommittedCapacity();
      await life.storage.startSeal(last, ticket, identity);
      await until(life.engine, ({ state }) => state === "waiting");
    }
    await using life = await live(repo, 0);
    expect(await life.engine.queue.list({ kinds: ["seal"] }, { limit: 9 })).toMatchObject([
      { sectorId: last, state: "waiting" },
    ]);
    expect((await life.storage.getSector(last)).state).toBe("sealing");
  });
});

describe("the worker processes of a node", () => {
  it("take from the queue that the node has, also when its records have moved before it", async () => {
    const repo = newRepo();
    await using life = await live(repo, 1);
    const moved = `[mining]\nminer = "${miner}"\ndatabase = "postgres://nobody@127.0.0.1:1/none"\n`;
    writeFileSync(join(repo, "config.toml"), moved);
    const sectorId = await life.storage.addCommittedCapacity();
    await life.storage.startSeal(sectorId, ticket, identity);
    await inState(life.storage, sectorId, "sealed");
  });

  it("seal, are killed, and what they held goes on at once in another", async () => {
    const expected = await expectedCommR();
    const repo = newRepo();
    await using life = await live(repo, 1);
    const { engine, storage } = life;
    const sectorId = await storage.addCommittedCapacity();
    await storage.startSeal(sectorId, ticket, identity);
    const first = await until(engine, ({ state }) => state === "running");
    const pid = await pidOf(engine, first.workerId);
    expect(pid).not.toBe(process.pid);
    process.kill(pid, "SIGKILL");
    await inState(storage, sectorId, "sealed");
    const [job] = await engine.queue.list({ kinds: ["seal"] }, { limit: 1 });
    expect(job).toMatchObject({ state: "done", failures: 1, token: 2 });
    expect(await pidOf(engine, job?.workerId ?? null)).not.toBe(pid);
    expect(toHex((await storage.getSector(sectorId)).commitments?.commR ?? new Uint8Array())).toBe(expected);
    await storage.proveSeal(sectorId, seed);
    await inState(storage, sectorId, "proved");
    await storage.confirmCommitted(sectorId);
    const { proven } = await storage.generatePost("window", seed, [sectorId]);
    expect(proven).toEqual([sectorId]);
    const [post] = await engine.queue.list({ kinds: ["window-post"] }, { limit: 1 });
    expect(post?.state).toBe("done");
    expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
  });

  it("read and prove windows, are killed, and others do it, due or not", async () => {
    const repo = newRepo();
    await using life = await live(repo, 1);
    const { engine, storage } = life;
    const { queue } = engine;
    const { sectorId, bytes } = await committed(storage);
    const seal = await until(engine, ({ state }) => state === "done");
    const threads = `worker:${hostname()}-node-${miner.slice(-8)}` as const;
    await queue.cordon("all", "until both are asked for");
    await queue.cordon(threads, "so that a process takes what is due");
    const read = storage.readPieceFromSealedSector("a");
    const post = storage.generatePost("window", seed, [sectorId]);
    for (const kind of kinds) await until(engine, ({ state }) => state === "waiting", kind);
    // Whoever begins is met before it is done: its threads begin too.
    await killed(engine, seal);
    await queue.uncordon("all");
    await killed(engine, await until(engine, ({ state }) => state !== "waiting", "window-post"));
    await queue.uncordon(threads);
    expect((await post).proven).toEqual([sectorId]);
    const proof = await until(engine, () => true, "window-post");
    expect(proof).toMatchObject({ state: "done", failures: 1, token: 2 });
    await killed(engine, await until(engine, ({ state }) => state !== "waiting", "unseal"));
    expect(equalBytes(await read, bytes)).toBe(true);
    const done = await until(engine, () => true, "unseal");
    expect(done.state).toBe("done");
    expect(done.failures).toBeGreaterThan(0); // the process that had the proof may have had it too
    expect(done.token).toBe(done.failures + 1);
    expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
  });

  it("outlive their node: its next life finds the seal that it had begun", async () => {
    const repo = newRepo();
    const first = await live(repo, 0);
    await first.engine.queue.cordon("all", "another shall do it"); // this node's own threads take nothing
    const sectorId = await first.storage.addCommittedCapacity();
    await first.storage.startSeal(sectorId, ticket, identity);
    await until(first.engine, ({ state }) => state === "waiting");
    await first[Symbol.asyncDispose]();
    {
      await using worker = await startWorker({ repo, kinds: ["seal"], parallel: 1 });
      await worker.queue.uncordon("all");
      for (;;) {
        const [job] = await worker.queue.list({ kinds: ["seal"] }, { limit: 1 });
        if (job?.state === "done") break;
        await clock.sleep(5);
      }
    }
    await using second = await live(repo, 0);
    await inState(second.storage, sectorId, "sealed");
    const [job] = await second.engine.queue.list({ kinds: ["seal"] }, { limit: 1 });
    expect(job).toMatchObject({ token: 1, failures: 0 });
    const replica = readFileSync(join(repo, "sectors", "sealed", `${sectorId}-2`));
    expect(replica.length).toBe(sectorBytes);
    expect(equalBytes(replica.subarray(0, 32), new Uint8Array(32))).toBe(false);
    expect(await second.storage.audit()).toMatchObject({ orphans: [], missing: [] });
  });

  it("need no lease to end when their node dies and comes back: its threads' jobs go on at once", async () => {
    const repo = newRepo();
    const [miningWorker, seal] = [
      `${hostname()}-node-${miner.slice(-8)}`,
      { kind: "seal", input: "" } as const,
    ];
    {
      await using queue = await openRepoJobs(repo, "", clock);
      await queue.enqueue({ ...seal, key: "of the dead node" });
      await queue.enqueue({ ...seal, key: "of another worker" });
      const claim = { kinds: ["seal"], free: { cpus: 1, memoryBytes: 1 }, leaseMs: 30_000 } as const;
      expect(await queue.claim({ ...claim, workerId: miningWorker })).toMatchObject({
        key: "of the dead node",
      });
      expect(await queue.claim({ ...claim, workerId: "attic" })).toMatchObject({ key: "of another worker" });
      await queue.cordon("all", "so that they can be looked at");
    }
    await using life = await live(repo, 0);
    const jobs = await life.engine.queue.list({}, { limit: 9 });
    expect(jobs.map(({ key, state, failures }) => [key, state, failures])).toEqual([
      ["of another worker", "running", 0],
      ["of the dead node", "waiting", 0],
    ]);
  });
});

describe("a job whose row names another folder", () => {
  for (const [who, processes] of [
    ["the node's threads", 0],
    ["a process of the node", 1],
  ] as const)
    it(`makes ${who} touch nothing there`, async () => {
      const repo = newRepo();
      await using life = await live(repo, processes);
      const victim = join(repo, "victim");
      for (const name of ["keys-1", "keys-2"]) {
        mkdirSync(join(victim, "d", name), { recursive: true });
        writeFileSync(join(victim, "d", name, "wallet"), "secret");
      }
      const job = {
        ...{ replicaPath: "d/keys/replica", treePath: "d/keys/tree", auxPath: "d/keys/aux" },
        ...{ resumePath: null, stagedPath: null },
      };
      const input = JSON.stringify({ table: { home: victim, volumes: [] }, job });
      const { queue } = life.engine;
      const planted = [`seal/${miner}/planted`, "seal/another miner/planted"];
      for (const key of planted) await queue.enqueue({ key, kind: "seal", input, maxFailures: 1 });
      for (;;) {
        const jobs = await queue.list({ states: ["failed"] }, { limit: 9 });
        if (jobs.length === planted.length) break;
        await clock.sleep(5);
      }
      expect(readdirSync(join(victim, "d"))).toEqual(["keys-1", "keys-2"]);
    });
});

describe("a worker that somebody starts", () => {
  const bucket = {
    kind: "s3",
    endpoint: "http://127.0.0.1:9",
    region: "r",
    bucket: "b",
    prefix: "",
  } as const;

  /** A folder whose node has said its volumes and waits with a seal. */
  async function waiting(): Promise<string> {
    const repo = newRepo();
    await (await live(repo, 0))[Symbol.asyncDispose]();
    await using queue = await openRepoJobs(repo, "", clock);
    await queue.enqueue({ key: "a", kind: "seal", input: "", volumes: ["elsewhere"] });
    return repo;
  }

  it("says which volumes it reaches", async () => {
    const repo = await waiting();
    await using worker = await startWorker({ repo, parallel: 1 });
    expect(worker.reaches).toEqual([join(repo, "sectors")]);
    expect(worker.doesNotReach).toEqual([]);
    // Whoever looks finds it from the start on, with what it takes.
    const { workerId, capacity } = worker.runner;
    const [known, ...others] = await worker.queue.workers();
    expect([known, others]).toMatchObject([{ workerId, capacity }, []]);
    expect(new Set(known?.kinds)).toEqual(new Set(worker.kinds));
  });

  it("refuses without the keys of a bucket, says how to set them, and claims nothing", async () => {
    const repo = await waiting();
    await using queue = await openRepoJobs(repo, "", clock);
    await queue.shareVolumes("another miner", [{ volumeId: 1, marker: "elsewhere", place: bucket }]);
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = process.env;
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    try {
      const refused = await startWorker({ repo, parallel: 1 }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "storage/volume-keys-missing", exit: "usage" });
      expect(refused).toMatchObject({ fix: expect.stringContaining("AWS_ACCESS_KEY_ID") });
    } finally {
      if (key !== undefined) process.env.AWS_ACCESS_KEY_ID = key;
      if (secret !== undefined) process.env.AWS_SECRET_ACCESS_KEY = secret;
    }
    expect(await queue.list({}, { limit: 9 })).toMatchObject([{ state: "waiting", token: 0, failures: 0 }]);
  });

  it("refuses where another folder has the name of the miner's", async () => {
    const repo = await waiting();
    rmSync(join(repo, "sectors"), { recursive: true });
    mkdirSync(join(repo, "sectors"));
    expect(await codeOf(startWorker({ repo, parallel: 1 }))).toBe("storage/nothing-reached");
    await using queue = await openRepoJobs(repo, "", clock);
    expect(await queue.workers()).toEqual([]); // it does not say that it is there
  });
});
