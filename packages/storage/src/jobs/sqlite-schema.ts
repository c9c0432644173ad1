/**
 * The tables of the job queue in SQLite: a file of its own beside the storage's metadata, because any number of worker
 * processes write to it, while the metadata belongs to one. `due_ms` is never null and `backward_priority` is the
 * negative priority, so that the order of claims is the order of one index.
 * Journal WAL with synchronous=NORMAL: what is answered survives the end of every process; a power cut may take back
 * the last moments, and then the sectors' own records, which are in the metadata, enqueue the jobs again.
 */
import { DatabaseSync } from "node:sqlite";
import { HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { jobKinds, jobStates } from "./types.ts";

/** "HFJQ" in ASCII: marks the file as ours in SQLite's header. */
const applicationId = 0x48464a51;
/** Milliseconds to wait for another process's transaction. */
const busyTimeoutMs = 5_000;
/** Stands for "never" in `due_ms`. */
export const neverMs = Number.MAX_SAFE_INTEGER;

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");

/** `more`: columns that came later. */
const jobsTable = (more = ""): string => `CREATE TABLE jobs (
    job_id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN (${quoted(jobKinds)})),
    urgency INTEGER NOT NULL,
    sector_id INTEGER,
    state TEXT NOT NULL CHECK (state IN (${quoted(jobStates)})),
    input TEXT NOT NULL,
    output TEXT,
    backward_priority INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    cpus REAL NOT NULL,
    memory_bytes INTEGER NOT NULL,
    token INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    max_failures INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    progress REAL NOT NULL DEFAULT 0,
    worker_id TEXT,
    lease_until_ms INTEGER,
    failure_code TEXT,
    failure_message TEXT,
    failure_detail TEXT,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,${more}
    CHECK ((state = 'running') = (lease_until_ms IS NOT NULL)),
    CHECK ((state = 'done') = (output IS NOT NULL)),
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_ms IS NOT NULL)),
    CHECK (state <> 'failed' OR failure_code IS NOT NULL)
  ) STRICT;`;

const columns = `job_id, key, kind, urgency, sector_id, state, input, output, backward_priority, due_ms, cpus,
  memory_bytes, token, failures, max_failures, not_before_ms, progress, worker_id, lease_until_ms, failure_code,
  failure_message, failure_detail, created_ms, started_ms, ended_ms, for_worker`;

const jobIndexes = `
  CREATE INDEX jobs_waiting ON jobs (urgency, due_ms, backward_priority, job_id) WHERE state = 'waiting';
  CREATE INDEX jobs_running ON jobs (lease_until_ms) WHERE state = 'running';
  CREATE INDEX jobs_ended ON jobs (ended_ms, job_id) WHERE ended_ms IS NOT NULL;
  CREATE INDEX jobs_by_state ON jobs (state, kind, job_id);
  CREATE INDEX jobs_by_sector ON jobs (sector_id, job_id);
  `;

/** One entry per schema version, applied in order; an entry is never edited once it was released. */
const migrations: readonly string[] = [
  `
  ${jobsTable()}
  ${jobIndexes}
  CREATE TABLE job_events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sector_id INTEGER,
    from_state TEXT,
    to_state TEXT NOT NULL,
    worker_id TEXT,
    reason TEXT,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX job_events_by_job ON job_events (job_id);

  CREATE TABLE job_cursors (
    consumer TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_cordons (
    target TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_workers (
    worker_id TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    kinds TEXT NOT NULL,
    cpus REAL NOT NULL,
    memory_bytes INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  "ALTER TABLE jobs ADD COLUMN for_worker TEXT",
  // Another kind: SQLite changes no CHECK in place.
  `
  ALTER TABLE jobs RENAME TO jobs_before;
  DROP INDEX jobs_waiting; DROP INDEX jobs_running; DROP INDEX jobs_ended;
  DROP INDEX jobs_by_state; DROP INDEX jobs_by_sector;
  ${jobsTable("\n    for_worker TEXT,")}
  INSERT INTO jobs (${columns}) SELECT ${columns} FROM jobs_before;
  DROP TABLE jobs_before;
  ${jobIndexes}
  `,
  `
  ALTER TABLE jobs ADD COLUMN volumes TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE job_volumes (
    owner TEXT NOT NULL,
    volume_id INTEGER NOT NULL,
    marker TEXT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (owner, volume_id)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE job_meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO job_meta VALUES ('queue_id', abs(random() % 9007199254740991));
  `,
  `
  CREATE TABLE job_owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    owner TEXT NOT NULL
  ) STRICT;
  INSERT INTO job_owner SELECT 1, min(owner) FROM job_volumes HAVING count(*) > 0;
  `,
];

/** Opens or makes the database. Throws storage/foreign-database, schema-too-new, database-damaged. */
export function openJobDatabase(dbPath: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(dbPath, { timeout: busyTimeoutMs });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    migrate(db, dbPath);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof HoldfastError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw storageErrors.databaseDamaged({ dbPath, detail }, error);
  }
}

/** Several processes may open a new file at once: what is looked at is looked at inside of the transaction. */
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

export function pragma(db: DatabaseSync, name: "user_version" | "application_id" | "data_version"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
