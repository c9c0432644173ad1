/**
 * The metadata of one storage. Every change is a transaction that first checks the generation: whoever opens
 * the database raises it, so a process that was taken over can never write again (a fencing token).
 * Changes are synchronous and durable when they return (WAL, synchronous=FULL).
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { assert } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { mayMove, type SectorState } from "../sectors/states.ts";
import {
  eventOf,
  int,
  type PieceRow,
  pieceOf,
  type Row,
  type SealEvent,
  type SectorOrigin,
  type SectorRow,
  type SlotRow,
  sectorOf,
  sectorValues,
  slotOf,
} from "./rows.ts";
import { asStoreError, openDatabase } from "./schema.ts";

const sectorColumns = [
  "sector_id",
  "sector_bytes",
  "origin",
  "state",
  "attempt",
  "opened_ms",
  "changed_ms",
  "ticket_epoch",
  "ticket",
  "network_id",
  "miner",
  "comm_d",
  "comm_r",
  "comm_r_star",
  "seed",
  "failed_in",
  "failure_code",
  "failure_message",
] as const;

const pieceQuery = `SELECT s.*, p.stage, p.added_ms FROM sector_pieces s JOIN pieces p USING (piece_key)`;

/** What a move changes beside the state. */
export interface SectorChange {
  readonly attempt?: number;
  readonly ticket?: SectorRow["ticket"];
  readonly commitments?: SectorRow["commitments"];
  readonly seed?: SectorRow["seed"];
  readonly failure?: SectorRow["failure"];
}

