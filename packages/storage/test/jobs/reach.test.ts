/**
 * Workers on machines that do not reach everything: whatever they lack, no job fails by it, no sector is called faulty,
 * and who reaches the files does the work.
 */
import { HoldfastError, sectorId, silentLogger } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { defaultClasses, zeroPieceCommitment } from "@holdfast/proofs";
import {
  createInlineSealer,
  createQueueSealer,
  type JobQueue,
  openReach,
  openSqliteJobs,
  type Runner,
  type Sealer,
  sealHandlers,
  startRunner,
  type VolumeSpec,
  volumeErrors,
} from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { filesOn, miner, networkId, prover, scratch, seedAt, ticketAt } from "../support.ts";

const files = scratch();
afterAll(() => files.remove());

const sectorBytes = 1024;
const identity = {
  networkId,
  miner,
  sectorId: sectorId(3),
  ticket: ticketAt(5).bytes,
  commD: zeroPieceCommitment(sectorBytes),
};
const sealJob = {
  classes: defaultClasses,
  sectorBytes,
  identity,
  stagedPath: null,
  ranges: [],
  replicaPath: "work/3-1/sealed",
  treePath: "work/3-1/tree",
  auxPath: "work/3-1/aux",
  resumePath: "work/3-1/resume",
};
const never = new AbortController().signal;
const home: VolumeSpec = { volumeId: 0, marker: "of the home", place: { kind: "folder", path: "/mine" } };
const away = () => volumeErrors.volumeAway({ volumeId: 0, place: "/mine", reason: "it has no marker" });
const keysMissing = () => volumeErrors.volumeKeysMissing({ place: "s3://bucket" });

/** A disk of the miner whose table names its home, as that of a node does. */
function minersDisk(): SimDisk {
  const table = () => ({ home: "/mine", homeMarker: home.marker, volumes: [] });
  return Object.assign(new SimDisk(), { table });
}

class World implements AsyncDisposable {
  readonly clock = new SimClock();
  readonly disk = minersDisk();
  readonly queue: JobQueue = openSqliteJobs({ dbPath: files.next(), clock: this.clock });
  readonly sealer = createQueueSealer({ queue: this.queue, disk: this.disk, life: "1", owner: "miner" });
  readonly #runners: Runner[] = [];
  /** Why machines do not reach the home at present, by worker. */
  readonly lacks = new Map<string, HoldfastError>();

  /** A worker with its own view of the machine: what it computes over, and why it does not reach the home. */
  async start(
    workerId: string,
    more: { disk?: SimDisk; sealer?: Sealer; isNode?: boolean } = {},
  ): Promise<void> {
    const { queue, clock } = this;
    const disk = more.disk ?? this.disk;
    const sealer = more.sealer ?? createInlineSealer(disk, prover);
    const reachVolume = async () => {
      const error = this.lacks.get(workerId);
      if (error !== undefined) throw error;
    };
    const reach = more.isNode ? undefined : openReach({ queue, clock, logger: silentLogger, reachVolume });
    const runner = startRunner({
      ...{ queue, clock, workerId, place: "there", logger: silentLogger },
      ...(reach === undefined ? {} : { reach }),
      handlers: sealHandlers(() => ({ disk, sealer }), reach),
      capacity: { cpus: 1, memoryBytes: 2 ** 30 },
    });
    this.#runners.push(runner);
    await clock.advance(1);
  }

