/**
 * A miner whose records are in PostgreSQL and whose sectors lie on a bucket, with three workers that share nothing
 * with it but these two: each has its own folders, and as root another user. One is stopped in the midst of a job for
 * longer than its lease and goes on later, one is killed. No job fails by that and no sector is called faulty, every
 * file comes back, the disk is what the records say, and the money is exact.
 * Left out where there is no server: `node tools/with-postgres.ts npx vitest run tests/cluster.test.ts`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { MethodResult } from "@holdfast/api";
import { SeededRandom } from "@holdfast/base/testing";
import { createDevnet, realClock } from "@holdfast/node/daemon";
import { describe, expect, it } from "vitest";
import { BucketServer, bucketKeys } from "../packages/storage/test/bucket-server.ts";
import { Daemon } from "./daemons.ts";
import { configure } from "./kill-network.ts";

const launcher = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));
const server = process.env.HOLDFAST_TEST_POSTGRES;
const roundMs = 500;
const sectorBytes = 2 ** 18;
const forMs = 3_600_000;
const putCount = 6;
const finishMs = 240_000;
const keys = { AWS_ACCESS_KEY_ID: bucketKeys.accessKeyId, AWS_SECRET_ACCESS_KEY: bucketKeys.secretAccessKey };

if (server === undefined)
  process.stderr.write("tests/cluster.test.ts is left out: no HOLDFAST_TEST_POSTGRES\n");

type Job = MethodResult<"jobs.ls">["jobs"][number];

describe.skipIf(server === undefined)("a miner on PostgreSQL and a bucket", { timeout: 600_000 }, () => {
  it("loses nothing by workers of other machines that are stopped and killed", async () => {
    await using stack = new AsyncDisposableStack();
    const cluster = await Cluster.create(stack);
    const { miner } = cluster;
    expect(await cluster.withoutKeys()).toMatchObject({
      ...{ code: 2, error: expect.stringContaining("AWS_ACCESS_KEY_ID") },
    });
    const workers = [await cluster.worker("one"), await cluster.worker("two"), await cluster.worker("three")];
    for (const { reaches } of workers) expect(reaches).toEqual([cluster.bucket]);

    const puts = await Promise.all(Array.from({ length: putCount }, (_none, at) => cluster.put(`${at}`)));
    const stopped = await cluster.caught(workers, "SIGSTOP");
    const killed = await cluster.caught(
      workers.filter((worker) => worker !== stopped.worker),
      "SIGKILL",
    );
    // Both held a job for a lease longer, then it was another's.
    for (const { job, worker } of [stopped, killed]) {
      const after = await cluster.ended(job.jobId);
      expect(after).toMatchObject({ state: "done", failures: 1, claims: job.claims + 1 });
      expect(after.workerId).not.toBe(worker.workerId);
    }
    const before = await miner.client.call("jobs.show", { jobId: stopped.job.jobId });
    stopped.worker.child.kill("SIGCONT");
    await cluster.seenAgain(stopped.worker.workerId);

    for (const { jobId } of puts) await cluster.stored(jobId);
    // What the zombie had still to say changed nothing.
    expect(await miner.client.call("jobs.show", { jobId: stopped.job.jobId })).toEqual(before);
    expect((await miner.client.call("jobs.ls", { states: ["failed"] })).jobs).toEqual([]);
    await cluster.provenSince((await cluster.height()) + 1);
    await cluster.addsUp();
    await cluster.givesBack(puts);
    expect((await miner.client.call("chain.money", {})).exact).toBe(true);
    const done = await miner.client.call("jobs.ls", { states: ["done"], kinds: ["seal", "commit-proof"] });
    const names = new Set(workers.map(({ workerId }) => workerId));
    expect(done.jobs.filter(({ workerId }) => names.has(workerId ?? "")).length).toBeGreaterThan(1);
  });
});

interface Worker {
  readonly child: ChildProcess;
  readonly workerId: string;
  readonly reaches: readonly string[];
}
interface Stored {
  readonly cid: string;
  readonly jobId: string;
  readonly digest: string;
}
interface Caught {
  readonly worker: Worker;
  readonly job: Job;
}

class Cluster {
  readonly miner: Daemon;
  readonly witness: Daemon;
  readonly client: Daemon;
  readonly bucket: string;
  readonly #database: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    state: string,
    places: { bucket: string; database: string },
    stack: AsyncDisposableStack,
  ) {
    this.#stack = stack;
    this.bucket = places.bucket;
    this.#database = places.database;
    this.miner = stack.use(new Daemon(state, "miner-1"));
    this.witness = stack.use(new Daemon(state, "miner-2"));
    this.client = stack.use(new Daemon(state, "client"));
  }

  static async create(stack: AsyncDisposableStack): Promise<Cluster> {
    const state = await mkdtemp(join(tmpdir(), "holdfast-cluster-"));
    stack.defer(() => rm(state, { recursive: true, force: true }));
    const store = stack.use(new BucketServer());
    const query = new URLSearchParams({ endpoint: await store.listen(), region: "us-east-1" });
    const bucket = `s3://bucket/miner?${query}`;
    const database = `${server}&schema=t_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
    Object.assign(process.env, keys); // the miner's; workers are given theirs
    await createDevnet({ state, roundMs, miners: 2, sectorBytes, apiPort: 0, clock: realClock() });
    const cluster = new Cluster(state, { bucket, database }, stack);
    const { witness, miner, client } = cluster;
    await configure(witness.repo, { pricePerGiBPerDay: '""', bootstrap: "[]" });
    await witness.start();
    const { addresses, peerId } = await witness.client.call("node.status", {});
    const [address = ""] = addresses;
    const bootstrap = JSON.stringify([address.includes("/p2p/") ? address : `${address}/p2p/${peerId}`]);
    await configure(miner.repo, { blob: JSON.stringify(bucket), workerProcesses: "1", bootstrap });
    await configure(client.repo, { bootstrap });
    await Promise.all([miner.start(), client.start()]);
    // The records of its first sectors go along; jobs are there from the next start on.
    await miner.client.call("storage.migrate", { to: database });
    await miner.kill();
    await miner.start();
    return cluster;
  }

  /** `holdfast worker` as on another machine: nothing of the node but the addresses, own folders, another user. */
  async #spawn(name: string, env: { readonly [name: string]: string }): Promise<ChildProcess> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-cluster-worker-"));
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
    const own = { HOME: join(folder, "home"), TMPDIR: join(folder, "tmp") };
    const user = somebodyElse();
    for (const path of [folder, ...Object.values(own)]) {
      await mkdir(path, { recursive: true });
      if (user !== undefined) await chown(path, user.uid, user.gid);
    }
    const { AWS_ACCESS_KEY_ID: _key, AWS_SECRET_ACCESS_KEY: _secret, ...rest } = process.env;
    const argv = [launcher, "worker", "--db", this.#database, "--parallel", "1", "--json"];
    const child = spawn(process.execPath, argv, {
      ...{ ...user, cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
      env: { ...rest, ...own, ...env, HOLDFAST_WORKER: name },
    });
    this.#stack.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    });
    return child;
  }

  async worker(name: string): Promise<Worker> {
    const child = await this.#spawn(name, keys);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    const [line] = await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(() => Promise.reject(new TypeError(`worker ${name}: ${said}`))),
    ]);
    const { workerId, reaches, repo }: { workerId: string; reaches: string[]; repo: null } = JSON.parse(line);
    expect(repo).toBe(null);
    // Without another user the miner's own folder is reached too: it is the same machine after all.
    return { child, workerId, reaches: reaches.filter((place) => place.startsWith("s3://")) };
  }

  /** What a worker says that has no keys for the bucket. */
  async withoutKeys(): Promise<{ readonly code: number; readonly error: string }> {
    const child = await this.#spawn("without keys", {});
    let error = "";
    for (const stream of [child.stderr, child.stdout]) {
      stream?.on("data", (chunk: Buffer) => {
        error += chunk.toString();
      });
    }
    const [code] = await once(child, "close");
    return { code, error };
  }

  async put(seed: string): Promise<Stored> {
    const bytes = new SeededRandom(`cluster ${seed}`).bytes(Math.floor(sectorBytes * 0.8));
    const { client } = this.client;
    const { cid } = await client.importFile(oneChunk(bytes));
    const { jobId } = await client.call("put.start", { cid, copies: 1, forMs });
    return { cid, jobId, digest: createHash("sha256").update(bytes).digest("hex") };
  }

  /** Sends a signal to the first of some workers that holds a job, which it still holds then. */
  async caught(workers: readonly Worker[], signal: "SIGSTOP" | "SIGKILL"): Promise<Caught> {
    const kinds: ("seal" | "commit-proof")[] = ["seal", "commit-proof"];
    for (const sinceMs = performance.now(); performance.now() - sinceMs < finishMs; await pause(10)) {
      const { jobs } = await this.miner.client.call("jobs.ls", { states: ["running"], kinds });
      for (const job of jobs) {
        const worker = workers.find(({ workerId }) => workerId === job.workerId);
        if (worker === undefined) continue;
        worker.child.kill(signal);
        const now = await this.miner.client.call("jobs.show", { jobId: job.jobId });
        if (now.state === "running" && now.claims === job.claims) return { worker, job };
        if (signal === "SIGKILL") throw new TypeError("the worker was killed beside its job");
        worker.child.kill("SIGCONT"); // it was through before it was stopped
      }
    }
    throw new TypeError("no worker takes a job");
  }

  async ended(jobId: number): Promise<Job> {
    for (const sinceMs = performance.now(); ; await pause(100)) {
      const job = await this.miner.client.call("jobs.show", { jobId });
      if (job.endedMs !== null || performance.now() - sinceMs > finishMs) return job;
    }
  }

  async seenAgain(workerId: string): Promise<void> {
    const fromMs = Date.now();
    for (const sinceMs = performance.now(); performance.now() - sinceMs < finishMs; await pause(100)) {
      const { workers } = await this.miner.client.call("jobs.workers", {});
      if (workers.some((worker) => worker.workerId === workerId && worker.seenMs > fromMs)) return;
    }
    throw new TypeError("the worker that was stopped does not go on");
  }

  async stored(jobId: string): Promise<void> {
    const { client } = this.client;
    let last = await client.call("put.show", { jobId });
    for await (const view of client.stream("put.watch", { jobId }, AbortSignal.timeout(finishMs)))
      last = view;
    expect(last.state, JSON.stringify(last.copies)).toBe("done");
  }

  async height(): Promise<number> {
    return (await this.miner.client.call("chain.head", {})).height;
  }

  /** Every sector is proven behind this height, and none is faulty until then. */
  async provenSince(height: number): Promise<void> {
    for (const sinceMs = performance.now(); ; await pause(roundMs)) {
      const { sectors } = await this.miner.client.call("mine.status", {});
      if (sectors.faulty > 0) throw new TypeError(`a sector is faulty: ${await this.#words()}`);
      const all = await this.miner.client.call("sector.ls", { limit: 100 });
      if (all.every(({ lastProvenAt }) => (lastProvenAt ?? 0) >= height)) break;
      if (performance.now() - sinceMs > finishMs) expect(all).toEqual([]);
    }
  }

  /** For who looks for the reason of a failure. */
  async #words(): Promise<string> {
    const { jobs } = await this.miner.client.call("jobs.ls", { kinds: ["window-post"], limit: 200 });
    const odd = jobs.filter(
      ({ state, claims, workerId }) => state !== "done" || claims > 1 || workerId === null,
    );
    const sectors = await this.miner.client.call("sector.ls", { limit: 100 });
    return `${JSON.stringify({ odd, sectors }, undefined, 1)}\n${this.miner.errors}`;
  }

  /** Each volume holds what is recorded and nothing else, once what the zombie has left is cleared away. */
  async addsUp(): Promise<void> {
    await this.miner.client.call("storage.clean", {});
    const { volumes } = await this.miner.client.call("storage.ls", { check: true });
    expect(volumes).toHaveLength(2);
    for (const { recorded, found, place } of volumes) {
      const byOwner = (list: typeof recorded) => list.toSorted((a, b) => a.owner.localeCompare(b.owner));
      expect({ place, files: byOwner(found ?? []) }).toEqual({ place, files: byOwner(recorded) });
    }
  }

  /** By the miner alone: the client is gone. */
  async givesBack(stored: readonly Stored[]): Promise<void> {
    await this.client.kill();
    for (const { cid, digest } of stored) {
      const hash = createHash("sha256");
      const { client } = this.witness;
      const file = await client.openFile(cid, { offsetBytes: 0 }, AbortSignal.timeout(finishMs));
      for await (const chunk of file.bytes) hash.update(chunk);
      expect(hash.digest("hex")).toBe(digest);
    }
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** A user who owns nothing, if this one may become it and it may run the program. */
function somebodyElse(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(spawnSync("id", [flag, "nobody"], { encoding: "utf8" }).stdout);
  const user = { uid: idOf("-u"), gid: idOf("-g") };
  const can = spawnSync(process.execPath, [launcher, "--version"], { ...user, cwd: "/" });
  return can.status === 0 ? user : undefined;
}
