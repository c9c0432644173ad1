/**
 * The whole network on virtual time: chain, proofs and faults. The fixture adds up all money after every
 * tipset of every node, so each of these tests is also a test of the money.
 */
import { equalBytes, parseAddress } from "@holdfast/base";
import { readMinerState, readSectors } from "@holdfast/consensus";
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const signal = new AbortController().signal;
const heads = (net: TestNetwork): string[] => net.nodes.map(({ node }) => node.chain.head().key);
const height = (node: TestNode): number => node.node.chain.head().height;

/** All running nodes on one head, within a few rounds. */
async function agree(net: TestNetwork, nodes: readonly TestNode[] = net.nodes): Promise<void> {
  const same = () => new Set(nodes.map(({ node }) => node.chain.head().key)).size === 1;
  expect(await net.advanceUntil(same, 60_000), `heads ${heads(net)} (seed ${net.seed})`).toBe(true);
}

function sectorsOf(net: TestNetwork, miner: TestNode) {
  const { chain } = net.client.node;
  return miner.miner === undefined ? [] : readSectors(chain.store, chain.headState().state, miner.miner);
}

describe("network", () => {
  it("makes blocks that all nodes agree on, and proves its sectors every period", async () => {
    await using net = await createNetwork({ miners: 3, seed: "agree" });
    await net.advance("90s");
    await agree(net);
    expect(height(net.client)).toBeGreaterThan(40);
    for (const miner of net.miners) {
      expect(sectorsOf(net, miner).map(({ lastProven }) => lastProven)).not.toContain(null);
      expect(sectorsOf(net, miner).map(({ faultySince }) => faultySince)).toEqual([null]);
    }
    expect(net.money().total).toBe(net.client.node.chain.genesisTotal);
  });

  it("is the same for the same seed", async () => {
    const run = async (): Promise<string> => {
      await using net = await createNetwork({ miners: 2, seed: "replay" });
      await net.advance("30s");
      return net.client.node.chain.head().key;
    };
    expect(await run()).toBe(await run());
  });

  it("sends money once, also when the sender restarts before the block", async () => {
    await using net = await createNetwork({ miners: 2, seed: "send" });
    await net.advance("5s");
    const to = net.miners[0]?.account ?? net.client.account;
    const balance = async (): Promise<string> =>
      (await net.client.node.handlers["actor.show"]({ address: to }, signal)).balanceFil;
    const before = Number(await balance());
    const sent = await net.settle(
      net.client.node.handlers["message.send"](
        { to, value: "7FIL", method: "", paramsHex: "", from: net.client.account },
        signal,
      ),
    );
    await net.settle(net.client.stop());
    await net.settle(net.client.start());
    const mined = await net.settle(
      net.client.node.handlers["message.wait"](
        { cid: sent.cid, timeoutMs: 60_000, confirmations: 2 },
        signal,
      ),
    );
    expect(mined.receipt?.exitCode).toBe(0);
    // Rewards of the miner come in whole thousands; the seven are the payment.
    expect((Number(await balance()) - before) % 1000).toBeCloseTo(7, 6);
  });

  it("refuses what no block can take, and later messages do not wait behind it", async () => {
    await using net = await createNetwork({ miners: 1, seed: "never" });
    await net.advance("5s");
    const { account } = net.client;
    const to = net.miners[0]?.account ?? account;
    const send = (request: { to: string; gasLimit?: number }) =>
      net.client.node.handlers["message.send"](
        { value: "1FIL", method: "", paramsHex: "", from: account, ...request },
        signal,
      );
    await expect(net.settle(send({ to, gasLimit: 1 }))).rejects.toMatchObject({
      code: "message/gas-limit-too-low",
    });
    await expect(net.settle(send({ to, gasLimit: 1e15 }))).rejects.toMatchObject({
      code: "message/gas-limit-too-high",
    });
    await expect(net.settle(send({ to: account }))).rejects.toMatchObject({ code: "message/self-send" });
    const sent = await net.settle(send({ to }));
    const wait = { cid: sent.cid, timeoutMs: 60_000, confirmations: 0 };
    const mined = await net.settle(net.client.node.handlers["message.wait"](wait, signal));
    expect(mined.receipt?.exitCode).toBe(0);
  });

  it("catches up with the others after it was away", async () => {
    await using net = await createNetwork({ miners: 2, seed: "away" });
    await net.advance("10s");
    await net.settle(net.client.stop());
    await net.advance("60s");
    await net.settle(net.client.start());
    await agree(net);
    expect(height(net.client)).toBeGreaterThan(40);
  });

  it("heals after a partition: the heavier side wins and nobody's money is lost", async () => {
    await using net = await createNetwork({ miners: 3, seed: "partition" });
    await net.advance("15s");
    net.wire.partition([["miner-1", "client"]]);
    await net.advance("40s");
    expect(new Set(heads(net)).size).toBeGreaterThan(1);
    net.wire.heal();
    await agree(net);
  });

  it("takes the power of a miner that misses its proofs, and gives it back after the recovery", async () => {
    await using net = await createNetwork({ miners: 3, seed: "faults" });
    await net.advance("30s");
    const [lazy] = net.miners;
    if (lazy === undefined) throw new TypeError("there are miners");
    await net.settle(lazy.stop());
    const isFaulty = () => sectorsOf(net, lazy).some(({ faultySince }) => faultySince !== null);
    expect(await net.advanceUntil(isFaulty, 120_000)).toBe(true);
    const { chain } = net.client.node;
    const power = () =>
      lazy.miner === undefined ? 0n : readMinerState(chain.store, chain.headState().state, lazy.miner).power;
    expect(power()).toBe(0n);
    expect(net.money().burnt).toBeGreaterThan(0n);
    await net.settle(lazy.start());
    expect(await net.advanceUntil(() => power() > 0n, 180_000)).toBe(true);
  });

  it("refuses a block that lies, and goes on", async () => {
    await using net = await createNetwork({ miners: 2, seed: "liar" });
    await net.advance("10s");
    const liar = net.wire.createWire("liar");
    await net.settle(liar.connect("/sim/client"));
    const { chain } = net.client.node;
    const [block] = chain.fullBlocks(chain.head().key) ?? [];
    if (block === undefined) throw new TypeError("the head has a block");
    const { encodeBlock } = await import("@holdfast/consensus");
    const forged = encodeBlock({ ...block, header: { ...block.header, parentWeight: 10n ** 12n } });
    await net.settle(liar.publish(`/fil/blocks/${chain.params.name}`, forged));
    await net.settle(liar.publish(`/fil/blocks/${chain.params.name}`, forged.slice(0, 100)));
    await net.settle(liar.publish(`/fil/msgs/${chain.params.name}`, new Uint8Array(5000).fill(0x81)));
    const before = height(net.client);
    await net.advance("20s");
    expect(height(net.client)).toBeGreaterThan(before);
    await agree(net);
    await net.settle(liar[Symbol.asyncDispose]());
  });
});

