/**
 * What a peer can do to a block of somebody else: nothing. A node that was cut off hears of the others' next
 * block from a liar first, and takes the true one in all the same.
 */
import { addEpochs } from "@holdfast/base";
import { blockCid, encodeBlock, type FullBlock, sortCids } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { sendMessage } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import { rangeBlockCodec, rangeStartCodec } from "../../src/sync/exchange.ts";
import { exchangeProtocol } from "../../src/sync/index.ts";

/** The client alone with two strangers, and the first block that it does not know, on its own head. */
async function cutOff(net: TestNetwork) {
  await net.advance("10s");
  net.wire.partition([["client", "liar", "honest"]]);
  const { chain } = net.client.node;
  const [miner] = net.miners;
  if (miner === undefined) throw new TypeError("there are miners");
  const next = (): FullBlock | undefined => {
    for (const tipset of miner.node.chain.ancestors(miner.node.chain.head())) {
      if (miner.node.chain.parentOf(tipset)?.key === chain.head().key)
        return miner.node.chain.fullBlocks(tipset.key)?.[0];
    }
    return undefined;
  };
  expect(await net.advanceUntil(() => next() !== undefined, 60_000)).toBe(true);
  const block = next();
  if (block === undefined) throw new TypeError("there is a next block");
  const meet = async (name: string) => {
    const wire = net.wire.createWire(name);
    await net.settle(wire.connect("/sim/client"));
    return wire;
  };
  const liar = await meet("liar");
  const honest = await meet("honest");
  const topic = `/fil/blocks/${chain.params.name}`;
  const say = async (wire: typeof liar, given: FullBlock): Promise<void> => {
    await net.settle(wire.publish(topic, encodeBlock(given)));
    await net.advance(500);
    await net.settle(net.client.node.sync.settled());
  };
  const isTaken = (): boolean => chain.fullBlock(blockCid(block.header)) !== undefined;
  return { liar, honest, block, say, isTaken };
}

/** A message that is signed and was mined before. */
function oldMessage(net: TestNetwork) {
  const { chain } = net.client.node;
  for (const tipset of chain.ancestors(chain.head())) {
    const [signed] = chain.messagesOf(tipset);
    if (signed !== undefined) return signed;
  }
  throw new TypeError("miners publish their asks in the first rounds");
}

describe("a liar", () => {
  it("cannot have a block refused by sending it with messages of its own", async () => {
    await using net = await createNetwork({ miners: 2, seed: "foreign-body" });
    const { liar, honest, block, say, isTaken } = await cutOff(net);
    await say(liar, { ...block, messages: [...block.messages, oldMessage(net)] });
    expect(isTaken()).toBe(false);
    await say(honest, block);
    expect(isTaken()).toBe(true);
    for (const wire of [liar, honest]) await net.settle(wire[Symbol.asyncDispose]());
  });

  it("cannot have a block refused by answering with a tipset in which another block lies", async () => {
    await using net = await createNetwork({ miners: 2, seed: "bad-company" });
    const { liar, honest, block, say, isTaken } = await cutOff(net);
    const other = net.miners.find(({ miner }) => miner !== undefined && miner !== block.header.miner)?.miner;
    if (other === undefined) throw new TypeError("there are two miners");
    const company: FullBlock = { ...block, header: { ...block.header, miner: other } };
    const end = liar.handle(exchangeProtocol, async (stream) => {
      await stream.read();
      await sendMessage(stream, rangeStartCodec, { state: "found" });
      for (const one of [block, company]) await sendMessage(stream, rangeBlockCodec, one);
      await stream.closeWrite();
    });
    const parents = sortCids([blockCid(block.header), blockCid(company.header)]);
    const height = addEpochs(block.header.height, 1);
    await say(liar, { ...block, header: { ...block.header, parents, height } });
    await say(honest, block);
    expect(isTaken()).toBe(true);
    end();
    for (const wire of [liar, honest]) await net.settle(wire[Symbol.asyncDispose]());
  });

  it("that names ancestors which nobody has keeps no block waiting", async () => {
    await using net = await createNetwork({ miners: 2, seed: "orphans" });
    const { liar, honest, block, isTaken } = await cutOff(net);
    let asked = 0;
    // It takes every question and never answers.
    const end = liar.handle(exchangeProtocol, () => {
      asked += 1;
      return new Promise(() => undefined);
    });
    const topic = `/fil/blocks/${net.client.node.chain.params.name}`;
    for (let i = 0; i < 40; i += 1) {
      const header = { ...block.header, parents: [blockCid({ ...block.header, timestampMs: i })] };
      await net.settle(liar.publish(topic, encodeBlock({ ...block, header })));
    }
    const beforeMs = net.clock.nowMs();
    await net.settle(honest.publish(topic, encodeBlock(block)));
    expect(await net.advanceUntil(isTaken, limits.requestTimeoutMs)).toBe(true);
    expect(net.clock.nowMs() - beforeMs).toBeLessThan(limits.requestTimeoutMs / 2);
    expect(asked).toBeLessThanOrEqual(limits.routes);
    end();
    for (const wire of [liar, honest]) await net.settle(wire[Symbol.asyncDispose]());
  });
});
