/**
 * The metadata port of a storage. Reading has no side effects and sees what is committed; all changes happen in
 * transactions, which run one after another and refuse whoever was taken over: opening the metadata raises its
 * generation, and a transaction of an older one fails (a fencing token). Listings come in pages in the order
 * of their keys, so that no caller needs more memory for a million sectors than for ten.
 */
import type { SectorState } from "../sectors/states.ts";
import type { MigrationReport } from "./migrate.ts";
import type {
  PieceRow,
  SealEvent,
  SectorFill,
  SectorOrigin,
  SectorRow,
  SectorTotal,
  SlotRow,
} from "./rows.ts";
import type { VolumeReader, VolumeWriter } from "./volume-rows.ts";

/** What a move changes beside the state. */
export interface SectorChange {
  readonly attempt?: number;
  readonly ticket?: SectorRow["ticket"];
  readonly commitments?: SectorRow["commitments"];
  readonly seed?: SectorRow["seed"];
  readonly failure?: SectorRow["failure"];
}

/** The state and the attempt that a caller has seen. */
export interface ExpectedSector {
  readonly from: readonly SectorState[];
  readonly attempt?: number;
}

export interface SectorQuery {
  /** All, when left out. */
  readonly states?: readonly SectorState[] | undefined;
  /** Ids above this one. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** Every method throws storage/closed, database-full, database-failed. */
export interface StorageReader {
  readonly volumes: VolumeReader;
  sector(sectorId: number): Promise<SectorRow | undefined>;
  /** Those that exist, by id. */
  sectorsById(sectorIds: readonly number[]): Promise<SectorRow[]>;
  /** By id, at most `limit`. */
  sectors(query: SectorQuery): Promise<SectorRow[]>;
  totals(): Promise<SectorTotal[]>;
  /** Slots of a sector by offset, those of pieces that are still being written included. */
  slots(sectorId: number): Promise<SlotRow[]>;
  fill(sectorId: number): Promise<SectorFill>;
  /** Sectors without slots are left out. */
  fills(sectorIds: readonly number[]): Promise<ReadonlyMap<number, SectorFill>>;
  piece(pieceKey: string): Promise<PieceRow | undefined>;
  /** The pieces of a sector by offset. */
  piecesOf(sectorId: number): Promise<PieceRow[]>;
  /** All pieces with keys after this one, by the bytes of their keys. */
  pieces(query: { readonly after?: string | undefined; readonly limit: number }): Promise<PieceRow[]>;
  /** Pieces whose bytes are on their way, or were when a life ended: those that did not come whole. */
  unfinished(limit: number): Promise<PieceRow[]>;
  /** Events with a cursor above `after`, in order, at most `limit`. */
  events(after: number, limit: number): Promise<SealEvent[]>;
  cursorOf(consumer: string): Promise<number>;
}

export interface StorageWriter extends StorageReader {
  readonly volumes: VolumeWriter;
  /** A new sector with an id above every id that was ever used here. */
  openSector(
    sectorBytes: number,
    origin: SectorOrigin,
    state: SectorState,
    nowMs: number,
  ): Promise<SectorRow>;
  addSector(row: SectorRow): Promise<void>;
  /** Ids up to this one are not given again. */
  useSectorIds(upTo: number): Promise<void>;
  /**
   * Moves a sector along the table of states and records the event; `expected` guards against a late result.
   * Throws storage/unknown-sector, storage/wrong-state.
   */
  move(
    sectorId: number,
    expected: ExpectedSector,
    to: SectorState,
    nowMs: number,
    change?: SectorChange,
    reason?: string | null,
  ): Promise<SectorRow>;
  /** A slot for a piece whose bytes are on their way. */
  reservePiece(piece: Omit<PieceRow, "stage" | "durableBytes">): Promise<void>;
  /** So many bytes from the start of a piece on its way are durable: whoever sends it may go on behind them. */
  holdPart(pieceKey: string, durableBytes: number): Promise<void>;
  /** The bytes of the piece are durable and are those that were announced. */
  keepPiece(pieceKey: string): Promise<void>;
  /** Forgets a piece; its slot too, unless the slot is part of a seal (`keepSlot`). */
  forgetPiece(pieceKey: string, keepSlot: boolean): Promise<void>;
  /** Frees the slots of dropped pieces; only before a seal, which would contain them. */
  freeDroppedSlots(sectorId: number): Promise<void>;
  /** Forgets all pieces and the layout of a sector. */
  forgetPiecesOf(sectorId: number): Promise<void>;
  /** Reservations none of whose bytes became durable: what a crash leaves. Returns how many were undone. */
  forgetUnwrittenPieces(): Promise<number>;
  saveCursor(consumer: string, cursor: number): Promise<void>;
}

export interface StorageStore extends StorageReader, AsyncDisposable {
  /** For people: where the metadata is. */
  readonly place: string;
  /** Of this process's hold on the metadata: whoever takes it over has a higher one, and none comes twice. */
  readonly generation: number;
  /**
   * Moves the metadata to another database, which must hold none or an older copy of it; the store goes on with it.
   * Changes wait while the last rows are compared. Throws storage/migration-differs, and what opening it throws.
   */
  moveTo(address: string): Promise<MigrationReport>;
  /**
   * All changes of `work` or none; `work` awaits nothing but what it is given. What it decides from memory it
   * decides alone: no other transaction of this store runs beside it. Throws storage/taken-over too.
   */
  transaction<T>(work: (tx: StorageWriter) => Promise<T>): Promise<T>;
}

/** Rows of one page in loops over all. */
const pageCount = 256;

/** All sectors, page by page. */
export async function* everySector(
  store: StorageReader,
  states?: readonly SectorState[],
  behind?: number,
): AsyncGenerator<SectorRow, void, undefined> {
  for (let after = behind; ; ) {
    const page = await store.sectors({ states, after, limit: pageCount });
    yield* page;
    after = page.at(-1)?.sectorId;
    if (after === undefined || page.length < pageCount) return;
  }
}
