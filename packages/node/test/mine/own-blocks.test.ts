/**
 * A miner whose signed block does not come into the chain: it contradicts it never, and it is not stopped by it for
 * ever either. The block loop is driven by hand, round for round, with a door to the chain that can be closed.
 */
import { silentLogger } from "@holdfast/base";
import { blockCid, blockErrors, consensusFaultOf, type FullBlock } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { createVerifier, verifyStatement } from "@holdfast/proofs/verify";
import { describe, expect, it, vi } from "vitest";
import { mineStorageOf } from "../../src/compose-storage.ts";
import { openDatabase } from "../../src/database.ts";
import { mineRound } from "../../src/mine/blocks.ts";
import { openSignedHeights } from "../../src/mine/index.ts";
import { createProofPass } from "../../src/proof-pass.ts";

/** The only miner of a network by hand: its blocks go to the client's node, through a door that may be closed. */
async function byHand(net: TestNetwork) {
  const [node] = net.miners;
  if (node?.miner === undefined || node.storage === undefined) throw new TypeError("the network has a miner");
  await net.advance("5s");
  const { miner, storage } = node;
  const { wallet } = node.node;
  await net.settle(node.stop());
  const { chain, sync } = net.client.node;
  const verifier = createVerifier();
  const checker = {
    verify: async (statement: Parameters<typeof verifyStatement>[1]) => verifyStatement(verifier, statement),
  };
  const heights = openSignedHeights(openDatabase(":memory:"));
  const signed: FullBlock[] = [];
  const door: { closedBy: Error | undefined } = { closedBy: undefined };
  const needs = {
    miner,
    chain,
    submitBlock: async (block: FullBlock) => {
      if (!signed.some(({ header }) => header === block.header)) signed.push(block);
      if (door.closedBy !== undefined) throw door.closedBy;
      await sync.submitOwnBlock(block);
    },
    candidates: () => [],
    sender: net.client.node.sender,
    storage: mineStorageOf(storage),
    signer: wallet,
    proofs: createProofPass(checker, verifier),
    database: openDatabase(":memory:"),
    clock: net.clock,
    logger: silentLogger,
    ask: undefined,
    twins: undefined,
  };
  let round: number = chain.head().height;
  /** Rounds until `done`; what the loop would log is returned. */
  const mineUntil = async (done: () => boolean, most = 40): Promise<unknown[]> => {
    const errors: unknown[] = [];
    for (let i = 0; i < most && !done(); i++) {
      round += 1;
      await net.advanceUntil(
        () => net.clock.nowMs() >= chain.genesisTimestampMs + round * chain.params.roundMs,
        10_000,
      );
      await net.settle(mineRound(needs, heights, round).catch((error: unknown) => errors.push(error)));
    }
    expect(done()).toBe(true);
    return errors;
  };
  const skip = (rounds: number): void => {
    round += rounds;
  };
  return { chain, heights, miner, signed, door, mineUntil, skip };
}

describe("a miner whose block was signed and did not come into the chain", () => {
  it("comes to one that its node has taken in and is not on, because the process ended in between", async () => {
    await using net = await createNetwork({ miners: 1, seed: "between" });
    const { chain, mineUntil, signed } = await byHand(net);
    const start = chain.head().height;
    const death = new Error("the process is gone");
    vi.spyOn(chain, "setHead").mockRejectedValueOnce(death);
    expect(await mineUntil(() => signed.length > 0)).toEqual([death]);
    const [lost] = signed as [FullBlock];
    expect(chain.head().height).toBe(start);
    expect(chain.fullBlock(blockCid(lost.header))).toBeDefined();
    await mineUntil(() => chain.head().height > start);
    expect(chain.tipsetAt(lost.header.height).cids).toEqual([blockCid(lost.header)]);
  });

  it("offers it again before it signs another on the same parents, and goes on from there", async () => {
    await using net = await createNetwork({ miners: 1, seed: "own" });
    const { chain, door, heights, miner, mineUntil, signed } = await byHand(net);
    const start = chain.head().height;
    door.closedBy = new Error("the disk is full");
    expect(await mineUntil(() => signed.length > 0)).toEqual([door.closedBy]);
    const [lost] = signed as [FullBlock];
    expect(chain.head().height).toBe(start);
    door.closedBy = undefined;
    await mineUntil(() => chain.head().height > lost.header.height);
    expect(chain.tipsetAt(lost.header.height).cids.map(String)).toEqual([String(blockCid(lost.header))]);
    const kept = heights.kept(miner);
    for (const one of kept)
      for (const other of kept) expect(consensusFaultOf(one, other, null)).toBeUndefined();
  });

  it("remembers it while a clock that was set back refuses it", async () => {
    await using net = await createNetwork({ miners: 1, seed: "own" });
    const { chain, door, heights, miner, mineUntil, signed } = await byHand(net);
    door.closedBy = blockErrors.fromTheFuture({ timestampMs: 2, nowMs: 1 });
    await mineUntil(() => signed.length > 0);
    expect(heights.kept(miner)).toHaveLength(1);
    door.closedBy = blockErrors.wrongTimestamp({ timestampMs: 2, expectedMs: 1 });
    const before = chain.head().height;
    await mineUntil(() => heights.kept(miner).length === 0);
    expect(chain.head().height).toBe(before);
  });

  it("is free of it once no report can name it any more", async () => {
    const params = { finalityEpochs: 10 };
    await using net = await createNetwork({ miners: 1, seed: "own", params });
    const { door, mineUntil, signed, skip } = await byHand(net);
    door.closedBy = new Error("the disk is full");
    await mineUntil(() => signed.length > 0);
    skip(params.finalityEpochs + 1);
    await mineUntil(() => signed.length > 1);
    const [first, second] = signed as [FullBlock, FullBlock];
    expect(second.header.height - first.header.height).toBeGreaterThan(params.finalityEpochs);
  });
});
