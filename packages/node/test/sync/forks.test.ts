/**
 * Forks of any depth up to finality: the network is cut in two, both sides go on, and the side that is left behind
 * comes over. What was mined on the branch that it leaves is mined again, once.
 */
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const signal = new AbortController().signal;
const finalityEpochs = 32;
/** Rounds that nobody wins make a fork a little deeper than it is asked to be. */
const deepest = finalityEpochs - 6;
/** attoFIL. */
const payment = 7n;

const height = ({ node }: TestNode): number => node.chain.head().height;
const weight = ({ node }: TestNode): bigint => node.chain.weightOf(node.chain.head().key) ?? 0n;

async function nonceAndBalance(net: TestNetwork, at: TestNode, address: string) {
  const { nonce, balanceFil } = await net.settle(at.node.handlers["actor.show"]({ address }, signal));
  return { nonce, balanceFil };
}

/** Two sides: the client with one miner, and the rest. */
async function split(seed: string) {
  const net = await createNetwork({ miners: 2, seed, params: { finalityEpochs } });
  const [left, right] = net.miners;
  const [bootstrap] = net.nodes;
  if (left === undefined || right === undefined || bootstrap === undefined)
    throw new TypeError("there are two miners and a first node");
  const reverted: number[] = [];
  const { chain } = net.client.node;
  chain.onHead((change) => {
    const [newest] = change.reverted;
    const isWider = newest?.cids.every((cid) => change.to.cids.some((other) => other.equals(cid))) ?? true;
    const oldest = change.reverted.at(-1);
    if (newest === undefined || oldest === undefined || isWider) return;
    reverted.push(newest.height - (chain.parentOf(oldest)?.height ?? 0));
  });
  const cut = () => net.wire.partition([["client", left.name]]);
  return { net, left, right, bootstrap, cut, reverted };
}

describe("a fork", () => {
  it("of every depth up to finality is left for a heavier chain, and its messages are mined again, once", async () => {
    const { net, left, right, bootstrap, cut, reverted } = await split("depths");
    await using _ = net;
    await net.advance("5s");
    const to = right.account;
    const first = await nonceAndBalance(net, net.client, net.client.account);
    const cids: string[] = [];
    for (const depth of [1, 2, 5, deepest]) {
      cut();
      // A message that is published while nobody is there is not published again for two minutes.
      await net.settle(net.client.node.wire.connect(`/sim/${left.name}`));
      const from = height(net.client);
      const sent = await net.settle(
        net.client.node.handlers["message.send"](
          { from: net.client.account, to, value: `${payment}attoFIL`, method: "", paramsHex: "" },
          signal,
        ),
      );
      cids.push(sent.cid);
      const isMined = () => isOnChain(net.client, sent.cid) && height(net.client) >= from + depth;
      expect(await net.advanceUntil(isMined, 200_000)).toBe(true);
      await net.settle(left.stop());
      expect(await net.advanceUntil(() => weight(bootstrap) > weight(net.client), 200_000)).toBe(true);
      // Its miner begins again when the client has come over: finding each other may take longer than finality here.
      net.wire.heal();
      await net.settle(net.client.node.wire.connect("/sim/bootstrap"));
      const isOver = () => net.client.node.chain.head().key === bootstrap.node.chain.head().key;
      expect(await net.advanceUntil(isOver, 120_000), `depth ${depth}`).toBe(true);
      await net.settle(left.start());
      await net.settle(left.node.wire.connect("/sim/bootstrap"));
      const agree = () => new Set(net.nodes.map(({ node }) => node.chain.head().key)).size === 1;
      expect(await net.advanceUntil(agree, 120_000), `depth ${depth}`).toBe(true);
      expect(Math.max(...reverted), `depth ${depth}`).toBeGreaterThanOrEqual(depth);
      expect(Math.max(...reverted)).toBeLessThanOrEqual(finalityEpochs);
    }
    const states = async () =>
      Promise.all(cids.map((cid) => net.client.node.handlers["message.show"]({ cid }, signal)));
    const allMined = (): boolean => cids.every((cid) => isOnChain(net.client, cid));
    expect(await net.advanceUntil(allMined, 60_000)).toBe(true);
    expect((await states()).map(({ state }) => state)).toEqual(cids.map(() => "mined"));
    const last = await nonceAndBalance(net, net.client, net.client.account);
    expect(last.nonce - first.nonce).toBe(cids.length);
    expect(timesMined(net.client, cids)).toEqual(cids.map(() => 1));
  });

  it("of few blocks is left also when nobody mined for longer than finality", async () => {
    const { net, left, right, bootstrap, cut } = await split("standstill");
    await using _ = net;
    await net.advance("5s");
    cut();
    const isForked = () => net.client.node.chain.head().key !== bootstrap.node.chain.head().key;
    expect(await net.advanceUntil(isForked, 300_000)).toBe(true);
    await net.settle(Promise.all([left.stop(), right.stop()]));
    const fork = net.client.node.chain.head();
    await net.advance(2 * finalityEpochs * net.client.node.chain.params.roundMs);
    // One more block here makes all before it older than finality.
    await net.settle(left.start());
    expect(await net.advanceUntil(() => height(net.client) > fork.height + finalityEpochs, 300_000)).toBe(
      true,
    );
    await net.settle(left.stop());
    await net.settle(right.start());
    expect(await net.advanceUntil(() => weight(bootstrap) > weight(net.client), 300_000)).toBe(true);
    net.wire.heal();
    await net.settle(net.client.node.wire.connect("/sim/bootstrap"));
    expect(await net.advanceUntil(() => !isForked(), 300_000)).toBe(true);
    expect(net.client.node.chain.tipsetAt(fork.height).key).not.toBe(fork.key);
  });

  it("deeper than finality is not left, and the node says so", async () => {
    const { net, left, right, cut } = await split("too-deep");
    await using _ = net;
    await net.advance("5s");
    cut();
    const from = Math.max(height(left), height(right));
    const isTooDeep = () =>
      height(left) > from + finalityEpochs + 3 && height(right) > from + finalityEpochs + 3;
    expect(await net.advanceUntil(isTooDeep, 300_000)).toBe(true);
    const before = net.client.node.chain.tipsetAt(from + 2).key;
    await net.settle(left.stop());
    expect(await net.advanceUntil(() => weight(right) > weight(net.client) * 2n, 300_000)).toBe(true);
    net.wire.heal();
    await net.advance("60s");
    expect(net.client.node.chain.tipsetAt(from + 2).key).toBe(before);
    expect(net.client.node.sync.state()).toMatchObject({ state: "stalled", code: "beyond-finality" });
  });
});

function isOnChain({ node }: TestNode, text: string): boolean {
  return [...node.chain.ancestors(node.chain.head())].some((tipset) =>
    node.chain.resultsOf(tipset.key).some(({ message }) => message.toString() === text),
  );
}

function timesMined({ node }: TestNode, cids: readonly string[]): number[] {
  const results = [...node.chain.ancestors(node.chain.head())].flatMap((tipset) =>
    node.chain.resultsOf(tipset.key),
  );
  return cids.map((cid) => results.filter(({ message }) => message.toString() === cid).length);
}
