/**
 * A worker: takes jobs from the queue of a node and does them on threads of its own process. The node may run or not;
 * any number of workers may share a queue. One on another machine needs the database alone: the miner's volumes stand
 * in it, and it takes the jobs of those that it reaches.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join, resolve } from "node:path";
import { type Address, assert, type Clock, type Logger, parseAddress, silentLogger } from "@holdfast/base";
import {
  assertQueueOf,
  createSealingPool,
  type JobKind,
  type JobQueue,
  type MovableQueue,
  openPostgresJobs,
  openReach,
  ownerOfQueue,
  placeText,
  pooledTools,
  type Reach,
  type Runner,
  removeScratch,
  SilenceWatch,
  sealHandlers,
  standingOf,
  startRunner,
  storageErrors,
  type WorkerInfo,
} from "@holdfast/storage";
import { realClock, realRandom } from "./clock.ts";
import { dialsOf, type JobDials, usualDials, workerIdOf } from "./job-engine.ts";
import { repoErrors, repoPaths } from "./repo/index.ts";
import { configOf, followedQueue, leftJobs, openRepoJobs } from "./repo-jobs.ts";

export interface StartWorkerOptions {
  /** The node's folder; may be left out where the database is said. */
  readonly repo?: string;
  /** Given by the node that starts it, whose disks and keys it has; made up when left out. */
  readonly workerId?: string;
  /** postgres://…, instead of what the folder's configuration says; empty: the queue is a file of the folder. */
  readonly database?: string;
  /** All that there are when left out. */
  readonly kinds?: readonly JobKind[];
  /** Jobs at a time, those with a lane of their own left out; one less than the processor has when left out. */
  readonly parallel?: number;
  /** Memory of all its jobs; as configured when left out. */
  readonly memoryBytes?: number;
  readonly logger?: Logger;
}

export interface WorkerHandle extends AsyncDisposable {
  readonly runner: Runner;
  readonly queue: JobQueue;
  /** Whose jobs it does; undefined: no node has opened the queue yet. */
  readonly miner: string | undefined;
  readonly kinds: readonly JobKind[];
  /** Volumes as it finds them at its start, and those that it leaves to others; nothing for one of the node itself. */
  readonly reaches: readonly string[];
  readonly doesNotReach: readonly { readonly place: string; readonly reason: string }[];
}

/** A network that was stopped goes on in its own time, and so do its workers. */
export async function readClockOffset(repo: string): Promise<number> {
  try {
    const parsed: { offsetMs?: unknown } = JSON.parse(await readFile(join(repo, "clock.json"), "utf8"));
    return typeof parsed.offsetMs === "number" ? parsed.offsetMs : 0;
  } catch {
    return 0;
  }
}

/** What a folder says of its queue, or the database alone. */
async function sourceOf({ repo, database, logger = silentLogger }: StartWorkerOptions): Promise<{
  /** Nobody in particular where no folder is named. */
  readonly miner?: Address;
  readonly dials: JobDials;
  readonly clock: Clock;
  readonly open: () => Promise<MovableQueue>;
}> {
  if (repo === undefined) {
    const clock = realClock(); // the server's is that of the queue; this one measures pauses
    const { told } = new SilenceWatch("jobs", { clock, logger });
    return {
      ...{ dials: usualDials(), clock },
      open: () => openPostgresJobs({ url: database ?? "", onSilence: told }),
    };
  }
  const { mining } = await configOf(repo);
  if (mining.miner === "") throw repoErrors.noMiner({ path: repo });
  const clock = realClock(await readClockOffset(repo));
  return {
    miner: parseAddress(mining.miner),
    dials: dialsOf(mining),
    clock,
    open: async () =>
      openRepoJobs(repo, database ?? (await leftJobs(repo)) ?? mining.database, clock, logger),
  };
}

/**
 * Looks at the miner's volumes before anything is taken. Throws storage/volume-keys-missing, volume-refused: what the
 * operator has to mend first; storage/nothing-reached.
 */
