/**
 * A miner's engine and workers of other processes on one queue, in virtual time: processes are killed, stand still and
 * go on as zombies, clocks are set. Invariants: no job is lost, none ends twice, each window's proof is handed in, and
 * what a life of the node has asked for that is over, nobody goes on with.
 */
import { addressOf, type Clock, type Disk, HoldfastError, sectorId, silentLogger } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import {
  type JobListener,
  type JobQueue,
  type JobState,
  type Sealer,
  type SealingPool,
  sealHandlers,
  startRunner,
} from "@holdfast/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JobEngine, openJobEngine } from "../packages/node/src/job-engine.ts";
import type { World } from "../packages/storage/test/jobs/runner-world.ts";

type Act =
  | { readonly do: "window" }
  | { readonly do: "seal" }
  | { readonly do: "kill" | "pause" | "revive"; readonly who: number }
  /** Who works stands still for so long. */
  | { readonly do: "stall"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "pass"; readonly ms: number };

const who = fc.nat(2);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<Act>({ do: "window" }, { do: "window" }, { do: "seal" }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "pause" as const, "revive" as const), who }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-86_400_000, 86_400_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("stall" as const),
      ms: fc.constantFrom(5_000, 31_000, 34_000, 38_000, 50_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(300, 1_500, 4_000, 11_000, 31_000, 45_000),
    }),
  },
);

const miner = addressOf(1, new Uint8Array(20).fill(9));
const never = new AbortController().signal;
const capacity = { cpus: 1, memoryBytes: 2 ** 40 };
/** How long work takes. */
const tookMs = { seal: [2_000, 70_000], post: [200, 6_000] } as const;
/** The length of a lease, and how soon after its end somebody else has the job. */
const failoverMs = 30_000 + 10_000;

/** A process: dead, it is never heard of again; standing still, everything of it waits. */
class Life {
  isAlive = true;
  #going = Promise.resolve();
  #goOn: (() => void) | undefined;

  get stands(): boolean {
    return this.#goOn !== undefined;
  }
  stand(): void {
    if (this.stands) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#going = promise;
    this.#goOn = resolve;
  }
  goOn(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }
  /** What comes from outside reaches only who lives and moves. */
  async gate<T>(value: Promise<T> | T): Promise<T> {
    const settled = await Promise.allSettled([value]);
    while (this.stands && this.isAlive) await this.#going;
    if (!this.isAlive) return await new Promise<never>(() => undefined);
    const [one] = settled;
    if (one.status === "rejected") throw one.reason;
    return one.value;
  }
}

