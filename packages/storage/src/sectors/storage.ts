/** The door of an open storage: every method, what it promises and how it fails. */
import type { HoldfastError } from "@holdfast/base";
import type { Silence } from "../db/index.ts";
import type { MigrationReport } from "../store/index.ts";
import type { AuditedFile, CollectedGarbage, StorageAudit } from "./collector.ts";
import type { DoubtListener } from "./doubts.ts";
import type { PresealedSector } from "./presealed.ts";
import type { PieceCheck } from "./reading.ts";
import type { StorageUsage } from "./space.ts";
import type { SectorState } from "./states.ts";
import type {
  ByteRangeOptions,
  InclusionAnswer,
  NewPiece,
  PieceQuery,
  PostAnswer,
  SealEvent,
  SealIdentity,
  SectorInfo,
  SectorListQuery,
  SectorTotal,
  StoredPiece,
  Ticket,
  UnfinishedPiece,
} from "./types.ts";
import type { StorageVolumes } from "./volume-door.ts";

/** After `close` every method throws storage/closed; a method that takes a sector id throws storage/unknown-sector. */
export interface Storage extends AsyncDisposable {
  /**
   * Stores a piece durably in a staged sector. The same key with the same piece again answers the same, without
   * touching the source. Of a source that can begin anywhere (`from`) what has come is kept when the adding is cut off,
   * and the next one with the same piece goes on behind it, until somebody drops it (`dropUnfinished`). Throws
   * storage/piece-too-large, bad-piece, bad-piece-key, piece-conflict, piece-mismatch, short-piece, long-piece, full,
   * cancelled, closed; disk/io; what the source throws.
   */
  addPiece(piece: NewPiece, signal?: AbortSignal): Promise<StoredPiece>;
  /**
   * The user bytes of a piece, from the plain copy, or by unsealing when there is none.
   * Throws storage/unknown-piece, bad-range, missing-file, replica-corrupt, piece-corrupt; disk/io.
   */
  readPiece(pieceKey: string, range?: ByteRangeOptions): AsyncIterable<Uint8Array>;
  /**
   * The user bytes of a piece out of the replica, checked against commP.
   * Throws storage/unknown-piece, not-sealed, missing-file, replica-corrupt, piece-corrupt.
   */
  readPieceFromSealedSector(pieceKey: string, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * What `readPiece` has given of it is not what was stored: its sector's plain copy is read no more until somebody has
   * repaired the sector, or seen that it is whole. Whether it comes out of the replica now.
   * Throws storage/unknown-piece.
   */
  doubtPiece(pieceKey: string): Promise<boolean>;
  /**
   * Told of each sector whose plain copy is doubted, by a caller or by the disk: it wants to be repaired. Whoever
   * listens says so (`settleDoubt`) where nobody will.
   */
  onDoubt(listener: DoubtListener): Disposable;
  /** Nobody is about to look at the sector any more: its plain copy is read again, and may be doubted later on. */
  settleDoubt(sectorId: number): void;
  /** Reads a piece as `readPiece` does and compares its commP. */
  verifyPiece(pieceKey: string): Promise<PieceCheck>;
  /** Whether `readPiece` reads a file; else it decodes the replica. Throws storage/unknown-piece, missing-file. */
  hasPlainCopy(pieceKey: string): Promise<boolean>;
  getPiece(pieceKey: string): Promise<StoredPiece | undefined>;
  /** A page by key, or the pieces of one sector by offset. */
  listPieces(query?: PieceQuery): Promise<StoredPiece[]>;
  /** Pieces that did not come whole, on their way now or left by a life that was cut off; at most so many. */
  unfinishedPieces(limit?: number): Promise<UnfinishedPiece[]>;
  /** Gives back what is left of a piece that did not come whole; nothing where there is none, or it comes now. */
  dropUnfinished(pieceKey: string): Promise<void>;
  /** Forgets a piece (its deal is over). Its bytes in a sealed replica go with the sector. */
  dropPiece(pieceKey: string): Promise<void>;
  /** Shows that the piece lies under the sector's commD. Throws storage/unknown-piece, not-sealed. */
  provePieceInclusion(pieceKey: string): Promise<InclusionAnswer>;
  /** The largest piece, in user bytes. */
  maxUserBytesPerStagedSector(): number;

  /** staging → closing, after the pieces on their way; false when the sector is empty or not staged. */
  sealStagedSector(sectorId: number): Promise<boolean>;
  /** Closes every staged sector that has pieces; the ids. */
  sealAllStagedSectors(): Promise<number[]>;
  /** A new sector without pieces, closed: its seal is pure power. Throws storage/full. */
  addCommittedCapacity(sectorBytes?: number): Promise<number>;
  /** Takes a sector of the genesis. Throws storage/sector-conflict, bad-sector, full. */
  importPresealed(sector: PresealedSector): Promise<void>;

  /** The oldest closed sector: it needs a ticket. */
  nextToSeal(): Promise<SectorInfo | undefined>;
  /** closing → sealing; then an event says sealed or failed. Throws storage/wrong-state, bad-sector. */
  startSeal(sectorId: number, ticket: Ticket, identity: SealIdentity): Promise<void>;
  /**
   * sealed or proved (the seed has changed) → proving; then an event says proved or failed. `seed`: 32 bytes.
   * Throws storage/wrong-state.
   */
  proveSeal(sectorId: number, seed: Uint8Array): Promise<void>;
  /**
   * When the seal of a sector and its proof are of no more use, for the order of the jobs, those that wait already too;
   * null: to nobody. Kept in memory.
   */
  setDue(sectorId: number, dueMs: number | null): void;
  /** The proof of a proved sector. Throws storage/wrong-state, missing-file. */
  readSealProof(sectorId: number): Promise<Uint8Array>;
  /** failed → closing (a seal failed: needs a ticket) or sealed (a proof failed: needs a seed). */
  retrySector(sectorId: number): Promise<void>;
  /** Gives up a seal that the chain has not taken (its ticket is too old): back to closing. */
  restartSeal(sectorId: number, reason: string): Promise<void>;
  /** Resolves when no job runs for the sector. */
  whenIdle(sectorId: number): Promise<void>;

  /** proved → committed: the proof is on the chain, for good. What only the proof needed is deleted. */
  confirmCommitted(sectorId: number): Promise<void>;
  /** committed → faulty. */
  markFaulty(sectorId: number, reason: string): Promise<void>;
  /** faulty → committed. */
  markRecovered(sectorId: number): Promise<void>;
  /** committed or faulty → expired: nothing needs to be proven any more; the pieces stay readable. */
  markExpired(sectorId: number): Promise<void>;
  /** Forgets a sector with its pieces and deletes its files, in any state. Throws storage/sector-busy. */
  dropSector(sectorId: number, reason?: string): Promise<void>;
  getSector(sectorId: number): Promise<SectorInfo>;
  /** A page by id; only those in the given states, when given. */
  listSectors(query?: SectorListQuery): Promise<SectorInfo[]>;
  /** All of them by id, page by page. */
  everySector(states?: readonly SectorState[]): AsyncIterable<SectorInfo>;
  /** How many sectors of which size are in which state, without reading them. */
  countSectors(): Promise<SectorTotal[]>;

  /**
   * A proof of spacetime of sectors of one miner; "check": one for a window, only to see whether it can be made.
   * Sectors that cannot be proven are left out and named.
   * Throws storage/no-provable-sector, bad-sector.
   */
  generatePost(
    kind: "window" | "winning" | "check",
    seed: Uint8Array,
    sectorIds: readonly number[],
    signal?: AbortSignal,
  ): Promise<PostAnswer>;

  /** Moves of sectors after a cursor (0: all), then new ones; ends with the signal or with the storage. */
  events(after: number, signal?: AbortSignal): AsyncIterable<SealEvent>;
  /** Where a consumer has said it is; 0 if never. */
  cursorOf(consumer: string): Promise<number>;
  saveCursor(consumer: string, cursor: number): Promise<void>;

  /** Where sectors lie: disks and buckets, attached and detached while everything runs. */
  readonly volumes: StorageVolumes;
  /** Where the metadata is: the path of a file, or postgres://… without its password. */
  readonly metadataPlace: string;
  /** Undefined while the database answers. Until it does again nothing is sealed, proven or taken. */
  readonly metadataSilence: Silence | undefined;
  /**
   * Moves the metadata to another database, an SQLite file or postgres://…, while everything goes on.
   * Throws storage/migration-differs, and what opening the other one throws.
   */
  moveMetadata(address: string): Promise<MigrationReport>;
  usage(): Promise<StorageUsage>;
  /**
   * Why no new sector of the usual size is opened, by what its caller allows, or why so many pieces of these padded
   * sizes have no room on the volumes as they are, with idle space out of their way. Undefined: there is; nothing is
   * promised.
   */
  refusal(pieces?: ReadonlyMap<number, number>): Promise<HoldfastError | undefined>;
  /** Looks at every file and every sector; waits for the look that begins with the opening. */
  audit(): Promise<StorageAudit>;
  /** Every file below our folders with its owner, volume by volume. */
  files(): AsyncIterable<AuditedFile>;
  /** Deletes the orphans; waits for the look that begins with the opening, which deletes them too. */
  collectGarbage(): Promise<CollectedGarbage>;
  /** Ends running jobs (they go on at the next start) and closes the database. Idempotent. */
  close(): Promise<void>;
}
