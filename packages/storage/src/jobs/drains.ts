/**
 * Emptying a volume as one job: it says how far it is, is called off and taken up again, and goes on after a restart.
 * What is wanted stands in the metadata (the volume takes nothing new while it is drained), who does it in the queue; a
 * volume whose job was called off waits for whoever takes it up. Invariant: of a volume at most one job has not ended.
 */
import { abortable } from "@holdfast/base";
import { packed, unpacked } from "../pool/index.ts";
import type { Storage, VolumeInfo } from "../sectors/index.ts";
import type { WorkOptions } from "./runner.ts";
import type { Job, JobFailure, JobQueue, JobState, NewJob } from "./types.ts";

export interface DrainsParts {
  readonly queue: JobQueue;
  readonly storage: Storage;
  readonly owner: string;
  readonly life: string;
  readonly workerId: string;
}

/** The job that empties a volume, or has. */
export interface DrainJob {
  readonly jobId: number;
  readonly state: JobState;
  readonly progress: number;
  /** Why its last try came to nothing. */
  readonly failure: JobFailure | null;
}

interface DrainInput {
  readonly volumeId: number;
  /** What lay there at first: the progress counts from it, over restarts too. */
  readonly fromBytes: number;
}

/** Jobs that are looked through for those of a volume: the newest. */
const lookedJobs = 1_000;

export class Drains {
  readonly #parts: DrainsParts;
  /** By volume: one that was called off still ends the file that it copies. */
  readonly #underWay = new Map<number, Promise<unknown>>();
  #asked = 0;

  constructor(parts: DrainsParts) {
    this.#parts = parts;
  }

  /** A volume that is drained has its job, unless somebody has called it off. */
  async resume(): Promise<void> {
    const volumes = await this.#parts.storage.volumes.list();
    for (const volume of volumes.filter(({ mode, fileCount }) => mode === "draining" && fileCount > 0)) {
      const known = await this.#newest(volume.volumeId);
      if (known?.state !== "cancelled") await this.#start(volume, known);
    }
  }

  /** Begins, or goes on where it was called off. */
  async start(volume: VolumeInfo): Promise<DrainJob> {
    await this.#start(volume, await this.#newest(volume.volumeId));
    const { jobId, state, progress, failure } = (await this.#newest(volume.volumeId)) ?? nothing;
    return { jobId, state, progress, failure };
  }

  /** The volume takes files again. */
  async callOff(volumeId: number): Promise<void> {
    const known = await this.#newest(volumeId);
    if (known !== undefined) await this.#parts.queue.cancel(known.jobId, "the volume takes files again");
  }

  async jobOf(volumeId: number): Promise<DrainJob | undefined> {
    const known = await this.#newest(volumeId);
    if (known === undefined) return undefined;
    const { jobId, state, progress, failure } = known;
    return { jobId, state, progress, failure };
  }

  /** Called off: it stops within the file that it copies, and whoever takes it up waits for that. */
  async work(job: Job, { signal, onProgress }: WorkOptions): Promise<string> {
    const { volumeId, fromBytes } = unpacked<DrainInput>(job.input);
    await abortable(signal, Promise.allSettled([this.#underWay.get(volumeId)]));
    const onLeft = (bytes: number): void => onProgress(Math.max(0, 1 - bytes / Math.max(1, fromBytes)));
    const drained = this.#parts.storage.volumes.drain(volumeId, { signal, onLeft });
    this.#underWay.set(volumeId, drained);
    return packed({ isEmpty: await abortable(signal, drained) });
  }

  async #start({ volumeId }: VolumeInfo, known: Job | undefined): Promise<void> {
    const { queue, storage, owner, life, workerId } = this.#parts;
    if (known !== undefined && known.state !== "done") {
      await queue.retry(known.jobId); // nothing happens to one that waits or runs
      return;
    }
    this.#asked += 1;
    const fromBytes = await storage.volumes.sectorBytesOn(volumeId);
    const job: NewJob = {
      key: `${keyOf(owner, volumeId)}${life}/${this.#asked}`,
      kind: "drain",
      input: packed({ volumeId, fromBytes } satisfies DrainInput),
      // It mostly waits for disks, for days perhaps: no repair waits for it.
      resources: { cpus: 0, memoryBytes: 0 },
      forWorker: workerId,
    };
    await queue.enqueue(job);
  }

  async #newest(volumeId: number): Promise<Job | undefined> {
    const { queue, owner } = this.#parts;
    const found = await queue.list({ kinds: ["drain"] }, { limit: lookedJobs });
    return found.find(({ key }) => key.startsWith(keyOf(owner, volumeId)));
  }
}

/** Of a job that was forgotten between two looks. */
const nothing: DrainJob = { jobId: 0, state: "done", progress: 1, failure: null };

function keyOf(owner: string, volumeId: number): string {
  return `drain/${owner}/${volumeId}/`;
}
