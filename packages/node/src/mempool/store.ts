/** The sender's outbox in SQLite: a message is here before any peer hears of it. */
import type { Address } from "@holdfast/base";
import { decode, encode } from "@holdfast/base";
import { messageCid, type SignedMessage, signedMessageCodec } from "@holdfast/consensus";
import type { Database, Row } from "../database.ts";

export interface OutboxEntry {
  readonly key: string;
  readonly signed: SignedMessage;
  /** The caller chose the gas price: the node does not raise it by itself. */
  readonly isPriceFixed: boolean;
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
  insert(key: string, signed: SignedMessage, isPriceFixed: boolean): void;
  /** Puts another version of the same message in place of the present one. */
  replace(key: string, signed: SignedMessage): void;
  /** The message can be forgotten by the republisher: it lies below finality, or can never be mined. */
  close(key: string, outcome: "final" | "replaced"): void;
  /** Another message of the same nonce, under a key of its own, takes the place of one that is to come to nothing. */
  cancel(key: string, withKey: string, signed: SignedMessage): void;
  outcome(cid: string): OutboxOutcome | undefined;
}

export type OutboxOutcome = "open" | "final" | "replaced" | "cancelled";

const tables: readonly string[] = [
  `CREATE TABLE mempool_outbox (
       key TEXT PRIMARY KEY, cid TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
       message BLOB NOT NULL, outcome TEXT NOT NULL DEFAULT 'open'
     ) STRICT;
     CREATE UNIQUE INDEX mempool_outbox_nonce ON mempool_outbox (sender, nonce) WHERE outcome <> 'replaced';
     CREATE INDEX mempool_outbox_open ON mempool_outbox (outcome, sender, nonce);`,
  `CREATE TABLE mempool_versions (cid TEXT PRIMARY KEY, key TEXT NOT NULL) STRICT;
     CREATE INDEX mempool_versions_key ON mempool_versions (key);`,
  `ALTER TABLE mempool_outbox ADD COLUMN fixed_price INTEGER NOT NULL DEFAULT 0;
     DROP INDEX mempool_outbox_nonce;
     CREATE UNIQUE INDEX mempool_outbox_nonce ON mempool_outbox (sender, nonce)
       WHERE outcome NOT IN ('replaced', 'cancelled');`,
];

function entryOf(row: Row | undefined): OutboxEntry | undefined {
  if (row === undefined || !(row.message instanceof Uint8Array)) return undefined;
  const signed = decode(signedMessageCodec, row.message);
  return { key: String(row.key), signed, isPriceFixed: Number(row.fixed_price) === 1 };
}

/** Of any version. */
function rowOf(database: Database, cid: string): Row | undefined {
  return (
    database.get("SELECT * FROM mempool_outbox WHERE cid = ?", cid) ??
    database.get(
      "SELECT mempool_outbox.* FROM mempool_outbox JOIN mempool_versions USING (key) WHERE mempool_versions.cid = ?",
      cid,
    )
  );
}

/** Versions that were replaced. Those of open messages are asked for at every head, so they alone are in memory. */
class EarlierVersions {
  readonly #database: Database;
  readonly #ofOpen = new Map<string, readonly string[]>();

  constructor(database: Database) {
    this.#database = database;
    for (const { key } of database.all("SELECT key FROM mempool_outbox WHERE outcome = 'open'")) {
      this.#ofOpen.set(String(key), this.#read(String(key)));
    }
  }
  of(key: string): readonly string[] {
    return this.#ofOpen.get(key) ?? this.#read(key);
  }
  opened(key: string): void {
    this.#ofOpen.set(key, []);
  }
  changed(key: string): void {
    if (this.#ofOpen.has(key)) this.#ofOpen.set(key, this.#read(key));
  }
  closed(key: string): void {
    this.#ofOpen.delete(key);
  }
  #read(key: string): readonly string[] {
    const rows = this.#database.all("SELECT cid FROM mempool_versions WHERE key = ? ORDER BY rowid", key);
    return rows.map(({ cid }) => String(cid));
  }
}

export function openOutbox(database: Database): Outbox {
  database.migrate("mempool", tables);
  /** The open entries in memory: they are looked at on every head. */
  let opened: readonly OutboxEntry[] | undefined;
  const earlier = new EarlierVersions(database);
  const insert: Outbox["insert"] = (key, signed, isPriceFixed) => {
    opened = undefined;
    database.run(
      "INSERT INTO mempool_outbox (key, cid, sender, nonce, message, fixed_price) VALUES (?, ?, ?, ?, ?, ?)",
      key,
      messageCid(signed).toString(),
      signed.message.from,
      signed.message.nonce,
      encode(signedMessageCodec, signed),
      isPriceFixed ? 1 : 0,
    );
    earlier.opened(key);
  };
  return {
    byKey: (key) => entryOf(database.get("SELECT * FROM mempool_outbox WHERE key = ?", key)),
    byCid: (cid) => entryOf(rowOf(database, cid)),
    earlierVersions: (key) => earlier.of(key),
    open() {
      opened ??= database
        .all("SELECT * FROM mempool_outbox WHERE outcome = 'open' ORDER BY sender, nonce")
        .flatMap((row) => entryOf(row) ?? []);
      return opened;
    },
    highestNonce(from) {
      const row = database.get(
        "SELECT max(nonce) AS nonce FROM mempool_outbox WHERE sender = ? AND outcome NOT IN ('replaced', 'cancelled')",
        from,
      );
      return typeof row?.nonce === "number" ? row.nonce : undefined;
    },
    insert,
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
      earlier.changed(key);
    },
    close(key, outcome) {
      opened = undefined;
      earlier.closed(key);
      database.run("UPDATE mempool_outbox SET outcome = ? WHERE key = ?", outcome, key);
    },
    cancel(key, withKey, signed) {
      opened = undefined;
      earlier.closed(key);
      database.transaction(() => {
        database.run("UPDATE mempool_outbox SET outcome = 'cancelled' WHERE key = ?", key);
        insert(withKey, signed, false);
      });
    },
    outcome(cid) {
      const row = rowOf(database, cid);
      return row === undefined ? undefined : (String(row.outcome) as OutboxOutcome);
    },
  };
}