async function lookAround(reach: Reach): Promise<void> {
  await removeScratch();
  await reach.look();
  const refusals = ["storage/volume-keys-missing", "storage/volume-refused"];
  const refused = reach.unreached.find(({ error }) => refusals.includes(error.code));
  if (refused !== undefined) throw refused.error;
  if (reach.reached.length === 0 && reach.unreached.length > 0) {
    throw storageErrors.nothingReached({
      places: reach.unreached.map(({ error }) => error.message).join("; "),
    });
  }
}

/** People see it while it looks for its volumes, which may take long; where it finds none, no more. */
async function registered(queue: JobQueue, self: WorkerInfo, look: () => Promise<void>): Promise<void> {
  await queue.announce(self);
  try {
    await look();
  } catch (error) {
    await queue.leave(self.workerId).catch(() => undefined); // forgotten by and by
    throw error;
  }
}

/** A worker of the node has the node's own folder, and what the node has said beside that. */
function reachOfNode(
  { repo, logger = silentLogger }: StartWorkerOptions,
  queue: JobQueue,
  clock: Clock,
): Reach {
  const home = repo === undefined ? {} : { home: resolve(repoPaths(repo).storage) };
  return openReach({ queue, clock, logger, ...home });
}

/**
 * Errors: `repo/not-found`, `repo/bad-config`, `repo/no-miner`, `storage/…`; storage/others-records: the database that
 * is named beside a folder is another miner's.
 */
export async function startWorker(options: StartWorkerOptions): Promise<WorkerHandle> {
  const { logger = silentLogger, parallel = Math.max(1, availableParallelism() - 1) } = options;
  const { dials, clock, open, miner: own } = await sourceOf(options);
  await using stack = new AsyncDisposableStack();
  const queue = stack.use(followedQueue(await open(), { repo: options.repo, clock }));
  // A folder says where its queue is now; a database that is named stays the one that it was.
  if (options.repo === undefined && (await standingOf(queue.current.carrier)) === "moved") {
    throw storageErrors.queueMoved({ place: queue.current.carrier.place });
  }
  if (own !== undefined) await assertQueueOf(queue.current, own);
  const miner = own ?? (await ownerOfQueue(queue.current));
  const reach = options.workerId === undefined ? openReach({ queue, clock, logger }) : undefined;
  const setup = new URL("./worker-kernels.ts", import.meta.url).href;
  // A job whose thread dies is counted by the queue.
  const pool = stack.use(
    createSealingPool({ threads: parallel, urgentThreads: dials.urgentCpus, setup, maxStarts: 1 }),
  );
  const all = sealHandlers(pooledTools(pool, logger, reach ?? reachOfNode(options, queue, clock)), reach);
  const kinds = (Object.keys(all) as JobKind[]).filter((kind) => options.kinds?.includes(kind) ?? true);
  assert(kinds.length > 0, "a worker does something");
  const capacity = { cpus: parallel, memoryBytes: options.memoryBytes ?? dials.memoryBytes };
  const workerId = options.workerId ?? workerIdOf(realRandom);
  const self = { workerId, place: `${hostname()}, process ${process.pid}`, capacity };
  if (reach !== undefined) {
    stack.defer(removeScratch);
    await registered(queue, { ...self, kinds }, () => lookAround(reach));
  }
  const runner = stack.use(
    startRunner({
      ...{ queue, clock, logger },
      ...(reach === undefined ? {} : { reach }),
      handlers: Object.fromEntries(kinds.map((kind) => [kind, all[kind]])),
      ...self,
      parallel: dials.parallel,
      urgentCpus: dials.urgentCpus,
    }),
  );
  const held = stack.move();
  const { reached = [], unreached = [] } = reach ?? {};
  const leaves = unreached.map(({ volume, error }) => ({
    place: placeText(volume.place),
    reason: error.message,
  }));
  const reaches = reached.map(({ place }) => placeText(place));
  return {
    runner,
    queue,
    miner,
    kinds,
    reaches,
    doesNotReach: leaves,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
