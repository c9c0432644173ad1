/**
 * The queue of a node's folder, as the node and its workers open it: a file of the folder, or the database that the
 * configuration names. It may move from one to the other while both use it; the node moves it, and a worker finds it
 * again by the configuration, which the node has changed before.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Address, Clock } from "@holdfast/base";
import {
  carryJobs,
  type Job,
  type JobQueue,
  type MovableQueue,
  openPostgresJobs,
  openSqliteJobs,
  queueIdOf,
  SwitchQueue,
  standingOf,
  storageErrors,
} from "@holdfast/storage";
import { type NodeConfig, readConfig, repoErrors } from "./repo/index.ts";
import { workLimits } from "./work-limits.ts";

/** Errors: `storage/…`. */
export async function openRepoJobs(repo: string, database: string, clock: Clock): Promise<MovableQueue> {
  if (database !== "") return await openPostgresJobs({ url: database });
  const dbPath = join(repo, "jobs.db");
  return openSqliteJobs({ dbPath, clock, pollMs: workLimits.jobPollMs, isWatched: true });
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
   * Takes all jobs to another database; they go on there, those too that run. Nothing happens where they are there.
   * Throws storage/foreign-database: another miner's jobs wait there; what the engines throw.
   */
  moveTo(database: string): Promise<void>;
}

export interface NodeJobsOptions {
  readonly repo: string;
  readonly database: string;
  /** Whose jobs they are. */
  readonly miner: Address;
  readonly clock: Clock;
}

/** Errors: storage/queue-moved: the jobs are in another database; `storage/…`. */
export async function openNodeJobs({ repo, database, miner, clock }: NodeJobsOptions): Promise<NodeJobs> {
  /** Of the last move; it never rejects. */
  let moving: Promise<void> = Promise.resolve();
  let place = database;
  const first = await openRepoJobs(repo, database, clock);
  const queue = new SwitchQueue(first, async (left) => {
    await moving;
    if (queue.current === left) await takeUp(left);
    return undefined;
  });
  try {
    await takeUp(first);
  } catch (error) {
    await first[Symbol.asyncDispose]();
    throw error;
  }
  const move = async (to: string): Promise<void> => {
    if (to === place) return;
    await using stack = new AsyncDisposableStack();
    const next = stack.use(await openRepoJobs(repo, to, clock));
    await checkOwn(next, miner);
    await carryJobs(queue.current, next);
    stack.move();
    place = to;
    await queue.switchTo(next);
  };
  return {
    queue,
    get database() {
      return place;
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

/** Only a node moves its queue, and only one runs: what was closed by a move that did not end is opened again. */
async function takeUp({ carrier }: MovableQueue): Promise<void> {
  const standing = await standingOf(carrier);
  if (standing === "moved") throw storageErrors.queueMoved({ place: carrier.place });
  if (standing === "moving") await carrier.reopen();
}

/** What ended there long ago goes; what waits there for somebody else does not. */
async function checkOwn(queue: MovableQueue, miner: Address): Promise<void> {
  const alive = await queue.list({ states: ["waiting", "running"] }, { limit: workLimits.aliveJobs });
  if (alive.every((job) => isJobOf(miner, job))) return;
  throw storageErrors.foreignDatabase({ dbPath: queue.carrier.place });
}

export function isJobOf(miner: Address, { key, kind }: Pick<Job, "key" | "kind">): boolean {
  return key.startsWith(`${kind}/${miner}`);
}

/** The queue of a worker. Where the folder is not known, a queue that has moved is lost to it. */
export function followedQueue(
  first: MovableQueue,
  { repo, clock }: { readonly repo: string | undefined; readonly clock: Clock },
): SwitchQueue {
  return new SwitchQueue(first, async (left) => {
    for (let waitedMs = 0; waitedMs < workLimits.queueFollowMs; waitedMs += workLimits.jobPollMs) {
      const standing = await standingOf(left.carrier);
      if (standing === "open") return undefined;
      const found = repo === undefined ? undefined : await movedTo(left, repo, clock);
      if (found !== undefined) return found;
      if (standing === "moved" && repo === undefined) break;
      await clock.sleep(workLimits.jobPollMs);
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
