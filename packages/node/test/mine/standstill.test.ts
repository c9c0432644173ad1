/** A network of one miner that is too slow for its own windows: it stands without power, and comes back by itself. */
import { readPower, readSectors, readStandstill } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

describe("a network whose only miner misses its windows", () => {
  it("goes on making blocks, is followed by others, and has its power back when the miner is fast enough", async () => {
    await using net = await createNetwork({ miners: 1, seed: "alone" });
    const [node] = net.miners;
    if (node?.storage === undefined || node.miner === undefined)
      throw new TypeError("the network has a miner");
    const { miner, storage } = node;
    const real = storage.generatePost.bind(storage);
    let isSlow = true;
    Object.assign(storage, {
      generatePost: async (...[kind, seed, ids]: Parameters<typeof real>) => {
        if (isSlow && kind === "window") throw new RangeError("the window is over before the proof is");
        return real(kind, seed, ids);
      },
    });
    const { chain } = net.client.node;
    const state = () => [chain.store, chain.headState().state] as const;
    const isStill = () => readStandstill(...state()) !== null;
    expect(await net.advanceUntil(isStill, 300_000)).toBe(true);
    expect(readPower(...state())).toBe(0n);
    const { height } = chain.head();
    // Without the rule this is the last block.
    expect(await net.advanceUntil(() => chain.head().height > height + 10, 30_000)).toBe(true);
    isSlow = false;
    expect(await net.advanceUntil(() => !isStill(), 300_000)).toBe(true);
    expect(readPower(...state())).toBeGreaterThan(0n);
    expect(readSectors(...state(), miner).map(({ faultySince }) => faultySince)).toEqual([null]);
    net.money();
  });
});
