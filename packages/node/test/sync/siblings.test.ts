/** The widest tipset of a height, also for a node that was restarted while its blocks came in. */
import { encodeBlock, type FullBlock } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { expect, it } from "vitest";

it("a block that comes after a restart joins the one that came before it", async () => {
  await using net = await createNetwork({ miners: 3, seed: "siblings" });
  const [bootstrap] = net.nodes;
  if (bootstrap === undefined) throw new TypeError("a network has a first node");
  await net.settle(net.client.stop());
  const full = bootstrap.node.chain;
  expect(await net.advanceUntil(() => full.head().blocks.length > 1, 120_000)).toBe(true);
  const wide = full.head();
  const below = [...full.ancestors(wide)].reverse().slice(1, -1);
  const blocksOf = (key: string): readonly FullBlock[] => full.fullBlocks(key) ?? [];
  const before = below.flatMap(({ key }) => blocksOf(key));
  const [first, ...others] = blocksOf(wide.key);
  for (const node of net.nodes) if (node !== net.client) await net.settle(node.stop());

  const topic = `/fil/blocks/${full.params.name}`;
  const feed = async (blocks: readonly FullBlock[], name: string): Promise<void> => {
    await net.settle(net.client.start());
    const stranger = net.wire.createWire(name);
    await net.settle(stranger.connect("/sim/client"));
    for (const block of blocks) {
      await net.settle(stranger.publish(topic, encodeBlock(block)));
      await net.advance(20);
    }
    await net.settle(stranger[Symbol.asyncDispose]());
  };
  await feed([...before, first as FullBlock], "one");
  expect(net.client.node.chain.head().height).toBe(wide.height);
  expect(net.client.node.chain.head().blocks).toHaveLength(1);
  await net.settle(net.client.stop());
  await feed(others, "two");
  expect(net.client.node.chain.head().key).toBe(wide.key);
});
