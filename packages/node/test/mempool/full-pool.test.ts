/** A pool that strangers have filled still takes what pays more. */
import {
  accountAddress,
  attoFil,
  gasUnits,
  generateKey,
  nonce,
  publicKeyOf,
  silentLogger,
} from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { signMessage } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { openMempool } from "../../src/mempool/index.ts";

describe("a full pool", () => {
  it("lets the worst paid last message go for one that pays more, and for no other", async () => {
    await using net = await createNetwork({ miners: 1, seed: "full-pool" });
    await net.advance("5s");
    const random = new SeededRandom("senders");
    const keys = Array.from({ length: 3 }, () => generateKey("secp256k1", random).privateKey);
    const addressOf = (key: Uint8Array) => accountAddress(1, publicKeyOf(key));
    const { client } = net;
    for (const key of keys) {
      const to = addressOf(key);
      await net.settle(client.node.sender.send({ to, value: attoFil(10n ** 15n) }));
    }
    await net.advance("20s");
    const { chain } = client.node;
    const silent = { publish: async () => undefined, subscribe: () => () => undefined };
    const { clock } = net;
    await using pool = openMempool({ chain, wire: silent, clock, logger: silentLogger }, 4);
    const message = (key: Uint8Array, number: number, price: bigint) =>
      signMessage(key, {
        from: addressOf(key),
        to: client.account,
        nonce: nonce(number),
        value: attoFil(0),
        method: "",
        params: new Uint8Array(0),
        gasPrice: attoFil(price),
        gasLimit: gasUnits(1_000_000),
      });
    const [first, second, third] = keys;
    if (first === undefined || second === undefined || third === undefined) throw new TypeError("three keys");
    for (const signed of [message(first, 0, 9n), message(first, 1, 1n), message(second, 0, 2n)])
      pool.add(signed);
    pool.add(message(second, 1, 2n));
    expect(() => pool.add(message(third, 0, 1n))).toThrowError(/its limit/);
    const cid = pool.add(message(third, 0, 3n));
    expect(pool.get(cid)).toBeDefined();
    expect(pool.pending()).toHaveLength(4);
    expect(pool.pending().some((signed) => signed.message.gasPrice === 1n)).toBe(false);
  });
});