describe("storing", () => {
  it("stores a file at two miners, proven on the chain, and anybody reads it back", async () => {
    await using net = await createNetwork({ miners: 3, seed: "store" });
    const bytes = new Uint8Array(5_000).map((_, index) => (index * 31) & 0xff);
    const { cid, job } = await net.put(bytes, { copies: 2 });
    expect(job.state).toBe("done");
    expect(new Set(job.copies.map(({ miner }) => miner)).size).toBe(2);
    const other = net.miners.find(({ miner }) => !job.copies.some((copy) => copy.miner === miner));
    expect(equalBytes(await net.get(cid, other), bytes)).toBe(true);
    const deals = await net.client.node.handlers["deal.ls"]({ limit: 100 }, signal);
    expect(deals.map(({ state }) => state)).toEqual(["active", "active"]);
    for (const deal of deals) {
      const onChain = sectorsOf(net, minerNode(net, deal.miner)).filter(({ sectorId }) =>
        deal.sectors.includes(sectorId),
      );
      expect(onChain.length).toBe(deal.sectors.length);
      expect(onChain.map(({ lastProven }) => lastProven)).not.toContain(null);
    }
  });

  it("pays the miners, and gives back what is not owed, by the end of the deal", async () => {
    await using net = await createNetwork({ miners: 2, seed: "pay" });
    const { job } = await net.put(new Uint8Array(1_500).fill(9), { copies: 2, for: "3m" });
    expect(await net.advanceUntil(() => net.money().escrow === 0n, 480_000)).toBe(true);
    await net.advance("1m");
    const deals = await net.client.node.handlers["deal.ls"]({ limit: 100 }, signal);
    expect(deals.map(({ state }) => state)).toEqual(["complete", "complete"]);
    for (const deal of deals) expect(deal.redeemedFil).toBe(deal.totalFil);
    expect(job.totalFil).not.toBe("0");
    const money = net.money();
    expect(money.escrow).toBe(0n);
  });
});

function minerNode(net: TestNetwork, address: string): TestNode {
  const found = net.miners.find(({ miner }) => miner === parseAddress(address));
  if (found === undefined) throw new TypeError(`${address} is a miner of the network`);
  return found;
}
