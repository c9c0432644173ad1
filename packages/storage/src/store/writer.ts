/** Changing the metadata inside of a transaction that somebody else began. */
import { assert } from "@holdfast/base";
import type { Sql } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import { mayMove, type SectorState } from "../sectors/states.ts";
import { SqlReader } from "./reader.ts";
import { int, type PieceRow, type SectorOrigin, type SectorRow, sectorValues } from "./rows.ts";
import type { ExpectedSector, SectorChange, StorageWriter } from "./types.ts";
import { VolumeWriter } from "./volume-rows.ts";

export class SqlWriter extends SqlReader implements StorageWriter {
  readonly #sql: Sql;
  #wroteEvents = false;

  declare readonly volumes: VolumeWriter;

  constructor(sql: Sql) {
    super(sql, new VolumeWriter(sql));
    this.#sql = sql;
  }

  get wroteEvents(): boolean {
    return this.#wroteEvents;
  }

  async openSector(
    sectorBytes: number,
    origin: SectorOrigin,
    state: SectorState,
    nowMs: number,
  ): Promise<SectorRow> {
    const row: SectorRow = {
      sectorId: await this.#next("last_sector_id"),
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
    await this.addSector(row);
    return row;
  }

  async addSector(row: SectorRow): Promise<void> {
    const values = sectorValues(row);
    const columns = Object.keys(values);
    const marks = columns.map(() => "?").join(", ");
    await this.#sql.run(
      `INSERT INTO sectors (${columns.join(", ")}) VALUES (${marks})`,
      ...Object.values(values),
    );
    await this.#countOne(row.sectorBytes, row.state);
    await this.#addEvent(row.sectorId, null, row.state, null, row.changedMs);
  }

  async useSectorIds(upTo: number): Promise<void> {
    const update = "UPDATE meta SET value = ? WHERE name = 'last_sector_id' AND value < ?";
    await this.#sql.run(update, upTo, upTo);
  }

  async move(
    sectorId: number,
    expected: ExpectedSector,
    to: SectorState,
    nowMs: number,
    change: SectorChange = {},
    reason: string | null = null,
  ): Promise<SectorRow> {
    const row = await this.sector(sectorId);
    if (row === undefined) throw storageErrors.unknownSector({ sectorId });
    const stale = expected.attempt !== undefined && expected.attempt !== row.attempt;
    if (!expected.from.includes(row.state) || stale) {
      throw storageErrors.wrongState({ sectorId, state: row.state, wanted: expected.from.join(" or ") });
    }
    assert(mayMove(row.state, to), `a sector may move from ${row.state} to ${to}`);
    const next: SectorRow = { ...row, failure: null, ...change, state: to, changedMs: nowMs };
    const { sector_id: _, ...values } = sectorValues(next);
    const sets = Object.keys(values).map((name) => `${name} = ?`);
    await this.#sql.run(
      `UPDATE sectors SET ${sets.join(", ")} WHERE sector_id = ?`,
      ...Object.values(values),
      sectorId,
    );
    await this.#uncountOne(row.sectorBytes, row.state);
    await this.#countOne(row.sectorBytes, to);
    await this.#addEvent(sectorId, row.state, to, reason, nowMs);
    return next;
  }

  async reservePiece(piece: Omit<PieceRow, "stage" | "durableBytes">): Promise<void> {
    const insert = "INSERT INTO pieces (piece_key, stage, added_ms) VALUES (?, 'writing', ?)";
    await this.#sql.run(insert, piece.pieceKey, piece.addedMs);
    await this.#sql.run(
      `INSERT INTO sector_pieces (sector_id, offset_padded_bytes, comm_p, padded_bytes, user_bytes, piece_key)
       VALUES (?, ?, ?, ?, ?, ?)`,
      piece.sectorId,
      piece.offsetPaddedBytes,
      piece.commP,
      piece.paddedBytes,
      piece.userBytes,
      piece.pieceKey,
    );
  }

  async keepPiece(pieceKey: string): Promise<void> {
    const done = await this.#sql.run(
      "UPDATE pieces SET stage = 'kept', durable_bytes = 0 WHERE piece_key = ?",
      pieceKey,
    );
    assert(done === 1, `piece ${pieceKey} has its reservation`);
  }

  async holdPart(pieceKey: string, durableBytes: number): Promise<void> {
    const update = "UPDATE pieces SET durable_bytes = ? WHERE piece_key = ? AND stage = 'writing'";
    const done = await this.#sql.run(update, durableBytes, pieceKey);
    assert(done === 1, `piece ${pieceKey} is being written`);
  }

  async forgetPiece(pieceKey: string, keepSlot: boolean): Promise<void> {
    if (!keepSlot) await this.#sql.run("DELETE FROM sector_pieces WHERE piece_key = ?", pieceKey);
    await this.#sql.run("DELETE FROM pieces WHERE piece_key = ?", pieceKey);
  }

  async freeDroppedSlots(sectorId: number): Promise<void> {
    await this.#sql.run("DELETE FROM sector_pieces WHERE sector_id = ? AND piece_key IS NULL", sectorId);
  }

  async forgetPiecesOf(sectorId: number): Promise<void> {
    await this.#sql.run(
      "DELETE FROM pieces WHERE piece_key IN (SELECT piece_key FROM sector_pieces WHERE sector_id = ?)",
      sectorId,
    );
    await this.#sql.run("DELETE FROM sector_pieces WHERE sector_id = ?", sectorId);
  }

  async forgetUnwrittenPieces(): Promise<number> {
    const unwritten = "stage = 'writing' AND durable_bytes = 0";
    await this.#sql.run(
      `DELETE FROM sector_pieces WHERE piece_key IN (SELECT piece_key FROM pieces WHERE ${unwritten})`,
    );
    return await this.#sql.run(`DELETE FROM pieces WHERE ${unwritten}`);
  }

  async saveCursor(consumer: string, cursor: number): Promise<void> {
    await this.#sql.run(
      "INSERT INTO event_cursors VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor",
      consumer,
      cursor,
    );
  }

  /** Numbers come from rows and not from sequences: their order is that of the commits, on both engines. */
  async #next(name: "last_sector_id" | "last_event"): Promise<number> {
    const row = await this.#sql.get("UPDATE meta SET value = value + 1 WHERE name = ? RETURNING value", name);
    assert(row !== undefined, `the meta table holds ${name}`);
    return int(row, "value");
  }

  async #countOne(sectorBytes: number, state: SectorState): Promise<void> {
    await this.#sql.run(
      `INSERT INTO sector_totals VALUES (?, ?, 1) ON CONFLICT (sector_bytes, state)
       DO UPDATE SET sector_count = sector_totals.sector_count + 1`,
      sectorBytes,
      state,
    );
  }

  async #uncountOne(sectorBytes: number, state: SectorState): Promise<void> {
    const update =
      "UPDATE sector_totals SET sector_count = sector_count - 1 WHERE sector_bytes = ? AND state = ?";
    const done = await this.#sql.run(update, sectorBytes, state);
    assert(done === 1, `a sector that is ${state} was counted`);
  }

  async #addEvent(
    sectorId: number,
    from: SectorState | null,
    to: SectorState,
    reason: string | null,
    atMs: number,
  ): Promise<void> {
    this.#wroteEvents = true;
    const cursor = await this.#next("last_event");
    await this.#sql.run(
      "INSERT INTO seal_events (cursor, sector_id, from_state, to_state, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
      cursor,
      sectorId,
      from,
      to,
      reason,
      atMs,
    );
  }
}