  post() {
    return this.sealer.post(
      {
        ...{ classes: defaultClasses, miner, seed: seedAt(4), postKind: "window" },
        sectors: [{ sectorId: sectorId(3), sectorBytes, commR: this.#commR, treePath: "work/3-1/tree" }],
      },
      { signal: never },
    );
  }
  #commR: Uint8Array = new Uint8Array(32);
  async seal(): Promise<void> {
    this.#commR = (await this.sealer.replicate(sealJob, { signal: never })).commR;
  }
  async jobs() {
    const jobs = await this.queue.list({}, { limit: 9 });
    return jobs.map(({ kind, state, workerId, failures }) => ({ kind, state, workerId, failures })).reverse();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners) await runner[Symbol.asyncDispose]();
    await this.queue[Symbol.asyncDispose]();
  }
}

/** A sealer that fails in everything by one error. */
function failing(error: HoldfastError): Sealer {
  const fail = () => Promise.reject(error);
  return {
    replicate: fail,
    prove: fail,
    extract: fail,
    post: fail,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describe("a worker that reaches nothing", () => {
  for (const [name, lack] of [
    ["another folder lies under the home's name", away],
    ["it has no keys", keysMissing],
  ] as const) {
    it(`claims nothing where ${name}: another does every job, and nothing has failed`, async () => {
      await using world = new World();
      world.lacks.set("far", lack());
      await world.sealer.share();
      await world.start("far", { disk: new SimDisk() });
      const sealing = world.seal();
      await world.clock.advance(60_000);
      expect(await world.jobs()).toEqual([{ kind: "seal", state: "waiting", workerId: null, failures: 0 }]);
      await world.start("near");
      await world.clock.settle(sealing, { limitMs: 60_000 });
      const { faults, proven } = await world.clock.settle(world.post(), { limitMs: 60_000 });
      expect({ faults, proven }).toEqual({ faults: [], proven: [3] });
      expect(await world.jobs()).toEqual([
        { kind: "seal", state: "done", workerId: "near", failures: 0 },
        { kind: "window-post", state: "done", workerId: "near", failures: 0 },
      ]);
    });
  }

  it("takes jobs when the disk is there", async () => {
    await using world = new World();
    world.lacks.set("far", away());
    await world.sealer.share();
    await world.start("far");
    const sealing = world.seal();
    await world.clock.advance(60_000);
    world.lacks.clear();
    await world.clock.settle(sealing, { limitMs: 60_000 });
    expect(await world.jobs()).toMatchObject([{ state: "done", workerId: "far", failures: 0 }]);
  });
});

describe("a worker whose volume goes away under its job", () => {
  it("gives the job back, and calls no sector faulty", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("near");
    await world.seal();
    await world.queue.cordon("worker:near", "the other shall try");
    await world.start("far", { disk: new SimDisk() }); // whose folder is empty by now
    world.lacks.set("far", away());
    const posting = world.post();
    await world.clock.advance(20_000);
    await world.queue.uncordon("worker:near");
    const { faults, proven } = await world.clock.settle(posting, { limitMs: 60_000 });
    expect({ faults, proven }).toEqual({ faults: [], proven: [3] });
    const [seal, post] = await world.jobs();
    expect([seal?.failures, post]).toEqual([
      0,
      { kind: "window-post", state: "done", workerId: "near", failures: 0 },
    ]);
    const reasons = (await world.queue.events(0, 99)).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason?.includes("is away"))).toHaveLength(1);
  });

  it("does not say of a file that it cannot read that it is wrong, though the volume is there", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("near");
    await world.seal();
    await world.queue.cordon("worker:near", "the other shall try");
    const io = { sectorId: 3, code: "disk/io", message: "reading failed" };
    await world.start("far", {
      sealer: { ...failing(away()), post: async () => ({ proof: null, proven: [], faults: [io] }) },
    });
    const posting = world.post();
    await world.clock.advance(10_000);
    await world.queue.uncordon("worker:near");
    expect((await world.clock.settle(posting, { limitMs: 60_000 })).faults).toEqual([]);
  });

  it("says what it has read: a replica that is another is a fault", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("far");
    await world.seal();
    await world.disk.remove("work/3-1/tree");
    const { faults } = await world.clock.settle(world.post(), { limitMs: 60_000 });
    expect(faults).toMatchObject([{ sectorId: 3, code: "storage/missing-file" }]);
  });

  it("fails a job that fails for the job's own sake", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("far");
    const damaged = { ...sealJob, identity: { ...identity, commD: new Uint8Array(32).fill(1) } };
    expect(await codeOf(world.sealer.replicate(damaged, { signal: never }))).toBe("storage/staged-corrupt");
  });
});

