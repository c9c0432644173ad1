/** Sectors whose way onto the chain is disturbed: each goes on, or says why it cannot. */
import { encode, sectorId } from "@holdfast/base";
import {
  methods,
  networkIdOf,
  readMinerState,
  readPreCommit,
  readSector,
  readSectors,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

function firstMiner(net: TestNetwork) {
  const [node] = net.miners;
  if (node?.miner === undefined || node.storage === undefined) throw new TypeError("the network has a miner");
  return { node, miner: node.miner, storage: node.storage };
}

function state(net: TestNetwork) {
  const { chain } = net.client.node;
  return [chain.store, chain.headState().state] as const;
}

describe("a sector of a miner", () => {
  it("is sealed again when the chain does not hold its ticket any more", async () => {
    await using net = await createNetwork({ miners: 2, seed: "ticket" });
    const { node, miner, storage } = firstMiner(net);
    await net.advance("10s");
    await net.settle(node.stop());
    const number = await storage.addCommittedCapacity();
    const networkId = networkIdOf(net.client.node.chain.params);
    await storage.startSeal(number, { epoch: 1, bytes: new Uint8Array(32).fill(1) }, { networkId, miner });
    await net.settle(storage.whenIdle(number));
    await net.settle(node.start());
    const isThere = () => readSector(...state(net), miner, sectorId(number)) !== undefined;
    expect(await net.advanceUntil(isThere, 120_000)).toBe(true);
  });

  it("says so when its pre-commitment has expired while the miner was away", async () => {
    const params = { preCommitExpiryEpochs: 20, sealChallengeDelayEpochs: 4 };
    await using net = await createNetwork({ miners: 2, seed: "expired", params });
    const { node, miner, storage } = firstMiner(net);
    await net.advance("10s");
    const number = await storage.addCommittedCapacity();
    const isThere = () => readPreCommit(...state(net), miner, sectorId(number)) !== undefined;
    expect(await net.advanceUntil(isThere, 60_000)).toBe(true);
    await net.settle(node.stop());
    expect(await net.advanceUntil(() => !isThere(), 240_000)).toBe(true);
    await net.settle(node.start());
    const said = () => node.node.mining?.status().sectorFailures.get(number) ?? "";
    expect(await net.advanceUntil(() => said().includes("can never be on the chain"), 60_000)).toBe(true);
  });

  it("waits for the pledge, says what is missing, and goes on when it is there", async () => {
    await using net = await createNetwork({ miners: 2, seed: "pledge" });
    const { node, miner, storage } = firstMiner(net);
    await net.advance("5s");
    const { freeBalance, worker } = readMinerState(...state(net), miner);
    const { sender, chain } = node.node;
    const params = encode(methods.miner.withdraw.params, { amount: freeBalance });
    await net.settle(sender.send({ from: worker, to: miner, method: "withdraw", params }));
    expect(
      await net.advanceUntil(() => readMinerState(...state(net), miner).freeBalance === 0n, 60_000),
    ).toBe(true);
    const number = await storage.addCommittedCapacity();
    const said = () => node.node.mining?.status().sectorFailures.get(number) ?? "";
    expect(await net.advanceUntil(() => said().includes("needs a pledge of"), 60_000)).toBe(true);
    const value = chain.params.minPledgePerSector;
    await net.settle(sender.send({ from: worker, to: miner, value }));
    const isThere = () => readSector(...state(net), miner, sectorId(number)) !== undefined;
    expect(await net.advanceUntil(isThere, 120_000)).toBe(true);
  });

  it("is skipped in the proof, before the judgement, when none of the miner's sectors can be proven", async () => {
    await using net = await createNetwork({ miners: 2, seed: "declare" });
    const { miner, storage } = firstMiner(net);
    await net.advance("10s");
    for (const one of await storage.listSectors()) await storage.markExpired(one.sectorId);
    const faults = () => readSectors(...state(net), miner).map(({ faultySince }) => faultySince);
    expect(await net.advanceUntil(() => !faults().includes(null), 120_000)).toBe(true);
    const { chain } = net.client.node;
    const [since] = faults();
    const declared = [...chain.ancestors(chain.head())]
      .flatMap((tipset) => chain.messagesOf(tipset).map(({ message }) => ({ message, tipset })))
      .filter(({ message }) => message.to === miner && message.method === "submitPost");
    expect(declared.map(({ tipset }) => tipset.height)).toContain(since);
  });
});
