/**
 * What this node knows of its idle space: one registration, its kept layers, the request that is under way, answers
 * that the chain has not seen the end of. The chain says what is certified; this says where the bytes are.
 * Nearly all layers rest: certified, whole, nothing under way. They are counted by volume and read one by one or in
 * pages; only the others are held in memory, so a step costs the same with a hundred layers and with a million files.
 * Invariant: a row is there before the first byte of its layer is written, and goes after the last one is deleted, so
 * that space is always accounted before it is used.
 */
import { type Address, addressBytes, concatBytes, equalBytes } from "@holdfast/base";
import type { IdleRange } from "@holdfast/proofs";
import type { Database } from "../database.ts";
import {
  bytes,
  isAtRest,
  type LayerRow,
  type LayerState,
  type Layers,
  layerOf,
  number,
  type Scratch,
  split,
} from "./rows.ts";

export { isAtRest, type LayerRow, type LayerState, type Layers, type Scratch } from "./rows.ts";

export interface SpaceRow {
  readonly nonce: Uint8Array;
  readonly miner: Uint8Array;
  readonly profile: string;
  /** The range below the first layer that has a row. */
  readonly base: IdleRange;
}

export interface IdleSettings {
  /** What idle space may take; null: all that is free. */
  readonly maxBytes: number | null;
  readonly isFilling: boolean;
  readonly threads: number;
  readonly memoryBytes: number;
}

export type PendingKind = "append" | "release";

const steps = [
  `CREATE TABLE idle_settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    max_bytes INTEGER CHECK (max_bytes >= 0),
    is_filling INTEGER NOT NULL,
    threads INTEGER NOT NULL CHECK (threads > 0),
    memory_bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE idle_space (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    nonce BLOB NOT NULL,
    miner BLOB NOT NULL,
    profile TEXT NOT NULL,
    base_leaves INTEGER NOT NULL,
    base_peaks BLOB NOT NULL
  ) STRICT;
  CREATE TABLE idle_layers (
    layer INTEGER PRIMARY KEY,
    volume_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('making', 'made', 'certified', 'lost')),
    first_kept INTEGER NOT NULL,
    scratch TEXT NOT NULL CHECK (scratch IN ('none', 'layers', 'layers-and-below')),
    column_root BLOB,
    file_roots BLOB,
    commitment BLOB,
    previous BLOB,
    CHECK (state = 'making' OR commitment IS NOT NULL)
  ) STRICT;
  CREATE TABLE idle_pending (
    kind TEXT PRIMARY KEY CHECK (kind IN ('append', 'release')),
    message BLOB NOT NULL
  ) STRICT;
  CREATE TABLE idle_answers (
    audit BLOB NOT NULL,
    idx INTEGER NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (audit, idx)
  ) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE idle_layers ADD COLUMN moving_to INTEGER;
  CREATE INDEX idle_active ON idle_layers (layer)
    WHERE state <> 'certified' OR scratch <> 'none' OR first_kept > 0 OR moving_to IS NOT NULL;
  CREATE INDEX idle_volume ON idle_layers (volume_id, layer);
  CREATE TABLE idle_patrol (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    layer INTEGER NOT NULL
  ) STRICT;`,
];

const isActive = "state <> 'certified' OR scratch <> 'none' OR first_kept > 0 OR moving_to IS NOT NULL";
/** Rows that are read at a time. */
const pageRows = 64;

interface Known {
  readonly active: Map<number, LayerRow>;
  readonly resting: Map<number, number>;
}

