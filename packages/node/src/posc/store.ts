/**
 * The tables of attested pinning: every report that this node has verified, which order is which pin, and who has not
 * shown what this node's accounts have bought.
 */
import { type Address, decode, encode } from "@holdfast/base";
import { type PinReport, pinAccuracy, pinReportCodec, pinReportDigest } from "@holdfast/consensus";
import type { Database, Row } from "../database.ts";

/** What came of looking at a report oneself. */
export type ReportCheck = "unchecked" | "confirmed" | "silent" | "false";

export interface StoredReport {
  readonly report: PinReport;
  readonly digest: Uint8Array;
  /** In millionths. */
  readonly accuracy: number;
  readonly check: ReportCheck;
  readonly receivedMs: number;
}

export interface OrderPin {
  readonly order: number;
  readonly pinId: string;
  readonly cid: Uint8Array;
  /** The slot in which the order was gone; null while it stands. */
  readonly goneSlot: number | null;
}

/** A part of an own order of which the last look found nothing right, or about which the chain was asked. */
export interface MissedLook {
  readonly pin: number;
  readonly node: number;
  readonly slot: number;
  readonly found: "shown" | "silent" | "wrong";
  /** Looks in a row that found nothing right. */
  readonly missed: number;
  /** The misses at which an ask got into the chain; null: none did, or what came of it is known. */
  readonly askedAt: number | null;
}

/** Of a node that answers on the chain what it does not show here: it is asked ever more rarely. */
export interface AskPace {
  /** The misses at which the chain asks next. */
  readonly asksAt: number;
  /** Slots in a row in which it showed all. */
  readonly shown: number;
}

export interface ReportPage {
  readonly node?: number | undefined;
  readonly slot?: number | undefined;
  readonly limit: number;
}

export interface PoscStore {
  /** Whether it is new. */
  insert(report: PinReport, receivedMs: number): boolean;
  /** All that a node's key signed for a slot: more than one is a crime. */
  of(node: number, slot: number): readonly StoredReport[];
  /** What a key signed for a slot, under whatever number. */
  signed(key: Address, slot: number): StoredReport | undefined;
  /** Newest slots first. */
  page(page: ReportPage): readonly StoredReport[];
  checked(node: number, slot: number, check: ReportCheck): void;
  forgetBefore(slot: number): void;
  count(): number;
  orders(): readonly OrderPin[];
  /** Those that the chain has no more. */
  leaving(): readonly OrderPin[];
  orderCount(): number;
  order(order: number): OrderPin | undefined;
  setOrder(order: OrderPin): void;
  dropOrder(order: number): void;
  setting(name: string): string | undefined;
  set(name: string, value: string): void;
  readonly looks: LookStore;
}

export interface LookStore {
  /** All or nothing. */
  together(change: () => void): void;
  missed(pin: number, node: number): MissedLook | undefined;
  all(): readonly MissedLook[];
  setMissed(look: MissedLook): void;
  dropMissed(look: Pick<MissedLook, "pin" | "node">): void;
  pace(node: number): AskPace | undefined;
  /** Undefined: it is as anybody's. */
  setPace(node: number, pace: AskPace | undefined): void;
}

