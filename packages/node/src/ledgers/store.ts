/**
 * What a followed contract wants, on disk: wishes by account and CID, how far it was read, which CID is which pin, and
 * which CIDs have to be looked at because something about them has changed. Nothing of their number is in memory.
 */
import type { Database } from "../database.ts";
import type { LedgerChange } from "./contracts.ts";

/** What is kept of numbers that have 256 bits there. */
const most = BigInt(Number.MAX_SAFE_INTEGER);
const kept = (value: bigint | null): bigint | null => (value === null ? null : value > most ? most : value);

export interface LedgerPin {
  readonly pin: string;
  /** How large it may be. */
  readonly maxBytes: number;
}

/** What live wishes for a CID say together. */
export interface LiveWish {
  /** Whose claims are no larger than what is taken. */
  readonly accounts: number;
  /** The largest of these; 0: nobody says. */
  readonly sizeBytes: number;
  /** Those that claim more than is taken. */
  readonly tooLarge: number;
}

/** How far a contract was read. */
export interface ReadMark {
  readonly block: number;
  /** Undefined: of a version that did not keep it. */
  readonly hash: string | undefined;
}

export interface LedgerStore {
  /** Of another contract than before: everything begins anew, and what was pinned is looked at. */
  begin(source: string): void;
  /** What was read is not so any more: it is read again from its start, and what was pinned is looked at then. */
  beginAnew(): void;
  /** The last block that was read; undefined: none. */
  readTo(): ReadMark | undefined;
  /** All changes of blocks up to one, in one transaction. CIDs are canonical. Returns wishes that were too many. */
  take(changes: readonly LedgerChange[], to: ReadMark, limit: number): number;
  /** Wishes that ended between two times of that chain are to be looked at. */
  ended(seconds: bigint): void;
  due(limit: number): readonly string[];
  looked(cid: string): void;
  live(cid: string, seconds: bigint, mostBytes: number): LiveWish;
  pinOf(cid: string): LedgerPin | undefined;
  setPin(cid: string, pin: LedgerPin | undefined): void;
  counts(): { readonly wishes: number; readonly pins: number };
}

const tables: readonly string[] = [
  `CREATE TABLE ledger_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE ledger_wishes (
     cid TEXT NOT NULL, account TEXT NOT NULL, size INTEGER, expires INTEGER, PRIMARY KEY (cid, account)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX ledger_wishes_by_end ON ledger_wishes (expires) WHERE expires IS NOT NULL;
   CREATE TABLE ledger_pins (cid TEXT PRIMARY KEY, pin TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE ledger_due (cid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`,
  // 0: unknown, so that the next look at it sees whether that is enough.
  `ALTER TABLE ledger_pins ADD COLUMN max_bytes INTEGER NOT NULL DEFAULT 0;
   INSERT OR IGNORE INTO ledger_due SELECT cid FROM ledger_pins;`,
];

export function openLedgerStore(database: Database): LedgerStore {
  database.migrate("ledger", tables);
  return new Store(database);
}

const sourceName = "source";
const blockName = "block";
const hashName = "hash";
const secondsName = "seconds";

class Store implements LedgerStore {
  readonly #database: Database;
  #wishes: number;

  constructor(database: Database) {
    this.#database = database;
    this.#wishes = this.#countOf("ledger_wishes");
  }

