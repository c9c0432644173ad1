/**
 * Work on files as jobs of the queue: adding pieces (intake.ts), moving and repairing sectors, emptying volumes
 * (drains.ts), reading sectors to see whether they are whole (scrubbing), deleting what nobody owns. The metadata
 * belongs to one process, so these jobs are for the one worker of that process; being jobs they have priorities,
 * cordons and a history, are tried again, and outlive the process. Every one of them may be cut off anywhere and done
 * again, but for a piece, whose sender begins anew.
 */
import { abortable, type Clock, type Logger } from "@holdfast/base";
import { isDatabaseSilent, storageErrors } from "../errors.ts";
import { packed, unpacked } from "../pool/index.ts";
import {
  type CollectedGarbage,
  landedStates,
  type NewPiece,
  type RepairReport,
  type SectorCheck,
  type Storage,
  type StoredPiece,
  type VolumeInfo,
} from "../sectors/index.ts";
import { type DrainJob, Drains } from "./drains.ts";
import { ended, giveBack, outputOf } from "./ended.ts";
import { Intake } from "./intake.ts";
import { type JobHandlers, type Runner, startRunner } from "./runner.ts";
import type { JobKind, JobQueue, NewJob } from "./types.ts";

export interface ChoresOptions {
  readonly queue: JobQueue;
  readonly storage: Storage;
  /** Whose files they are: several storages may share a queue. */
  readonly owner: string;
  /** Machine and process, for people. */
  readonly place: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So many at a time. */
  readonly parallel: number;
  /** All stored sectors are read once in this time; 0: never. */
  readonly scrubMs: number;
  /** Unique in each life of the process. */
  readonly life: string;
}

/**
 * Each method waits for its job and throws the job's own error, or storage/cancelled; a signal ends the waiting and
 * leaves the job. What is asked for twice is done twice, the second time with nothing to do.
 */
export interface Chores extends AsyncDisposable {
  readonly runner: Runner;
  /** As the storage's own; storage/cancelled too where somebody has called the job off. */
  addPiece(piece: NewPiece, signal?: AbortSignal): Promise<StoredPiece>;
  /** Begins to empty a volume that is being drained, or goes on; does not wait for it. */
  drain(volume: VolumeInfo): Promise<DrainJob>;
  /** The volume takes files again. */
  endDrain(volumeId: number): Promise<void>;
  /** The job that empties a volume, or has. */
  drainOf(volumeId: number): Promise<DrainJob | undefined>;
  move(sectorId: number, volume: string | number, signal: AbortSignal): Promise<void>;
  check(sectorId: number, signal: AbortSignal): Promise<SectorCheck>;
  repair(sectorId: number, signal: AbortSignal): Promise<RepairReport>;
  clean(signal: AbortSignal): Promise<CollectedGarbage>;
}

/** The input of a repair that nobody has asked for. */
const ownIdea = "own";

interface MoveInput {
  readonly volume: string | number;
}

/** Bytes that a chore holds at a time, of files that are copied or compared. */
const choreBytes = 64 * 2 ** 20;
/** Between two sectors that are read, at least; and how often it is looked whether the next one is due. */
const scrubPauseMs = { least: 1_000, look: 3_600_000 } as const;
/** Jobs of a life before that are looked through. */
const aliveJobs = 1_000;

const choreKinds: readonly JobKind[] = ["add-piece", "move", "repair", "delete", "scrub", "drain"];

