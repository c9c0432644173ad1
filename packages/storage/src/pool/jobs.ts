/**
 * The heavy jobs, files in and files out: a job names paths below one root, so that sectors never travel
 * between threads. Only what a caller wants as bytes (a proof, a piece) comes back as bytes, moved and not
 * copied. The same code runs a job in this thread and in a worker.
 */
import type { Address, Disk, Logger, SectorId } from "@holdfast/base";
import type { PostKind, SectorClass, SectorIdentity } from "@holdfast/proofs";

/** User bytes of the staged file that belong to the sector; all others count as zero. */
export interface StagedRange {
  readonly startUserBytes: number;
  readonly userBytes: number;
}

export interface ReplicateJob {
  /** The sizes of the network. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  /** commD as the piece commitments give it; the staged bytes must give the same. */
  readonly identity: SectorIdentity;
  /** Null for a sector without pieces. */
  readonly stagedPath: string | null;
  readonly ranges: readonly StagedRange[];
  readonly replicaPath: string;
  readonly treePath: string;
  readonly auxPath: string;
  /**
   * Where it is written down which layers `aux` has whole: a job that finds such a record of the same seal, with its
   * `aux`, goes on behind them. Null: it is not, and a cut off seal begins anew.
   */
  readonly resumePath: string | null;
}
export interface ReplicateResult {
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
}

export interface ProveJob {
  /** The sizes of the network. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  readonly seed: Uint8Array;
  readonly auxPath: string;
  readonly proofPath: string;
}

export interface ExtractJob {
  /** The sizes of the network. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly replicaPath: string;
  readonly range: StagedRange;
}

export interface PostJob {
  readonly classes: readonly SectorClass[];
  readonly postKind: PostKind;
  /** Only to see whether it could be proven: less urgent than any that is due. */
  readonly isRehearsal?: boolean;
  readonly seed: Uint8Array;
  readonly miner: Address;
  readonly sectors: readonly {
    readonly sectorId: SectorId;
    readonly sectorBytes: number;
    readonly commR: Uint8Array;
    /** Null: the tree is not kept, and its nodes are hashed anew out of the replica. */
    readonly treePath: string | null;
    /** Needed where there is no tree. */
    readonly replicaPath?: string;
  }[];
}
export interface PostResult {
  /** Null when no sector can be proven. */
  readonly proof: Uint8Array | null;
  readonly proven: readonly number[];
  readonly faults: readonly { readonly sectorId: number; readonly code: string; readonly message: string }[];
}

/** A job with its kind; what travels to a worker. */
export type JobRequest =
  | { readonly kind: "replicate"; readonly job: ReplicateJob }
  | { readonly kind: "prove"; readonly job: ProveJob }
  | { readonly kind: "extract"; readonly job: ExtractJob }
  | { readonly kind: "post"; readonly job: PostJob };

/** A time that may move while a job waits. */
export interface JobDue {
  /** As is known now; undefined: nothing is. */
  ms(): number | undefined;
  /** Told of each other time; null: it has none any more. */
  onChange(listener: (dueMs: number | null) => void): Disposable;
}

export interface JobOptions {
  readonly signal: AbortSignal;
  /** When the result is of no more use; those that are due sooner are done first, where there is a queue. */
  readonly due?: JobDue;
  /** 0…1, now and then. */
  readonly onProgress?: (doneRatio: number) => void;
  /** Nobody goes on with it in a later life: it is no job that was asked for before. */
  readonly isOnce?: boolean;
}

/**
 * Runs jobs over the files of one disk. Every method throws the job's own error (of disk, proofs, storage),
 * storage/worker-crashed, storage/job-failed, and the signal's reason when that aborts. An aborted job may
 * still write below its own output paths for a moment.
 */
export interface Sealer extends AsyncDisposable {
  /** Seals staged pieces into replica, tree and aux. Throws storage/staged-corrupt, storage/missing-file. */
  replicate(job: ReplicateJob, options: JobOptions): Promise<ReplicateResult>;
  /** Writes a seal proof, which our own verifier has accepted. */
  prove(job: ProveJob, options: JobOptions): Promise<void>;
  /** User bytes out of a replica. Throws storage/replica-corrupt. */
  extract(job: ExtractJob, options: JobOptions): Promise<Uint8Array>;
  /** One proof of spacetime over all sectors that can be proven. */
  post(job: PostJob, options: JobOptions): Promise<PostResult>;
}

/** Worker threads that any number of storages may share. */
export interface SealingPool extends AsyncDisposable {
  /** Threads that exist now; 0 when there was nothing to do for a while. */
  readonly threadCount: number;
  /** A sealer for the files of one disk, which must be a real one. Its end does not end the pool. */
  sealerFor(disk: Disk, logger: Logger): Sealer;
}
