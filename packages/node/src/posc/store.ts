/** The tables of attested pinning: every report that this node has verified, and which order is which pin. */
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
        "INSERT INTO posc_reports VALUES (?, ?, ?, ?, ?, 'unchecked', ?)",
        ...[node, slot, digest, encode(pinReportCodec, report), pinAccuracy(report), receivedMs],
      );
      return true;
    },
    signed: (key, slot) =>
      database
        .all("SELECT * FROM posc_reports WHERE slot = ?", slot)
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
  };
}
