/**
 * A sealer that has its jobs done by whoever takes them from a queue: a thread of this process, another process,
 * another machine. A seal and its proof have a key each, so a node that was restarted finds the job that it had begun,
 * perhaps done. Proofs of spacetime and reads are asked for anew each time: their answer depends on what the disk can
 * read now.
 */
import { type Disk, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import {
  type ExtractJob,
  type JobOptions,
  type PostJob,
  type PostResult,
  type ProveJob,
  packed,
  type ReplicateJob,
  type ReplicateResult,
  rebuildShare,
  type Sealer,
  unpacked,
} from "../pool/index.ts";
import {
  homeSpec,
  homeVolumeId,
  locate,
  type VolumeDisk,
  type VolumeSpec,
  type VolumeTable,
} from "../volumes/index.ts";
import { ended, outputOf } from "./ended.ts";
import {
  filesOfSeal,
  folderOf,
  foldersOf,
  ownFolder,
  type ReadOutput,
  type SealInput,
  type SealOutput,
} from "./seal-work.ts";
import type { JobKind, JobQueue, JobResources, NewJob } from "./types.ts";

export interface QueueSealerOptions {
  readonly queue: JobQueue;
  /** Where the files of the jobs lie, for the workers too. */
  readonly disk: Disk;
  /** Unique in each life of the node. */
  readonly life: string;
  /** Under whose name its volumes are shared with workers; not at all when left out. */
  readonly owner?: string;
}

export interface QueueSealer extends Sealer {
  /** Tells workers of the volumes, if that is news. */
  share(): Promise<void>;
}

/** Memory of what does not grow with the sector. */
const smallBytes = 64 * 2 ** 20;
/** Of the sector: two layers, and the rows of two trees (a seventh of a layer each, rounded up). */
const sealShare = 2.5;
/** A decoded sector, the one it is decoded from and, for a moment, a third. */
const readShare = 3;

function sealResources(sectorBytes: number): JobResources {
  return { cpus: 1, memoryBytes: smallBytes + Math.ceil(sealShare * sectorBytes) };
}
/** Of the sector whose seal was said to take as much. */
export function sealedBytesOf({ memoryBytes }: JobResources): number {
  return Math.max(0, Math.floor((memoryBytes - smallBytes) / sealShare));
}

/** Jobs that wait for somebody who is gone: they belong to one life of the node. */
export const fleetingKinds: readonly JobKind[] = ["window-post", "winning-post", "unseal", "check"];

/** A job as its sealer asks for it. */
type Asked = Pick<NewJob, "key" | "kind" | "sectorId" | "input" | "volumes" | "maxFailures"> & {
  readonly resources: JobResources;
};

/** Of an own folder that takes no marker: nobody reaches it but those who need not ask. */
const unknownHome = "unmarked";

/** Of the largest tree that is hashed anew: they are one after the other. */
function rebuiltBytes({ sectors }: PostJob): number {
  const without = sectors.filter(({ treePath }) => treePath === null);
  return Math.ceil(rebuildShare * Math.max(0, ...without.map(({ sectorBytes }) => sectorBytes)));
}

export function createQueueSealer(options: QueueSealerOptions): QueueSealer {
  return new SealerOverQueue(options);
}

class SealerOverQueue implements QueueSealer {
  readonly #queue: JobQueue;
  readonly #disk: Disk;
  readonly #life: string;
  readonly #owner: string | undefined;
  #asked = 0;
  /** The table that was shared last, as text. */
  #shared = "";

  constructor({ queue, disk, life, owner }: QueueSealerOptions) {
    this.#queue = queue;
    this.#disk = disk;
    this.#life = life;
    this.#owner = owner;
  }

  async share(): Promise<void> {
    if (this.#owner === undefined) return;
    const table = tableOf(this.#disk);
    const text = JSON.stringify(table);
    if (text === this.#shared) return;
    await this.#queue.shareVolumes(this.#owner, [...homeOf(table), ...table.volumes]);
    this.#shared = text;
  }

  async replicate(job: ReplicateJob, options: JobOptions): Promise<ReplicateResult> {
    const { miner, sectorId, ticket } = job.identity;
    const folder = folderOf(job.replicaPath);
    const lasting = `seal/${miner}/${folder}/${Buffer.from(ticket).toString("hex", 0, 8)}`;
    return await this.#made<ReplicateResult>(
      {
        key: options.isOnce === true ? this.#fresh("seal") : lasting,
        kind: "seal",
        sectorId,
        ...this.#said(job, [job.stagedPath, ...filesOfSeal(job)]),
        resources: sealResources(job.sectorBytes),
      },
      { paths: filesOfSeal(job), needed: [job.replicaPath, job.treePath, job.auxPath] },
      options,
    );
  }

  async prove(job: ProveJob, options: JobOptions): Promise<void> {
    const { miner, sectorId } = job.identity;
    const folder = folderOf(job.proofPath);
    await this.#made<null>(
      {
        key: `commit-proof/${miner}/${folder}/${Buffer.from(job.seed).toString("hex", 0, 8)}`,
        kind: "commit-proof",
        sectorId,
        ...this.#said(job, [job.auxPath, job.proofPath]),
        resources: { cpus: 1, memoryBytes: smallBytes },
      },
      { paths: [job.proofPath], needed: [job.proofPath] },
      options,
    );
  }

  async extract(job: ExtractJob, options: JobOptions): Promise<Uint8Array> {
    const { output } = await this.#run(
      {
        key: this.#fresh("unseal"),
        kind: "unseal",
        sectorId: job.identity.sectorId,
        ...this.#said(job, [job.replicaPath]),
        resources: { cpus: 1, memoryBytes: smallBytes + Math.ceil(readShare * job.sectorBytes) },
      },
      options,
    );
    const { bytes, path } = unpacked<ReadOutput>(output);
    if (path === null) return bytes;
    const found = await this.#disk.readFile(path);
    await this.#disk.remove(folderOf(path));
    if (found === undefined) throw storageErrors.missingFile({ sectorId: job.identity.sectorId, path });
    return found;
  }

  async post(job: PostJob, options: JobOptions): Promise<PostResult> {
    const due = job.postKind === "window" ? "window-post" : "winning-post";
    const kind: JobKind = job.isRehearsal === true ? "check" : due;
    const [only] = job.sectors.length === 1 ? job.sectors : [];
    const { output } = await this.#run(
      {
        key: this.#fresh(kind),
        kind,
        ...(only === undefined ? {} : { sectorId: only.sectorId }),
        ...this.#said(
          job,
          job.sectors.map(({ treePath, replicaPath }) => treePath ?? replicaPath ?? null),
        ),
        resources: { cpus: 1, memoryBytes: smallBytes + rebuiltBytes(job) },
        // Whoever asks knows best when to ask again.
        maxFailures: 2,
      },
      options,
    );
    return unpacked<PostResult>(output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return; // the queue and its workers outlive their sealers
  }

  /**
   * The result of a job whose files are where the caller wants them. A life before may have put some of them in place
   * without a record, and the collector has taken them since: what was done then is done again.
   */
  async #made<Result>(
    job: Asked,
    files: { readonly paths: readonly string[]; readonly needed: readonly string[] },
    options: JobOptions,
  ): Promise<Result> {
    for (let again = 0; ; again++) {
      const key = again === 0 ? job.key : `${job.key}/${again}`;
      const { output, wasDone } = await this.#run({ ...job, key }, options);
      const { token, result } = unpacked<SealOutput<Result>>(output);
      await this.#fetch(files.paths, token);
      const missing = await this.#firstMissing(files.needed);
      if (missing === undefined) return result;
      if (!wasDone) throw storageErrors.missingFile({ sectorId: job.sectorId ?? 0, path: missing });
    }
  }

  async #firstMissing(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) if ((await this.#disk.sizeBytes(path)) === undefined) return path;
    return undefined;
  }

  #fresh(kind: JobKind): string {
    this.#asked += 1;
    return `${kind}/${this.#life}/${this.#asked}`;
  }

  /** `wasDone`: by a life before. */
  async #run(
    job: Asked,
    { signal, onProgress, due, isOnce = fleetingKinds.includes(job.kind) }: JobOptions,
  ): Promise<{ readonly output: string; readonly wasDone: boolean }> {
    signal.throwIfAborted();
    await this.share();
    const dueMs = due?.ms();
    const { jobId, state } = await this.#queue.enqueue({
      ...job,
      ...(dueMs === undefined ? {} : { dueMs }),
    });
    let moved = Promise.resolve();
    const moves = due?.onChange((movedMs) => {
      moved = moved.then(() => this.#move(job, movedMs));
    });
    try {
      const waiting = { signal, ...(onProgress === undefined ? {} : { onProgress }) };
      const output = outputOf(await ended(this.#queue, jobId, waiting));
      // Nobody asks for a fleeting job again: its answer, perhaps megabytes, is not kept.
      if (fleetingKinds.includes(job.kind)) await this.#letGo(jobId);
      return { output, wasDone: state === "done" };
    } catch (error) {
      // A node that stops leaves its seals to go on; what nobody wants any more is called off.
      const goesOn = isCode(signal.reason, "storage/closed") && !isOnce;
      if (signal.aborted && !goesOn) await this.#callOff(jobId);
      throw error;
    } finally {
      moves?.[Symbol.dispose]();
    }
  }

  /** The same job by its key. Where that fails it is done in its old turn. */
  async #move(job: Asked, dueMs: number | null): Promise<void> {
    await this.#queue.enqueue({ ...job, dueMs }).catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error;
    });
  }

  async #letGo(jobId: number): Promise<void> {
    await this.#queue.taken(jobId).catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error; // `prune` does it later
    });
  }

  async #callOff(jobId: number): Promise<void> {
    try {
      await this.#queue.cancel(jobId, "nobody wants it any more");
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error; // the queue may be closed already; the next life tidies up
    }
  }

  /** What a worker has to know, and which volumes it has to reach. */
  #said(job: unknown, paths: readonly (string | null)[]): Pick<Asked, "input" | "volumes"> {
    const table = tableOf(this.#disk);
    const input = packed({ table, job } satisfies SealInput<unknown>);
    return { input, volumes: markersOf(table, paths) };
  }

  /** Moves what a worker has left to where the caller expects it, unless that has been done before. */
  async #fetch(paths: readonly string[], token: number): Promise<void> {
    for (const folder of foldersOf(paths)) {
      const from = ownFolder(folder, token);
      if ((await this.#disk.list(from)).length === 0) continue;
      await this.#disk.remove(folder);
      await this.#disk.rename(from, folder);
    }
  }
}

/** What a worker needs to open the same files; a simulated disk is known to its workers. */
function tableOf(disk: Disk): VolumeTable {
  if ("table" in disk) return (disk as VolumeDisk).table();
  return { home: disk.nativePath("") ?? null, volumes: [] };
}

function homeOf(table: VolumeTable): readonly VolumeSpec[] {
  const home = homeSpec(table);
  return home === undefined ? [] : [home];
}

/** Of the volumes that some files lie on; one that is not attached has none, and no worker finds it. */
function markersOf(table: VolumeTable, paths: readonly (string | null)[]): string[] {
  const ids = new Set(paths.filter((path) => path !== null).map((path) => locate(path).volumeId));
  const known = [...homeOf(table), ...table.volumes].filter(({ volumeId }) => ids.has(volumeId));
  const isLost = ids.has(homeVolumeId) && table.home !== null && table.homeMarker === undefined;
  return [...known.map(({ marker }) => marker), ...(isLost ? [unknownHome] : [])];
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof HoldfastError && error.code === code;
}
