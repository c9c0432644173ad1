/**
 * Metadata from one database to another, of either engine, while the storage works. Both sides are read along their
 * keys, page by page, and what differs is mended; passes are repeated until there is little left, and the last one runs
 * while no transaction does. Then every row is compared once more: only if none differs is the new one used.
 * Invariant: until then the old database is the only one that counts, and afterwards it refuses to be opened.
 */
import { randomInt } from "node:crypto";
import { equalBytes } from "@holdfast/base";
import { type Db, isConstraintViolated, type Row, type Sql, type SqlValue } from "../db/index.ts";
import { storageErrors } from "../errors.ts";

interface Table {
  readonly name: string;
  /** Its primary key, in the order in which both engines sort it. */
  readonly key: readonly string[];
}

/** After what they refer to. */
const tables: readonly Table[] = [
  { name: "meta", key: ["name"] },
  { name: "sectors", key: ["sector_id"] },
  { name: "sector_totals", key: ["sector_bytes", "state"] },
  { name: "pieces", key: ["piece_key"] },
  { name: "sector_pieces", key: ["sector_id", "offset_padded_bytes"] },
  { name: "seal_events", key: ["cursor"] },
  { name: "event_cursors", key: ["consumer"] },
  { name: "volumes", key: ["volume_id"] },
  { name: "sector_files", key: ["sector_id", "role"] },
  { name: "sector_places", key: ["sector_id"] },
];
/** Rows of each side in memory. */
const pageCount = 500;
/** Differences that the last pass may mend while changes wait, and passes before it. */
const mostLeft = 200;
const mostPasses = 10;

export interface MigrationReport {
  /** The old place and the new one, for people. */
  readonly from: string;
  readonly place: string;
  /** Compared after the last change, each equal on both sides. */
  readonly rowCount: number;
  readonly passCount: number;
}

/** Names the storage in the table of numbers. */
const identity = "storage_id";
/** Marks a database whose metadata has gone to another one. */
export const movedMark = "moved";

/**
 * Throws storage/foreign-database: the other database has the sectors of another storage; storage/same-database: it is
 * this one under another name, and would be given up for itself.
 */
export async function checkTarget(from: Db, to: Db): Promise<void> {
  const idOf = async (db: Db) => (await db.get("SELECT value FROM meta WHERE name = ?", identity))?.value;
  const sector = await to.get("SELECT sector_id FROM sectors LIMIT 1");
  if (sector !== undefined && (await idOf(to)) !== (await idOf(from))) {
    throw storageErrors.foreignDatabase({ dbPath: to.place });
  }
  const sign = `sign-${randomInt(2 ** 47)}`;
  await to.run("INSERT INTO meta (name, value) VALUES (?, 1)", sign);
  const seen = await from.get("SELECT value FROM meta WHERE name = ?", sign);
  await to.run("DELETE FROM meta WHERE name = ?", sign);
  if (seen !== undefined) throw storageErrors.sameDatabase({ dbPath: to.place });
}

/** Gives a storage its number, by which copies of its metadata know each other. */
export async function identify(db: Db): Promise<void> {
  const insert = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
  await db.run(insert, identity, randomInt(2 ** 47));
}

/** Copies what differs until little does. A row may be read whose sector came after the sectors were: it waits. */
export async function approach(from: Db, to: Db): Promise<number> {
  for (let passes = 1; ; passes++) {
    const { changed, waiting } = await mend(from, to, "working");
    if (changed + waiting <= mostLeft || passes >= mostPasses) return passes;
  }
}

/**
 * The last pass, with all changes waiting; then the old database is given up in one transaction.
 * Throws storage/migration-differs, storage/taken-over.
 */
export async function finish(from: Db, to: Db, generation: number): Promise<number> {
  await to.run("DELETE FROM meta WHERE name = ?", movedMark);
  await mend(from, to, "still");
  let rowCount = 0;
  for (const table of tables) {
    for await (const pair of pairs(from, to, table)) {
      rowCount++;
      if (pair.kind !== "same") {
        throw storageErrors.migrationDiffers({ table: table.name, key: keyText(table, pair.row) });
      }
    }
  }
  await from.transaction(async (sql) => {
    const raise = "UPDATE meta SET value = value + 1 WHERE name = 'generation' AND value = ?";
    if ((await sql.run(raise, generation)) === 0) throw storageErrors.takenOver({ dbPath: from.place });
    await sql.run("INSERT INTO meta (name, value) VALUES (?, 1)", movedMark);
  });
  return rowCount;
}

interface Mended {
  changed: number;
  /** Rows that the other side could not take yet, since what they refer to is not there. */
  waiting: number;
}
/** Whether this side changes while it is read. */
type Source = "working" | "still";

