/** What callers of the storage see: pieces, sectors, and the shapes of requests and answers. */
import type { Address } from "@holdfast/base";
import type { SealCommitments, SectorFailure, SectorOrigin } from "../store/index.ts";
import type { SectorState } from "./states.ts";

export type { SealEvent, SectorTotal } from "../store/index.ts";

/** Bytes in order: a stream, a whole buffer, a file of the operating system, or what can be had from any byte on. */
export type PieceSource =
  | AsyncIterable<Uint8Array>
  | Uint8Array
  | { readonly nativePath: string }
  | ResumableSource;

/** Whoever sends it can begin at any byte: what of it was durable when a life ended is not asked for again. */
export interface ResumableSource {
  from(offsetBytes: number): AsyncIterable<Uint8Array>;
}

export interface NewPiece {
  /** The caller's name of the piece: text of 1 to 256 bytes; the same key again is the same piece. */
  readonly pieceKey: string;
  readonly commP: Uint8Array;
  /** 128·2^k; larger than the user bytes need is allowed (zero fill). */
  readonly paddedBytes: number;
  readonly userBytes: number;
  readonly source: PieceSource;
}

/** Of a piece that did not come whole yet. */
export interface UnfinishedPiece {
  readonly pieceKey: string;
  readonly sectorId: number;
  readonly userBytes: number;
  /** So many from its start are on the disk, and are not asked for again. */
  readonly durableBytes: number;
}

export interface StoredPiece {
  readonly pieceKey: string;
  readonly sectorId: number;
  readonly offsetPaddedBytes: number;
  readonly commP: Uint8Array;
  readonly paddedBytes: number;
  readonly userBytes: number;
  readonly addedMs: number;
}

export interface SectorInfo {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly origin: SectorOrigin;
  readonly state: SectorState;
  readonly openedMs: number;
  /** When the state last changed. */
  readonly changedMs: number;
  /** Epoch and bytes of the randomness that the replica is bound to; null before the seal starts. */
  readonly ticket: { readonly epoch: number; readonly bytes: Uint8Array } | null;
  readonly miner: Address | null;
  /** Null before the seal is done. */
  readonly commitments: SealCommitments | null;
  readonly failure: SectorFailure | null;
  /** 0…1 while a job runs in this process, else null. */
  readonly progress: number | null;
  readonly pieceCount: number;
  /** Padded bytes of slots with pieces, dropped ones included. */
  readonly filledPaddedBytes: number;
}

export interface SectorListQuery {
  /** All, when left out. */
  readonly states?: readonly SectorState[] | undefined;
  /** Ids above this one: the last id of the page before. */
  readonly after?: number | undefined;
  /** At most so many; 100 when left out, never more than 1,000. */
  readonly limit?: number | undefined;
}

export interface PieceQuery {
  /** Of this sector alone: all its pieces. */
  readonly sectorId?: number | undefined;
  /** Keys after this one: the last key of the page before. */
  readonly after?: string | undefined;
  /** At most so many; 100 when left out, never more than 1,000. */
  readonly limit?: number | undefined;
}

/** The chain's randomness for a seal. */
export interface Ticket {
  readonly epoch: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}
/** Whom the replica is bound to, beside sector id, ticket and data. */
export interface SealIdentity {
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
}

export interface ByteRangeOptions {
  /** First user byte; 0 when left out. */
  readonly offset?: number;
  /** User bytes; up to the end when left out. */
  readonly length?: number;
  readonly signal?: AbortSignal;
}

export interface InclusionAnswer {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly commD: Uint8Array;
  readonly commP: Uint8Array;
  readonly paddedBytes: number;
  readonly proof: Uint8Array;
}

export interface SectorFault {
  readonly sectorId: number;
  /** Error code. */
  readonly code: string;
  readonly message: string;
}

export interface PostAnswer {
  readonly kind: "window" | "winning" | "check";
  readonly proof: Uint8Array;
  /** The sectors of the proof, in the order of the request. */
  readonly proven: readonly number[];
  /** Sectors that were left out because they cannot be proven. */
  readonly faults: readonly SectorFault[];
}
