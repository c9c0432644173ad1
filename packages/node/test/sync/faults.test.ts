/**
 * Consensus faults in a network: whoever signs what it must not is reported by those who see it and punished once;
 * an honest miner refuses to sign it, also after a crash.
 */
import {
  type Address,
  attoFil,
  BufferedBlockstore,
  type CID,
  epoch,
  gasUnits,
  nonce,
  silentLogger,
} from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockSigningBytes,
  encodeBlock,
  executeForMining,
  type FullBlock,
  messageCid,
  messageSigningBytes,
  readActor,
  readMinerState,
  type SignedMessage,
  signBlock,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { createVerifier } from "@holdfast/proofs/verify";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { openSignedHeights } from "../../src/mine/index.ts";
import { FaultWatch } from "../../src/sync/index.ts";

const someKey = new Uint8Array(32).fill(7);

/** Headers that were never executed: the watch only compares. */
function chainOf(header: BlockHeader) {
  const at = (height: number, over: Partial<BlockHeader> = {}): BlockHeader => {
    const { signature: _, ...unsigned } = { ...header, height: epoch(height), ...over };
    return signBlock(someKey, new Uint8Array(32), unsigned);
  };
  return at;
}

async function someHeader(net: TestNetwork): Promise<BlockHeader> {
  expect(await net.advanceUntil(() => net.client.node.chain.head().height > 3, 60_000)).toBe(true);
  const [header] = net.client.node.chain.head().blocks;
  if (header === undefined) throw new TypeError("a head has blocks");
  return header;
}

describe("the watch", () => {
  it("finds each kind of fault once, and nothing in an honest chain", async () => {
    await using net = await createNetwork({ miners: 1, seed: "watch" });
    const at = chainOf(await someHeader(net));
    const first = at(100);
    const brother = at(100, { miner: net.client.account });
    const second = at(101, { parents: [blockCid(first)] });
    const honest = new FaultWatch(10);
    for (const header of [first, second, at(102, { parents: [blockCid(second)] })])
      expect(honest.see(header, [])).toBeUndefined();
    expect(honest.see(first, [])).toBeUndefined();
    const cases: readonly (readonly [string, BlockHeader, readonly BlockHeader[]])[] = [
      ["double-fork", at(100, { parentWeight: 1n }), []],
      ["time-offset", at(103), []],
      ["parent-grinding", at(101, { parents: [blockCid(brother)] }), [brother]],
    ];
    for (const [kind, header, parents] of cases) {
      const watch = new FaultWatch(10);
      expect(watch.see(first, [])).toBeUndefined();
      expect(watch.see(header, parents)).toMatchObject({ kind, miner: first.miner });
      expect(watch.see(header, parents)).toBeUndefined();
    }
  });

  it("forgets what is older than finality", async () => {
    await using net = await createNetwork({ miners: 1, seed: "watch" });
    const at = chainOf(await someHeader(net));
    const twin = at(100, { parentWeight: 1n });
    const fresh = new FaultWatch(10);
    fresh.see(at(100), []);
    fresh.see(at(110, { parents: [] }), []);
    expect(fresh.see(twin, [])).toMatchObject({ kind: "double-fork" });
    const stale = new FaultWatch(10);
    stale.see(at(100), []);
    stale.see(at(111, { parents: [] }), []);
    expect(stale.see(twin, [])).toBeUndefined();
  });
});

