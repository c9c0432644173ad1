/**
 * Where in the CAR streams of a miner's deals each block lies: on the disk, by the hash of the block, so that memory
 * stays as it is however much is stored.
 */
import type { Database } from "../../database.ts";

export interface IndexedBlock {
  /** The payload in whose stream it lies. */
  readonly payload: string;
  /** Of its first byte, in the stream. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}
export interface BlockPlace {
  readonly hash: Uint8Array;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface IndexStore {
  /** Whether all of a payload is in the index. */
  isWhole(payload: string): boolean;
  /** Those that are wholly in it, from a cursor on in the order of their numbers. */
  payloads(after: number, count: number): readonly { readonly serial: number; readonly payload: string }[];
  /** Begins anew with a payload; what was there of it is dropped. */
  begin(payload: string): number;
  add(serial: number, places: readonly BlockPlace[]): void;
  end(serial: number, carBytes: number): void;
  drop(payload: string): void;
  /** Where a block with this multihash lies; a few places if in several payloads, or that in the one that is named. */
  find(hash: Uint8Array, payload?: string): readonly IndexedBlock[];
  /** The end of the last block that ends at or before a place of a stream. */
  endBefore(payload: string, offsetBytes: number): number | undefined;
  count(): { readonly payloads: number; readonly blocks: number };
}

const tables = [
  `CREATE TABLE retrieval_payloads (
     serial INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL UNIQUE, car_bytes INTEGER,
     blocks INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE retrieval_blocks (
     hash BLOB NOT NULL, serial INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
     PRIMARY KEY (hash, serial)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX retrieval_blocks_serial ON retrieval_blocks (serial);`,
  `DROP INDEX retrieval_blocks_serial;
   CREATE INDEX retrieval_blocks_place ON retrieval_blocks (serial, offset);`,
];

/** Places of one block that are tried. */
const placesOfBlock = 4;

export function openIndexStore(database: Database): IndexStore {
  database.migrate("retrieval_index", tables);
  const drop = (payload: string): void => {
    const row = database.get("SELECT serial FROM retrieval_payloads WHERE payload = ?", payload);
    if (row === undefined) return;
    database.run("DELETE FROM retrieval_blocks WHERE serial = ?", row.serial ?? null);
    database.run("DELETE FROM retrieval_payloads WHERE serial = ?", row.serial ?? null);
  };
  return {
    isWhole: (payload) =>
      database.get(
        "SELECT serial FROM retrieval_payloads WHERE payload = ? AND car_bytes IS NOT NULL",
        payload,
      ) !== undefined,
    payloads: (after, count) =>
      database
        .all(
          `SELECT serial, payload FROM retrieval_payloads WHERE serial > ? AND car_bytes IS NOT NULL
             ORDER BY serial LIMIT ?`,
          after,
          count,
        )
        .map(({ serial, payload }) => ({ serial: Number(serial), payload: String(payload) })),
    begin: (payload) =>
      database.transaction(() => {
        drop(payload);
        database.run("INSERT INTO retrieval_payloads (payload, blocks) VALUES (?, 0)", payload);
        const row = database.get("SELECT serial FROM retrieval_payloads WHERE payload = ?", payload);
        return Number(row?.serial);
      }),
    add: (serial, places) =>
      database.transaction(() => {
        for (const { hash, offsetBytes, lengthBytes } of places) {
          database.run(
            "INSERT OR IGNORE INTO retrieval_blocks VALUES (?, ?, ?, ?)",
            hash,
            serial,
            offsetBytes,
            lengthBytes,
          );
        }
        database.run(
          "UPDATE retrieval_payloads SET blocks = blocks + ? WHERE serial = ?",
          places.length,
          serial,
        );
      }),
    end: (serial, carBytes) =>
      database.run("UPDATE retrieval_payloads SET car_bytes = ? WHERE serial = ?", carBytes, serial),
    drop: (payload) => database.transaction(() => drop(payload)),
    find: (hash, payload) => placesOf(database, hash, payload),
    // Blocks do not overlap: of the last two that begin before it, one ends there.
    endBefore: (payload, offsetBytes) =>
      database
        .all(
          `SELECT offset + length AS ends FROM retrieval_blocks JOIN retrieval_payloads USING (serial)
             WHERE payload = ? AND offset <= ? ORDER BY offset DESC LIMIT 2`,
          payload,
          offsetBytes,
        )
        .map(({ ends }) => Number(ends))
        .find((ends) => ends <= offsetBytes),
    count() {
      const row = database.get(
        "SELECT count(*) AS payloads, total(blocks) AS blocks FROM retrieval_payloads WHERE car_bytes IS NOT NULL",
      );
      return { payloads: Number(row?.payloads ?? 0), blocks: Number(row?.blocks ?? 0) };
    },
  };
}

function placesOf(database: Database, hash: Uint8Array, payload: string | undefined): IndexedBlock[] {
  return database
    .all(
      `SELECT payload, offset, length FROM retrieval_blocks JOIN retrieval_payloads USING (serial)
         WHERE hash = ?1 AND car_bytes IS NOT NULL AND (?2 IS NULL OR payload = ?2) LIMIT ?3`,
      hash,
      payload ?? null,
      placesOfBlock,
    )
    .map((row) => ({
      payload: String(row.payload),
      offsetBytes: Number(row.offset),
      lengthBytes: Number(row.length),
    }));
}