export class IdleStore implements Layers {
  readonly #database: Database;
  /** Undefined until they are read, and after a transaction that failed: nobody else writes them. */
  #known: Known | undefined;
  #ordered: readonly LayerRow[] | undefined;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("idle", steps);
  }

  transaction<Result>(work: () => Result): Result {
    try {
      return this.#database.transaction(work);
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  settings(): IdleSettings | undefined {
    const row = this.#database.get("SELECT * FROM idle_settings");
    if (row === undefined) return undefined;
    return {
      maxBytes: row.max_bytes === null ? null : number(row, "max_bytes"),
      isFilling: number(row, "is_filling") === 1,
      threads: number(row, "threads"),
      memoryBytes: number(row, "memory_bytes"),
    };
  }

  saveSettings({ maxBytes, isFilling, threads, memoryBytes }: IdleSettings): void {
    this.#database.run(
      `INSERT INTO idle_settings VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       max_bytes = excluded.max_bytes, is_filling = excluded.is_filling, threads = excluded.threads,
       memory_bytes = excluded.memory_bytes`,
      maxBytes,
      isFilling ? 1 : 0,
      threads,
      memoryBytes,
    );
  }

  space(): SpaceRow | undefined {
    const row = this.#database.get("SELECT * FROM idle_space");
    if (row === undefined) return undefined;
    return {
      nonce: bytes(row, "nonce"),
      miner: bytes(row, "miner"),
      profile: String(row.profile),
      base: { leaves: number(row, "base_leaves"), peaks: split(bytes(row, "base_peaks")) },
    };
  }

  /** Begins a registration: what was known of another one is forgotten. */
  begin(miner: Address, profile: string, nonce: Uint8Array): void {
    this.#forget();
    this.#database.transaction(() => {
      for (const table of ["idle_space", "idle_layers", "idle_pending", "idle_answers", "idle_patrol"]) {
        this.#database.run(`DELETE FROM ${table}`);
      }
      const values = [nonce, addressBytes(miner), profile, 0, new Uint8Array(0)];
      this.#database.run("INSERT INTO idle_space VALUES (1, ?, ?, ?, ?, ?)", ...values);
    });
  }

  isOf(space: SpaceRow, miner: Address, profile: string, nonce: Uint8Array): boolean {
    const same = equalBytes(space.nonce, nonce) && equalBytes(space.miner, addressBytes(miner));
    return same && space.profile === profile;
  }

  get active(): readonly LayerRow[] {
    this.#ordered ??= [...this.#read().active.values()].sort((a, b) => a.layer - b.layer);
    return this.#ordered;
  }
  get resting(): ReadonlyMap<number, number> {
    return this.#read().resting;
  }
  get lowest(): number | undefined {
    return this.#end("min");
  }
  get highest(): number | undefined {
    return this.#end("max");
  }

  find(layer: number): LayerRow | undefined {
    const known = this.#read().active.get(layer);
    if (known !== undefined) return known;
    const row = this.#database.get("SELECT * FROM idle_layers WHERE layer = ?", layer);
    return row === undefined ? undefined : layerOf(row);
  }

  *from(layer: number): IterableIterator<LayerRow> {
    for (let next = layer; ; ) {
      const rows = this.#database.all(
        "SELECT * FROM idle_layers WHERE layer >= ? ORDER BY layer LIMIT ?",
        next,
        pageRows,
      );
      yield* rows.map(layerOf);
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageRows) return;
      next = number(last, "layer") + 1;
    }
  }

  /** The next row of a volume, from a number on. */
  nextOn(volumeId: number, from: number): LayerRow | undefined {
    const next = "SELECT * FROM idle_layers WHERE volume_id = ? AND layer >= ? ORDER BY layer LIMIT 1";
    const row = this.#database.get(next, volumeId, from);
    return row === undefined ? undefined : layerOf(row);
  }
  /** Numbers of all layers of a volume. */
  numbersOn(volumeId: number): ReadonlySet<number> {
    const rows = this.#database.all("SELECT layer FROM idle_layers WHERE volume_id = ?", volumeId);
    return new Set(rows.map((row) => number(row, "layer")));
  }

  addLayer(layer: number, volumeId: number, scratch: Scratch): void {
    this.#write(
      layer,
      "INSERT INTO idle_layers (layer, volume_id, state, first_kept, scratch) VALUES (?, ?, 'making', 0, ?)",
      layer,
      volumeId,
      scratch,
    );
  }

  made(layer: number, { roots, commitment, previous }: NonNullable<LayerRow["made"]>): void {
    this.#write(
      layer,
      `UPDATE idle_layers SET state = 'made', column_root = ?, file_roots = ?, commitment = ?, previous = ?
       WHERE layer = ?`,
      roots.columnRoot,
      concatBytes(...roots.fileRoots),
      commitment,
      previous,
      layer,
    );
  }

  setState(layer: number, state: LayerState): void {
    this.#write(layer, "UPDATE idle_layers SET state = ? WHERE layer = ?", state, layer);
  }

  dropScratch(layer: number): void {
    this.#write(layer, "UPDATE idle_layers SET scratch = 'none' WHERE layer = ?", layer);
  }

  setFirstKept(layer: number, firstKept: number): void {
    this.#write(layer, "UPDATE idle_layers SET first_kept = ? WHERE layer = ?", firstKept, layer);
  }

  /** All of it is to be made again, wherever it was. */
  lose(layer: number): void {
    const lost = "UPDATE idle_layers SET state = 'lost', first_kept = 0, moving_to = NULL WHERE layer = ?";
    this.#write(layer, lost, layer);
  }

  setMovingTo(layer: number, volumeId: number | null): void {
    this.#write(layer, "UPDATE idle_layers SET moving_to = ? WHERE layer = ?", volumeId, layer);
  }
  setVolume(layer: number, volumeId: number): void {
    const moved = "UPDATE idle_layers SET volume_id = ?, moving_to = NULL WHERE layer = ?";
    this.#write(layer, moved, volumeId, layer);
  }

  dropLayer(layer: number): void {
    this.#write(layer, "DELETE FROM idle_layers WHERE layer = ?", layer);
  }

  /** Where the patrol over resting files goes on. */
  patrolAt(): number {
    const row = this.#database.get("SELECT layer FROM idle_patrol");
    return row === undefined ? 0 : number(row, "layer");
  }
  setPatrol(layer: number): void {
    this.#database.run("INSERT OR REPLACE INTO idle_patrol VALUES (1, ?)", layer);
  }

  #end(which: "min" | "max"): number | undefined {
    const row = this.#database.get(`SELECT ${which}(layer) AS layer FROM idle_layers`);
    return row === undefined || row.layer === null ? undefined : number(row, "layer");
  }

  #forget(): void {
    this.#known = undefined;
    this.#ordered = undefined;
  }

  #read(): Known {
    if (this.#known !== undefined) return this.#known;
    this.#ordered = undefined;
    const active = this.#database
      .all(`SELECT * FROM idle_layers WHERE ${isActive} ORDER BY layer`)
      .map(layerOf);
    const resting = this.#database.all(
      `SELECT volume_id, count(*) AS layers FROM idle_layers WHERE NOT (${isActive}) GROUP BY volume_id`,
    );
    this.#known = {
      active: new Map(active.map((row) => [row.layer, row])),
      resting: new Map(resting.map((row) => [number(row, "volume_id"), number(row, "layers")])),
    };
    return this.#known;
  }

  /** Changes one row, and what is known of it. */
  #write(layer: number, sql: string, ...values: Parameters<Database["run"]>[1][]): void {
    const { active, resting } = this.#read();
    const before = this.find(layer);
    this.#database.run(sql, ...values);
    this.#ordered = undefined;
    active.delete(layer);
    if (before !== undefined && isAtRest(before)) {
      resting.set(before.volumeId, (resting.get(before.volumeId) ?? 0) - 1);
    }
    const row = this.#database.get("SELECT * FROM idle_layers WHERE layer = ?", layer);
    const after = row === undefined ? undefined : layerOf(row);
    if (after === undefined) return;
    if (isAtRest(after)) resting.set(after.volumeId, (resting.get(after.volumeId) ?? 0) + 1);
    else active.set(layer, after);
  }

  setBase({ leaves, peaks }: IdleRange): void {
    this.#database.run(
      "UPDATE idle_space SET base_leaves = ?, base_peaks = ?",
      leaves,
      concatBytes(...peaks),
    );
  }

  pending(kind: PendingKind): Uint8Array | undefined {
    const row = this.#database.get("SELECT message FROM idle_pending WHERE kind = ?", kind);
    return row === undefined ? undefined : bytes(row, "message");
  }

  setPending(kind: PendingKind, message: Uint8Array): void {
    this.#database.run("INSERT OR REPLACE INTO idle_pending VALUES (?, ?)", kind, message);
  }

  dropPending(kind: PendingKind): void {
    this.#database.run("DELETE FROM idle_pending WHERE kind = ?", kind);
  }

  saveAnswers(audit: Uint8Array, answers: readonly Uint8Array[]): void {
    this.#database.transaction(() => {
      for (const [index, answer] of answers.entries()) {
        this.#database.run("INSERT OR REPLACE INTO idle_answers VALUES (?, ?, ?)", audit, index, answer);
      }
    });
  }

  answers(audit: Uint8Array): readonly Uint8Array[] {
    const rows = this.#database.all("SELECT answer FROM idle_answers WHERE audit = ? ORDER BY idx", audit);
    return rows.map((row) => bytes(row, "answer"));
  }

  /** Audits that answers are kept of. */
  answered(): readonly Uint8Array[] {
    return this.#database.all("SELECT DISTINCT audit FROM idle_answers").map((row) => bytes(row, "audit"));
  }

  dropAnswers(audit: Uint8Array): void {
    this.#database.run("DELETE FROM idle_answers WHERE audit = ?", audit);
  }
}
