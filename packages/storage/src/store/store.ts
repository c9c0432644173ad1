/**
 * The metadata of one storage in a database. Whoever opens it raises the generation; every transaction locks
 * and compares it first, so a process that was taken over can never write again, and events get their cursors
 * in the order in which they become visible.
 */
import { assert } from "@holdfast/base";
import { type Db, Turns } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
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
export async function openStore(db: Db, onEvents: () => void = () => undefined): Promise<StorageStore> {
  await db.migrate("storage", storageSchema);
  const raised = await db.get("UPDATE meta SET value = value + 1 WHERE name = 'generation' RETURNING value");
  assert(raised !== undefined, "the meta table holds the generation");
  const end = new AbortController();
  db.listen(eventsChannel, onEvents, end.signal);
  return new SqlStore(db, int(raised, "value"), end);
}

class SqlStore extends SqlReader implements StorageStore {
  readonly #db: Db;
  readonly #generation: number;
  readonly #end: AbortController;
  readonly #turns = new Turns();

  constructor(db: Db, generation: number, end: AbortController) {
    super(db);
    this.#db = db;
    this.#generation = generation;
    this.#end = end;
  }

  get place(): string {
    return this.#db.place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#turns.settled();
    await this.#db[Symbol.asyncDispose]();
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
