/**
 * How long seals take and how many run at a time: of the jobs that were done last, from their claim to their end, and
 * of the workers that are there. What waits for its turn is not counted in, so it says how fast a backlog gets done.
 */
import { sealedBytesOf } from "./queue-sealer.ts";
import type { Job, JobQueue } from "./types.ts";

export interface SealSpeed {
  /** The seal and the proof of one sector of this size, by one worker (milliseconds). */
  msFor(sectorBytes: number): number;
  /** Seals that run at a time; at least 1. */
  readonly parallel: number;
}

export interface OwnPlaces {
  /** Who is not counted among the workers that have said they are there. */
  readonly workerId: string;
  /** Seals that the node does at a time itself. */
  readonly seals: number;
  /** Processes that it starts when there is something to do, and which say so themselves then. */
  readonly processes: number;
}

/** Jobs of a kind that say how long the next one takes. */
const lastJobs = 16;

/** Undefined: no seal was done yet. */
export async function sealSpeedOf(
  queue: Pick<JobQueue, "list" | "workers">,
  { workerId, seals, processes }: OwnPlaces,
): Promise<SealSpeed | undefined> {
  const done = async (kind: "seal" | "commit-proof") =>
    await queue.list({ kinds: [kind], states: ["done"] }, { limit: lastJobs });
  const [sealed, proved] = [await done("seal"), await done("commit-proof")];
  const bytes = sum(sealed.map(({ resources }) => sealedBytesOf(resources)));
  if (bytes === 0) return undefined;
  const perByteMs = sum(sealed.map(tookMs)) / bytes;
  const proofMs = sum(proved.map(tookMs)) / Math.max(1, proved.length);
  const memoryBytes = Math.max(...sealed.map(({ resources }) => resources.memoryBytes));
  const others = (await queue.workers()).filter((one) => one.workerId !== workerId);
  const places = others
    .filter(({ kinds }) => kinds.includes("seal"))
    .map(({ capacity }) => Math.min(capacity.cpus, Math.floor(capacity.memoryBytes / memoryBytes)));
  return {
    msFor: (sectorBytes) => perByteMs * sectorBytes + proofMs,
    parallel: Math.max(1, seals + Math.max(processes, sum(places))),
  };
}

function tookMs({ startedMs, endedMs }: Job): number {
  return startedMs === null || endedMs === null ? 0 : Math.max(0, endedMs - startedMs);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
