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
  { name: "tenant_shares", key: ["volume_id"] },
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
 * Throws storage/others-records: the other database has the sectors of another storage; storage/same-database: it is
 * this one under another name, and would be given up for itself.
 */
export async function checkTarget(from: Db, to: Db): Promise<void> {
  const sector = await to.get("SELECT sector_id FROM sectors LIMIT 1");
  if (sector !== undefined && (await identityOf(to)) !== (await identityOf(from))) {
    const miner = await minerOf(to);
    const owner = miner === undefined ? "another storage" : `miner ${miner}`;
    throw storageErrors.othersRecords({ dbPath: to.place, owner });
  }
  const sign = `sign-${randomInt(2 ** 47)}`;
  await to.run("INSERT INTO meta (name, value) VALUES (?, 1)", sign);
  const seen = await from.get("SELECT value FROM meta WHERE name = ?", sign);
  await to.run("DELETE FROM meta WHERE name = ?", sign);
  if (seen !== undefined) throw storageErrors.sameDatabase({ dbPath: to.place });
}

/** Whose sectors they are: one that was never sealed names nobody. */
export async function minerOf(db: Db): Promise<string | undefined> {
  const found = await db.get("SELECT miner FROM sectors WHERE miner IS NOT NULL LIMIT 1");
  return found === undefined ? undefined : String(found.miner);
}

/** Gives a storage its number, by which copies of its metadata know each other. */
export async function identify(db: Db): Promise<void> {
  const insert = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
  await db.run(insert, identity, randomInt(2 ** 47));
}

/** The number of a storage; undefined where none has been opened yet. */
export async function identityOf(db: Db): Promise<SqlValue | undefined> {
  return (await db.get("SELECT value FROM meta WHERE name = ?", identity))?.value;
}

/**
 * Copies what differs until little does, or until it does not become less: whoever changes faster than is copied has
 * to wait for the last pass. A row whose sector came after the sectors were read is taken with the next pass.
 */
export async function approach(from: Db, to: Db): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (let passes = 1; ; passes++) {
    const { changed, waiting } = await mend(from, to, "working");
    const left = changed + waiting;
    if (left <= mostLeft || left >= before || passes >= mostPasses) return passes;
    before = left;
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
  // What refers to others first, so that these are before their own ends.
  const ends = new Map<Table, SqlValue[]>();
  for (const table of source === "still" ? [] : tables.toReversed()) {
    const end = await lastKey(from, table);
    if (end !== undefined) ends.set(table, end);
  }
  // Rows that are gone first, those that refer to others before these; a slot that differs is made anew, since its
  // piece may have been in another one.
  for (const table of tables.toReversed()) {
    const isSlot = table.name === "sector_pieces" || table.name === "sector_files";
    const isGone = ({ kind }: Pair) => kind === "extra" || (kind === "differs" && isSlot);
    const found = pairs(from, to, table, ends.get(table));
    add(await inPages(found, to, source, isGone, (sql, rows) => remove(sql, table, rows)));
  }
  for (const table of tables) {
    const isNew = ({ kind }: Pair) => kind === "missing" || kind === "differs";
    const found = pairs(from, to, table, ends.get(table));
    add(await inPages(found, to, source, isNew, (sql, rows) => put(sql, table, rows)));
  }
  return sum;
}

async function remove(sql: Sql, table: Table, rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    await sql.run(`DELETE FROM ${table.name} WHERE ${isKey(table)}`, ...keyOf(table, row));
  }
}

/** Rows of one statement: few lengths, since each is prepared. A server is asked once for many rows. */
const batchCounts = [64, 8, 1] as const;

async function put(sql: Sql, table: Table, rows: readonly Row[]): Promise<void> {
  let at = 0;
  for (const count of batchCounts) {
    for (; rows.length - at >= count; at += count) await putSome(sql, table, rows.slice(at, at + count));
  }
}

async function putSome(sql: Sql, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const marks = `(${columns.map(() => "?").join(", ")})`;
  const others = columns.filter((column) => !table.key.includes(column));
  const sets = others.map((column) => `${column} = excluded.${column}`).join(", ");
  await sql.run(
    `INSERT INTO ${table.name} (${columns.join(", ")}) VALUES ${rows.map(() => marks).join(", ")}
     ON CONFLICT (${table.key.join(", ")}) DO ${sets === "" ? "NOTHING" : `UPDATE SET ${sets}`}`,
    ...rows.flatMap((row) => columns.map((column) => row[column] ?? null)),
  );
}

interface Pair {
  /** extra: only the other side has it. */
  readonly kind: "same" | "differs" | "missing" | "extra";
  /** Of this side, but for what is extra. */
  readonly row: Row;
}

/** Changes of a page in one transaction; where one of them has to wait, each in its own. */
async function inPages(
  found: AsyncIterable<Pair>,
  to: Db,
  source: Source,
  isMeant: (pair: Pair) => boolean,
  change: (sql: Sql, rows: readonly Row[]) => Promise<void>,
): Promise<Mended> {
  const sum: Mended = { changed: 0, waiting: 0 };
  const unlessWaiting = async (rows: readonly Row[]): Promise<boolean> => {
    try {
      await to.transaction((sql) => change(sql, rows));
      sum.changed += rows.length;
      return true;
    } catch (error) {
      if (source === "still" || !isConstraintViolated(error)) throw error;
      return false;
    }
  };
  const flush = async (rows: readonly Row[]): Promise<void> => {
    if (rows.length === 0 || (await unlessWaiting(rows))) return;
    for (const row of rows) if (!(await unlessWaiting([row]))) sum.waiting++;
  };
  let page: Row[] = [];
  for await (const pair of found) {
    if (isMeant(pair)) page.push(pair.row);
    if (page.length < pageCount) continue;
    await flush(page);
    page = [];
  }
  await flush(page);
  return sum;
}

/** Both sides along their keys, as far as the last one that is meant. */
async function* pairs(
  from: Sql,
  to: Sql,
  table: Table,
  last?: readonly SqlValue[],
): AsyncGenerator<Pair, void, undefined> {
  const left = rowsOf(from, table, last)[Symbol.asyncIterator]();
  const right = rowsOf(to, table, last)[Symbol.asyncIterator]();
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

async function* rowsOf(
  sql: Sql,
  { name, key }: Table,
  last: readonly SqlValue[] | undefined,
): AsyncGenerator<Row, void, undefined> {
  const order = key.join(", ");
  const marks = key.map(() => "?").join(", ");
  const some = name === "meta" ? `name <> '${movedMark}' AND name <> 'generation'` : "1 = 1";
  const only = last === undefined ? some : `${some} AND (${order}) <= (${marks})`;
  let after: SqlValue[] | undefined;
  for (;;) {
    const where = after === undefined ? only : `${only} AND (${order}) > (${marks})`;
    const query = `SELECT * FROM ${name} WHERE ${where} ORDER BY ${order} LIMIT ?`;
    const page = await sql.all(query, ...(last ?? []), ...(after ?? []), pageCount);
    yield* page;
    const end = page.at(-1);
    if (end === undefined || page.length < pageCount) return;
    after = keyOf({ name, key }, end);
  }
}

/** The key behind which a table is left alone: whatever comes while it is copied would keep the pass from ending. */
async function lastKey(from: Sql, table: Table): Promise<SqlValue[] | undefined> {
  const order = table.key.map((column) => `${column} DESC`).join(", ");
  const row = await from.get(`SELECT ${table.key.join(", ")} FROM ${table.name} ORDER BY ${order} LIMIT 1`);
  return row === undefined ? undefined : keyOf(table, row);
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