/** Brings the other side to what this one holds. */
async function mend(from: Db, to: Db, source: Source): Promise<Mended> {
  const sum: Mended = { changed: 0, waiting: 0 };
  const add = ({ changed, waiting }: Mended): void => {
    sum.changed += changed;
    sum.waiting += waiting;
  };
  // Rows that are gone first, those that refer to others before these; a slot that differs is made anew, since its
  // piece may have been in another one.
  for (const table of tables.toReversed()) {
    const found = pairs(from, to, table);
    const mended = await inPages(found, to, source, async (sql, { kind, row }) => {
      const isSlot = table.name === "sector_pieces" || table.name === "sector_files";
      if (kind !== "extra" && !(kind === "differs" && isSlot)) return false;
      await sql.run(`DELETE FROM ${table.name} WHERE ${isKey(table)}`, ...keyOf(table, row));
      return true;
    });
    add(mended);
  }
  for (const table of tables) {
    const found = pairs(from, to, table);
    const mended = await inPages(found, to, source, async (sql, { kind, row }) => {
      if (kind === "same" || kind === "extra") return false;
      await put(sql, table, row);
      return true;
    });
    add(mended);
  }
  return sum;
}

async function put(sql: Sql, table: Table, row: Row): Promise<void> {
  const columns = Object.keys(row);
  const marks = columns.map(() => "?").join(", ");
  const others = columns.filter((column) => !table.key.includes(column));
  const sets = others.map((column) => `${column} = excluded.${column}`).join(", ");
  const values = columns.map((column) => row[column] ?? null);
  await sql.run(
    `INSERT INTO ${table.name} (${columns.join(", ")}) VALUES (${marks})
     ON CONFLICT (${table.key.join(", ")}) DO ${sets === "" ? "NOTHING" : `UPDATE SET ${sets}`}`,
    ...values,
  );
}

interface Pair {
  /** extra: only the other side has it. */
  readonly kind: "same" | "differs" | "missing" | "extra";
  /** Of this side, but for what is extra. */
  readonly row: Row;
}

/** Whether it changed anything. */
type Change = (sql: Sql, pair: Pair) => Promise<boolean>;

/** Changes of a page in one transaction; where one of them has to wait, each in its own. */
async function inPages(found: AsyncIterable<Pair>, to: Db, source: Source, change: Change): Promise<Mended> {
  const sum: Mended = { changed: 0, waiting: 0 };
  const together = (some: readonly Pair[]) =>
    to.transaction(async (sql) => {
      let changed = 0;
      for (const pair of some) if (await change(sql, pair)) changed++;
      sum.changed += changed;
    });
  const unlessWaiting = async (work: Promise<void>): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      if (source === "still" || !isConstraintViolated(error)) throw error;
      return false;
    }
  };
  let page: Pair[] = [];
  const flush = async (): Promise<void> => {
    const some = page.filter((pair) => pair.kind !== "same");
    page = [];
    if (some.length === 0 || (await unlessWaiting(together(some)))) return;
    for (const pair of some) if (!(await unlessWaiting(together([pair])))) sum.waiting++;
  };
  for await (const pair of found) if (page.push(pair) >= pageCount) await flush();
  await flush();
  return sum;
}

/** Both sides along their keys. */
async function* pairs(from: Sql, to: Sql, table: Table): AsyncGenerator<Pair, void, undefined> {
  const left = rowsOf(from, table)[Symbol.asyncIterator]();
  const right = rowsOf(to, table)[Symbol.asyncIterator]();
  let [mine, theirs] = [await left.next(), await right.next()];
  while (mine.done !== true || theirs.done !== true) {
    const order =
      mine.done === true ? 1 : theirs.done === true ? -1 : compare(table, mine.value, theirs.value);
    if (order <= 0 && mine.done !== true) {
      const kind =
        order < 0 || theirs.done === true ? "missing" : isSame(mine.value, theirs.value) ? "same" : "differs";
      yield { kind, row: mine.value };
      mine = await left.next();
      if (order === 0) theirs = await right.next();
    } else if (theirs.done !== true) {
      yield { kind: "extra", row: theirs.value };
      theirs = await right.next();
    }
  }
}

async function* rowsOf(sql: Sql, { name, key }: Table): AsyncGenerator<Row, void, undefined> {
  const order = key.join(", ");
  const marks = key.map(() => "?").join(", ");
  const only = name === "meta" ? `name <> '${movedMark}' AND name <> 'generation'` : "1 = 1";
  let after: SqlValue[] | undefined;
  for (;;) {
    const where = after === undefined ? only : `${only} AND (${order}) > (${marks})`;
    const query = `SELECT * FROM ${name} WHERE ${where} ORDER BY ${order} LIMIT ?`;
    const page = await sql.all(query, ...(after ?? []), pageCount);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageCount) return;
    after = keyOf({ name, key }, last);
  }
}

function compare(table: Table, mine: Row, theirs: Row): number {
  for (const column of table.key) {
    const [a, b] = [mine[column] ?? null, theirs[column] ?? null];
    if (typeof a === "number" && typeof b === "number" && a !== b) return a - b;
    // As both engines do: by the bytes of the text.
    const order =
      typeof a === "string" && typeof b === "string" ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : 0;
    if (order !== 0) return order;
  }
  return 0;
}

function isSame(mine: Row, theirs: Row): boolean {
  const columns = Object.keys(mine);
  return (
    columns.length === Object.keys(theirs).length &&
    columns.every((column) => {
      const [a, b] = [mine[column], theirs[column]];
      return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
    })
  );
}

function keyOf({ key }: Table, row: Row): SqlValue[] {
  return key.map((column) => row[column] ?? null);
}
function keyText(table: Table, row: Row): string {
  return keyOf(table, row).join("/");
}
function isKey({ key }: Table): string {
  return key.map((column) => `${column} = ?`).join(" AND ");
}
