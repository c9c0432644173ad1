/**
 * Sealing on worker threads. Two lanes: seals may keep their threads for hours, a proof of spacetime has a
 * deadline and a reader waits; so these have a thread of their own that no seal can take.
 */
import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Disk } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import type { VolumeDisk, VolumeTable } from "../volumes/index.ts";
import type {
  ExtractJob,
  JobOptions,
  JobRequest,
  PostJob,
  PostResult,
  ProveJob,
  ReplicateJob,
  ReplicateResult,
  Sealer,
  SealingPool,
} from "./jobs.ts";
import { defaultThreadOptions, Threads } from "./threads.ts";

export interface SealingPoolOptions {
  /** Threads for sealing and seal proofs; one less than the processor has when left out. */
  readonly threads?: number;
  /** Threads for proofs of spacetime and reads, which no seal can take; 1 when left out. */
  readonly urgentThreads?: number;
  /** A thread that had nothing to do for so long ends; 30 s when left out. */
  readonly idleMs?: number;
  /** How often a job is started whose worker dies; 3 when left out. */
  readonly maxStarts?: number;
  /** Address (href) of a module that every worker imports first, to install native kernels. */
  readonly setup?: string;
}

/** Starts no thread before the first job. */
export function createSealingPool(options: SealingPoolOptions = {}): SealingPool {
  const { threads = Math.max(1, availableParallelism() - 1), urgentThreads = 1, ...rest } = options;
  const shared = { ...defaultThreadOptions, ...rest };
  const slow = new Threads({ ...shared, threads });
  const urgent = new Threads({ ...shared, threads: urgentThreads });
  return {
    get threadCount() {
      return slow.threadCount + urgent.threadCount;
    },
    sealerFor: (disk) => new PooledSealer(tablesOf(disk), slow, urgent),
    async [Symbol.asyncDispose]() {
      await Promise.all([slow[Symbol.asyncDispose](), urgent[Symbol.asyncDispose]()]);
    },
  };
}

/**
 * Workers open the same volumes by themselves; those that are attached now, at each job.
 * Throws storage/no-native-files.
 */
function tablesOf(disk: Disk): () => VolumeTable {
  const home = disk.nativePath("");
  if (home === undefined) throw storageErrors.noNativeFiles({});
  if ("table" in disk) return () => (disk as VolumeDisk).table();
  return () => ({ home, volumes: [] });
}

class PooledSealer implements Sealer {
  readonly #table: () => VolumeTable;
  readonly #slow: Threads;
  readonly #urgent: Threads;

  constructor(table: () => VolumeTable, slow: Threads, urgent: Threads) {
    this.#table = table;
    this.#slow = slow;
    this.#urgent = urgent;
  }

  async replicate(job: ReplicateJob, options: JobOptions): Promise<ReplicateResult> {
    return await this.#run<ReplicateResult>(this.#slow, { kind: "replicate", job }, options);
  }
  async prove(job: ProveJob, options: JobOptions): Promise<void> {
    await this.#run<void>(this.#slow, { kind: "prove", job }, options);
  }
  async extract(job: ExtractJob, options: JobOptions): Promise<Uint8Array> {
    return await this.#run<Uint8Array>(this.#urgent, { kind: "extract", job }, options);
  }
  async post(job: PostJob, options: JobOptions): Promise<PostResult> {
    return await this.#run<PostResult>(this.#urgent, { kind: "post", job }, options);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    return; // the pool outlives its sealers
  }

  /** `Result` is what the worker's function of that kind returns: both sides are this package. */
  async #run<Result>(lane: Threads, request: JobRequest, options: JobOptions): Promise<Result> {
    const ports = new Set<MessagePort>();
    const make = () => {
      const { port1, port2 } = new MessageChannel();
      port1.on("message", (doneRatio: number) => options.onProgress?.(doneRatio));
      port1.unref();
      ports.add(port1);
      return {
        work: { type: "job" as const, table: this.#table(), request, port: port2 },
        transfer: [port2],
      };
    };
    try {
      return (await lane.run(request.kind, make, options.signal)) as Result;
    } finally {
      for (const port of ports) port.close();
    }
  }
}
