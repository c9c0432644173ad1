/** What was paid into channels for retrievals is looked for until no branch of the chain can have it. */
import { attoFil, type ChannelId, channelId, silentLogger } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { retrievalErrors } from "../../src/retrieval/errors.ts";
import { openPurse } from "../../src/retrieval/pay/purse.ts";
import { openPayStore } from "../../src/retrieval/pay/store.ts";
import { addressOf, Bank, bankFinality } from "./bank.ts";

const { signal } = new AbortController();
const amount = attoFil(10n);
const refusedId = channelId(77);

/** A purse whose first opening the chain refuses, in the branch that is the head then. */
function world() {
  const bank = new Bank();
  const store = openPayStore(openDatabase(":memory:"));
  const whole = bank.door("client");
  const refusedKeys = new Set<string>();
  const open: typeof whole.open = async (channel, key, named, given) => {
    if (refusedKeys.size > 0 && !refusedKeys.has(key)) return await whole.open(channel, key, named, given);
    refusedKeys.add(key);
    named(refusedId);
    throw retrievalErrors.channelRefused({ message: "bafy", exitCode: 1 });
  };
  const purse = openPurse({ store, door: { ...whole, open }, logger: silentLogger });
  return { bank, store, purse, pay: () => purse.paying(addressOf("miner"), amount, signal) };
}
type World = ReturnType<typeof world>;

/** Another branch has taken the message: the deposit is in the channel. */
function takeRefused({ bank }: World, channel: ChannelId = refusedId): void {
  const [payer, target] = [addressOf("client"), addressOf("miner")];
  const eol = bank.height + limits.retrievalChannelRounds;
  const none = attoFil(0n);
  bank.channels.set(`${payer}/${channel}`, {
    payer,
    target,
    deposit: amount,
    eol,
    given: none,
    received: none,
  });
}
async function advance({ bank }: World, rounds: number): Promise<void> {
  bank.advance(rounds);
  await new Promise((done) => setImmediate(done));
}

describe("a channel whose opening a branch of the chain has refused", () => {
  it("is not paid with and not waited for, and forgotten once that is final", async () => {
    const one = world();
    await using _ = one.purse;
    expect(await codeOf(one.pay())).toBe("retrieval/channel-refused");
    expect((await one.pay()).channel.channel).not.toBe(refusedId);
    expect(one.store.ownChannels().length).toBe(2);
    await advance(one, bankFinality - 1);
    expect(one.store.ownChannels().length).toBe(2);
    await advance(one, 1);
    expect(one.store.ownChannels().map(({ channel }) => channel)).not.toContain(refusedId);
    expect(one.store.ownChannels().length).toBe(1);
  });

  it("takes no place of those that hold money", async () => {
    const one = world();
    await using _ = one.purse;
    for (let i = 0; i < limits.retrievalOwnChannels; i += 1) {
      const target = addressOf(`somebody ${i}`);
      const eol = one.bank.height + limits.retrievalChannelRounds;
      const { serial } = one.store.addOwn({ payer: addressOf("client"), target, amount, eol });
      one.store.named(serial, channelId(1_000 + i));
      if (i > 0) one.store.refused(serial, one.bank.height);
    }
    expect(await codeOf(one.pay())).toBe("retrieval/channel-refused");
    expect((await one.pay()).channel.channel).not.toBe(refusedId);
  });

  it("is this node's again where another branch has taken it, and its deposit comes back", async () => {
    const one = world();
    await using _ = one.purse;
    expect(await codeOf(one.pay())).toBe("retrieval/channel-refused");
    await advance(one, bankFinality - 1);
    takeRefused(one);
    await advance(one, 2 * bankFinality);
    expect((await one.pay()).channel.channel).toBe(refusedId);
    await advance(one, limits.retrievalChannelRounds);
    await expect.poll(() => one.bank.reclaimed).toBe(1);
  });
});

describe("what a reclaim has taken out of a channel", () => {
  it("is taken out again where a branch of the chain has it in there, however late the reclaim was", async () => {
    const one = world();
    await using _ = one.purse;
    await codeOf(one.pay());
    const { channel } = (await one.pay()).channel;
    one.bank.isEarly = true;
    await advance(one, limits.retrievalChannelRounds + 1);
    await advance(one, 2 * limits.retrievalChannelLeastRounds);
    one.bank.isEarly = false;
    await advance(one, limits.retrievalChannelLeastRounds);
    await expect.poll(() => one.bank.reclaimed).toBe(1);
    await advance(one, bankFinality - 1);
    const [payer, target] = [addressOf("client"), addressOf("miner")];
    const none = { given: attoFil(0n), received: attoFil(0n) };
    one.bank.channels.set(`${payer}/${channel}`, {
      ...{ payer, target, deposit: amount, eol: one.bank.height - 1 },
      ...none,
    });
    await advance(one, 1);
    await expect.poll(() => one.bank.reclaimed).toBe(2);
    for (let round = 0; round < 2 * bankFinality; round += 1) await advance(one, 1);
    expect(one.store.ownChannels()).toEqual([]);
  });
});
