/** What channels owe, however many of them pay: an account lives as long as a stream is paid from it. */
import { attoFil, channelId, parseFil, utf8Bytes } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { openPayStore } from "../../src/retrieval/pay/store.ts";
import { openTill } from "../../src/retrieval/pay/till.ts";
import { addressOf, Bank } from "./bank.ts";

const price = attoFil(1_000n);
const credit = price * BigInt(limits.retrievalCreditBytes);

describe("an account of a channel", () => {
  it("is one for all its streams, though more channels come than are remembered", async () => {
    const bank = new Bank();
    const store = openPayStore(openDatabase(":memory:"));
    const till = openTill({ store, door: bank.door("miner") });
    const payer = addressOf("client");
    const target = addressOf("miner");
    const holder = { peer: "client" as never, proof: utf8Bytes(payer.slice(-60)) };
    const { signal } = new AbortController();
    const open = async (): Promise<number> => {
      const number = bank.opened;
      const channel = { payer, target, amount: parseFil("1FIL"), eol: 5_000 };
      await bank.door("client").open(channel, "key", () => undefined, signal);
      return number;
    };
    const of = (channel: number) => till.account({ payer, channel: channelId(channel) }, price, holder);
    const number = await open();
    const first = of(number);
    first.owe(credit);
    expect(first.allows(1n)).toBe(false);
    for (let index = 0; index < limits.payingChannels + 10; index += 1) of(await open()).leave();
    const second = of(number);
    expect(second.allows(1n)).toBe(false);
    expect(second.due()).toBe(credit);
    second.leave();
    expect(first.allows(1n)).toBe(false);
    first.leave();
    // Forgotten in memory, it is on the disk.
    for (let index = 0; index < limits.payingChannels + 10; index += 1) of(await open()).leave();
    expect(of(number).allows(1n)).toBe(false);
  });
});
