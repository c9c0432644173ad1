/** An ask that the chain has refused is not the last one: without an ask nobody finds the miner. */
import { filToAtto, rawCid } from "@holdfast/base";
import { createNetwork } from "@holdfast/node/testing";
import { expect, it } from "vitest";
import { publishAsk } from "../../src/mine/asks.ts";
import type { MineNeeds } from "../../src/mine/index.ts";

it("an ask is sent once, and as another message some rounds after the chain has refused it", async () => {
  await using net = await createNetwork({ miners: 1, seed: "asks" });
  await net.advance("3s");
  const { chain } = net.client.node;
  const keys = new Set<string>();
  let exitCode = 0;
  const needs = {
    ...{ chain, miner: net.miners[0]?.miner },
    sender: {
      send: async ({ key }: { readonly key: string }) => void keys.add(key),
      sentAs: (key: string) => (keys.has(key) ? { cid: rawCid(new Uint8Array(0)) } : undefined),
      find: () => ({ mined: { receipt: { exitCode } } }),
    },
  } as unknown as MineNeeds;
  const policy = {
    ...{ pricePerBytePerEpoch: filToAtto(1), minBytes: 1, maxBytes: 1_024, forEpochs: 1e12 },
  };
  for (let head = 0; head < 4; head += 1) await publishAsk(needs, policy);
  expect(keys.size).toBe(1);
  exitCode = 1;
  for (let head = 0; head < 4; head += 1) await publishAsk(needs, policy);
  expect(keys.size).toBe(2);
  await net.advance(20 * chain.params.roundMs);
  await publishAsk(needs, policy);
  expect(keys.size).toBe(3);
});
