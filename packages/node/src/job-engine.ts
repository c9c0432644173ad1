/**
 * What does a miner's heavy work: its queue, and whoever of this node takes jobs from it. In threads of this process,
 * or in processes of their own that start with the first job and end when idle; `holdfast worker` adds others at any
 * time.
 * Proofs that are due within a round are also taken by the node's own threads: no process has to start first.
 */
import { hostname, totalmem } from "node:os";
import {
  type Address,
  abortable,
  type Clock,
  type Disk,
  HoldfastError,
  type Logger,
  type Random,
  toHex,
} from "@holdfast/base";
import {
  type Chores,
  type ChoresOptions,
  createQueueSealer,
  fleetingKinds,
  giveBack,
  isDatabaseSilent,
  type JobKind,
  type JobQueue,
  type JobResources,
  jobLimits,
  type OwnPlaces,
  openChores,
  type QueueSealer,
  type SealingPool,
  type SealSpeed,
  type Storage,
  sealHandlers,
  sealSpeedOf,
  startRunner,
  type ToolsOf,
} from "@holdfast/storage";
import type { NodeConfig } from "./repo/index.ts";
import { workLimits } from "./work-limits.ts";
import { startWorkerProcesses, type WorkerProcesses } from "./worker-processes.ts";

/** What an operator decides about the jobs of a process. */
export interface JobDials {
  /** Jobs of a kind at a time; as many as fit for kinds that are not named. */
  readonly parallel: { readonly [Kind in JobKind]?: number };
  /** Threads for what is urgent. */
  readonly urgentCpus: number;
  /** Memory of all jobs. */
  readonly memoryBytes: number;
}

export function dialsOf(mining: NodeConfig["mining"]): JobDials {
  const { parallelSeals, parallelSealProofs, parallelReads, urgentThreads, jobMemoryBytes } = mining;
  return {
    parallel: {
      ...(parallelSeals === 0 ? {} : { seal: parallelSeals }),
      ...(parallelSealProofs === 0 ? {} : { "commit-proof": parallelSealProofs }),
      ...(parallelReads === 0 ? {} : { unseal: parallelReads }),
    },
    urgentCpus: urgentThreads,
    memoryBytes: jobMemoryBytes === 0 ? usualDials().memoryBytes : jobMemoryBytes,
  };
}

/** Where no configuration says anything. */
export function usualDials(): JobDials {
  return { parallel: {}, urgentCpus: 1, memoryBytes: Math.floor(totalmem() * 0.75) };
}