class Network implements Disposable {
  readonly world: World;
  readonly disk = new SimDisk();
  readonly random: SeededRandom;
  /** Windows, with how many proofs of each were handed in. */
  readonly handedIn = new Map<number, number>();
  readonly sealed = new Set<number>();
  readonly troubles: string[] = [];
  readonly lives: Life[] = [];
  /** What the node has to do: written down, as the chain and its records are. */
  #windows = 0;
  readonly #attempts = new Map<number, number>();
  #sectors = 0;
  /** Whose process is the node's. */
  #engine: { readonly life: Life; readonly engine: JobEngine; readonly sealer: Sealer } | undefined;

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = new SeededRandom(seed);
  }

  /** Nobody asks a queue any more that is closed. */
  [Symbol.dispose](): void {
    for (const life of this.lives) life.isAlive = false;
  }

  /** Process 0 is the node, the others are workers. */
  async start(at: number): Promise<void> {
    const life = new Life();
    this.lives[at] = life;
    const queue = this.#queueOf(life);
    const clock = this.#clockOf(life);
    if (at > 0) {
      const sealer = this.#sealerOf(clock, this.disk);
      const handlers = sealHandlers(() => ({ disk: this.disk, sealer }));
      const workerId = `worker-${at}-${this.random.below(2 ** 30)}`;
      startRunner({ queue, handlers, clock, workerId, logger: silentLogger, place: "elsewhere", capacity });
      return;
    }
    const pool: SealingPool = {
      threadCount: 0,
      sealerFor: (disk) => this.#sealerOf(clock, disk),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const engine = openJobEngine({
      ...{ queue, miner, pool, clock, parallel: this.random.below(2), random: this.random },
      dials: { parallel: {}, urgentCpus: 1, memoryBytes: capacity.memoryBytes },
      ...{ processes: 0, repo: "", database: "", logger: silentLogger },
    });
    void engine.then(async (opened) => {
      const fleeting = { kinds: ["window-post"], states: ["waiting", "running"] } as const;
      for (const { key } of await this.world.queue.list(fleeting, { limit: 99 }))
        this.troubles.push(`${key} is of a life that is over`);
      this.#engine = { life, engine: opened, sealer: opened.prover.sealerFor(this.disk, silentLogger) };
      for (let window = 0; window < this.#windows; window++) this.#prove(window);
      for (let sector = 0; sector < this.#sectors; sector++) this.#seal(sector);
    });
  }

  async act(asked: Act): Promise<void> {
    if (asked.do === "pass") return await this.world.pass(asked.ms);
    if (asked.do === "jump") return this.world.jump(asked.ms);
    if (asked.do === "window") return this.#prove(this.#windows++);
    if (asked.do === "seal") return this.#seal(this.#sectors++);
    if (asked.do === "stall") return await this.#stall(asked.ms);
    const life = this.lives[asked.who];
    if (asked.do === "kill" && life !== undefined) life.isAlive = false;
    else if (asked.do === "pause") life?.stand();
    else if (life?.isAlive === true) life.goOn();
    else await this.start(asked.who);
    if (asked.do === "kill") life?.goOn();
  }

  async #stall(ms: number): Promise<void> {
    const [job] = await this.world.queue.list({ states: ["running"] }, { limit: 1 });
    const life = this.lives[Number(/^worker-(\d)/.exec(job?.workerId ?? "")?.[1] ?? 0)];
    life?.stand();
    await this.world.pass(ms);
    if (life?.isAlive === true) life.goOn();
  }

  /** Everybody is there, and time goes by. */
  async settle(): Promise<void> {
    for (const [at, life] of this.lives.entries()) {
      if (life.isAlive) life.goOn();
      else await this.start(at);
    }
    for (let minute = 0; minute < 12 && !this.isSettled; minute++) await this.world.pass(60_000);
  }
  get isSettled(): boolean {
    return this.handedIn.size === this.#windows && this.sealed.size === this.#sectors;
  }
  get counts(): readonly [number, number] {
    return [this.#windows, this.#sectors];
  }

  /** As a miner does: until it is on the chain, and never what is. */
  #prove(window: number): void {
    const node = this.#engine;
    if (node === undefined || !node.life.isAlive || this.handedIn.has(window)) return;
    const asked = { classes: [], miner, seed: new Uint8Array([window]), sectors: [] };
    node.life.gate(node.sealer.post({ ...asked, postKind: "window" }, { signal: never })).then(
      () => this.handedIn.set(window, (this.handedIn.get(window) ?? 0) + 1),
      () => this.#prove(window),
    );
  }

  /** As a storage does: what has killed three workers is begun anew in another folder. */
  #seal(sector: number): void {
    const node = this.#engine;
    if (node === undefined || !node.life.isAlive || this.sealed.has(sector)) return;
    const folder = `work/${sector}-${this.#attempts.get(sector) ?? 1}`;
    const job: Parameters<Sealer["replicate"]>[0] = {
      ...{ classes: [], sectorBytes: 1024, stagedPath: null, ranges: [] },
      identity: {
        ...{ networkId: new Uint8Array(32), miner, sectorId: sectorId(sector) },
        ...{ ticket: new Uint8Array(32), commD: new Uint8Array(32) },
      },
      ...{ replicaPath: `${folder}/sealed`, treePath: `${folder}/tree`, auxPath: `${folder}/aux` },
      resumePath: null,
    };
    node.life.gate(node.sealer.replicate(job, { signal: never })).then(
      () => this.sealed.add(sector),
      (error: unknown) => {
        // What was said to be done is there.
        const code = error instanceof HoldfastError ? error.code : String(error);
        if (code === "storage/missing-file") this.troubles.push(code);
        if (code === "storage/worker-crashed")
          this.#attempts.set(sector, (this.#attempts.get(sector) ?? 1) + 1);
        this.#seal(sector);
      },
    );
  }

  #sealerOf(clock: Clock, disk: Disk): Sealer {
    const takes = ([least, most]: readonly [number, number], signal: Parameters<Clock["sleep"]>[1]) =>
      clock.sleep(this.random.between(least, most), signal);
    return {
      replicate: async ({ replicaPath, treePath, auxPath }, { signal }) => {
        for (const path of [replicaPath, treePath, auxPath]) await disk.writeFile(path, new Uint8Array(1));
        await takes(tookMs.seal, signal);
        return { commR: new Uint8Array(32), commRStar: new Uint8Array(32) };
      },
      prove: async () => undefined,
      extract: async () => new Uint8Array(),
      post: async (_job, { signal }) => {
        await takes(tookMs.post, signal);
        return { proof: new Uint8Array(1), proven: [], faults: [] };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  #clockOf(life: Life): Clock {
    const { clock } = this.world;
    return {
      nowMs: () => clock.nowMs(),
      steadyMs: () => clock.nowMs(),
      sleep: (ms, signal) => life.gate(clock.sleep(ms, signal)),
    };
  }

  /** What a process sees of the queue: questions and answers stand still with it. */
  #queueOf(life: Life): JobQueue {
    return new Proxy(this.world.queue, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...given: unknown[]) => Promise<unknown>;
        if (name === "onChange") {
          const hear = (listener: JobListener) => (jobId?: number) =>
            void life.gate(undefined).then(() => listener(jobId));
          return (listener: JobListener) => target.onChange(hear(listener));
        }
        return async (...given: unknown[]) => {
          await life.gate(undefined);
          return await life.gate(method(...given));
        };
      },
    });
  }
}

