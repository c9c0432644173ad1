/**
 * A sealer that has its jobs done by whoever takes them from a queue: a thread of this process, another process,
 * another machine. A seal and its proof have a key each, so a node that was restarted finds the job that it had begun,
 * perhaps done. Proofs of spacetime and reads are asked for anew each time: their answer depends on what the disk can
 * read now.
 */
import { type Disk, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import {
  type ErrorData,
  type ExtractJob,
  errorOf,
  type JobOptions,
  type PostJob,
  type PostResult,
  type ProveJob,
  packed,
  type ReplicateJob,
  type ReplicateResult,
  type Sealer,
  unpacked,
} from "../pool/index.ts";
import type { VolumeDisk, VolumeTable } from "../volumes/index.ts";
import { ended } from "./ended.ts";
import {
  filesOfSeal,
  folderOf,
  foldersOf,
  ownFolder,
  type ReadOutput,
  type SealInput,
  type SealOutput,
} from "./seal-work.ts";
import type { Job, JobKind, JobQueue, JobResources } from "./types.ts";

export interface QueueSealerOptions {
  readonly queue: JobQueue;
  /** Where the files of the jobs lie, for the workers too. */
  readonly disk: Disk;
  /** Unique in each life of the node. */
  readonly life: string;
}

/** Memory of what does not grow with the sector. */
const smallBytes = 64 * 2 ** 20;
/** Of the sector: two layers, and the rows of two trees (a seventh of a layer each, rounded up). */
const sealShare = 2.5;
/** A decoded sector, the one it is decoded from and, for a moment, a third. */
const readShare = 3;

/** Jobs that wait for somebody who is gone: they belong to one life of the node. */
export const fleetingKinds: readonly JobKind[] = ["window-post", "winning-post", "unseal", "check"];

export function createQueueSealer(options: QueueSealerOptions): Sealer {
  return new QueueSealer(options);
}

class QueueSealer implements Sealer {
  readonly #queue: JobQueue;
  readonly #disk: Disk;
  readonly #life: string;
  #asked = 0;

  constructor({ queue, disk, life }: QueueSealerOptions) {
    this.#queue = queue;
    this.#disk = disk;
    this.#life = life;
  }

  async replicate(job: ReplicateJob, options: JobOptions): Promise<ReplicateResult> {
    const { miner, sectorId, ticket } = job.identity;
    const folder = folderOf(job.replicaPath);
    const output = await this.#run(
      {
        key: `seal/${miner}/${folder}/${Buffer.from(ticket).toString("hex", 0, 8)}`,
        kind: "seal",
        sectorId,
        input: this.#input(job),
        resources: { cpus: 1, memoryBytes: smallBytes + Math.ceil(sealShare * job.sectorBytes) },
      },
      options,
    );
    const { token, result } = unpacked<SealOutput<ReplicateResult>>(output);
    await this.#fetch(sectorId, filesOfSeal(job), token);
    return result;
  }

  async prove(job: ProveJob, options: JobOptions): Promise<void> {
    const { miner, sectorId } = job.identity;
    const folder = folderOf(job.proofPath);
    const output = await this.#run(
      {
        key: `commit-proof/${miner}/${folder}/${Buffer.from(job.seed).toString("hex", 0, 8)}`,
        kind: "commit-proof",
        sectorId,
        input: this.#input(job),
        resources: { cpus: 1, memoryBytes: smallBytes },
      },
      options,
    );
    await this.#fetch(sectorId, [job.proofPath], unpacked<SealOutput<null>>(output).token);
  }

  async extract(job: ExtractJob, options: JobOptions): Promise<Uint8Array> {
    const output = await this.#run(
      {
        key: this.#fresh("unseal"),
        kind: "unseal",
        sectorId: job.identity.sectorId,
        input: this.#input(job),
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
    const output = await this.#run(
      {
        key: this.#fresh(kind),
        kind,
        ...(only === undefined ? {} : { sectorId: only.sectorId }),
        input: this.#input(job),
        resources: { cpus: 1, memoryBytes: smallBytes },
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

  #fresh(kind: JobKind): string {
    this.#asked += 1;
    return `${kind}/${this.#life}/${this.#asked}`;
  }

  async #run(
    job: {
      readonly key: string;
      readonly kind: JobKind;
      readonly sectorId?: number;
      readonly input: string;
      readonly resources: JobResources;
      readonly maxFailures?: number;
    },
    { signal, onProgress, dueMs }: JobOptions,
  ): Promise<string> {
    signal.throwIfAborted();
    const { jobId } = await this.#queue.enqueue({ ...job, ...(dueMs === undefined ? {} : { dueMs }) });
    try {
      const waiting = { signal, ...(onProgress === undefined ? {} : { onProgress }) };
      return outputOf(await ended(this.#queue, jobId, waiting));
    } catch (error) {
      // A node that stops leaves its seals to go on; what nobody wants any more is called off.
      const goesOn = isCode(signal.reason, "storage/closed") && !fleetingKinds.includes(job.kind);
      if (signal.aborted && !goesOn) await this.#callOff(jobId);
      throw error;
    }
  }

  async #callOff(jobId: number): Promise<void> {
    try {
      await this.#queue.cancel(jobId, "nobody wants it any more");
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error; // the queue may be closed already; the next life tidies up
    }
  }

  #input(job: unknown): string {
    return packed({ table: tableOf(this.#disk), job } satisfies SealInput<unknown>);
  }

  /** Moves what a worker has left to where the caller expects it, unless that has been done before. */
  async #fetch(sectorId: number, paths: readonly string[], token: number): Promise<void> {
    for (const folder of foldersOf(paths)) {
      const from = ownFolder(folder, token);
      if ((await this.#disk.list(from)).length > 0) {
        await this.#disk.remove(folder);
        await this.#disk.rename(from, folder);
      } else if ((await this.#disk.list(folder)).length === 0) {
        throw storageErrors.missingFile({ sectorId, path: from });
      }
    }
  }
}

/** What a worker needs to open the same files; a simulated disk is known to its workers. */
function tableOf(disk: Disk): VolumeTable {
  if ("table" in disk) return (disk as VolumeDisk).table();
  return { home: disk.nativePath("") ?? null, volumes: [] };
}

function outputOf(job: Job): string {
  if (job.state === "done" && job.output !== null) return job.output;
  const { failure, kind } = job;
  if (job.state === "cancelled" || failure === null)
    throw storageErrors.cancelled({ job: `${kind} ${job.jobId}` });
  const { code, message } = failure;
  throw errorOf({ code, message, ...unpacked<Omit<ErrorData, "code" | "message">>(failure.detail) });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof HoldfastError && error.code === code;
}
