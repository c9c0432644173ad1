/**
 * A worker: takes jobs from the queue of a node's folder and does them on threads of its own process. The node may run
 * or not; any number of workers may share a queue.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import { assert, type Clock, type Logger, silentLogger } from "@holdfast/base";
import {
  createSealingPool,
  type JobKind,
  type JobQueue,
  openPostgresJobs,
  openSqliteJobs,
  pooledTools,
  type Runner,
  sealHandlers,
  startRunner,
} from "@holdfast/storage";
import { realClock, realRandom } from "./clock.ts";
import { dialsOf, workerIdOf } from "./job-engine.ts";
import { type NodeConfig, readConfig, repoErrors } from "./repo/index.ts";
import { workLimits } from "./work-limits.ts";

export interface StartWorkerOptions {
  /** The node's folder. */
  readonly repo: string;
  /** Given by whoever starts it, or made up. */
  readonly workerId?: string;
  /** postgres://…, instead of what the folder's configuration says. */
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
  readonly kinds: readonly JobKind[];
}

/** The queue of a node, as the node and its workers open it. Errors: `storage/…`. */
export async function openRepoJobs(repo: string, database: string, clock: Clock): Promise<JobQueue> {
  if (database !== "") return await openPostgresJobs({ url: database });
  return openSqliteJobs({ dbPath: join(repo, "jobs.db"), clock, pollMs: workLimits.jobPollMs });
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

async function configOf(repo: string): Promise<NodeConfig> {
  const path = join(repo, "config.toml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw repoErrors.notFound({ path: repo }, cause);
  }
  return readConfig(text, path);
}

/** Errors: `repo/not-found`, `repo/bad-config`, `repo/no-miner`, `storage/…`. */
export async function startWorker(options: StartWorkerOptions): Promise<WorkerHandle> {
  const { repo, logger = silentLogger, parallel = Math.max(1, availableParallelism() - 1) } = options;
  const { mining } = await configOf(repo);
  if (mining.miner === "") throw repoErrors.noMiner({ path: repo });
  const dials = dialsOf(mining);
  const database = options.database || mining.database;
  const clock = realClock(await readClockOffset(repo));
  await using stack = new AsyncDisposableStack();
  const queue = stack.use(await openRepoJobs(repo, database, clock));
  const setup = new URL("./worker-kernels.ts", import.meta.url).href;
  // A job whose thread dies is counted by the queue.
  const pool = stack.use(
    createSealingPool({ threads: parallel, urgentThreads: dials.urgentCpus, setup, maxStarts: 1 }),
  );
  const all = sealHandlers(pooledTools(pool, logger));
  const kinds = (Object.keys(all) as JobKind[]).filter((kind) => options.kinds?.includes(kind) ?? true);
  assert(kinds.length > 0, "a worker does something");
  const runner = stack.use(
    startRunner({
      ...{ queue, clock, logger },
      handlers: Object.fromEntries(kinds.map((kind) => [kind, all[kind]])),
      workerId: options.workerId ?? workerIdOf(realRandom),
      place: `${hostname()}, process ${process.pid}`,
      capacity: { cpus: parallel, memoryBytes: options.memoryBytes ?? dials.memoryBytes },
      parallel: dials.parallel,
      urgentCpus: dials.urgentCpus,
    }),
  );
  const held = stack.move();
  return { runner, queue, kinds, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
