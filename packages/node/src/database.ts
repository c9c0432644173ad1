/**
 * The node's relations (jobs, deals, outbox): one SQLite file, WAL with full synchronisation because
 * money depends on it. Each room brings its own tables (prefix = room) as numbered migrations and keeps
 * its SQL in its own `store.ts`.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert, defineErrors } from "@holdfast/base";

export const databaseErrors = defineErrors("database", {
  newer: {
    exit: "refused",
    message: (data: { room: string; found: number; known: number }) =>
      `the tables of ${data.room} have version ${data.found}, this program knows ${data.known}`,
    fix: "start the newer program that wrote this repo, or restore a backup",
  },
  damaged: {
    exit: "internal",
    message: (data: { path: string; detail: string }) =>
      `the database ${data.path} cannot be opened: ${data.detail}`,
    fix: "restore node.db from a backup; chain and sectors are kept apart from it",
  },
  full: {
    exit: "retry-later",
    message: (data: { path: string }) => `no room on the disk for ${data.path}`,
    fix: "free space on the disk; nothing that was acknowledged is lost",
  },
});

export type SqlValue = string | number | bigint | null | Uint8Array;
export type Row = { readonly [column: string]: SqlValue };

export interface Database extends Disposable {
  /** Brings the tables of a room to the version `steps.length`; each step runs once, in a transaction. */
  migrate(room: string, steps: readonly string[]): void;
  run(sql: string, ...values: readonly SqlValue[]): void;
  get(sql: string, ...values: readonly SqlValue[]): Row | undefined;
  all(sql: string, ...values: readonly SqlValue[]): readonly Row[];
  /** All or nothing; nested calls join the outer transaction. Synchronous by design. */
  transaction<Result>(work: () => Result): Result;
}

/** `path` of a file, or `:memory:`. Errors: `database/damaged`, `database/full`. */
export function openDatabase(path: string): Database {
  const sqlite = openSqlite(path);
  const statements = new Map<string, StatementSync>();
  let depth = 0;

  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = sqlite.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (cause) {
      if (isFull(cause)) throw databaseErrors.full({ path }, cause);
      throw cause;
    }
  };

  const database: Database = {
    migrate(room, steps) {
      const found = Number(database.get("SELECT version FROM versions WHERE room = ?", room)?.version ?? 0);
      if (found > steps.length) throw databaseErrors.newer({ room, found, known: steps.length });
      if (found === steps.length) return;
      // A step that a power cut takes back runs again: it need not wait for the disk, as everything else does.
      sqlite.exec("PRAGMA synchronous = NORMAL");
      using _full = { [Symbol.dispose]: () => sqlite.exec("PRAGMA synchronous = FULL") };
      database.transaction(() => {
        for (const step of steps.slice(found)) sqlite.exec(step);
        database.run(
          "INSERT INTO versions VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
          room,
          steps.length,
        );
      });
    },
    run: (sql, ...values) => void guarded(() => prepare(sql).run(...values)),
    get: (sql, ...values) => prepare(sql).get(...values) as Row | undefined,
    all: (sql, ...values) => prepare(sql).all(...values) as readonly Row[],
    transaction(work) {
      if (depth > 0) return work();
      sqlite.exec("BEGIN IMMEDIATE");
      depth += 1;
      try {
        const result = work();
        assert(!(result instanceof Promise), "a transaction is synchronous");
        guarded(() => sqlite.exec("COMMIT"));
        return result;
      } catch (error) {
        if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
        throw error;
      } finally {
        depth -= 1;
      }
    },
    [Symbol.dispose]: () => {
      if (sqlite.isOpen) sqlite.close();
    },
  };
  return database;
}

function openSqlite(path: string): DatabaseSync {
  try {
    const sqlite = new DatabaseSync(path);
    sqlite.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000",
    );
    sqlite.exec(
      "CREATE TABLE IF NOT EXISTS versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    );
    // An acknowledged payment or deal survives a power cut, not only a crash of the process.
    sqlite.exec("PRAGMA synchronous = FULL");
    return sqlite;
  } catch (cause) {
    if (isFull(cause)) throw databaseErrors.full({ path }, cause);
    throw databaseErrors.damaged({ path, detail: String(cause) }, cause);
  }
}

/** SQLITE_FULL = 13 (https://www.sqlite.org/rescode.html). */
function isFull(cause: unknown): boolean {
  return cause instanceof Error && "errcode" in cause && cause.errcode === 13;
}
