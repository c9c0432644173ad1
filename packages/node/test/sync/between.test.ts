/**
 * A process that ends between taking a tipset in and making it its head: nobody gives it that tipset again, since it
 * says that it has it. It must come to it all the same. Of a miner whose own block it is: `own-blocks.test.ts`.
 */
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it, vi } from "vitest";

const limitMs = 300_000;
const head = ({ node }: TestNode) => node.chain.head();
const miner = (net: TestNetwork): TestNode => {
  const [first] = net.miners;
  if (first === undefined) throw new TypeError("the network has a miner");
  return first;
};

/** The next tipset of the node is taken in, and then its process is as dead as can be. */
function dieBetween({ node }: TestNode) {
  return vi.spyOn(node.chain, "setHead").mockRejectedValue(new Error("the process is gone"));
}

describe("a tipset that was taken in and is not the head", () => {
  it("becomes it when a peer tells of it", async () => {
    await using net = await createNetwork({ miners: 1, seed: "told" });
    await net.advance("5s");
    const { client } = net;
    const own = miner(net);
    const before = head(client).height;
    const death = dieBetween(client);
    expect(await net.advanceUntil(() => head(own).height > before, limitMs)).toBe(true);
    await net.settle(own.stop());
    const [bootstrap] = net.nodes;
    if (bootstrap === undefined) throw new TypeError("the network has a first node");
    const isHere = () => client.node.chain.tipset(head(bootstrap).key) !== undefined;
    expect(await net.advanceUntil(isHere, limitMs)).toBe(true);
    expect(head(client).height).toBe(before);
    death.mockRestore();
    await net.settle(client.node.wire.disconnect(bootstrap.node.wire.self));
    await net.settle(client.node.wire.connect("/sim/bootstrap"));
    expect(await net.advanceUntil(() => head(client).key === head(bootstrap).key, 60_000)).toBe(true);
  });
});
