/** Reading the metadata, in SQL that both engines understand. No statement reads more rows than it is asked for. */
import type { Sql, SqlValue } from "../db/index.ts";
import { type SectorState, sectorStates } from "../sectors/states.ts";
import {
  emptyFill,
  eventOf,
  fillOf,
  int,
  type PieceRow,
  pieceOf,
  type SealEvent,
  type SectorFill,
  type SectorRow,
  type SectorTotal,
  type SlotRow,
  sectorOf,
  slotOf,
  totalOf,
} from "./rows.ts";
import type { SectorQuery, StorageReader } from "./types.ts";
import { VolumeReader } from "./volume-rows.ts";

const pieceQuery =
  "SELECT s.*, p.stage, p.durable_bytes, p.added_ms FROM sector_pieces s JOIN pieces p USING (piece_key)";
const fillQuery = `SELECT sector_id, count(*) AS slot_count, count(piece_key) AS piece_count,
    CAST(coalesce(sum(padded_bytes), 0) AS BIGINT) AS filled FROM sector_pieces`;
/** Ids in one statement. */
const idsAtOnce = 256;

export class SqlReader implements StorageReader {
  readonly #sql: Sql;
  readonly volumes: VolumeReader;

  constructor(sql: Sql, volumes: VolumeReader = new VolumeReader(sql)) {
    this.#sql = sql;
    this.volumes = volumes;
  }

  async sector(sectorId: number): Promise<SectorRow | undefined> {
    const row = await this.#sql.get("SELECT * FROM sectors WHERE sector_id = ?", sectorId);
    return row === undefined ? undefined : sectorOf(row);
  }

  async sectorsById(sectorIds: readonly number[]): Promise<SectorRow[]> {
    const rows: SectorRow[] = [];
    for (const ids of chunksOf(sectorIds)) {
      const query = `SELECT * FROM sectors WHERE sector_id IN (${marks(ids)}) ORDER BY sector_id`;
      rows.push(...(await this.#sql.all(query, ...ids)).map(sectorOf));
    }
    return rows;
  }

  async sectors({ states, after = Number.MIN_SAFE_INTEGER, limit }: SectorQuery): Promise<SectorRow[]> {
    if (states === undefined) {
      const query = "SELECT * FROM sectors WHERE sector_id > ? ORDER BY sector_id LIMIT ?";
      return (await this.#sql.all(query, after, limit)).map(sectorOf);
    }
    // State by state along the index: an IN over several states would be sorted whole before the cut.
    const found: SectorRow[] = [];
    for (const state of new Set(states)) found.push(...(await this.#inState(state, after, limit)));
    return found.toSorted((a, b) => a.sectorId - b.sectorId).slice(0, limit);
  }

  async #inState(state: SectorState, after: number, limit: number): Promise<SectorRow[]> {
    const query = "SELECT * FROM sectors WHERE state = ? AND sector_id > ? ORDER BY sector_id LIMIT ?";
    return (await this.#sql.all(query, state, after, limit)).map(sectorOf);
  }

  async totals(): Promise<SectorTotal[]> {
    const rows = await this.#sql.all("SELECT * FROM sector_totals WHERE sector_count > 0");
    const place = (total: SectorTotal) => sectorStates.indexOf(total.state);
    return rows.map(totalOf).sort((a, b) => a.sectorBytes - b.sectorBytes || place(a) - place(b));
  }

  async slots(sectorId: number): Promise<SlotRow[]> {
    const query = "SELECT * FROM sector_pieces WHERE sector_id = ? ORDER BY offset_padded_bytes";
    return (await this.#sql.all(query, sectorId)).map(slotOf);
  }

  async fill(sectorId: number): Promise<SectorFill> {
    return (await this.fills([sectorId])).get(sectorId) ?? emptyFill;
  }

  async fills(sectorIds: readonly number[]): Promise<ReadonlyMap<number, SectorFill>> {
    const fills = new Map<number, SectorFill>();
    for (const ids of chunksOf(sectorIds)) {
      const query = `${fillQuery} WHERE sector_id IN (${marks(ids)}) GROUP BY sector_id`;
      for (const row of await this.#sql.all(query, ...ids)) fills.set(int(row, "sector_id"), fillOf(row));
    }
    return fills;
  }

  async piece(pieceKey: string): Promise<PieceRow | undefined> {
    const row = await this.#sql.get(`${pieceQuery} WHERE s.piece_key = ?`, pieceKey);
    return row === undefined ? undefined : pieceOf(row);
  }

  async piecesOf(sectorId: number): Promise<PieceRow[]> {
    const query = `${pieceQuery} WHERE s.sector_id = ? ORDER BY s.offset_padded_bytes`;
    return (await this.#sql.all(query, sectorId)).map(pieceOf);
  }

  async pieces({ after = "", limit }: { after?: string | undefined; limit: number }): Promise<PieceRow[]> {
    const query = `${pieceQuery} WHERE s.piece_key > ? ORDER BY s.piece_key LIMIT ?`;
    return (await this.#sql.all(query, after, limit)).map(pieceOf);
  }

  async unfinished(limit: number): Promise<PieceRow[]> {
    const query = `${pieceQuery} WHERE p.stage = 'writing' ORDER BY p.piece_key LIMIT ?`;
    return (await this.#sql.all(query, limit)).map(pieceOf);
  }

  async events(after: number, limit: number): Promise<SealEvent[]> {
    const query = "SELECT * FROM seal_events WHERE cursor > ? ORDER BY cursor LIMIT ?";
    return (await this.#sql.all(query, after, limit)).map(eventOf);
  }

  async cursorOf(consumer: string): Promise<number> {
    const row = await this.#sql.get("SELECT cursor FROM event_cursors WHERE consumer = ?", consumer);
    return row === undefined ? 0 : int(row, "cursor");
  }
}

/** The ids in lists of few lengths, the last id repeated: so there are few statements to prepare. */
function* chunksOf(ids: readonly number[]): Generator<SqlValue[], void, undefined> {
  for (let at = 0; at < ids.length; at += idsAtOnce) {
    const chunk = ids.slice(at, at + idsAtOnce);
    const length = 2 ** Math.ceil(Math.log2(chunk.length));
    const last = chunk.at(-1) ?? 0;
    yield [...chunk, ...new Array<number>(length - chunk.length).fill(last)];
  }
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}
