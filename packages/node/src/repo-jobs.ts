/**
 * The queue of a node's folder, as the node and its workers open it: a file of the folder, or the database that the
 * configuration names. It may move from one to the other while both use it; the node moves it, and a worker finds it
 * again by the configuration, which the node has changed before. Until all have gone a file of the folder says where
 * the jobs still are (`jobs-left`): whatever ends the move, the next start finds them, and goes on with it.
 */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Address, type Clock, HoldfastError, type Logger, silentLogger } from "@holdfast/base";
import {
  carryJobs,
  type JobQueue,
  type MovableQueue,
  openPostgresJobs,
  openSqliteJobs,
  ownQueue,
  queueIdOf,
  SilenceWatch,
  SwitchQueue,
  standingOf,
  storageErrors,
} from "@holdfast/storage";
import { type NodeConfig, readConfig, repoErrors } from "./repo/index.ts";
import { workLimits } from "./work-limits.ts";

/** Errors: `storage/…`. */
export async function openRepoJobs(
  repo: string,
  database: string,
  clock: Clock,
  logger: Logger = silentLogger,
): Promise<MovableQueue> {
  if (database !== "") {
    const { told } = new SilenceWatch("jobs", { clock, logger });
    return await openPostgresJobs({ url: database, onSilence: told });
  }
  const dbPath = join(repo, "jobs.db");
  return openSqliteJobs({ dbPath, clock, pollMs: workLimits.jobPollMs, isWatched: true });
}

function leftPath(repo: string): string {
  return join(repo, "jobs-left");
}

