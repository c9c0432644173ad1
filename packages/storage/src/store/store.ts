/**
 * The metadata of one storage in a database. Whoever opens it raises the generation; every transaction locks
 * and compares it first, so a process that was taken over can never write again, and events get their cursors
 * in the order in which they become visible.
 */
import { existsSync } from "node:fs";
import { assert } from "@holdfast/base";
import { type Db, openDb, type SilenceListener, SwitchDb, Turns } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import {
  approach,
  checkTarget,
  finish,
  identify,
  identityOf,
  type MigrationReport,
  minerOf,
  movedMark,
} from "./migrate.ts";
import { SqlReader } from "./reader.ts";
import { int } from "./rows.ts";
import { storageSchema } from "./schema.ts";
import type { StorageStore, StorageWriter } from "./types.ts";
import { SqlWriter } from "./writer.ts";

/** Told after each transaction with events. */
const eventsChannel = "seal_events";

/**
 * Takes the metadata over from whoever had it; closes the database at its end. `onEvents` is called after a
 * transaction that added events, whoever made it. Throws storage/schema-too-new, database-failed.
 */
export async function openStore(
  db: Db,
  onEvents: () => void = () => undefined,
  onSilence: SilenceListener = () => undefined,
): Promise<StorageStore> {
  await db.migrate("storage", storageSchema);
  const moved = await db.get("SELECT value FROM meta WHERE name = ?", movedMark);
  if (moved !== undefined) throw storageErrors.databaseMoved({ dbPath: db.place });
  await identify(db);
  const generation = await takeOver(db);
  const end = new AbortController();
  const switched = new SwitchDb(db);
  switched.listen(eventsChannel, onEvents, end.signal);
  switched.onSilence(onSilence, end.signal);
  return new SqlStore(switched, generation, end);
}

/** Where records are, and whose they are to be. */
export interface RecordsPlace {
  readonly dbPath: string;
  readonly recordsPath?: string;
  readonly miner?: string;
}

/**
 * Whether records may be opened, for who is to mark something else as the miner's before: nothing is taken over.
 * Throws storage/others-records, records-left, database-moved.
 */
export async function checkRecords(place: RecordsPlace): Promise<void> {
  await using db = await openDb(place.dbPath);
  await checkOpenable(db, place);
}

export async function checkOpenable(db: Db, { dbPath, recordsPath, miner }: RecordsPlace): Promise<void> {
  if (miner !== undefined) await checkOwner(db, miner);
  if (recordsPath !== undefined && recordsPath !== dbPath) await checkNothingLeft(db, recordsPath);
}

/**
 * Throws where a database without a sector is not the one of a folder whose file knows some: storage/records-left, or
 * storage/database-moved where they went to another one. A node that starts so has none of its sectors to prove.
 */
async function checkNothingLeft(db: Db, recordsPath: string): Promise<void> {
  if (!existsSync(recordsPath)) return;
  const anySector = "SELECT sector_id FROM sectors LIMIT 1";
  await db.migrate("storage", storageSchema);
  if ((await db.get(anySector)) !== undefined) return;
  await using records = await openDb(recordsPath);
  await records.migrate("storage", storageSchema);
  if ((await records.get(anySector)) === undefined) return;
  if ((await records.get("SELECT value FROM meta WHERE name = ?", movedMark)) === undefined) {
    throw storageErrors.recordsLeft({ dbPath: db.place, records: records.place });
  }
  if ((await identityOf(db)) !== (await identityOf(records))) {
    throw storageErrors.databaseMoved({ dbPath: records.place });
  }
}

/** Throws storage/others-records where the first sector that is anybody's is another miner's. */
async function checkOwner(db: Db, miner: string): Promise<void> {
  await db.migrate("storage", storageSchema);
  const owner = await minerOf(db);
  if (owner !== undefined && owner !== miner) {
    throw storageErrors.othersRecords({ dbPath: db.place, owner: `miner ${owner}` });
  }
}

/** Above all generations of before, in whatever database they were. */
async function takeOver(db: Db, before = 0): Promise<number> {
  const raise = `UPDATE meta SET value = 1 + CASE WHEN value < ? THEN ? ELSE value END
    WHERE name = 'generation' RETURNING value`;
  const raised = await db.get(raise, before, before);
  assert(raised !== undefined, "the meta table holds the generation");
  return int(raised, "value");
}

class SqlStore extends SqlReader implements StorageStore {
  readonly #db: SwitchDb;
  #generation: number;
  readonly #end: AbortController;
  readonly #turns = new Turns();

  constructor(db: SwitchDb, generation: number, end: AbortController) {
    super(db);
    this.#db = db;
    this.#generation = generation;
    this.#end = end;
  }

  get place(): string {
    return this.#db.place;
  }
  get generation(): number {
    return this.#generation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#turns.settled();
    await this.#db[Symbol.asyncDispose]();
  }

  async moveTo(address: string): Promise<MigrationReport> {
    await using stack = new AsyncDisposableStack();
    const to = stack.use(await openDb(address));
    const from = this.#db.current;
    await to.migrate("storage", storageSchema);
    await checkTarget(from, to);
    const passCount = await approach(from, to);
    const rowCount = await this.#turns.run(async () => {
      const compared = await finish(from, to, this.#generation);
      this.#generation = await takeOver(to, this.#generation);
      this.#db.switchTo(to);
      return compared;
    });
    stack.move();
    await from[Symbol.asyncDispose]();
    return { from: from.place, place: to.place, rowCount, passCount };
  }

  async transaction<T>(work: (tx: StorageWriter) => Promise<T>): Promise<T> {
    return await this.#turns.run(() =>
      this.#db.transaction(async (sql) => {
        const lock = this.#db.engine === "postgres" ? " FOR UPDATE" : "";
        const found = await sql.get(`SELECT value FROM meta WHERE name = 'generation'${lock}`);
        if (found === undefined || int(found, "value") !== this.#generation) {
          throw storageErrors.takenOver({ dbPath: this.place });
        }
        const writer = new SqlWriter(sql);
        const result = await work(writer);
        if (writer.wroteEvents) await this.#db.notify(sql, eventsChannel);
        return result;
      }),
    );
  }
}
