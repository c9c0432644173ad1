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

/** The durable part: survives every life. */
export class ChainDisk {
  readonly blocks = new Map<string, Uint8Array>();
  readonly facts = new Map<string, Uint8Array>();

  apply(blocks: ReadonlyMap<string, Uint8Array>, meta: Meta): void {
    for (const [cid, bytes] of blocks) this.blocks.set(cid, bytes);
    for (const [key, value] of meta) {
      if (value === null) this.facts.delete(key);
      else this.facts.set(key, value);
    }
  }
}

export function chainDatabaseOf(life: Life, disk: ChainDisk, random: SeededRandom): ChainDatabase {
  let waiting = new Map<string, Uint8Array>();
  const announced = new Map<string, Uint8Array | null>();
  let last: Promise<void> = Promise.resolve();
  const write = async (meta: Meta): Promise<void> => {
    const fault = volumeFault(life, "chain");
    const blocks = waiting;
    try {
      life.pass("chain commit");
      if (fault !== undefined) throw chainErrors.full({ detail: fault.message }, fault);
      waiting = new Map();
      disk.apply(blocks, meta);
      life.pass("chain committed");
    } finally {
      for (const [name, value] of meta) if (announced.get(name) === value) announced.delete(name);
    }
  };
  return {
    get: (cid: CID) => waiting.get(cid.toString()) ?? disk.blocks.get(cid.toString()),
    put: (cid, bytes) => void waiting.set(cid.toString(), bytes),
    has: (cid) => waiting.has(cid.toString()) || disk.blocks.has(cid.toString()),
    getMeta(key) {
      const pending = announced.get(key);
      return pending === undefined ? disk.facts.get(key) : (pending ?? undefined);
    },
    commit(meta) {
      for (const [key, value] of meta) announced.set(key, value);
      const result = last.then(async () => {
        // Some commits take long enough for everything else to happen in between.
        if (random.chance(0.05)) await undefined;
        await write(meta);
      });
      last = result.catch(() => undefined);
      return life.gate(result);
    },
    async [Symbol.asyncDispose]() {},
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

/** The first words say enough: "INSERT INTO put_jobs". */
function headOf(sql: string): string {
  return sql.trim().split(/\s+/, 3).join(" ").slice(0, 40);
}
