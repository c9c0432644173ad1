/** No message of a node sticks: full blocks raise its price, and its sender can replace, cancel and ask why. */
import { attoFil } from "@holdfast/base";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const rivalPrice = 50n;

/** A network with room for two messages in a block, and a rival that fills forty of them. */
async function crowded(seed: string, tune: { readonly isFixed?: boolean; readonly key?: string } = {}) {
  const net = await createNetwork({ miners: 1, seed, params: { maxBlockMessages: 2 } });
  await net.advance("10s");
  const [miner] = net.miners;
  if (miner === undefined) throw new RangeError("a network has a miner");
  const { sender } = net.client.node;
  const rivals = Array.from({ length: 40 }, (_, index) =>
    miner.node.sender.send({
      to: net.client.account,
      gasPrice: attoFil(rivalPrice),
      value: attoFil(BigInt(index)),
    }),
  );
  const { isFixed = false, key } = tune;
  const sent = await net.settle(
    sender.send({
      to: miner.account,
      value: attoFil(7n),
      ...(key === undefined ? {} : { key }),
      ...(isFixed ? { gasPrice: attoFil(1n) } : {}),
    }),
  );
  await net.settle(Promise.all(rivals));
  return { net, sender, sent, to: miner.account };
}

const codes = (net: TestNetwork, cid: Awaited<ReturnType<typeof crowded>>["sent"]["cid"]) =>
  net.client.node.sender.why(cid)?.map(({ code }) => code);

describe("when blocks are full", () => {
  it("a message without a price of its own is offered more, and those behind it with it", async () => {
    const { net, sender, sent, to } = await crowded("sticks-raise");
    await using _ = net;
    const behind = await net.settle(sender.send({ to, value: attoFil(8n), key: "behind" }));
    const [first, second] = await net.settle(
      Promise.all([sender.wait(sent.cid), sender.wait(behind.cid)]),
      15_000,
    );
    expect(first.message.message.gasPrice).toBeGreaterThan(rivalPrice);
    expect(second.message.message.gasPrice).toBeGreaterThan(rivalPrice);
    expect(first.receipt.exitCode).toBe(0);
    expect(net.client.node.sender.why(sent.cid)?.[0]?.code).toBe("mined");
  });

  it("a fixed price stays, the reason is named, and a replacement with more is mined", async () => {
    const { net, sender, sent } = await crowded("sticks-fixed", { isFixed: true });
    await using _ = net;
    await net.advance("8s");
    expect(sender.find(sent.cid)?.message.message.gasPrice).toBe(1n);
    expect(codes(net, sent.cid)).toEqual(["block-full", "price"]);
    const why = await net.client.node.handlers["message.why"](
      { cid: sent.cid.toString() },
      new AbortController().signal,
    );
    expect(why.reasons[1]?.fix).toContain("message replace");
    await expect(net.settle(sender.replace(sent.cid, attoFil(1n)))).rejects.toMatchObject({
      code: "sender/price-too-low",
    });
    const raised = await net.settle(sender.replace(sent.cid));
    expect(raised.nonce).toBe(sent.nonce);
    const mined = await net.settle(sender.wait(sent.cid), 6_000);
    expect(mined.message.message.value).toBe(7n);
    await expect(net.settle(sender.replace(sent.cid))).rejects.toMatchObject({ code: "sender/not-ours" });
  });

  it("a cancelled one never moves its money, and whoever waits for it learns so", async () => {
    const { net, sender, sent } = await crowded("sticks-cancel");
    await using _ = net;
    const nothing = await net.settle(sender.cancel(sent.cid));
    expect(codes(net, sent.cid)).toEqual(["cancelled"]);
    await expect(net.settle(sender.wait(sent.cid), 6_000)).rejects.toMatchObject({
      code: "sender/cancelled",
    });
    expect((await net.settle(sender.wait(nothing.cid))).message.message.value).toBe(0n);
    const next = await net.settle(sender.send({ to: net.miners[0]?.account ?? net.client.account }));
    expect(next.nonce).toBe(sent.nonce + 1);
  });

  it("work of the node is not cancelled: it would only be sent again", async () => {
    const { net, sender, sent } = await crowded("sticks-job", { key: "market/job/1" });
    await using _ = net;
    await expect(net.settle(sender.cancel(sent.cid))).rejects.toMatchObject({ code: "sender/of-a-job" });
  });
});

describe("a key of the caller", () => {
  it("gives the same message for the same request, over a restart too, and no other for another", async () => {
    await using net = await createNetwork({ miners: 1, seed: "sticks-key" });
    await net.advance("5s");
    const signal = new AbortController().signal;
    const request = {
      to: net.miners[0]?.account ?? "",
      value: "0.5",
      method: "",
      paramsHex: "",
      key: "invoice-2041",
    };
    const ask = (change: { readonly value?: string }) =>
      net.client.node.handlers["message.send"]({ ...request, ...change }, signal);
    const send = (change: { readonly value?: string } = {}) => net.settle(ask(change));
    const [first, again] = await net.settle(Promise.all([ask({}), ask({})]));
    expect(again).toEqual(first);
    await expect(send({ value: "0.6" })).rejects.toMatchObject({ code: "rpc/key-reused" });
    await net.settle(net.client.stop());
    await net.settle(net.client.start());
    expect(await send()).toEqual(first);
    await net.advance("5s");
    expect(await send()).toEqual(first);
  });
});