export interface JobEngineOptions {
  readonly queue: JobQueue;
  /** Whose jobs they are. */
  readonly miner: Address;
  /** The threads of this process. */
  readonly pool: SealingPool;
  /** Jobs with a lane of their own left out, so many of this node run at a time. */
  readonly parallel: number;
  readonly dials: JobDials;
  /** Processes that the node may start; 0: its own threads do all. */
  readonly processes: number;
  /** The node's folder, which its processes read for themselves. */
  readonly repo: string;
  /** postgres://…; empty: the queue is a file of the folder. As it is at present: it may move. */
  readonly database: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface JobEngine extends AsyncDisposable {
  readonly queue: JobQueue;
  /** Undefined: no seal was done yet. */
  sealSpeed(): Promise<SealSpeed | undefined>;
  /** For the storage: seals by the queue. */
  readonly prover: SealingPool;
  /**
   * Forgets seals that the storage, now that it is open, no longer waits for, and tells workers elsewhere of its
   * volumes; what is attached later they hear of with its first job.
   */
  reconcile(storage: Storage): Promise<void>;
  /** What is done to the storage's files besides, as jobs of this process. */
  openChores(storage: Storage, dials: Pick<ChoresOptions, "scrubMs" | "parallel">): Promise<Chores>;
}

/** Kinds that cannot wait for a process to start. */
const dueKinds: readonly JobKind[] = ["window-post", "winning-post", "check"];

export async function openJobEngine(options: JobEngineOptions): Promise<JobEngine> {
  const { queue, pool, clock, random, logger, processes } = options;
  const life = `${options.miner}-${toHex(random.bytes(8))}`;
  const workerId = `${hostname()}-node-${options.miner.slice(-8)}`;
  await callOffFleeting(options);
  await takeBack(options, workerId);
  await using stack = new AsyncDisposableStack();
  const opened = Promise.withResolvers<Disk>();
  const handlers = sealHandlers(toolsOver(options, opened.promise));
  const own = processes === 0 ? handlers : Object.fromEntries(dueKinds.map((kind) => [kind, handlers[kind]]));
  const place = `${hostname()}, process ${process.pid}`;
  stack.use(
    startRunner({
      ...{ queue, clock, logger, place },
      handlers: own,
      workerId,
      capacity: { cpus: options.parallel, memoryBytes: options.dials.memoryBytes },
      parallel: options.dials.parallel,
      urgentCpus: options.dials.urgentCpus,
    }),
  );
  if (processes > 0) stack.use(processesOf(options));
  stack.use(pruning(options));
  const held = stack.move();
  let sealer: QueueSealer | undefined;
  return {
    queue,
    sealSpeed: () => sealSpeedOf(queue, placesOf(options, workerId)),
    prover: {
      get threadCount() {
        return pool.threadCount;
      },
      sealerFor: (disk) => {
        opened.resolve(disk);
        sealer = createQueueSealer({ queue, disk, life, owner: options.miner });
        return sealer;
      },
      [Symbol.asyncDispose]: async () => undefined, // whoever opened the pool ends it
    },
    reconcile: async (storage) => {
      await sealer?.share();
      await reconcile(options, storage);
    },
    openChores: async (storage, own) => {
      await sealer?.share(); // the bucket, if one was attached by the start
      return await openChores({ queue, storage, place, life, owner: options.miner, clock, logger, ...own });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Its own threads seal nothing where processes do. */
function placesOf({ parallel, dials, processes }: JobEngineOptions, workerId: string): OwnPlaces {
  const lane = dials.parallel.seal ?? Number.POSITIVE_INFINITY;
  return { workerId, seals: processes > 0 ? 0 : Math.min(parallel, lane), processes };
}

/**
 * The node's own jobs are done over its own disk, whatever table a row of the queue has: who may write rows names no
 * folder to it. A job that came before the storage is open waits for that.
 */
function toolsOver({ pool, logger }: JobEngineOptions, opened: Promise<Disk>): ToolsOf {
  return async ({ signal }) => {
    const disk = await abortable(signal, opened);
    return { disk, sealer: pool.sealerFor(disk, logger) };
  };
}

export function workerIdOf(random: Random): string {
  return `${hostname()}-${toHex(random.bytes(4))}`;
}

function processesOf(options: JobEngineOptions): WorkerProcesses {
  const { queue, repo, processes, clock, logger, random } = options;
  const capacity: JobResources = { cpus: 1, memoryBytes: Number.MAX_SAFE_INTEGER };
  return startWorkerProcesses({
    ...{ queue, repo, clock, logger, capacity },
    get database() {
      return options.database;
    },
    most: processes,
    newId: () => workerIdOf(random),
  });
}

/** The node's jobs of some kinds that have not ended. */
async function aliveOf(options: JobEngineOptions, kinds: readonly JobKind[]) {
  const found = await options.queue.list(
    { kinds, states: ["waiting", "running"] },
    { limit: workLimits.aliveJobs },
  );
  return found.filter(({ key, kind }) => key.startsWith(`${kind}/${options.miner}`));
}

/** Whoever waited for these was a life of this node that is over. */
async function callOffFleeting(options: JobEngineOptions): Promise<void> {
  for (const { jobId } of await aliveOf(options, fleetingKinds)) {
    await options.queue.cancel(jobId, "the node that asked has ended");
  }
}

/**
 * What the node's own threads held when it died, they hold no more: it goes on at once, and not when the leases have
 * ended. That is no failure of the job. The folder's lock says that no other life of the node runs.
 */
async function takeBack({ queue }: JobEngineOptions, workerId: string): Promise<void> {
  const running = await queue.list({ states: ["running"] }, { limit: workLimits.aliveJobs });
  for (const { jobId, token } of running.filter((job) => job.workerId === workerId)) {
    await giveBack(queue, { jobId, token }, "its node was started anew");
  }
}

async function reconcile(options: JobEngineOptions, storage: Storage): Promise<void> {
  const wanted = { seal: "sealing", "commit-proof": "proving" } as const;
  for (const { jobId, kind, sectorId } of await aliveOf(options, ["seal", "commit-proof"])) {
    if (kind !== "seal" && kind !== "commit-proof") continue;
    const state = sectorId === null ? undefined : await stateOf(storage, sectorId);
    if (state === wanted[kind]) continue;
    await options.queue.cancel(jobId, `sector ${sectorId} is ${state ?? "gone"}`);
  }
}

async function stateOf(storage: Storage, sectorId: number): Promise<string | undefined> {
  try {
    return (await storage.getSector(sectorId)).state;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "storage/unknown-sector") return undefined;
    throw error;
  }
}

/** Keeps the queue from growing. */
function pruning({ queue, clock, logger }: JobEngineOptions): AsyncDisposable {
  const end = new AbortController();
  const loop = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        await queue.prune(jobLimits.keptJobs);
        await clock.sleep(workLimits.jobPruneMs, end.signal);
      } catch (error) {
        if (end.signal.aborted) return;
        if (!isDatabaseSilent(error))
          logger.warn("jobs: old ones cannot be forgotten", { detail: String(error) });
        await clock.sleep(workLimits.jobPruneMs, end.signal).catch(() => undefined);
      }
    }
  };
  const done = loop();
  return {
    async [Symbol.asyncDispose]() {
      end.abort();
      await done;
    },
  };
}
