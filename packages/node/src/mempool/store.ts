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
  /** By the CID of any version of the message. */
  byCid(cid: string): OutboxEntry | undefined;
  /** CIDs of the versions that were replaced by one that pays more; any of them may still be mined. */
  earlierVersions(key: string): readonly string[];
  /** Not yet known to be final, oldest first. */
  open(): readonly OutboxEntry[];
  highestNonce(from: Address): number | undefined;
  insert(key: string, signed: SignedMessage): void;
  /** Puts another version of the same message in place of the present one. */
  replace(key: string, signed: SignedMessage): void;
  /** The message can be forgotten by the republisher: it lies below finality, or can never be mined. */
  close(key: string, outcome: "final" | "replaced"): void;
  outcome(cid: string): "open" | "final" | "replaced" | undefined;
}

const tables: readonly string[] = [
  `CREATE TABLE mempool_outbox (
       key TEXT PRIMARY KEY, cid TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
       message BLOB NOT NULL, outcome TEXT NOT NULL DEFAULT 'open'
     ) STRICT;
     CREATE UNIQUE INDEX mempool_outbox_nonce ON mempool_outbox (sender, nonce) WHERE outcome <> 'replaced';
     CREATE INDEX mempool_outbox_open ON mempool_outbox (outcome, sender, nonce);`,
  `CREATE TABLE mempool_versions (cid TEXT PRIMARY KEY, key TEXT NOT NULL) STRICT;
     CREATE INDEX mempool_versions_key ON mempool_versions (key);`,
];

export function openOutbox(database: Database): Outbox {
  database.migrate("mempool", tables);
  const entryOf = (row: Row | undefined): OutboxEntry | undefined => {
    if (row === undefined || !(row.message instanceof Uint8Array)) return undefined;
    return { key: String(row.key), signed: decode(signedMessageCodec, row.message) };
  };
  /** The open entries in memory: they are looked at on every head. */
  let opened: readonly OutboxEntry[] | undefined;
  const earlier = new Map<string, string[]>();
  for (const { key, cid } of database.all("SELECT key, cid FROM mempool_versions")) {
    earlier.set(String(key), [...(earlier.get(String(key)) ?? []), String(cid)]);
  }
  const rowOf = (cid: string): Row | undefined =>
    database.get("SELECT * FROM mempool_outbox WHERE cid = ?", cid) ??
    database.get(
      "SELECT mempool_outbox.* FROM mempool_outbox JOIN mempool_versions USING (key) WHERE mempool_versions.cid = ?",
      cid,
    );
  return {
    byKey: (key) => entryOf(database.get("SELECT * FROM mempool_outbox WHERE key = ?", key)),
    byCid: (cid) => entryOf(rowOf(cid)),
    earlierVersions: (key) => earlier.get(key) ?? [],
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
    replace(key, signed) {
      opened = undefined;
      const before = database.get("SELECT cid FROM mempool_outbox WHERE key = ?", key)?.cid;
      database.transaction(() => {
        database.run("INSERT INTO mempool_versions (cid, key) VALUES (?, ?)", String(before), key);
        database.run(
          "UPDATE mempool_outbox SET cid = ?, message = ? WHERE key = ?",
          messageCid(signed).toString(),
          encode(signedMessageCodec, signed),
          key,
        );
      });
      earlier.set(key, [...(earlier.get(key) ?? []), String(before)]);
    },
    close(key, outcome) {
      opened = undefined;
      database.run("UPDATE mempool_outbox SET outcome = ? WHERE key = ?", outcome, key);
    },
    outcome(cid) {
      const row = rowOf(cid);
      return row === undefined ? undefined : (String(row.outcome) as "open" | "final" | "replaced");
    },
  };
}
