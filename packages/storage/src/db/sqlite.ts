/**
 * SQLite in this process: one connection, on which transactions and single statements take turns, so that
 * nobody reads what is not committed. Changes are durable when they return (WAL, synchronous=FULL). A lock of
 * another connection is waited for without holding up the thread: it may be this thread's own.
 */
import { EventEmitter } from "node:events";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { assert, type Cancel, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { Turns } from "./turns.ts";
import type { Db, Ddl, DdlWords, Row, Sql, SqlValue } from "./types.ts";

/** "HFST" in ASCII: marks the file as ours in SQLite's header. */
const applicationId = 0x48465354;
/** What the header calls a file whose rooms keep their own versions in the table `versions`. */
const formatVersion = 1;
/** Waiting for another connection's lock: inside of SQLite, between two tries, and altogether. */
const lockWait = { innerMs: 10, pauseMs: 2, mostTries: 500 } as const;
/** Prepared statements that are kept. */
const mostPrepared = 256;

const words: DdlWords = {
  bytes: "BLOB",
  text: "TEXT",
  int: "INTEGER",
  real: "REAL",
  strict: "STRICT",
  byKey: "STRICT, WITHOUT ROWID",
};

/** Opens or makes the file. Throws storage/foreign-database, schema-too-new, database-damaged. */
export async function openSqlite(dbPath: string): Promise<Db> {
  let db: DatabaseSync | undefined;
  try {
    const opened = new DatabaseSync(dbPath, { timeout: lockWait.innerMs });
    db = opened;
    // What a power cut takes back of a migration runs again: only what comes after it waits for the disk.
    const pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";
    await patiently(() => opened.exec(pragmas));
    await patiently(() => claim(opened, dbPath));
    opened.exec("PRAGMA synchronous = FULL");
    return new SqliteDb(opened, dbPath);
  } catch (error) {
    db?.close();
    if (error instanceof HoldfastError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw storageErrors.databaseDamaged({ dbPath, detail }, error);
  }
}

/** Tries again while another connection holds the lock. */
async function patiently<T>(statement: () => T): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return statement();
    } catch (error) {
      if (primaryCode(error) !== resultCodes.busy || tries >= lockWait.mostTries) throw error;
    }
    await sleep(lockWait.pauseMs);
  }
}

