/**
 * What this node knows of its idle space: one registration, its kept layers, the request that is under way, answers
 * that the chain has not seen the end of. The chain says what is certified; this says where the bytes are.
 * Invariant: a row is there before the first byte of its layer is written, and goes after the last one is deleted, so
 * that space is always accounted before it is used.
 */
import { type Address, addressBytes, concatBytes, equalBytes } from "@holdfast/base";
import type { IdleLayerRoots, IdleRange } from "@holdfast/proofs";
import type { Database, Row } from "../database.ts";

/** making: files may be half there. made: whole, and unknown to the chain. certified. lost: to be made again. */
export const layerStates = ["making", "made", "certified", "lost"] as const;
export type LayerState = (typeof layerStates)[number];

/** What lies beside a layer until it is certified: the layers below it; the files of the kept layer below too. */
export const scratches = ["none", "layers", "layers-and-below"] as const;
export type Scratch = (typeof scratches)[number];

export interface LayerRow {
  /** Number of its first file by the files of a layer. */
  readonly layer: number;
  readonly volumeId: number;
  readonly state: LayerState;
  /** Files before this one are deleted. */
  readonly firstKept: number;
  readonly scratch: Scratch;
  /** Known from `made` on. */
  readonly made:
    | { readonly roots: IdleLayerRoots; readonly commitment: Uint8Array; readonly previous: Uint8Array }
    | undefined;
}

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
];

const nodeBytes = 32;
const number = (row: Row, column: string): number => Number(row[column]);
const bytes = (row: Row, column: string): Uint8Array => Uint8Array.from(row[column] as Uint8Array);
const split = (all: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: all.length / nodeBytes }, (_none, i) => all.slice(i * nodeBytes, (i + 1) * nodeBytes));

function layerOf(row: Row): LayerRow {
  const isMade = row.commitment !== null;
  return {
    layer: number(row, "layer"),
    volumeId: number(row, "volume_id"),
    state: layerStates.find((state) => state === row.state) ?? "making",
    firstKept: number(row, "first_kept"),
    scratch: scratches.find((scratch) => scratch === row.scratch) ?? "none",
    made: isMade
      ? {
          roots: { columnRoot: bytes(row, "column_root"), fileRoots: split(bytes(row, "file_roots")) },
          commitment: bytes(row, "commitment"),
          previous: bytes(row, "previous"),
        }
      : undefined,
  };
}

export class IdleStore {
  readonly #database: Database;
  /** The rows as they are, until one changes: nobody else writes them. */
  #layers: readonly LayerRow[] | undefined;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("idle", steps);
  }

  transaction<Result>(work: () => Result): Result {
    return this.#database.transaction(work);
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
    this.#layers = undefined;
    this.#database.transaction(() => {
      for (const table of ["idle_space", "idle_layers", "idle_pending", "idle_answers"]) {
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

  layers(): readonly LayerRow[] {
    this.#layers ??= this.#database.all("SELECT * FROM idle_layers ORDER BY layer").map(layerOf);
    return this.#layers;
  }

  addLayer(layer: number, volumeId: number, scratch: Scratch): void {
    this.#layers = undefined;
    this.#database.run(
      "INSERT INTO idle_layers (layer, volume_id, state, first_kept, scratch) VALUES (?, ?, 'making', 0, ?)",
      layer,
      volumeId,
      scratch,
    );
  }

  made(layer: number, { roots, commitment, previous }: NonNullable<LayerRow["made"]>): void {
    this.#layers = undefined;
    this.#database.run(
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
    this.#layers = undefined;
    this.#database.run("UPDATE idle_layers SET state = ? WHERE layer = ?", state, layer);
  }

  dropScratch(layer: number): void {
    this.#layers = undefined;
    this.#database.run("UPDATE idle_layers SET scratch = 'none' WHERE layer = ?", layer);
  }

  setFirstKept(layer: number, firstKept: number): void {
    this.#layers = undefined;
    this.#database.run("UPDATE idle_layers SET first_kept = ? WHERE layer = ?", firstKept, layer);
  }

  dropLayer(layer: number): void {
    this.#layers = undefined;
    this.#database.run("DELETE FROM idle_layers WHERE layer = ?", layer);
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
