/**
 * What a simulated process keeps on its disk beside files: the chain's blocks and facts, and its relations. Invariant,
 * as of the real ones: what a commit has acknowledged is there in the next life; what was only put, or is in a
 * transaction that has not ended, is not; what is under way when the process dies is there as a whole or not at all.
 */
import type { CID } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { type ChainDatabase, chainErrors } from "../../chain/index.ts";
import { type Database, databaseErrors, openDatabase } from "../../database.ts";
import { type Life, volumeFault } from "./life.ts";

type Meta = ReadonlyMap<string, Uint8Array | null>;

/**
 * The chain as one life sees it: over a database in memory that all lives share, and that has only what was committed.
 * What is removed is gone at once: the real database too may have removed before it crashes.
 */
export function chainDatabaseOf(life: Life, durable: ChainDatabase, random: SeededRandom): ChainDatabase {
  let waiting = new Map<string, { readonly cid: CID; readonly bytes: Uint8Array }>();
  const announced = new Map<string, Uint8Array | null>();
  const listeners = new Set<(cid: CID) => void>();
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return life.gate(result);
  };
  const write = async (meta: Meta): Promise<void> => {
    // Some commits take long enough for everything else to happen in between.
    if (random.chance(0.05)) await undefined;
    const fault = volumeFault(life, "chain");
    try {
      life.pass("chain commit");
      if (fault !== undefined) throw chainErrors.full({ detail: fault.message }, fault);
      const objects = waiting;
      waiting = new Map();
      for (const { cid, bytes } of objects.values()) durable.put(cid, bytes);
      await durable.commit(meta);
      life.pass("chain committed");
    } finally {
      for (const [name, value] of meta) if (announced.get(name) === value) announced.delete(name);
    }
  };
  return {
    get: (cid) => waiting.get(textOf(cid))?.bytes ?? durable.get(cid),
    put(cid, bytes) {
      waiting.set(textOf(cid), { cid, bytes });
      for (const listener of listeners) listener(cid);
    },
    has: (cid) => waiting.has(textOf(cid)) || durable.has(cid),
    getMeta(key) {
      const pending = announced.get(key);
      return pending === undefined ? durable.getMeta(key) : (pending ?? undefined);
    },
    commit(meta) {
      for (const [key, value] of meta) announced.set(key, value);
      return inOrder(() => write(meta));
    },
    scan: (space, options) => life.gate(durable.scan(space, options)),
    onPut(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    discard: (keys, isAlive) =>
      inOrder(async () => {
        life.pass("chain discard");
        return durable.discard(keys, isAlive);
      }),
    compact: () => life.gate(durable.compact()),
    diskBytes: () => durable.diskBytes(),
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}

/** Relations: one SQLite in memory for all lives, which takes back what a death interrupts. */
export function databaseOf(life: Life, database: Database): Database {
  let depth = 0;
  const guarded = <Result>(what: string, run: () => Result): Result => {
    life.assertAlive();
    if (depth > 0) return run();
    life.pass(`database ${what}`);
    const fault = volumeFault(life, "node.db");
    if (fault !== undefined) throw databaseErrors.full({ path: "node.db" }, fault);
    const result = run();
    life.pass(`database ${what} done`);
    return result;
  };
  return {
    migrate: (room, steps) => database.migrate(room, steps),
    run: (sql, ...values) => guarded(headOf(sql), () => database.run(sql, ...values)),
    get(sql, ...values) {
      life.assertAlive();
      return database.get(sql, ...values);
    },
    all(sql, ...values) {
      life.assertAlive();
      return database.all(sql, ...values);
    },
    transaction: (work) =>
      guarded("transaction", () =>
        database.transaction(() => {
          depth += 1;
          try {
            return work();
          } finally {
            depth -= 1;
          }
        }),
      ),
    [Symbol.dispose]() {},
  };
}

export function openSharedDatabase(): Database {
  return openDatabase(":memory:");
}

const textOf = ({ bytes }: CID): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** The first words say enough: "INSERT INTO put_jobs". */
function headOf(sql: string): string {
  return sql.trim().split(/\s+/, 3).join(" ").slice(0, 40);
}
