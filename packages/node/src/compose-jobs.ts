/** The jobs of a miner's storage, as the API wants to see them. */
import type { MethodResult } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";
import {
  type CordonTarget,
  type Job,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  type JobQueue,
  jobKinds,
  type Storage,
  storageErrors,
} from "@holdfast/storage";
import { type JobsDoor, rpcErrors, type WatchFrom } from "./rpc/index.ts";
import { workLimits } from "./work-limits.ts";

type JobView = MethodResult<"jobs.ls">["jobs"][number];

export function jobsDoorOf(queue: JobQueue, storage: Storage): JobsDoor {
  const known = async (jobId: number): Promise<Job> => {
    const job = await queue.job(jobId);
    if (job === undefined) throw storageErrors.unknownJob({ jobId });
    return job;
  };
  return {
    async list({ limit, beforeId, states, kinds, sectorId }) {
      const filter: JobFilter = {
        ...(states === undefined ? {} : { states }),
        ...(kinds === undefined ? {} : { kinds }),
        ...(sectorId === undefined ? {} : { sectorId }),
      };
      const page = { limit: limit + 1, ...(beforeId === undefined ? {} : { beforeId }) };
      const found = await queue.list(filter, page);
      const counts = await queue.counts();
      return { jobs: found.slice(0, limit).map(viewOf), more: found.length > limit, counts };
    },
    show: async (jobId) => {
      const job = viewOf(await known(jobId));
      return { ...job, events: await queue.eventsOf(jobId, workLimits.jobEvents) };
    },
    async retry(jobId) {
      await retry(queue, storage, await known(jobId));
      return viewOf(await known(jobId));
    },
    async cancel(jobId, reason) {
      const { state } = await known(jobId);
      if (!(await queue.cancel(jobId, reason))) throw rpcErrors.jobEnded({ jobId, state });
      return viewOf(await known(jobId));
    },
    async priority(jobId, priority) {
      const { state } = await known(jobId);
      if (!(await queue.prioritise(jobId, priority))) throw rpcErrors.jobEnded({ jobId, state });
      return viewOf(await known(jobId));
    },
    async cordon(text, reason) {
      const target = targetOf(text);
      await queue.cordon(target, reason);
      const found = (await queue.cordons()).find((cordon) => cordon.target === target);
      return found ?? { target, reason, sinceMs: 0 };
    },
    async uncordon(text) {
      const target = targetOf(text);
      return { target, wasCordoned: await queue.uncordon(target) };
    },
    async workers() {
      const workers = (await queue.workers()).map(({ capacity, runningCount, kinds, ...worker }) => ({
        ...worker,
        kinds: [...kinds],
        ...capacity,
        running: runningCount,
      }));
      return { workers, cordons: await queue.cordons() };
    },
    watchJobs: (from, signal) => watchJobs(queue, from, signal),
    watchSectors: (from, signal) => watchSectors(storage, from, signal),
  };
}

/** A seal that failed is the sector's: its next try is another job, with another ticket or seed. */
async function retry(queue: JobQueue, storage: Storage, job: Job): Promise<void> {
  const { jobId, kind, sectorId, state } = job;
  if ((kind === "seal" || kind === "commit-proof") && sectorId !== null) {
    const sector = await storage.getSector(sectorId);
    if (sector.state === "failed") return await storage.retrySector(sectorId);
  }
  if (!(await queue.retry(jobId))) throw rpcErrors.jobEnded({ jobId, state });
}

function viewOf(job: Job): JobView {
  const { input: _input, output: _output, volumes: _volumes, resources, ...more } = job;
  const { token, failure, notBeforeMs, ...rest } = more;
  return {
    ...rest,
    ...resources,
    claims: token,
    notBeforeMs: rest.state === "waiting" && notBeforeMs > 0 ? notBeforeMs : null,
    failure: failure === null ? null : { code: failure.code, message: failure.message, fix: fixOf(failure) },
  };
}

function fixOf({ detail }: JobFailure): string | null {
  try {
    const parsed: { fix?: unknown } = JSON.parse(detail);
    return typeof parsed.fix === "string" ? parsed.fix : null;
  } catch {
    return null;
  }
}

function targetOf(text: string): CordonTarget {
  if (text === "all") return text;
  const kind = jobKinds.find((known) => text === `kind:${known}`);
  if (kind !== undefined) return `kind:${kind}`;
  if (/^worker:[!-~]{1,128}$/.test(text)) return text as CordonTarget;
  throw rpcErrors.badTarget({ target: text, kinds: jobKinds.join(", ") });
}

/** Events of the queue from a cursor on, old and new; whoever has a name goes on where it was. */
async function* watchJobs(
  queue: JobQueue,
  { after, consumer }: WatchFrom,
  signal: Cancel,
): AsyncGenerator<JobEvent, void, undefined> {
  let wake = (): void => undefined;
  const wakeUp = (): void => wake();
  using _listening = queue.onChange(wakeUp);
  signal.addEventListener("abort", wakeUp, { once: true });
  const saved = consumer === undefined ? undefined : await queue.cursorOf(consumerName(consumer));
  let cursor = after ?? saved ?? (await queue.lastCursor());
  while (!signal.aborted) {
    const news = new Promise<void>((resolve) => {
      wake = resolve;
    }); // before the look, so that nothing falls between
    const events = await queue.events(cursor, workLimits.jobEvents);
    for (const event of events) {
      yield event;
      cursor = event.cursor;
      // Said after the consumer has asked for the next: it has had this one.
      if (consumer !== undefined) await queue.saveCursor(consumerName(consumer), cursor);
    }
    if (events.length === 0) await news;
  }
}

async function* watchSectors(
  storage: Storage,
  { after, consumer }: WatchFrom,
  signal: AbortSignal,
): AsyncGenerator<MethodResult<"sector.watch">, void, undefined> {
  const saved = consumer === undefined ? undefined : await storage.cursorOf(consumerName(consumer));
  for await (const event of storage.events(after ?? saved ?? 0, signal)) {
    yield event;
    if (consumer !== undefined) await storage.saveCursor(consumerName(consumer), event.cursor);
  }
}

/** Apart from the names that the node's own parts have. */
function consumerName(consumer: string): string {
  return `api/${consumer}`;
}