const tables: readonly string[] = [
  `CREATE TABLE posc_reports (
     node INTEGER NOT NULL, slot INTEGER NOT NULL, digest BLOB NOT NULL, report BLOB NOT NULL,
     accuracy INTEGER NOT NULL, checked TEXT NOT NULL, received_ms INTEGER NOT NULL,
     PRIMARY KEY (node, slot, digest)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX posc_reports_by_slot ON posc_reports (slot);
   CREATE TABLE posc_orders (
     id INTEGER PRIMARY KEY, pin TEXT NOT NULL, cid BLOB NOT NULL, gone_slot INTEGER
   ) STRICT;
   CREATE INDEX posc_orders_leaving ON posc_orders (gone_slot) WHERE gone_slot IS NOT NULL;
   CREATE TABLE posc_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // Of reports from before the signer is not known without reading them.
  `ALTER TABLE posc_reports ADD COLUMN signer TEXT;
   DROP INDEX posc_reports_by_slot;
   CREATE INDEX posc_reports_by_signer ON posc_reports (slot, signer);
   CREATE TABLE posc_missed (
     pin INTEGER NOT NULL, node INTEGER NOT NULL, slot INTEGER NOT NULL, found TEXT NOT NULL,
     missed INTEGER NOT NULL, asked_at INTEGER, PRIMARY KEY (pin, node)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE posc_paces (
     node INTEGER PRIMARY KEY, asks_at INTEGER NOT NULL, shown INTEGER NOT NULL
   ) STRICT;`,
];

const reportOf = (row: Row): StoredReport => ({
  report: decode(pinReportCodec, row.report as Uint8Array),
  digest: row.digest as Uint8Array,
  accuracy: Number(row.accuracy),
  check: String(row.checked) as ReportCheck,
  receivedMs: Number(row.received_ms),
});
const orderOf = (row: Row): OrderPin => ({
  order: Number(row.id),
  pinId: String(row.pin),
  cid: row.cid as Uint8Array,
  goneSlot: row.gone_slot === null ? null : Number(row.gone_slot),
});

const missedOf = (row: Row): MissedLook => ({
  pin: Number(row.pin),
  node: Number(row.node),
  slot: Number(row.slot),
  found: String(row.found) as MissedLook["found"],
  missed: Number(row.missed),
  askedAt: row.asked_at === null ? null : Number(row.asked_at),
});

function looksOf(database: Database): LookStore {
  return {
    together: (change) => database.transaction(change),
    missed(pin, node) {
      const row = database.get("SELECT * FROM posc_missed WHERE pin = ? AND node = ?", pin, node);
      return row && missedOf(row);
    },
    all: () => database.all("SELECT * FROM posc_missed").map(missedOf),
    setMissed: ({ pin, node, slot, found, missed, askedAt }) =>
      database.run(
        "INSERT OR REPLACE INTO posc_missed VALUES (?, ?, ?, ?, ?, ?)",
        ...[pin, node, slot, found, missed, askedAt],
      ),
    dropMissed: ({ pin, node }) =>
      database.run("DELETE FROM posc_missed WHERE pin = ? AND node = ?", pin, node),
    pace(node) {
      const row = database.get("SELECT * FROM posc_paces WHERE node = ?", node);
      return row && { asksAt: Number(row.asks_at), shown: Number(row.shown) };
    },
    setPace(node, pace) {
      if (pace === undefined) database.run("DELETE FROM posc_paces WHERE node = ?", node);
      else database.run("INSERT OR REPLACE INTO posc_paces VALUES (?, ?, ?)", node, pace.asksAt, pace.shown);
    },
  };
}

export function openPoscStore(database: Database): PoscStore {
  database.migrate("posc", tables);
  const of = (node: number, slot: number): StoredReport[] =>
    database.all("SELECT * FROM posc_reports WHERE node = ? AND slot = ?", node, slot).map(reportOf);
  return {
    of,
    insert(report, receivedMs) {
      const digest = pinReportDigest(report);
      const { node, slot } = report;
      const known = database.get(
        "SELECT 1 AS one FROM posc_reports WHERE node = ? AND slot = ? AND digest = ?",
        ...[node, slot, digest],
      );
      if (known !== undefined) return false;
      database.run(
        "INSERT INTO posc_reports VALUES (?, ?, ?, ?, ?, 'unchecked', ?, ?)",
        ...[node, slot, digest, encode(pinReportCodec, report), pinAccuracy(report), receivedMs, report.key],
      );
      return true;
    },
    signed: (key, slot) =>
      database
        .all("SELECT * FROM posc_reports WHERE slot = ? AND (signer = ? OR signer IS NULL)", slot, key)
        .map(reportOf)
        .find(({ report }) => report.key === key),
    page({ node, slot, limit }) {
      const conditions = [
        ...(node === undefined ? [] : ["node = ?"]),
        ...(slot === undefined ? [] : ["slot = ?"]),
      ];
      const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
      const values = [node, slot].filter((value) => value !== undefined);
      const sql = `SELECT * FROM posc_reports ${where} ORDER BY slot DESC, node LIMIT ?`;
      return database.all(sql, ...values, limit).map(reportOf);
    },
    checked: (node, slot, check) =>
      database.run("UPDATE posc_reports SET checked = ? WHERE node = ? AND slot = ?", check, node, slot),
    forgetBefore: (slot) => database.run("DELETE FROM posc_reports WHERE slot < ?", slot),
    count: () => Number(database.get("SELECT count(*) AS n FROM posc_reports")?.n ?? 0),
    orders: () => database.all("SELECT * FROM posc_orders ORDER BY id").map(orderOf),
    leaving: () => database.all("SELECT * FROM posc_orders WHERE gone_slot IS NOT NULL").map(orderOf),
    orderCount: () => Number(database.get("SELECT count(*) AS n FROM posc_orders")?.n ?? 0),
    order(order) {
      const row = database.get("SELECT * FROM posc_orders WHERE id = ?", order);
      return row && orderOf(row);
    },
    setOrder: ({ order, pinId, cid, goneSlot }) =>
      database.run("INSERT OR REPLACE INTO posc_orders VALUES (?, ?, ?, ?)", order, pinId, cid, goneSlot),
    dropOrder: (order) => database.run("DELETE FROM posc_orders WHERE id = ?", order),
    setting(name) {
      const row = database.get("SELECT value FROM posc_settings WHERE name = ?", name);
      return row && String(row.value);
    },
    set: (name, value) => database.run("INSERT OR REPLACE INTO posc_settings VALUES (?, ?)", name, value),
    looks: looksOf(database),
  };
}