/** Makes the file ours, unless it is another's. */
function claim(db: DatabaseSync, dbPath: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    const found = pragma(db, "user_version");
    const owner = pragma(db, "application_id");
    const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n;
    if (owner !== applicationId && (owner !== 0 || found !== 0 || tables !== 0)) {
      throw storageErrors.foreignDatabase({ dbPath });
    }
    if (found > formatVersion) throw storageErrors.schemaTooNew({ dbPath, found, known: formatVersion });
    db.exec("CREATE TABLE IF NOT EXISTS versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT");
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

class SqliteDb implements Db {
  readonly engine = "sqlite";
  readonly place: string;
  readonly #db: DatabaseSync;
  readonly #turns = new Turns();
  readonly #prepared = new Map<string, StatementSync>();
  readonly #wakes = new EventEmitter().setMaxListeners(0);

  constructor(db: DatabaseSync, dbPath: string) {
    this.#db = db;
    this.place = dbPath;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.settled();
    if (this.#db.isOpen) this.#db.close();
  }

  all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#alone(() => this.#all(text, values));
  }
  async get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.all(text, ...values))[0];
  }
  run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    return this.#alone(() => this.#run(text, values));
  }

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      const told: [channel: string, word: string][] = [];
      await this.#patiently(() => this.#db.exec("BEGIN IMMEDIATE"));
      const sql = new OpenTransaction(this.#statements, told);
      try {
        const result = await work(sql);
        this.#guarded(() => this.#db.exec("COMMIT"));
        for (const [channel, word] of told) this.#wakes.emit(channel, word);
        return result;
      } catch (error) {
        if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      } finally {
        sql.end();
      }
    });
  }

  async migrate(room: string, steps: readonly Ddl[]): Promise<void> {
    const known = steps.length;
    // As at the opening: a migration that is lost runs again.
    await this.#alone(() => this.#db.exec("PRAGMA synchronous = NORMAL"));
    await this.transaction(async (sql) => {
      const row = await sql.get("SELECT version FROM versions WHERE room = ?", room);
      const found = Number(row?.version ?? 0);
      if (found > known) throw storageErrors.schemaTooNew({ dbPath: this.place, found, known });
      if (found === known) return;
      for (const step of steps.slice(found)) this.#guarded(() => this.#db.exec(step(words)));
      await sql.run(
        "INSERT INTO versions VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
        room,
        known,
      );
    }).finally(() => this.#alone(() => this.#db.exec("PRAGMA synchronous = FULL")));
  }

  async notify(sql: Sql, channel: string, word = ""): Promise<void> {
    if (sql instanceof OpenTransaction) sql.tell(channel, word);
    else this.#wakes.emit(channel, word);
  }

  listen(channel: string, wake: (word?: string) => void, signal: Cancel): void {
    if (signal.aborted) return;
    this.#wakes.on(channel, wake);
    signal.addEventListener("abort", () => this.#wakes.off(channel, wake), { once: true });
  }

  onSilence(): void {}

  readonly #statements: Statements = {
    all: (text, values) => this.#guarded(() => this.#all(text, values)),
    run: (text, values) => this.#guarded(() => this.#run(text, values)),
  };

  #all(text: string, values: readonly SqlValue[]): Row[] {
    return this.#prepare(text).all(...(values as SQLInputValue[])) as Row[];
  }
  #run(text: string, values: readonly SqlValue[]): number {
    return Number(this.#prepare(text).run(...(values as SQLInputValue[])).changes);
  }

  #prepare(text: string): StatementSync {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    if (this.#prepared.size >= mostPrepared) this.#prepared.clear();
    this.#prepared.set(text, statement);
    return statement;
  }

  /** A statement that is its own transaction. */
  async #alone<T>(statement: () => T): Promise<T> {
    return await this.#turns.run(() => this.#patiently(statement));
  }

  async #patiently<T>(statement: () => T): Promise<T> {
    try {
      return await patiently(() => {
        if (!this.#db.isOpen) throw storageErrors.closed({});
        return statement();
      });
    } catch (error) {
      throw asStoreError(this.place, error);
    }
  }

  #guarded<T>(statement: () => T): T {
    try {
      if (!this.#db.isOpen) throw storageErrors.closed({});
      return statement();
    } catch (error) {
      throw asStoreError(this.place, error);
    }
  }
}

interface Statements {
  all(text: string, values: readonly SqlValue[]): Row[];
  run(text: string, values: readonly SqlValue[]): number;
}

class OpenTransaction implements Sql {
  readonly #statements: Statements;
  readonly #told: [channel: string, word: string][];
  #hasEnded = false;

  constructor(statements: Statements, told: [channel: string, word: string][]) {
    this.#statements = statements;
    this.#told = told;
  }
  async all(text: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    this.#check();
    return this.#statements.all(text, values);
  }
  async get(text: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.all(text, ...values))[0];
  }
  async run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    this.#check();
    return this.#statements.run(text, values);
  }
  tell(channel: string, word: string): void {
    this.#check();
    this.#told.push([channel, word]);
  }
  end(): void {
    this.#hasEnded = true;
  }
  #check(): void {
    assert(!this.#hasEnded, "a statement belongs to a transaction that has not ended");
  }
}

/** Result codes of SQLite (sqlite.org/rescode.html); the low byte of an extended code is the primary one. */
const resultCodes = { busy: 5, constraint: 19, full: 13 } as const;

function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : undefined;
}

/**
 * A failure of SQLite under our codes. A violated constraint stays as it is: our own checks come first, so it
 * is a bug of ours.
 */
export function asStoreError(dbPath: string, error: unknown): unknown {
  const code = primaryCode(error);
  if (code === undefined || code === resultCodes.constraint || !(error instanceof Error)) return error;
  if (code === resultCodes.full) return storageErrors.databaseFull({ dbPath }, error);
  return storageErrors.databaseFailed({ dbPath, detail: error.message }, error);
}
