/** A recovery is declared again for the same window where the branch of the chain that stays has refused it. */
import { type CID, rawCid } from "@holdfast/base";
import { readSectors } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { expect, it } from "vitest";
import type { MineNeeds } from "../../src/mine/index.ts";
import type { Doubts } from "../../src/mine/posts.ts";
import { recoverSectors } from "../../src/mine/recoveries.ts";

it("a recovery that was refused is declared again, bounded, and one that counts is not", async () => {
  await using net = await createNetwork({ miners: 2, seed: "recoveries" });
  await net.advance("3s");
  const [first] = net.miners;
  const { chain } = net.client.node;
  if (first?.miner === undefined) throw new TypeError("the network has a miner");
  const { miner } = first;
  await net.settle(first.stop());
  const isFaulty = (): boolean =>
    readSectors(chain.store, chain.headState().state, miner).some(({ faultySince }) => faultySince !== null);
  expect(await net.advanceUntil(isFaulty, 300_000)).toBe(true);
  const keys: string[] = [];
  let exitCode: number | undefined;
  const cidOf = (key: string): CID => rawCid(new TextEncoder().encode(key.padStart(32).slice(-32)));
  const needs = {
    ...{ chain, miner },
    storage: {
      generatePost: async (_: string, __: Uint8Array, ids: readonly number[]) => ({
        ...{ proof: new Uint8Array(8), proven: ids, faults: [] },
      }),
    },
    sender: {
      send: async ({ key }: { readonly key: string }) => void keys.push(key),
      sentAs: (key: string) => (keys.includes(key) ? { cid: cidOf(key) } : undefined),
      find: () => ({ mined: exitCode === undefined ? undefined : { receipt: { exitCode } } }),
    },
  } as unknown as MineNeeds;
  const doubts: Doubts = new Map();
  /** Looks so often at one head at which a declaration is taken. */
  const look = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) await recoverSectors(needs, doubts);
  };
  for (let round = 0; keys.length === 0 && round < 100; round += 1) {
    await look(1);
    if (keys.length === 0) await net.advance(chain.params.roundMs);
  }
  await look(3);
  expect(keys.length).toBe(1); // it is on its way
  exitCode = 0;
  await look(3);
  expect(keys.length).toBe(1);
  exitCode = 1;
  await look(9);
  expect(keys.length).toBe(3);
  expect(new Set(keys).size).toBe(3);
});
