/** A channel between two whole nodes: opened, paid, redeemed in time over restarts, closed; all by the API. */
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const { signal } = new AbortController();

async function pair(seed: string) {
  const net = await createNetwork({ miners: 1, seed, params: { channelCancelDelayEpochs: 40 } });
  await net.advance("5s");
  const [miner] = net.miners;
  if (miner === undefined) throw new RangeError("a network has a miner");
  const payer = net.client.account;
  const api = () => net.client.node.handlers;
  const theirs = () => miner.node.handlers;
  const { channel, cid } = await net.settle(
    api()["channel.create"]({ target: miner.account, amount: "10", forMs: 120_000 }, signal),
  );
  await net.settle(api()["message.wait"]({ cid, timeoutMs: 60_000, confirmations: 1 }, signal));
  const pay = async (amount: string): Promise<void> => {
    const { text } = await api()["voucher.create"]({ channel, amount }, signal);
    await theirs()["voucher.add"]({ text, redeemerParamsHex: "" }, signal);
  };
  const show = () => theirs()["channel.show"]({ payer, channel }, signal);
  return { net, miner, payer, channel, api, theirs, pay, show };
}

describe("a channel between two nodes", () => {
  it("is redeemed before its end by itself, also if the node was stopped, and the rest is reclaimed", async () => {
    const { net, miner, payer, channel, api, theirs, pay, show } = await pair("channel-auto");
    await using _ = net;
    await pay("2");
    await pay("3.5");
    expect(await show()).toMatchObject({ role: "target", state: "open", bestFil: "3.5", redeemedFil: "0" });
    await expect(pay("3")).rejects.toMatchObject({ code: "channels/not-better" });
    await net.settle(miner.stop());
    await net.advance("40s");
    await net.settle(miner.start());
    await net.advance("40s");
    expect(await show()).toMatchObject({ redeemedFil: "3.5", leftFil: "6.5" });
    await net.advance("60s");
    expect(await show()).toMatchObject({ state: "ended", autoRedeemAt: null });
    const { cid } = await net.settle(api()["channel.reclaim"]({ channel }, signal));
    await net.settle(api()["message.wait"]({ cid, timeoutMs: 60_000, confirmations: 0 }, signal));
    expect(await api()["channel.ls"]({}, signal)).toEqual([]);
    await expect(theirs()["channel.show"]({ payer, channel }, signal)).rejects.toMatchObject({
      code: "channels/no-channel",
    });
    expect(net.money().total).toBe(net.client.node.chain.genesisTotal);
  });

  it("is not lost to a cancellation: the target redeems at once, and the end is again the agreed one", async () => {
    const { net, channel, api, pay, show } = await pair("channel-cancel");
    await using _ = net;
    await pay("4");
    const { agreedEol } = await show();
    await net.settle(api()["channel.cancel"]({ channel }, signal));
    await net.advance("10s");
    expect(await show()).toMatchObject({ redeemedFil: "4", state: "open", eol: agreedEol });
    const longer = await net.settle(
      api()["channel.extend"]({ channel, amount: "1", forMs: 300_000 }, signal),
    );
    await net.advance("4s");
    expect(await show()).toMatchObject({ depositFil: "11", eol: longer.eol, agreedEol: longer.eol });
  });

  it("is closed by the target, and what is left is back with the payer", async () => {
    const { net, payer, channel, theirs, pay } = await pair("channel-close");
    await using _ = net;
    await pay("1.25");
    const { cid } = await net.settle(theirs()["channel.close"]({ payer, channel }, signal));
    const mined = await net.settle(
      theirs()["message.wait"]({ cid, timeoutMs: 60_000, confirmations: 0 }, signal),
    );
    expect(mined.receipt?.exitCode).toBe(0);
    expect(await theirs()["channel.ls"]({}, signal)).toEqual([]);
  });
});