/** The database, by its name in the configuration, that has the jobs still though another one is configured. */
export async function leftJobs(repo: string): Promise<string | undefined> {
  try {
    return (await readFile(leftPath(repo), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function sayLeft(repo: string, database: string): Promise<void> {
  const path = leftPath(repo);
  await writeFile(`${path}.new`, `${database}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Errors: `repo/not-found`, `repo/bad-config`. */
export async function configOf(repo: string): Promise<NodeConfig> {
  const path = join(repo, "config.toml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw repoErrors.notFound({ path: repo }, cause);
  }
  return readConfig(text, path);
}

/** The jobs of a node that runs. */
export interface NodeJobs extends AsyncDisposable {
  readonly queue: JobQueue;
  /** postgres://…; empty: the queue is a file of the folder. As it is at present. */
  readonly database: string;
  /**
   * Before the configuration names another database: looks whether the jobs can go there, and writes down where they
   * are until they have gone. Throws storage/others-records: it is another miner's.
   */
  leave(database: string): Promise<void>;
  /**
   * Takes all jobs to another database; they go on there, those too that run. Nothing happens where they are there,
   * by whatever name. Throws as `leave`; what the engines throw.
   */
  moveTo(database: string): Promise<void>;
}

export interface NodeJobsOptions {
  readonly repo: string;
  readonly database: string;
  /** Whose jobs they are. */
  readonly miner: Address;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Errors: storage/others-records: they are another miner's; storage/queue-moved: in another database; `storage/…`. */
export async function openNodeJobs(options: NodeJobsOptions): Promise<NodeJobs> {
  const { repo, miner, clock, logger } = options;
  /** Of the last move; it never rejects. */
  let moving: Promise<void> = Promise.resolve();
  const first = await openFirst(options);
  let { place } = first;
  const queue = new SwitchQueue(first.queue, async (left) => {
    await moving;
    if (queue.current === left) await takeUp(left);
    return undefined;
  });
  const move = async (to: string): Promise<void> => {
    await using stack = new AsyncDisposableStack();
    if (to !== place) {
      const next = stack.use(await openRepoJobs(repo, to, clock, logger));
      await ownQueue(next, miner);
      const isOther = await carry(queue.current, next);
      place = to;
      if (isOther) {
        stack.move();
        await queue.switchTo(next);
      }
    }
    await rm(leftPath(repo), { force: true });
  };
  return {
    queue,
    get database() {
      return place;
    },
    leave: async (to) => {
      await moving;
      if (to === place) return;
      await using next = await openRepoJobs(repo, to, clock);
      await ownQueue(next, miner);
      await sayLeft(repo, place);
    },
    moveTo: async (to) => {
      const moved = moving.then(() => move(to));
      moving = moved.catch(() => undefined);
      await moved;
    },
    [Symbol.asyncDispose]: async () => {
      await moving;
      await queue[Symbol.asyncDispose]();
    },
  };
}

interface First {
  readonly queue: MovableQueue;
  readonly place: string;
}

/** Where the jobs are. A move that was cut goes on; where it cannot, the jobs stay where they were, as before. */
async function openFirst({ repo, database, miner, clock, logger }: NodeJobsOptions): Promise<First> {
  await using stack = new AsyncDisposableStack();
  const left = await leftJobs(repo);
  const named = stack.use(await openRepoJobs(repo, database, clock, logger));
  await ownQueue(named, miner);
  if (left === undefined || left === database) {
    await takeUp(named);
    await rm(leftPath(repo), { force: true });
    stack.move();
    return { queue: named, place: database };
  }
  const from = await openRepoJobs(repo, left, clock, logger);
  stack.use(from);
  await ownQueue(from, miner);
  try {
    await carry(from, named);
    await takeUp(named);
  } catch (error) {
    await takeUp(from);
    logger.warn("jobs: they stay in the database that was left", {
      place: from.carrier.place,
      error: error instanceof HoldfastError ? error.code : String(error),
    });
    stack.move();
    await named[Symbol.asyncDispose]();
    return { queue: from, place: left };
  }
  await rm(leftPath(repo), { force: true });
  stack.move();
  await from[Symbol.asyncDispose]();
  return { queue: named, place: database };
}

/** False: they are one queue by two names, and nothing has happened. */
async function carry(from: MovableQueue, to: MovableQueue): Promise<boolean> {
  try {
    await carryJobs(from, to);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "storage/same-database") return false;
    throw error;
  }
}

/** Only a node moves its queue, and only one runs: what was closed by a move that did not end is opened again. */
async function takeUp({ carrier }: MovableQueue): Promise<void> {
  const standing = await standingOf(carrier);
  if (standing === "moved") throw storageErrors.queueMoved({ place: carrier.place });
  if (standing === "moving") await carrier.reopen();
}

/** The queue of a worker. Where the folder is not known, a queue that has moved is lost to it. */
export function followedQueue(
  first: MovableQueue,
  { repo, clock }: { readonly repo: string | undefined; readonly clock: Clock },
): SwitchQueue {
  return new SwitchQueue(first, async (left, signal) => {
    for (let waitedMs = 0; waitedMs < workLimits.queueFollowMs; waitedMs += workLimits.jobPollMs) {
      const standing = await standingOf(left.carrier);
      if (standing === "open") return undefined;
      const found = repo === undefined ? undefined : await movedTo(left, repo, clock);
      if (found !== undefined) return found;
      if (standing === "moved" && repo === undefined) break;
      await clock.sleep(workLimits.jobPollMs, signal);
    }
    throw storageErrors.queueMoved({ place: left.carrier.place });
  });
}

/** The same jobs where the configuration says that they are; undefined: not there, or not there yet. */
async function movedTo(left: MovableQueue, repo: string, clock: Clock): Promise<MovableQueue | undefined> {
  const { mining } = await configOf(repo);
  await using stack = new AsyncDisposableStack();
  const found = stack.use(await openRepoJobs(repo, mining.database, clock));
  const isSame = (await queueIdOf(found.carrier)) === (await queueIdOf(left.carrier));
  if (!isSame || (await standingOf(found.carrier)) !== "open") return undefined;
  stack.move();
  return found;
}
