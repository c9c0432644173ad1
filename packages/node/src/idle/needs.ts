/** What idle space needs of the chain, of a verifier, of the storage, and of threads that compute. */
import type { Address, Clock, Disk, Logger } from "@holdfast/base";
import type {
  IdleAppend,
  IdleAppendChallenge,
  IdleAudit,
  IdleCommitStatement,
  IdleProfile,
  IdleRange,
  IdleRelease,
  IdleState,
} from "@holdfast/proofs";
import type { Database } from "../database.ts";
import type { LayerCheck, LayerFiles, LayerTask, MadeLayer } from "./making.ts";

/** A challenge of the chain that waits for this miner's answer. */
export interface OpenAudit {
  readonly audit: IdleAudit;
  /** The last height at which the total counts. */
  readonly deadline: number;
  /** Whether the chain has all that it wants of this miner. */
  readonly isAnswered: boolean;
}

export interface IdleView {
  readonly height: number;
  /** Undefined: the miner is not registered. */
  readonly state: IdleState | undefined;
  readonly audits: readonly OpenAudit[];
}

/**
 * The chain, and verifiers behind it. What is asked of it may be asked again with the same message, by another life of
 * this node too, and is then the same; a promise that settles well means that the chain has it.
 */
export interface IdleNetwork {
  view(): IdleView;
  /** Something may be different. Returns the function that ends it. */
  onChange(listener: () => void): () => void;
  register(signal: AbortSignal): Promise<void>;
  /** Brings the request before a verifier, or onto the chain; gives what it is challenged with. */
  announce(
    append: IdleAppend,
    signal: AbortSignal,
  ): Promise<{ readonly challenge: IdleAppendChallenge; readonly randomness: Uint8Array }>;
  certify(
    append: IdleAppend,
    challenge: IdleAppendChallenge,
    proof: Uint8Array,
    signal: AbortSignal,
  ): Promise<void>;
  release(release: IdleRelease, signal: AbortSignal): Promise<void>;
  /** Brings the total, the answers, and those that are drawn. `range`: of the audited state. */
  answer(
    audit: IdleAudit,
    answers: readonly Uint8Array[],
    range: IdleRange,
    signal: AbortSignal,
  ): Promise<void>;
  /** Heights for which a request of this node is good. */
  readonly patienceEpochs: number;
}

/** Of a volume, what idle space has there. */
export interface IdleShare {
  readonly reservedBytes: number;
  readonly usedBytes: number;
  readonly fileCount: number;
}

export const noShare: IdleShare = { reservedBytes: 0, usedBytes: 0, fileCount: 0 };

/** The storage's volumes. Files of idle space are below one folder of each, where nothing else is. */
export interface IdleVolumes {
  readonly disk: Disk;
  /** In the namespace of `disk`. */
  path(volumeId: number, name: string): string;
  /** Volumes that take files, the roomiest first, with what is neither used nor promised there. */
  rooms(): Promise<readonly { readonly volumeId: number; readonly roomBytes: number }[]>;
  /** Volumes that idle space may lie on: all that are here. */
  present(): Promise<readonly number[]>;
  /** Of these, the ones that are being emptied. */
  leaving(): Promise<readonly number[]>;
  /** Says what idle space has there now. Throws storage/full if it is more than before and there is no room. */
  setShare(volumeId: number, share: IdleShare): Promise<void>;
}

/** Who computes. */
export interface IdleMaker {
  make(task: LayerTask, signal: AbortSignal): Promise<MadeLayer>;
  prove(statement: IdleCommitStatement, files: LayerFiles, signal: AbortSignal): Promise<Uint8Array>;
  /** Reads all files of a layer; places of those that are not there or not what their roots say. */
  check(layer: LayerCheck, signal: AbortSignal): Promise<readonly number[]>;
}

export interface IdleNeeds {
  readonly networkId: Uint8Array;
  readonly miner: Address;
  readonly profile: IdleProfile;
  readonly network: IdleNetwork;
  readonly volumes: IdleVolumes;
  readonly maker: IdleMaker;
  readonly database: Database;
  readonly clock: Pick<Clock, "nowMs">;
  /** In which every file that rests is read once; 0: never. */
  readonly patrolMs: number;
  readonly logger: Logger;
}
