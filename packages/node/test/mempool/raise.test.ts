/** A message that waits can be paid better, and whoever waits for it learns of whichever version was mined. */
import { attoFil } from "@holdfast/base";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

async function waiting(net: TestNetwork) {
  await net.advance("5s");
  const { client } = net;
  const { sender } = client.node;
  const to = net.miners[0]?.account ?? client.account;
  const send = (key: string) => net.settle(sender.send({ to, value: attoFil(7), gasPrice: attoFil(3), key }));
  const first = await send("first");
  const second = await send("second");
  const third = await send("third");
  const priceOf = (key: string) => {
    const sent = sender.sentAs(key);
    return sent === undefined ? undefined : sender.find(sent.cid)?.message.message.gasPrice;
  };
  const prices = () => ["first", "second", "third"].map(priceOf);
  return { sender, first, second, third, prices };
}

describe("a higher gas price", () => {
  it("replaces the message and those before it, under their nonces and keys, and no later one", async () => {
    await using net = await createNetwork({ miners: 1, seed: "raise" });
    const { sender, first, second, third, prices } = await waiting(net);
    await net.settle(sender.raise("second", attoFil(50)));
    expect(prices()).toEqual([50n, 50n, 3n]);
    expect(sender.sentAs("second")?.nonce).toBe(second.nonce);
    expect(sender.sentAs("second")?.cid.equals(second.cid)).toBe(false);
    expect(sender.sentAs("third")?.cid.equals(third.cid)).toBe(true);
    const mined = await net.settle(Promise.all([first, second, third].map(({ cid }) => sender.wait(cid))));
    expect(mined.map(({ message }) => message.message.nonce)).toEqual([
      first.nonce,
      second.nonce,
      third.nonce,
    ]);
    expect(mined.map(({ message }) => message.message.gasPrice)).toEqual([50n, 50n, 3n]);
    expect(sender.find(second.cid)?.mined?.receipt.exitCode).toBe(0);
  });

  it("changes nothing for a message that is paid as well, is mined, or was never sent", async () => {
    await using net = await createNetwork({ miners: 1, seed: "raise-not" });
    const { sender, third, prices } = await waiting(net);
    await net.settle(sender.raise("third", attoFil(3)));
    await net.settle(sender.raise("nobody", attoFil(90)));
    expect(prices()).toEqual([3n, 3n, 3n]);
    await net.settle(sender.wait(third.cid));
    await net.settle(sender.raise("third", attoFil(90)));
    expect(sender.sentAs("third")?.cid.equals(third.cid)).toBe(true);
    expect(prices()).toEqual([3n, 3n, 3n]);
  });

  it("is refused when the account cannot pay it", async () => {
    await using net = await createNetwork({ miners: 1, seed: "raise-poor" });
    const { sender, first, prices } = await waiting(net);
    const tooMuch = attoFil(10n ** 23n);
    await expect(net.settle(sender.raise("first", tooMuch))).rejects.toMatchObject({
      code: "sender/insufficient-funds",
    });
    expect(prices()).toEqual([3n, 3n, 3n]);
    expect((await net.settle(sender.wait(first.cid))).message.message.gasPrice).toBe(3n);
  });

  it("survives a restart: the version that was promised last is the one that goes on", async () => {
    await using net = await createNetwork({ miners: 1, seed: "raise-restart" });
    const { sender, second } = await waiting(net);
    await net.settle(sender.raise("second", attoFil(50)));
    await net.settle(net.client.stop());
    await net.settle(net.client.start());
    const mined = await net.settle(net.client.node.sender.wait(second.cid));
    expect(mined.message.message.gasPrice).toBe(50n);
  });
});