async function expectEachOnce(network: Network): Promise<void> {
  const [windows, sectors] = network.counts;
  expect([network.handedIn.size, network.sealed.size]).toEqual([windows, sectors]);
  expect([...network.handedIn].filter(([, proofs]) => proofs > 1)).toEqual([]); // one proof, never a second
  expect(network.troubles).toEqual([]);
  const { queue } = network.world;
  const left = await queue.list({ states: ["waiting", "running"] }, { limit: 99 });
  expect(left.map(({ key, state }) => `${key} ${state}`)).toEqual([]);
  const way = new Map<number, JobState>();
  for (const { jobId, from, to } of await queue.events(0, 10_000)) {
    expect(from).toBe(way.get(jobId) ?? null);
    expect(from, `job ${jobId} had ended`).not.toBe("done");
    way.set(jobId, to);
  }
}

/** A fault that is planted into the queue. */
export type Plant = (queue: JobQueue) => JobQueue;

/** Random histories of one node and two workers; rejects with the first that breaks an invariant. */
export async function checkEngines(
  make: () => Promise<World>,
  { runs, plant }: { readonly runs: number; readonly plant?: Plant },
): Promise<void> {
  const histories = fc.tuple(fc.array(act, { minLength: 8, maxLength: 30 }), fc.nat());
  await fc.assert(
    fc.asyncProperty(histories, async ([acts, seed]) => {
      await using world = await make();
      using network = new Network(plant === undefined ? world : plantedWorld(world, plant), seed);
      for (const at of [0, 1, 2]) await network.start(at);
      for (const one of acts) await network.act(one);
      await network.settle();
      await expectEachOnce(network);
    }),
    { numRuns: runs, seed: 6, endOnFailure: true },
  );
}

/** Where nobody is lost, each job is claimed once, however much longer than a lease it takes. */
export async function checkLeases(
  make: () => Promise<World>,
  plant: Plant = (queue) => queue,
): Promise<void> {
  await using world = await make();
  using network = new Network(plantedWorld(world, plant), 6);
  for (const at of [0, 1, 2]) await network.start(at);
  for (let sector = 0; sector < 8; sector++) await network.act({ do: "seal" });
  await network.settle();
  await expectEachOnce(network);
  const jobs = await world.queue.list({}, { limit: 99 });
  expect(jobs.map(({ token, failures }) => [token, failures])).toEqual(jobs.map(() => [1, 0]));
}

function plantedWorld(world: World, plant: Plant): World {
  const queue = plant(world.queue);
  return new Proxy(world, {
    get: (target, name) => {
      const value: unknown = name === "queue" ? queue : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Whoever has the proof of a window dies or stands still at a moment of it; another has it soon after the lease. */
async function failsOver(make: () => Promise<World>, at: { ms: number; isDeath: boolean }): Promise<void> {
  await using world = await make();
  using network = new Network(world, at.ms);
  for (const one of [0, 1, 2]) await network.start(one);
  await world.pass(10);
  await network.act({ do: "window" });
  await world.pass(at.ms);
  const [job] = await world.queue.list({ kinds: ["window-post"], states: ["running"] }, { limit: 1 });
  if (job?.workerId?.startsWith("worker-") === true) {
    await network.act({ do: at.isDeath ? "kill" : "pause", who: Number(job.workerId.split("-")[1]) });
    await world.pass(failoverMs);
    const now = await world.queue.job(job.jobId);
    expect(now?.state === "done" || (now?.state === "running" && now.token === 2)).toBe(true);
  }
  await network.settle();
  await expectEachOnce(network);
}

export function enginesSuite(name: string, make: () => Promise<World>, runs: number): void {
  describe(`an engine and workers on one queue (${name})`, () => {
    it("lose no job, end none twice and hand in the proof of each window, whoever dies or comes late", () =>
      checkEngines(make, { runs }));

    it("keep what they work on for longer than a lease", () => checkLeases(make));

    it("have the job of one that is gone within ten seconds of the end of its lease", async () => {
      for (const ms of [1, 120, 190])
        for (const isDeath of [true, false]) await failsOver(make, { ms, isDeath });
    });
  });
}