export async function openChores(options: ChoresOptions): Promise<Chores> {
  const { queue, storage, clock, logger, owner, place, parallel } = options;
  const workerId = `files-${owner}`;
  await takeBack(queue, workerId);
  const intake = new Intake({ ...options, workerId });
  const drains = new Drains({ ...options, workerId });
  await drains.resume(); // before anything runs that would have to be ended if this fails
  const runner = startRunner({
    ...{ queue, clock, logger, workerId, place },
    handlers: {
      ...handlersOf(storage),
      "add-piece": (job, work) => intake.work(job, work),
      drain: (job, work) => drains.work(job, work),
    },
    capacity: { cpus: parallel, memoryBytes: Number.MAX_SAFE_INTEGER },
  });
  const end = new AbortController();
  const mending = new Set<Promise<void>>();
  const doubting = storage.onDoubt((sectorId) => {
    logger.error("storage: a plain copy is damaged and is being repaired", { sectorId });
    const about = `${owner}/${options.life}/${sectorId}-doubt-${clock.nowMs()}`;
    const mended = mend(options, { sectorId, about, workerId }, end.signal).finally(() => {
      storage.settleDoubt(sectorId); // its job may have been called off before anybody looked
      mending.delete(mended);
    });
    mending.add(mended);
  });
  const scrubbing = options.scrubMs === 0 ? Promise.resolve() : scrubAll(options, workerId, end.signal);
  let asked = 0;
  const run = async (kind: JobKind, about: Partial<NewJob>, signal: AbortSignal): Promise<string> => {
    asked += 1;
    const key = `${kind}/${owner}/${options.life}/${asked}`;
    const { jobId } = await queue.enqueue(choreOf({ key, kind, forWorker: workerId, ...about }));
    return outputOf(await ended(queue, jobId, { signal: AbortSignal.any([signal, end.signal]) }));
  };
  return {
    runner,
    addPiece: (piece, signal) => intake.add(piece, signal),
    drain: (volume) => drains.start(volume),
    endDrain: (volumeId) => drains.callOff(volumeId),
    drainOf: (volumeId) => drains.jobOf(volumeId),
    move: async (sectorId, volume, signal) => {
      await run("move", { sectorId, input: packed({ volume } satisfies MoveInput), priority: 1 }, signal);
    },
    check: async (sectorId, signal) => unpacked(await run("scrub", { sectorId, priority: 1 }, signal)),
    repair: async (sectorId, signal) => unpacked(await run("repair", { sectorId, priority: 1 }, signal)),
    clean: async (signal) => unpacked(await run("delete", {}, signal)),
    async [Symbol.asyncDispose]() {
      doubting[Symbol.dispose]();
      end.abort(storageErrors.closed({}));
      await scrubbing;
      await Promise.all(mending);
      intake.close();
      await runner[Symbol.asyncDispose]();
    },
  };
}

function choreOf(job: Pick<NewJob, "key" | "kind"> & Partial<NewJob>): NewJob {
  return { input: "", resources: { cpus: 1, memoryBytes: choreBytes }, ...job };
}

function handlersOf(storage: Storage): JobHandlers {
  const { volumes } = storage;
  const sectorOf = ({ sectorId }: { readonly sectorId: number | null }): number => sectorId ?? -1;
  // Given back at once where it is told to stop: the storage, which ends after us, waits for what is still under way.
  return {
    move: async (job, { signal }) => {
      await abortable(signal, volumes.move(sectorOf(job), unpacked<MoveInput>(job.input).volume, signal));
      return packed(null);
    },
    repair: async (job, { signal }) => {
      const options = { sparesAway: job.input === ownIdea };
      return packed(await abortable(signal, volumes.repair(sectorOf(job), signal, options)));
    },
    scrub: async (job, { signal }) => packed(await abortable(signal, volumes.check(sectorOf(job), signal))),
    delete: async (_job, { signal }) => packed(await abortable(signal, storage.collectGarbage())),
  };
}

/** What the life before held it holds no more, and its looks at sectors begin anew with ours. */
async function takeBack(queue: JobQueue, workerId: string): Promise<void> {
  const alive = await queue.list({ kinds: choreKinds, states: ["waiting", "running"] }, { limit: aliveJobs });
  for (const { jobId, token, kind, state, forWorker, key } of alive) {
    if (forWorker !== workerId) continue;
    // A piece's sender is gone too: it asks anew.
    const isOver = kind === "add-piece" || (kind === "scrub" && key.startsWith("scrub/"));
    if (isOver) await queue.cancel(jobId, "its node was started anew");
    else if (state === "running") await giveBack(queue, { jobId, token }, "its node was started anew");
  }
  // Another process may have seen before us that nobody held them: that they died is no failure of theirs.
  const ended = await queue.list({ kinds: ["add-piece"], states: ["failed"] }, { limit: aliveJobs });
  for (const { jobId, forWorker, failure } of ended) {
    if (forWorker !== workerId || failure?.code !== "storage/worker-crashed") continue;
    await queue.retry(jobId);
    await queue.cancel(jobId, "its node was started anew");
  }
}

