/** The money of retrievals on the disk: the ask, what channels owe this node, and the channels that it has opened. */
import { type Address, type AttoFil, addAtto, attoFil, type ChannelId, channelId } from "@holdfast/base";
import type { Database, Row } from "../../database.ts";
import type { PayingChannel } from "../blocks-protocol.ts";

/** A channel of this node for retrievals, from before its message is sent. */
export interface OwnChannel {
  readonly serial: number;
  readonly payer: Address;
  readonly target: Address;
  readonly amount: AttoFil;
  readonly eol: number;
  /** Null until the message has its nonce. */
  readonly channel: ChannelId | null;
  /** Height at which a branch of the chain had refused its message; another may take it until that is final. */
  readonly refusedAt: number | null;
}

/** What this node asks for blocks, and what it does for those that it does not have. */
export interface RetrievalPolicy {
  /** attoFIL for each byte. */
  readonly pricePerByte: AttoFil;
  /** It fetches from others what it is asked for and does not have. */
  readonly caches: boolean;
  /** What it pays others for that, at most: attoFIL for each byte. */
  readonly mostPerByte: AttoFil;
}

export interface PayStore {
  policy(): RetrievalPolicy;
  setPolicy(policy: RetrievalPolicy): void;
  owed(channel: PayingChannel): AttoFil | undefined;
  setOwed(channel: PayingChannel, owed: AttoFil): void;
  addEarned(channel: PayingChannel, amount: AttoFil): void;
  earned(): AttoFil;
  ownChannels(): readonly OwnChannel[];
  addOwn(channel: Omit<OwnChannel, "serial" | "channel" | "refusedAt">): OwnChannel;
  named(serial: number, channel: ChannelId): void;
  refused(serial: number, height: number | null): void;
  extended(serial: number, amount: AttoFil, eol: number): void;
  dropOwn(serial: number): void;
}

const tables = [
  `CREATE TABLE retrieval_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE retrieval_accounts (
     payer TEXT NOT NULL, channel INTEGER NOT NULL, owed TEXT NOT NULL, earned TEXT NOT NULL,
     PRIMARY KEY (payer, channel)
   ) STRICT;
   CREATE TABLE retrieval_channels (
     serial INTEGER PRIMARY KEY AUTOINCREMENT, payer TEXT NOT NULL, target TEXT NOT NULL, amount TEXT NOT NULL,
     eol INTEGER NOT NULL, channel INTEGER
   ) STRICT;`,
  "ALTER TABLE retrieval_channels ADD COLUMN refused_at INTEGER",
];

const names = { price: "pricePerByte", caches: "caches", most: "mostPerByte" } as const;

export function openPayStore(database: Database): PayStore {
  database.migrate("retrieval_pay", tables);
  const account = ({ payer, channel }: PayingChannel): Row | undefined =>
    database.get(
      "SELECT owed, earned FROM retrieval_accounts WHERE payer = ? AND channel = ?",
      payer,
      channel,
    );
  const write = ({ payer, channel }: PayingChannel, owed: AttoFil, earned: AttoFil): void =>
    database.run(
      "INSERT OR REPLACE INTO retrieval_accounts VALUES (?, ?, ?, ?)",
      payer,
      channel,
      owed.toString(),
      earned.toString(),
    );
  return {
    ...settingsOf(database),
    owed(channel) {
      const row = account(channel);
      return row === undefined ? undefined : amountOf(row.owed);
    },
    setOwed: (channel, owed) => write(channel, owed, amountOf(account(channel)?.earned)),
    addEarned(channel, amount) {
      const row = account(channel);
      write(channel, amountOf(row?.owed), addAtto(amountOf(row?.earned), amount));
    },
    earned: () =>
      database
        .all("SELECT earned FROM retrieval_accounts")
        .reduce((sum, { earned }) => addAtto(sum, amountOf(earned)), attoFil(0n)),
    ownChannels: () => database.all("SELECT * FROM retrieval_channels ORDER BY serial DESC").map(ownOf),
    addOwn: (given) =>
      database.transaction(() => {
        const { payer, target, amount, eol } = given;
        database.run(
          "INSERT INTO retrieval_channels (payer, target, amount, eol) VALUES (?, ?, ?, ?)",
          payer,
          target,
          amount.toString(),
          eol,
        );
        const serial = Number(database.get("SELECT max(serial) AS serial FROM retrieval_channels")?.serial);
        return { ...given, serial, channel: null, refusedAt: null };
      }),
    named: (serial, channel) =>
      database.run("UPDATE retrieval_channels SET channel = ? WHERE serial = ?", channel, serial),
    refused: (serial, height) =>
      database.run("UPDATE retrieval_channels SET refused_at = ? WHERE serial = ?", height, serial),
    extended: (serial, amount, eol) =>
      database.run(
        "UPDATE retrieval_channels SET amount = ?, eol = ? WHERE serial = ?",
        amount.toString(),
        eol,
        serial,
      ),
    dropOwn: (serial) => database.run("DELETE FROM retrieval_channels WHERE serial = ?", serial),
  };
}

function settingsOf(database: Database): Pick<PayStore, "policy" | "setPolicy"> {
  const setting = (name: string): string | undefined => {
    const value = database.get("SELECT value FROM retrieval_settings WHERE name = ?", name)?.value;
    return value === undefined ? undefined : String(value);
  };
  const set = (name: string, value: string): void =>
    database.run("INSERT OR REPLACE INTO retrieval_settings VALUES (?, ?)", name, value);
  return {
    policy: () => ({
      pricePerByte: amountOf(setting(names.price)),
      caches: setting(names.caches) === "1",
      mostPerByte: amountOf(setting(names.most)),
    }),
    setPolicy: ({ pricePerByte, caches, mostPerByte }) =>
      database.transaction(() => {
        set(names.price, pricePerByte.toString());
        set(names.caches, caches ? "1" : "0");
        set(names.most, mostPerByte.toString());
      }),
  };
}

function amountOf(value: Row[string] | undefined): AttoFil {
  return attoFil(BigInt(String(value ?? 0)));
}

function ownOf(row: Row): OwnChannel {
  const { serial, payer, target, amount, eol, channel, refused_at: refusedAt } = row;
  return {
    serial: Number(serial),
    payer: String(payer) as Address,
    target: String(target) as Address,
    amount: amountOf(amount),
    eol: Number(eol),
    channel: channel === null ? null : channelId(Number(channel)),
    refusedAt: refusedAt == null ? null : Number(refusedAt),
  };
}