describe("a worker without the network's parameters", () => {
  it("leaves proofs to others for a while, and fails none", async () => {
    await using world = new World();
    await world.sealer.share();
    const missing = new HoldfastError({
      code: "proofs/no-parameters",
      message: "no parameters",
      data: {},
      fix: "",
      exit: "not-found",
    });
    await world.start("far", { sealer: failing(missing) });
    const sealing = world.seal();
    await world.clock.advance(5_000);
    expect(await world.jobs()).toMatchObject([{ state: "waiting", failures: 0 }]);
    expect((await world.queue.events(0, 99)).filter(({ to }) => to === "running")).toHaveLength(1);
    await world.start("near");
    await world.clock.settle(sealing, { limitMs: 60_000 });
    expect(await world.jobs()).toMatchObject([{ state: "done", workerId: "near", failures: 0 }]);
    expect(await filesOn(world.disk)).toContain("work/3-1/sealed");
  });
});

describe("a proof with a deadline", () => {
  it("is the node's: no worker elsewhere can keep it by falling silent", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("far");
    await world.seal();
    await world.start("node", { isNode: true });
    for (let round = 0; round < 5; round++) {
      await world.clock.settle(world.post(), { limitMs: 60_000 });
      await world.clock.advance(10_000);
    }
    const posts = (await world.jobs()).filter(({ kind }) => kind === "window-post");
    expect(posts.map(({ workerId }) => workerId)).toEqual(Array.from({ length: 5 }, () => "node"));
  });

  it("is anybody's when the node does not come to it", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("far");
    await world.seal();
    const posting = world.post();
    await world.clock.advance(500);
    expect((await world.jobs())[1]).toMatchObject({ kind: "window-post", state: "waiting" });
    expect((await world.clock.settle(posting, { limitMs: 3_000 })).proven).toEqual([3]);
    expect((await world.jobs())[1]).toMatchObject({ state: "done", workerId: "far" });
  });
});

describe("several proofs with a deadline", () => {
  it("that wait together are the node's for one moment, and not for one each", async () => {
    await using world = new World();
    await world.sealer.share();
    await world.start("far");
    await world.seal();
    const all = Promise.all([world.post(), world.post(), world.post()]);
    expect(await world.clock.settle(all, { limitMs: 2_000 })).toHaveLength(3);
  });

  it("hold up nobody who does none", async () => {
    await using world = new World();
    await world.sealer.share();
    const looks: string[] = [];
    const { queue, clock } = world;
    const watched = new Proxy(queue, {
      get: (target, name) => {
        if (name === "peek" || name === "claimSome") looks.push(name);
        const own: unknown = Reflect.get(target, name);
        return typeof own === "function" ? own.bind(target) : own;
      },
    });
    const reach = openReach({ queue, clock, logger: silentLogger, reachVolume: async () => undefined });
    await using _runner = startRunner({
      ...{ queue: watched, clock, workerId: "w", place: "there", logger: silentLogger, reach },
      handlers: { seal: async () => "" },
      capacity: { cpus: 1, memoryBytes: 2 ** 30 },
      lookMs: 60_000,
    });
    await queue.enqueue({ key: "due", kind: "window-post", input: "" });
    await clock.advance(1);
    looks.length = 0;
    await clock.advance(20_000);
    expect(looks).toEqual([]);
  });
});

describe("the node's own worker", () => {
  it("says at once what it cannot read: the disk is its own", async () => {
    await using world = new World();
    await world.start("node", { isNode: true });
    await world.seal();
    await world.disk.remove("work/3-1");
    const { faults } = await world.clock.settle(world.post(), { limitMs: 60_000 });
    expect(faults).toMatchObject([{ sectorId: 3, code: "storage/missing-file" }]);
  });
});