/** One sector after the other, as evenly as the time allows; what is damaged is made anew. */
async function scrubAll(options: ChoresOptions, workerId: string, signal: AbortSignal): Promise<void> {
  const { queue, storage, clock, logger, owner, scrubMs } = options;
  const consumer = `scrub/${owner}`;
  const lastTime = `scrubbed/${owner}`;
  while (!signal.aborted) {
    try {
      const stored = (await storage.countSectors()).filter(({ state }) => landedStates.includes(state));
      const count = stored.reduce((sum, { sectorCount }) => sum + sectorCount, 0);
      const pauseMs = Math.max(scrubPauseMs.least, Math.floor(scrubMs / Math.max(1, count)));
      if ((await queue.cursorOf(lastTime)) === 0) await queue.saveCursor(lastTime, clock.nowMs());
      await clock.sleep(Math.min(pauseMs, scrubPauseMs.look), signal);
      // By what is written down: a node that is started anew every day gets there too.
      if (clock.nowMs() < (await queue.cursorOf(lastTime)) + pauseMs) continue;
      await queue.saveCursor(lastTime, clock.nowMs());
      const after = (await queue.cursorOf(consumer)) - 1;
      const [next] = await storage.listSectors({ states: landedStates, after, limit: 1 });
      await queue.saveCursor(consumer, next === undefined ? 0 : next.sectorId + 1);
      if (next !== undefined) await scrubOne(options, workerId, next.sectorId, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isDatabaseSilent(error))
        logger.warn("storage: a sector could not be checked", { detail: String(error) });
      await clock.sleep(scrubPauseMs.least, signal).catch(() => undefined);
    }
  }
}

async function scrubOne(
  { queue, storage, owner, clock, logger, life }: ChoresOptions,
  workerId: string,
  sectorId: number,
  signal: AbortSignal,
): Promise<void> {
  const about = `${owner}/${life}/${sectorId}-${clock.nowMs()}`;
  const chore = { sectorId, forWorker: workerId, priority: -1 };
  const { jobId } = await queue.enqueue(choreOf({ ...chore, kind: "scrub", key: `scrub/${about}` }));
  const { troubles } = unpacked<SectorCheck>(outputOf(await ended(queue, jobId, { signal })));
  if (troubles.length === 0) return;
  const away = (await storage.volumes.list()).filter(({ isHere }) => !isHere);
  const files = await storage.volumes.filesOf(sectorId);
  if (files.some((file) => away.some(({ volumeId }) => volumeId === file.volumeId))) {
    logger.warn("storage: a sector is read again when its volume is back", { sectorId });
    return;
  }
  logger.error("storage: a stored sector is damaged and is being repaired", {
    sectorId,
    troubles: troubles.map(({ role, problem }) => `${role}: ${problem}`),
  });
  await mend({ queue, logger }, { sectorId, about, workerId }, signal);
}

/** Makes anew what is damaged; says why where that cannot be. */
async function mend(
  { queue, logger }: Pick<ChoresOptions, "queue" | "logger">,
  {
    sectorId,
    about,
    workerId,
  }: { readonly sectorId: number; readonly about: string; readonly workerId: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    const { jobId } = await queue.enqueue(
      choreOf({ sectorId, forWorker: workerId, kind: "repair", key: `repair/${about}`, input: ownIdea }),
    );
    outputOf(await ended(queue, jobId, { signal }));
  } catch (error) {
    if (signal.aborted) return;
    const detail = error instanceof Error ? error.message : String(error);
    logger.error("storage: a damaged sector cannot be repaired", { sectorId, detail });
  }
}
