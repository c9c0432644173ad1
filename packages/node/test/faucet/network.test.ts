/** Test money between whole nodes: asked by the API, paid by a peer, read from the chain, over restarts. */
import { attoFil, parseFil, seedAddress } from "@holdfast/base";
import { readActor } from "@holdfast/consensus";
import { createNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const { signal } = new AbortController();
const hour = 3_600_000;

async function club(seed: string, faucets: readonly string[] = ["bootstrap"], amount = "5FIL") {
  const net = await createNetwork({
    miners: 1,
    seed,
    roundMs: 600_000, // a day is 144 rounds
    faucets,
    params: { faucetAmount: parseFil(amount) },
  });
  const of = (name: string): TestNode => {
    const found = net.nodes.find((node) => node.name === name);
    if (found === undefined) throw new RangeError(`there is a node ${name}`);
    return found;
  };
  await net.advance("20m");
  const ask = (node: TestNode, params: { key: string; address?: string; from?: string; waitMs?: number }) =>
    net.settle(node.node.handlers["faucet.ask"]({ waitMs: 0, ...params }, signal), 24 * hour);
  const balance = (address: string): bigint => {
    const { chain } = net.client.node;
    return readActor(chain.store, chain.headState().state, address as never)?.balance ?? attoFil(0n);
  };
  return { net, of, ask, balance, guest: (name: string) => seedAddress(1, name) };
}

describe("a faucet on a network", () => {
  it("pays a guest who asks its peers, once for a key and an address, also over restarts", async () => {
    const { net, of, ask, balance, guest } = await club("faucet-pays");
    await using _ = net;
    const address = guest("ann");
    const paid = await ask(net.client, { key: "k1", address, waitMs: 6 * hour });
    expect(paid).toMatchObject({ peerId: "bootstrap", amountFil: "5", account: of("bootstrap").account });
    expect(paid.height).toBeGreaterThan(0);
    expect(balance(address)).toBe(parseFil("5FIL"));

    const again = await ask(net.client, { key: "k1", address });
    expect(again.cid).toBe(paid.cid);
    await expect(ask(net.client, { key: "k1", address: guest("bob") })).rejects.toMatchObject({
      code: "faucet/key-reused",
    });
    await net.settle(of("bootstrap").stop());
    await net.settle(of("bootstrap").start());
    await net.advance("1h");
    expect((await ask(net.client, { key: "k1", address })).cid).toBe(paid.cid);
    const refused = await ask(of("miner-1"), { key: "k2", address }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "faucet/limit-reached", data: { by: "to this address" } });
    expect(balance(address)).toBe(parseFil("5FIL"));
    const shown = await of("bootstrap").node.handlers["faucet.show"]({}, signal);
    expect(shown).toMatchObject({ amountFil: "5", serving: { account: of("bootstrap").account, paid: 1 } });
  });

  it("is found where it is named, and refused by name where it is not", async () => {
    const { net, of, ask, guest } = await club("faucet-named", ["miner-1"]);
    await using _ = net;
    const address = guest("ann");
    const fromPeer = await ask(net.client, { key: "a", address, from: "/sim/miner-1" });
    expect(fromPeer.peerId).toBe("miner-1");
    const own = await ask(of("miner-1"), { key: "b", address: guest("bob") });
    expect(own.peerId).toBe("miner-1");
    await expect(
      ask(net.client, { key: "c", address: guest("eve"), from: "/sim/bootstrap" }),
    ).rejects.toMatchObject({ code: "faucet/not-served" });
    await expect(ask(net.client, { key: "d", address: of("miner-1").account })).rejects.toMatchObject({
      code: "faucet/wrong-address",
    });
    await expect(ask(net.client, { key: "e", address: seedAddress(0, "ann") })).rejects.toMatchObject({
      code: "address/wrong-network",
    });
  });

  it("says so when its account is empty, and pays when it was filled", async () => {
    const { net, of, ask, guest } = await club("faucet-empty", ["bootstrap"], "6000FIL");
    await using _ = net;
    await ask(net.client, { key: "a", address: guest("ann"), waitMs: 6 * hour });
    await expect(ask(net.client, { key: "b", address: guest("bob") })).rejects.toMatchObject({
      code: "faucet/empty",
      data: { account: of("bootstrap").account },
    });
    const { handlers } = net.client.node;
    const gift = { to: of("bootstrap").account, value: "3000", method: "", paramsHex: "" };
    const { cid } = await net.settle(handlers["message.send"](gift, signal));
    await net.settle(
      handlers["message.wait"]({ cid, timeoutMs: 6 * hour, confirmations: 1 }, signal),
      24 * hour,
    );
    const paid = await ask(net.client, { key: "b", address: guest("bob"), waitMs: 6 * hour });
    expect(paid.height).toBeGreaterThan(0);
  });

  it("is not there without a peer that has one, and cannot be where the genesis has none", async () => {
    const { net, ask, guest } = await club("faucet-none", []);
    await using _ = net;
    await expect(ask(net.client, { key: "a", address: guest("ann") })).rejects.toMatchObject({
      code: "faucet/none-known",
    });
    await expect(
      createNetwork({ miners: 1, seed: "faucet-forbidden", faucets: ["bootstrap"] }),
    ).rejects.toMatchObject({ code: "faucet/not-allowed-here" });
  });
});
