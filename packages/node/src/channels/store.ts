/**
 * Vouchers on disk: those that were received with what is needed to redeem them, and those that were given. A voucher
 * is here before anybody is told that it is.
 */
import { type Address, attoFil, type ChannelId, channelId, decode, encode } from "@holdfast/base";
import { type Voucher, voucherCodec } from "@holdfast/consensus";
import type { Database, Row } from "../database.ts";

export type Side = "received" | "given";

export interface KeptVoucher {
  readonly voucher: Voucher;
  /** The target's part of the condition; empty without one. */
  readonly redeemerParams: Uint8Array;
  /** Redemptions that failed on the chain. */
  readonly tries: number;
}

export interface VoucherStore {
  /** Of one channel, the greatest amount first. */
  of(side: Side, payer: Address, channel: ChannelId): readonly KeptVoucher[];
  /** All of one side, by payer and channel, the greatest amount first. */
  all(side: Side): readonly KeptVoucher[];
  channels(side: Side): readonly { readonly payer: Address; readonly channel: ChannelId }[];
  count(side: Side): number;
  /** Takes one in and drops those that it makes worthless, at once. */
  put(side: Side, kept: Omit<KeptVoucher, "tries">, worthless: readonly Voucher[]): void;
  failed(voucher: Voucher): void;
  drop(side: Side, voucher: Voucher): void;
  forget(payer: Address, channel: ChannelId): void;
}

const tables: readonly string[] = [
  `CREATE TABLE channels_vouchers (
     side TEXT NOT NULL, payer TEXT NOT NULL, channel INTEGER NOT NULL, amount TEXT NOT NULL,
     voucher BLOB NOT NULL, redeemer_params BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (side, payer, channel, voucher)
   ) STRICT;`,
];

function keptOf(row: Row): KeptVoucher[] {
  const { voucher, redeemer_params: params, tries } = row;
  if (!(voucher instanceof Uint8Array) || !(params instanceof Uint8Array)) return [];
  return [{ voucher: decode(voucherCodec, voucher), redeemerParams: params, tries: Number(tries) }];
}

/** Amounts are compared as numbers, which SQLite cannot do with so many digits. */
function ordered(rows: readonly Row[]): KeptVoucher[] {
  return rows.flatMap(keptOf).sort(({ voucher: a }, { voucher: b }) => {
    if (a.payer !== b.payer) return a.payer < b.payer ? -1 : 1;
    if (a.channel !== b.channel) return a.channel - b.channel;
    return a.amount === b.amount ? a.validAt - b.validAt : a.amount > b.amount ? -1 : 1;
  });
}

export function openVoucherStore(database: Database): VoucherStore {
  database.migrate("channels", tables);
  const where = "WHERE side = ? AND payer = ? AND channel = ?";
  const drop = (side: Side, voucher: Voucher): void =>
    database.run(
      `DELETE FROM channels_vouchers ${where} AND voucher = ?`,
      side,
      voucher.payer,
      voucher.channel,
      encode(voucherCodec, voucher),
    );
  return {
    of: (side, payer, channel) =>
      ordered(database.all(`SELECT * FROM channels_vouchers ${where}`, side, payer, channel)),
    all: (side) => ordered(database.all("SELECT * FROM channels_vouchers WHERE side = ?", side)),
    channels: (side) =>
      database
        .all(
          "SELECT DISTINCT payer, channel FROM channels_vouchers WHERE side = ? ORDER BY payer, channel",
          side,
        )
        .map((row) => ({ payer: String(row.payer) as Address, channel: channelId(Number(row.channel)) })),
    count: (side) =>
      Number(database.get("SELECT count(*) AS n FROM channels_vouchers WHERE side = ?", side)?.n ?? 0),
    put: (side, { voucher, redeemerParams }, worthless) =>
      database.transaction(() => {
        for (const one of worthless) drop(side, one);
        database.run(
          "INSERT OR REPLACE INTO channels_vouchers VALUES (?, ?, ?, ?, ?, ?, 0)",
          side,
          voucher.payer,
          voucher.channel,
          attoFil(voucher.amount).toString(),
          encode(voucherCodec, voucher),
          redeemerParams,
        );
      }),
    failed: (voucher) =>
      database.run(
        `UPDATE channels_vouchers SET tries = tries + 1 ${where} AND voucher = ?`,
        "received",
        voucher.payer,
        voucher.channel,
        encode(voucherCodec, voucher),
      ),
    drop,
    forget: (payer, channel) =>
      database.run("DELETE FROM channels_vouchers WHERE payer = ? AND channel = ?", payer, channel),
  };
}