  begin(source: string): void {
    if (this.#setting(sourceName) !== source) this.#clear(source);
  }
  beginAnew(): void {
    this.#clear(this.#setting(sourceName) ?? "");
  }
  #clear(source: string): void {
    const database = this.#database;
    database.transaction(() => {
      database.run("INSERT OR IGNORE INTO ledger_due SELECT cid FROM ledger_pins");
      database.run("DELETE FROM ledger_wishes");
      database.run("DELETE FROM ledger_state");
      this.#set(sourceName, source);
    });
    this.#wishes = 0;
  }
  readTo(): ReadMark | undefined {
    const block = this.#setting(blockName);
    return block === undefined ? undefined : { block: Number(block), hash: this.#setting(hashName) };
  }
  take(changes: readonly LedgerChange[], { block, hash }: ReadMark, limit: number): number {
    const before = this.#wishes;
    try {
      return this.#database.transaction(() => {
        const dropped = changes.filter((change) => !this.#apply(change, limit)).length;
        this.#set(blockName, String(block));
        if (hash !== undefined) this.#set(hashName, hash);
        return dropped;
      });
    } catch (error) {
      this.#wishes = before; // what was taken back is not counted
      throw error;
    }
  }
  ended(seconds: bigint): void {
    this.#database.transaction(() => {
      const before = BigInt(this.#setting(secondsName) ?? -1);
      this.#database.run(
        "INSERT OR IGNORE INTO ledger_due SELECT DISTINCT cid FROM ledger_wishes WHERE expires > ? AND expires <= ?",
        ...[before, seconds],
      );
      this.#set(secondsName, String(seconds));
    });
  }
  due(limit: number): readonly string[] {
    return this.#database.all("SELECT cid FROM ledger_due LIMIT ?", limit).map(({ cid }) => String(cid));
  }
  looked(cid: string): void {
    this.#database.run("DELETE FROM ledger_due WHERE cid = ?", cid);
  }
  live(cid: string, seconds: bigint, mostBytes: number): LiveWish {
    const row = this.#database.get(
      `SELECT count(*) AS n, total(size > ?) AS larger, coalesce(max(size) FILTER (WHERE size <= ?), 0) AS size
       FROM ledger_wishes WHERE cid = ? AND (expires IS NULL OR expires > ?)`,
      ...[mostBytes, mostBytes, cid, seconds],
    );
    const [all, tooLarge] = [Number(row?.n ?? 0), Number(row?.larger ?? 0)];
    return { accounts: all - tooLarge, sizeBytes: Number(row?.size ?? 0), tooLarge };
  }
  pinOf(cid: string): LedgerPin | undefined {
    const row = this.#database.get("SELECT pin, max_bytes FROM ledger_pins WHERE cid = ?", cid);
    return row && { pin: String(row.pin), maxBytes: Number(row.max_bytes) };
  }
  setPin(cid: string, pin: LedgerPin | undefined): void {
    if (pin === undefined) this.#database.run("DELETE FROM ledger_pins WHERE cid = ?", cid);
    else
      this.#database.run("INSERT OR REPLACE INTO ledger_pins VALUES (?, ?, ?)", cid, pin.pin, pin.maxBytes);
  }
  counts(): { readonly wishes: number; readonly pins: number } {
    return { wishes: this.#wishes, pins: this.#countOf("ledger_pins") };
  }

  /** False where the wish is one too many. */
  #apply({ kind, cid, account, sizeBytes, expiresAt }: LedgerChange, limit: number): boolean {
    const database = this.#database;
    const which = [cid, account] as const;
    const found = database.get("SELECT 1 AS one FROM ledger_wishes WHERE cid = ? AND account = ?", ...which);
    const isKnown = found !== undefined;
    const isWanted = kind !== "remove";
    if (isWanted && !isKnown && this.#wishes >= limit) return false;
    if (isWanted)
      database.run(
        "INSERT OR REPLACE INTO ledger_wishes VALUES (?, ?, ?, ?)",
        ...[...which, kept(sizeBytes), kept(expiresAt)],
      );
    else database.run("DELETE FROM ledger_wishes WHERE cid = ? AND account = ?", ...which);
    this.#wishes += Number(isWanted) - Number(isKnown);
    database.run("INSERT OR IGNORE INTO ledger_due VALUES (?)", cid);
    return true;
  }
  #setting(name: string): string | undefined {
    const row = this.#database.get("SELECT value FROM ledger_state WHERE name = ?", name);
    return row && String(row.value);
  }
  #set(name: string, value: string): void {
    this.#database.run("INSERT OR REPLACE INTO ledger_state VALUES (?, ?)", name, value);
  }
  #countOf(table: "ledger_wishes" | "ledger_pins"): number {
    return Number(this.#database.get(`SELECT count(*) AS n FROM ${table}`)?.n ?? 0);
  }
}
