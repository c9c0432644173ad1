/**
 * Who was served, on disk: a payment is here before it is sent, so that a restart forgets nobody and pays nobody
 * twice. Amounts are texts: SQLite's integers end at 2^63.
 */
import { type Address, type AttoFil, attoFil } from "@holdfast/base";
import type { Database, Row } from "../database.ts";

export interface Payment {
  readonly requester: string;
  readonly key: string;
  readonly address: Address;
  /** Of the requester's machine; empty if it has none, as the node's own requests. */
  readonly machine: string;
  readonly amount: AttoFil;
  readonly atMs: number;
}

/** Whose payments are counted. */
export type Subject = "address" | "requester" | "machine" | "all";

export interface PaymentStore {
  find(requester: string, key: string): Payment | undefined;
  insert(payment: Payment): void;
  /** Nothing was sent. */
  drop(payment: Payment): void;
  /** When the `nth` newest payment (1: the newest) to a subject was made. */
  nthNewestMs(subject: Subject, of: string, nth: number): number | undefined;
  countSince(ms: number): number;
  /** Oldest first. */
  all(): readonly Payment[];
  forgetBefore(ms: number): void;
  /** Of a clock that was ahead: what was made after an instant was made then. */
  noneAfter(ms: number): void;
}

const tables: readonly string[] = [
  `CREATE TABLE faucet_payments (
     requester TEXT NOT NULL, key TEXT NOT NULL, address TEXT NOT NULL, machine TEXT NOT NULL,
     amount TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (requester, key)
   ) STRICT;
   CREATE INDEX faucet_by_address ON faucet_payments (address, at_ms);
   CREATE INDEX faucet_by_requester ON faucet_payments (requester, at_ms);
   CREATE INDEX faucet_by_machine ON faucet_payments (machine, at_ms);
   CREATE INDEX faucet_by_time ON faucet_payments (at_ms);`,
];

const paymentOf = (row: Row): Payment => ({
  requester: String(row.requester),
  key: String(row.key),
  address: String(row.address) as Address,
  machine: String(row.machine),
  amount: attoFil(BigInt(String(row.amount))),
  atMs: Number(row.at_ms),
});

export function openPaymentStore(database: Database): PaymentStore {
  database.migrate("faucet", tables);
  const newest = "ORDER BY at_ms DESC LIMIT 1 OFFSET ?";
  return {
    find(requester, key) {
      const row = database.get(
        "SELECT * FROM faucet_payments WHERE requester = ? AND key = ?",
        requester,
        key,
      );
      return row && paymentOf(row);
    },
    insert: ({ requester, key, address, machine, amount, atMs }) =>
      database.run(
        "INSERT INTO faucet_payments VALUES (?, ?, ?, ?, ?, ?)",
        requester,
        key,
        address,
        machine,
        amount.toString(),
        atMs,
      ),
    drop: ({ requester, key }) =>
      database.run("DELETE FROM faucet_payments WHERE requester = ? AND key = ?", requester, key),
    nthNewestMs(subject, of, nth) {
      const row =
        subject === "all"
          ? database.get(`SELECT at_ms FROM faucet_payments ${newest}`, nth - 1)
          : database.get(`SELECT at_ms FROM faucet_payments WHERE ${subject} = ? ${newest}`, of, nth - 1);
      return row && Number(row.at_ms);
    },
    countSince: (ms) =>
      Number(database.get("SELECT count(*) AS n FROM faucet_payments WHERE at_ms > ?", ms)?.n ?? 0),
    all: () => database.all("SELECT * FROM faucet_payments ORDER BY at_ms, requester, key").map(paymentOf),
    forgetBefore: (ms) => database.run("DELETE FROM faucet_payments WHERE at_ms <= ?", ms),
    noneAfter: (ms) => database.run("UPDATE faucet_payments SET at_ms = ? WHERE at_ms > ?", ms, ms),
  };
}
