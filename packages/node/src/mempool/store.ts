/** The sender's outbox in SQLite: a message is here before any peer hears of it. */
import type { Address } from "@holdfast/base";
import { decode, encode } from "@holdfast/base";
import { messageCid, type SignedMessage, signedMessageCodec } from "@holdfast/consensus";
import type { Database, Row } from "../database.ts";

export interface OutboxEntry {
  readonly key: string;
  readonly signed: SignedMessage;
}

export interface Outbox {
  byKey(key: string): OutboxEntry | undefined;
  byCid(cid: string): OutboxEntry | undefined;
  /** Not yet known to be final, oldest first. */
  open(): readonly OutboxEntry[];
  highestNonce(from: Address): number | undefined;
  insert(key: string, signed: SignedMessage): void;
  /** The message can be forgotten by the republisher: it lies below finality, or can never be mined. */
  close(key: string, outcome: "final" | "replaced"): void;
  outcome(cid: string): "open" | "final" | "replaced" | undefined;
}

export function openOutbox(database: Database): Outbox {
  database.migrate("mempool", [
    `CREATE TABLE mempool_outbox (
       key TEXT PRIMARY KEY, cid TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
       message BLOB NOT NULL, outcome TEXT NOT NULL DEFAULT 'open'
     ) STRICT;
     CREATE UNIQUE INDEX mempool_outbox_nonce ON mempool_outbox (sender, nonce) WHERE outcome <> 'replaced';
     CREATE INDEX mempool_outbox_open ON mempool_outbox (outcome, sender, nonce);`,
  ]);
  const entryOf = (row: Row | undefined): OutboxEntry | undefined => {
    if (row === undefined || !(row.message instanceof Uint8Array)) return undefined;
    return { key: String(row.key), signed: decode(signedMessageCodec, row.message) };
  };
  /** The open entries in memory: they are looked at on every head. */
  let opened: readonly OutboxEntry[] | undefined;
  return {
    byKey: (key) => entryOf(database.get("SELECT * FROM mempool_outbox WHERE key = ?", key)),
    byCid: (cid) => entryOf(database.get("SELECT * FROM mempool_outbox WHERE cid = ?", cid)),
    open() {
      opened ??= database
        .all("SELECT * FROM mempool_outbox WHERE outcome = 'open' ORDER BY sender, nonce")
        .flatMap((row) => entryOf(row) ?? []);
      return opened;
    },
    highestNonce(from) {
      const row = database.get(
        "SELECT max(nonce) AS nonce FROM mempool_outbox WHERE sender = ? AND outcome <> 'replaced'",
        from,
      );
      return typeof row?.nonce === "number" ? row.nonce : undefined;
    },
    insert(key, signed) {
      opened = undefined;
      database.run(
        "INSERT INTO mempool_outbox (key, cid, sender, nonce, message) VALUES (?, ?, ?, ?, ?)",
        key,
        messageCid(signed).toString(),
        signed.message.from,
        signed.message.nonce,
        encode(signedMessageCodec, signed),
      );
    },
    close(key, outcome) {
      opened = undefined;
      database.run("UPDATE mempool_outbox SET outcome = ? WHERE key = ?", outcome, key);
    },
    outcome(cid) {
      const row = database.get("SELECT outcome FROM mempool_outbox WHERE cid = ?", cid);
      return row === undefined ? undefined : (String(row.outcome) as "open" | "final" | "replaced");
    },
  };
}
