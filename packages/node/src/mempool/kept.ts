/**
 * The pool on disk, so that a restart loses nobody's message. Changes are collected and written once for each
 * head, in one transaction: what a crash loses in between, its sender still has in an outbox. While the disk is full,
 * what waits to be written is no more than what the pool holds and the disk held: what came and went between two
 * writes is nothing.
 */
import { decode, encode } from "@holdfast/base";
import { type SignedMessage, signedMessageCodec } from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { Waiting } from "./queues.ts";

export interface KeptMessage {
  readonly signed: SignedMessage;
  readonly since: number;
}

export interface KeptMessages {
  /** What lies on the disk; what is not added again is gone with the next `flush`. */
  load(): readonly KeptMessage[];
  added(entry: Waiting): void;
  removed(entry: Waiting): void;
  /** Errors: `database/full`; what was not written is tried again with the next. */
  flush(): void;
  /** Changes that wait to be written. */
  readonly unwritten: number;
}

const tables: readonly string[] = [
  "CREATE TABLE mempool_waiting (cid TEXT PRIMARY KEY, message BLOB NOT NULL, since INTEGER NOT NULL) STRICT;",
];

export function openKeptMessages(database: Database): KeptMessages {
  database.migrate("mempool_pool", tables);
  /** By CID: the entry, or null for one that is gone. */
  const changes = new Map<string, Waiting | null>();
  const onDisk = new Set<string>();
  return {
    get unwritten() {
      return changes.size;
    },
    load: () =>
      database.all("SELECT cid, message, since FROM mempool_waiting ORDER BY rowid").flatMap((row) => {
        onDisk.add(String(row.cid));
        changes.set(String(row.cid), null);
        if (!(row.message instanceof Uint8Array)) return [];
        return { signed: decode(signedMessageCodec, row.message), since: Number(row.since) };
      }),
    added: (entry) => void changes.set(entry.cid.toString(), entry),
    removed(entry) {
      const cid = entry.cid.toString();
      if (onDisk.has(cid)) changes.set(cid, null);
      else changes.delete(cid);
    },
    flush() {
      if (changes.size === 0) return;
      database.transaction(() => {
        for (const [cid, entry] of changes) {
          if (entry === null) database.run("DELETE FROM mempool_waiting WHERE cid = ?", cid);
          else {
            database.run(
              "INSERT OR REPLACE INTO mempool_waiting (cid, message, since) VALUES (?, ?, ?)",
              cid,
              encode(signedMessageCodec, entry.signed),
              entry.since,
            );
          }
        }
      });
      for (const [cid, entry] of changes) {
        if (entry === null) onDisk.delete(cid);
        else onDisk.add(cid);
      }
      changes.clear();
    },
  };
}