describe("a miner that signs two blocks of one height", () => {
  /** Brothers of the newest block of a miner that has messages: with other messages, as valid, and signed as well. */
  async function forge(net: TestNetwork, evil: TestNode): Promise<readonly FullBlock[]> {
    const { chain } = net.client.node;
    const own = () => {
      const header = chain.head().blocks.find(({ miner }) => miner === evil.miner);
      const isFull = header !== undefined && (chain.fullBlock(blockCid(header))?.messages.length ?? 0) > 0;
      return isFull ? header : undefined;
    };
    for (let i = 0; own() === undefined; i++) {
      if (i > 200) throw new TypeError("the miner wins a block");
      await net.settle(net.client.node.sender.send({ to: evil.account, value: attoFil(1) }));
      await net.advance("1s");
    }
    const header = own() as BlockHeader;
    const parent = chain.parentOf(chain.head());
    if (parent === undefined) throw new TypeError("the head has a parent");
    const { worker } = readMinerState(chain.store, header.parentState, header.miner);
    return [[], [1n], [2n], [3n]].map((values): FullBlock => {
      const { stateRoot, messagesRoot, receiptsRoot, included } = executeForMining({
        store: new BufferedBlockstore(chain.store),
        parentState: header.parentState,
        miner: header.miner,
        height: header.height,
        candidates: values.map((value) => messageOf(net, evil, header.parentState, value)),
        env: {
          params: chain.params,
          networkId: chain.networkId,
          verifier: createVerifier(),
          randomness: chain.randomnessBelow(parent),
        },
      });
      const { signature: _, ...unsigned } = header;
      const brother = { ...unsigned, stateRoot, messages: messagesRoot, receipts: receiptsRoot };
      const signature = evil.node.wallet.sign(worker, blockSigningBytes(brother, chain.networkId));
      return { header: { ...brother, signature }, messages: included };
    });
  }

  function messageOf(net: TestNetwork, evil: TestNode, state: CID, value: bigint): SignedMessage {
    const message = {
      from: evil.account,
      to: net.client.account,
      nonce: nonce(readActor(net.client.node.chain.store, state, evil.account)?.nonce ?? 0),
      value: attoFil(value),
      method: "",
      params: new Uint8Array(0),
      gasPrice: attoFil(1n),
      gasLimit: gasUnits(10_000),
    };
    const toSign = messageSigningBytes(message, net.client.node.chain.networkId);
    return { message, signature: evil.node.wallet.sign(evil.account, toSign) };
  }

  /** Reports in the chain, by who sent them. */
  function reportsIn(net: TestNetwork): ReadonlyMap<Address, number> {
    const { chain } = net.client.node;
    const sent = new Map(
      [...chain.ancestors(chain.head())]
        .flatMap((tipset) => chain.messagesOf(tipset))
        .filter(({ message }) => message.method === "reportConsensusFault")
        .map((signed) => [messageCid(signed).toString(), signed.message.from]),
    );
    const counts = new Map<Address, number>();
    for (const from of sent.values()) counts.set(from, (counts.get(from) ?? 0) + 1);
    return counts;
  }

  it("is reported by those who see it and loses everything, once, however many brothers it signs", async () => {
    await using net = await createNetwork({ miners: 2, seed: "double-fork" });
    const [evil] = net.miners as [TestNode];
    await net.advance("10s");
    const brothers = await forge(net, evil);
    const [brother] = brothers as [FullBlock];
    const { chain } = net.client.node;
    const view = () => readMinerState(chain.store, chain.headState().state, brother.header.miner);
    const before = view();
    const stranger = net.wire.createWire("stranger");
    await net.settle(stranger.connect("/sim/client"));
    const topic = `/fil/blocks/${chain.params.name}`;
    const [late, ...early] = brothers.toReversed() as [FullBlock, ...FullBlock[]];
    // At once: they are there before the first of them is known to be one of two.
    await net.settle(Promise.all(early.map((one) => stranger.publish(topic, encodeBlock(one)))));
    await net.advance(50);
    // Two prove the fault; nobody executes and forwards another one.
    await net.settle(stranger.publish(topic, encodeBlock(late)));
    await net.advance(50);
    const isTaken = [...early, late].map(({ header }) => chain.fullBlock(blockCid(header)) !== undefined);
    expect(isTaken).toEqual([true, true, true, false]);
    expect(await net.advanceUntil(() => view().slashedAt !== null, 60_000)).toBe(true);
    expect(view()).toMatchObject({ power: 0n, sectorCount: 0, pledge: 0n });
    const { slashedAt, burnt } = view();
    expect(burnt).toBeGreaterThanOrEqual(before.pledge);
    // Everybody has seen it, and one report was enough.
    await net.advance("20s");
    expect(view()).toMatchObject({ slashedAt, burnt });
    expect([...reportsIn(net).values()].filter((count) => count > 1)).toEqual([]);
    expect(reportsIn(net).size).toBeGreaterThan(0);
    await net.settle(stranger[Symbol.asyncDispose]());
  });

  it("sees nothing of the kind in a network of honest miners that stop and start", async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    await using net = await createNetwork({ miners: 3, seed: "honest", logger });
    for (const [round, node] of net.miners.entries()) {
      await net.advance("20s");
      await net.settle(node.stop());
      await net.advance(`${3 + round}s`);
      await net.settle(node.start());
    }
    await net.advance("30s");
    expect(warnings.filter((text) => text.includes("must not"))).toEqual([]);
  });
});

describe("what a miner has signed", () => {
  it("is kept until finality, over restarts, and forgotten if it never left", async () => {
    await using net = await createNetwork({ miners: 1, seed: "kept" });
    const header = await someHeader(net);
    const database = openDatabase(":memory:");
    const heights = openSignedHeights(database);
    const block = (height: number): FullBlock => ({ header: chainOf(header)(height), messages: [] });
    for (const height of [5, 6, 9]) heights.keep(block(height), height - 3);
    expect(heights.kept(header.miner).map((one) => one.height)).toEqual([6, 9]);
    heights.forget(block(9));
    const again = openSignedHeights(database);
    expect(again.kept(header.miner).map((one) => one.height)).toEqual([6]);
    expect(again.kept(net.client.account)).toEqual([]);
  });
});
