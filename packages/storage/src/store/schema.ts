/**
 * The metadata database: sectors, their layout, pieces, events, cursors. All SQL of the package is in this
 * room. Invariant: a row is written after the files that it speaks of are durable, and deleted before they
 * are, so that a crash leaves orphan files and never a row without its bytes.
 * The checks repeat the state machine's promises, so that no code path can store half a sector.
 */
import { DatabaseSync } from "node:sqlite";
import { HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { sectorStates } from "../sectors/states.ts";

/** "HFST" in ASCII: marks the file as ours in SQLite's header. */
const applicationId = 0x48465354;
/** Milliseconds to wait for another connection's lock. */
const busyTimeoutMs = 5_000;

const states = sectorStates.map((state) => `'${state}'`).join(", ");

/** One entry per schema version, applied in order; an entry is never edited once it was released. */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta (name, value) VALUES ('generation', 0), ('last_sector_id', 0);

  CREATE TABLE sectors (
    sector_id INTEGER PRIMARY KEY,
    sector_bytes INTEGER NOT NULL CHECK (sector_bytes > 0),
    origin TEXT NOT NULL CHECK (origin IN ('pieces', 'capacity', 'presealed')),
    state TEXT NOT NULL CHECK (state IN (${states})),
    attempt INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    ticket_epoch INTEGER,
    ticket BLOB CHECK (length(ticket) = 32),
    network_id BLOB CHECK (length(network_id) = 32),
    miner TEXT,
    comm_d BLOB CHECK (length(comm_d) = 32),
    comm_r BLOB CHECK (length(comm_r) = 32),
    comm_r_star BLOB CHECK (length(comm_r_star) = 32),
    seed BLOB CHECK (length(seed) = 32),
    failed_in TEXT CHECK (failed_in IN ('sealing', 'proving')),
    failure_code TEXT,
    failure_message TEXT,
    CHECK (state NOT IN ('sealing', 'sealed', 'proving', 'proved', 'committed', 'faulty') OR
      (ticket_epoch IS NOT NULL AND ticket IS NOT NULL AND network_id IS NOT NULL AND miner IS NOT NULL)),
    CHECK (state NOT IN ('sealed', 'proving', 'proved', 'committed', 'faulty') OR
      (comm_d IS NOT NULL AND comm_r IS NOT NULL AND comm_r_star IS NOT NULL)),
    CHECK (state NOT IN ('proving', 'proved') OR seed IS NOT NULL),
    CHECK ((state = 'failed') = (failed_in IS NOT NULL))
  ) STRICT;
  CREATE INDEX sectors_by_state ON sectors (state, sector_id);

  CREATE TABLE pieces (
    piece_key TEXT PRIMARY KEY,
    stage TEXT NOT NULL CHECK (stage IN ('writing', 'kept')),
    added_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sector_pieces (
    sector_id INTEGER NOT NULL REFERENCES sectors (sector_id),
    offset_padded_bytes INTEGER NOT NULL CHECK (offset_padded_bytes % padded_bytes = 0),
    comm_p BLOB NOT NULL CHECK (length(comm_p) = 32),
    padded_bytes INTEGER NOT NULL CHECK (padded_bytes >= 128),
    user_bytes INTEGER NOT NULL CHECK (user_bytes > 0 AND user_bytes <= padded_bytes / 128 * 127),
    piece_key TEXT UNIQUE REFERENCES pieces (piece_key) ON DELETE SET NULL,
    PRIMARY KEY (sector_id, offset_padded_bytes)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE seal_events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    sector_id INTEGER NOT NULL REFERENCES sectors (sector_id),
    from_state TEXT CHECK (from_state IN (${states})),
    to_state TEXT NOT NULL CHECK (to_state IN (${states})),
    reason TEXT,
    at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE event_cursors (
    consumer TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Opens or makes the database. Throws storage/foreign-database, schema-too-new, database-damaged. */
export function openDatabase(dbPath: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(dbPath, { timeout: busyTimeoutMs });
    // What a power cut takes back of a migration runs again: only what comes after it waits for the disk.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
    migrate(db, dbPath);
    db.exec("PRAGMA synchronous = FULL");
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof HoldfastError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw storageErrors.databaseDamaged({ dbPath, detail }, error);
  }
}

function migrate(db: DatabaseSync, dbPath: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    const found = pragma(db, "user_version");
    const owner = pragma(db, "application_id");
    const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n;
    if (owner !== applicationId && (owner !== 0 || found !== 0 || tables !== 0)) {
      throw storageErrors.foreignDatabase({ dbPath });
    }
    if (found > migrations.length) {
      throw storageErrors.schemaTooNew({ dbPath, found, known: migrations.length });
    }
    for (const step of migrations.slice(found)) db.exec(step);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length};`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

/** Result codes of SQLite (sqlite.org/rescode.html); the low byte of an extended code is the primary one. */
const resultCodes = { constraint: 19, full: 13 } as const;

/**
 * A failure of SQLite under our codes. A violated constraint stays as it is: our own checks come first, so it
 * is a bug of ours.
 */
export function asStoreError(dbPath: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error)) return error;
  const code = Number(error.errcode) & 0xff;
  if (code === resultCodes.constraint) return error;
  if (code === resultCodes.full) return storageErrors.databaseFull({ dbPath }, error);
  return storageErrors.databaseFailed({ dbPath, detail: error.message }, error);
}