export class StorageStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #dbPath: string;
  readonly #generation: number;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #onEvents: () => void;
  #depth = 0;
  #eventsWritten = false;

  /**
   * Takes the database over from whoever had it; `onEvents` is called after a transaction that added events.
   * Throws the errors of `openDatabase`.
   */
  constructor(dbPath: string, onEvents: () => void = () => undefined) {
    this.#onEvents = onEvents;
    this.#dbPath = dbPath;
    this.#db = openDatabase(dbPath);
    const raised = this.#get("UPDATE meta SET value = value + 1 WHERE name = 'generation' RETURNING value");
    assert(raised !== undefined, "the meta table holds the generation");
    this.#generation = int(raised, "value");
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** All changes of `run` or none. Throws storage/taken-over, closed, database-full, database-failed. */
  transaction<T>(run: () => T): T {
    if (!this.#db.isOpen) throw storageErrors.closed({});
    if (this.#depth > 0) return run();
    const result = this.#atomically(run);
    if (this.#eventsWritten) this.#onEvents();
    return result;
  }

  #atomically<T>(run: () => T): T {
    this.#eventsWritten = false;
    this.#exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const found = this.#get("SELECT value FROM meta WHERE name = 'generation'");
      if (found === undefined || int(found, "value") !== this.#generation) {
        throw storageErrors.takenOver({ dbPath: this.#dbPath });
      }
      const result = run();
      this.#exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  sector(sectorId: number): SectorRow | undefined {
    const row = this.#get("SELECT * FROM sectors WHERE sector_id = ?", sectorId);
    return row === undefined ? undefined : sectorOf(row);
  }

  /** Sectors by id; only those in the given states, when given. */
  sectors(states?: readonly SectorState[]): SectorRow[] {
    if (states === undefined) return this.#all("SELECT * FROM sectors ORDER BY sector_id").map(sectorOf);
    const wanted = JSON.stringify(states);
    const query = "SELECT * FROM sectors WHERE state IN (SELECT value FROM json_each(?)) ORDER BY sector_id";
    return this.#all(query, wanted).map(sectorOf);
  }

  /** The next id, above every id that was ever used here. */
  allocateSectorId(): number {
    const row = this.#get("UPDATE meta SET value = value + 1 WHERE name = 'last_sector_id' RETURNING value");
    assert(row !== undefined, "the meta table holds the last sector id");
    return int(row, "value");
  }

  /** Ids up to this one are not given again. */
  useSectorIds(upTo: number): void {
    this.transaction(() => {
      this.#run("UPDATE meta SET value = max(value, ?) WHERE name = 'last_sector_id'", upTo);
    });
  }

  addSector(row: SectorRow): void {
    this.transaction(() => {
      const names = sectorColumns.join(", ");
      const values = sectorColumns.map((name) => `:${name}`).join(", ");
      const insert = this.#prepare(`INSERT INTO sectors (${names}) VALUES (${values})`);
      this.#guarded(() => insert.run(sectorValues(row)));
      this.#addEvent(row.sectorId, null, row.state, null, row.changedMs);
    });
  }

  openSector(sectorBytes: number, origin: SectorOrigin, state: SectorState, nowMs: number): SectorRow {
    return this.transaction(() => {
      const row: SectorRow = {
        sectorId: this.allocateSectorId(),
        sectorBytes,
        origin,
        state,
        attempt: 0,
        openedMs: nowMs,
        changedMs: nowMs,
        ticket: null,
        commitments: null,
        seed: null,
        failure: null,
      };
      this.addSector(row);
      return row;
    });
  }

  /**
   * Moves a sector along the table of states and records the event; `expected` guards against a late result:
   * the state and the attempt that the caller has seen. Throws storage/unknown-sector, storage/wrong-state.
   */
  move(
    sectorId: number,
    expected: { readonly from: readonly SectorState[]; readonly attempt?: number },
    to: SectorState,
    nowMs: number,
    change: SectorChange = {},
    reason: string | null = null,
  ): SectorRow {
    return this.transaction(() => {
      const row = this.sector(sectorId);
      if (row === undefined) throw storageErrors.unknownSector({ sectorId });
      const stale = expected.attempt !== undefined && expected.attempt !== row.attempt;
      if (!expected.from.includes(row.state) || stale) {
        throw storageErrors.wrongState({ sectorId, state: row.state, wanted: expected.from.join(" or ") });
      }
      assert(mayMove(row.state, to), `a sector may move from ${row.state} to ${to}`);
      const next: SectorRow = { ...row, failure: null, ...change, state: to, changedMs: nowMs };
      const sets = sectorColumns.map((name) => `${name} = :${name}`).join(", ");
      const update = this.#prepare(`UPDATE sectors SET ${sets} WHERE sector_id = :sector_id`);
      this.#guarded(() => update.run(sectorValues(next)));
      this.#addEvent(sectorId, row.state, to, reason, nowMs);
      return next;
    });
  }

  /** Slots of a sector by offset, those of pieces that are still being written included. */
  slots(sectorId: number): SlotRow[] {
    const query = "SELECT * FROM sector_pieces WHERE sector_id = ? ORDER BY offset_padded_bytes";
    return this.#all(query, sectorId).map(slotOf);
  }

  piece(pieceKey: string): PieceRow | undefined {
    const row = this.#get(`${pieceQuery} WHERE s.piece_key = ?`, pieceKey);
    return row === undefined ? undefined : pieceOf(row);
  }

  /** Pieces by key, of one sector or of all. */
  pieces(sectorId?: number): PieceRow[] {
    if (sectorId === undefined) return this.#all(`${pieceQuery} ORDER BY s.piece_key`).map(pieceOf);
    return this.#all(`${pieceQuery} WHERE s.sector_id = ? ORDER BY s.offset_padded_bytes`, sectorId).map(
      pieceOf,
    );
  }

  /** Takes a slot for a piece whose bytes are about to be written. */
  reservePiece(piece: Omit<PieceRow, "stage">): void {
    this.transaction(() => {
      this.#run("INSERT INTO pieces VALUES (?, 'writing', ?)", piece.pieceKey, piece.addedMs);
      this.#run(
        `INSERT INTO sector_pieces (sector_id, offset_padded_bytes, comm_p, padded_bytes, user_bytes, piece_key)
         VALUES (?, ?, ?, ?, ?, ?)`,
        piece.sectorId,
        piece.offsetPaddedBytes,
        piece.commP,
        piece.paddedBytes,
        piece.userBytes,
        piece.pieceKey,
      );
    });
  }

  /** The bytes of the piece are durable and are those that were announced. */
  keepPiece(pieceKey: string): void {
    this.transaction(() => {
      const done = this.#run("UPDATE pieces SET stage = 'kept' WHERE piece_key = ?", pieceKey);
      assert(done === 1, `piece ${pieceKey} has its reservation`);
    });
  }

  /** Forgets a piece; its slot too, unless the slot is part of a seal (`keepSlot`). */
  forgetPiece(pieceKey: string, keepSlot: boolean): void {
    this.transaction(() => {
      if (!keepSlot) this.#run("DELETE FROM sector_pieces WHERE piece_key = ?", pieceKey);
      this.#run("DELETE FROM pieces WHERE piece_key = ?", pieceKey);
    });
  }

  /** Frees the slots of dropped pieces; only before a seal, which would contain them. */
  freeDroppedSlots(sectorId: number): void {
    this.transaction(() => {
      this.#run("DELETE FROM sector_pieces WHERE sector_id = ? AND piece_key IS NULL", sectorId);
    });
  }

  /** Forgets all pieces and the layout of a sector. */
  forgetPiecesOf(sectorId: number): void {
    this.transaction(() => {
      this.#run(
        "DELETE FROM pieces WHERE piece_key IN (SELECT piece_key FROM sector_pieces WHERE sector_id = ?)",
        sectorId,
      );
      this.#run("DELETE FROM sector_pieces WHERE sector_id = ?", sectorId);
    });
  }

  /** Reservations whose bytes never became durable: what a crash leaves. Returns how many were undone. */
  forgetUnwrittenPieces(): number {
    return this.transaction(() => {
      this.#run(
        `DELETE FROM sector_pieces WHERE piece_key IN (SELECT piece_key FROM pieces WHERE stage = 'writing')`,
      );
      return this.#run("DELETE FROM pieces WHERE stage = 'writing'");
    });
  }

  /** Events with a cursor above `after`, in order, at most `limit`. */
  events(after: number, limit: number): SealEvent[] {
    const query = "SELECT * FROM seal_events WHERE cursor > ? ORDER BY cursor LIMIT ?";
    return this.#all(query, after, limit).map(eventOf);
  }

  cursorOf(consumer: string): number {
    const row = this.#get("SELECT cursor FROM event_cursors WHERE consumer = ?", consumer);
    return row === undefined ? 0 : int(row, "cursor");
  }

  saveCursor(consumer: string, cursor: number): void {
    this.transaction(() => {
      this.#run(
        `INSERT INTO event_cursors VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor`,
        consumer,
        cursor,
      );
    });
  }

  #addEvent(
    sectorId: number,
    from: SectorState | null,
    to: SectorState,
    reason: string | null,
    atMs: number,
  ): void {
    this.#eventsWritten = true;
    this.#run(
      "INSERT INTO seal_events (sector_id, from_state, to_state, reason, at_ms) VALUES (?, ?, ?, ?, ?)",
      sectorId,
      from,
      to,
      reason,
      atMs,
    );
  }

  #prepare(sql: string): StatementSync {
    if (!this.#db.isOpen) throw storageErrors.closed({});
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...values));
  }
  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...values));
  }
  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#guarded(() => this.#prepare(sql).run(...values)).changes);
  }
  #exec(sql: string): void {
    this.#guarded(() => this.#db.exec(sql));
  }
  #guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw asStoreError(this.#dbPath, error);
    }
  }
}
