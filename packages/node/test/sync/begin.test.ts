/**
 * Beginning at a checkpoint with a state that peers give, in virtual time: one of them lies and one leaves; a node that
 * is stopped in the middle goes on where it was; what nobody gives is not waited for until the end of days.
 */
import { type CborValue, CID, decodeCbor, encode } from "@holdfast/base";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { checkpointText, parseCheckpoint } from "../../src/chain/index.ts";
import { sendFrame, sendMessage } from "../../src/framing.ts";
import { swapProtocol } from "../../src/swap/index.ts";
import { exchangeProtocol, rangeBlockCodec, rangeStartCodec } from "../../src/sync/exchange.ts";

const finalityEpochs = 6;
const { signal } = new AbortController();

/** The client has seen nothing yet; the others are 30 high. */
async function late(seed: string, checkpointHeight = 22) {
  const net = await createNetwork({ miners: 2, seed, params: { finalityEpochs } });
  await net.settle(net.client.stop());
  const [bootstrap] = net.nodes;
  if (bootstrap === undefined) throw new TypeError("there is a first node");
  const { chain } = bootstrap.node;
  expect(await net.advanceUntil(() => chain.head().height >= 30, 120_000)).toBe(true);
  const at = chain.tipsetAt(checkpointHeight);
  const checkpoint = parseCheckpoint(checkpointText(at));
  if (checkpoint === undefined) throw new TypeError("it is one");
  net.client.prepare({ checkpoint, stateSync: true });
  return { net, chain, checkpoint };
}
const status = (net: TestNetwork) => net.settle(net.client.node.handlers["sync.status"]({}, signal));
const begun = (net: TestNetwork) => net.client.node.sync.beginning();

/** The client has come by the checkpoint, without having executed anything below it. */
function expectBegun(net: TestNetwork, chain: TestNetwork["client"]["node"]["chain"], height: number): void {
  const own = net.client.node.chain;
  const root = chain.tipsetAt(height);
  expect(own.tipsetAt(height).key).toBe(root.key);
  expect(own.stateAfter(root.key)?.toString()).toBe(chain.stateAfter(root.key)?.toString());
  const low = chain.tipsetAt(5);
  expect(own.tipset(low.key)?.key).toBe(low.key);
  expect(own.stateAfter(low.key)).toBeUndefined();
  expect(own.horizon().statesFrom).toBe(chain.parentOf(root)?.height);
}

/** How many objects the state before the checkpoint has. */
function objectsOf(chain: TestNetwork["client"]["node"]["chain"], height: number): number {
  const seen = new Set<string>();
  const visit = (value: CborValue): void => {
    if (value instanceof CID) {
      const bytes = value.code === 0x71 && !seen.has(value.toString()) ? chain.store.get(value) : undefined;
      if (bytes === undefined) return;
      seen.add(value.toString());
      visit(decodeCbor(bytes));
    } else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array))
      for (const part of Array.isArray(value) ? value : Object.values(value)) visit(part);
  };
  visit(chain.tipsetAt(height).parentState);
  return seen.size;
}

describe("a chain that begins at a checkpoint", () => {
  it("has its state from peers, of which one lies and one leaves, and goes on as everybody does", async () => {
    const { net, chain, checkpoint } = await late("begin");
    await using _net = net;
    const liar = net.wire.createWire("liar");
    const [header] = chain.head().blocks;
    if (header === undefined) throw new TypeError("there is a block");
    liar.handle(exchangeProtocol, async (stream) => {
      await sendMessage(stream, rangeStartCodec, { state: "found" });
      await sendFrame(stream, encode(rangeBlockCodec, { header, messages: null }));
      await stream.closeWrite();
    });
    liar.handle(swapProtocol, async (stream) => {
      await stream.closeWrite();
      const answer = await liar.open(stream.peer, swapProtocol);
      await sendFrame(answer, Uint8Array.of(1, 2, 3, 4));
      await answer.closeWrite();
    });
    await net.settle(net.client.start());
    await net.settle(liar.connect("/sim/client"));
    expect(await net.advanceUntil(() => (begun(net)?.objects ?? 0) > 0, 60_000)).toBe(true);
    expect((await status(net)).state).toBe("syncing");
    const [first] = net.miners;
    if (first === undefined) throw new TypeError("there is a miner");
    await net.settle(first.stop());
    expect(await net.advanceUntil(() => begun(net) === undefined, 120_000)).toBe(true);
    expectBegun(net, chain, checkpoint.height);
    const own = net.client.node.chain;
    expect(
      await net.advanceUntil(() => own.head().height > 32 && own.head().key === chain.head().key, 120_000),
    ).toBe(true);
    expect(await status(net)).toMatchObject({ beginning: null, checkpoint: checkpointText(checkpoint) });
    // It serves and survives as any other.
    await net.settle(net.client.stop());
    await net.settle(net.client.start());
    expect(net.client.node.chain.head().height).toBeGreaterThan(32);
    await net.settle(liar[Symbol.asyncDispose]());
  });

  it("goes on after a stop in the middle, with what it has", async () => {
    const { net, chain, checkpoint } = await late("begin again");
    await using _net = net;
    await net.settle(net.client.start());
    expect(await net.advanceUntil(() => (begun(net)?.objects ?? 0) > 0, 60_000)).toBe(true);
    const before = begun(net);
    await net.settle(net.client.stop());
    await net.settle(net.client.start());
    let last = begun(net);
    expect(last?.headers).toBe(before?.headers);
    const done = () => {
      last = begun(net) ?? last;
      return begun(net) === undefined;
    };
    expect(await net.advanceUntil(done, 120_000)).toBe(true);
    expectBegun(net, chain, checkpoint.height);
    const wanted = objectsOf(chain, checkpoint.height);
    expect((before?.objects ?? 0) + (last?.objects ?? 0)).toBeLessThanOrEqual(wanted);
    expect(last?.objects).toBeLessThan(wanted);
  });

  it("is given up if nobody holds its state (any more), and it is said", async () => {
    const { net, chain, checkpoint } = await late("begin in vain", 4);
    await using _net = net;
    for (const node of net.nodes) {
      if (node === net.client) continue;
      await net.settle(node.node.handlers["chain.prune"]({ keepEpochs: 22 }, signal));
    }
    expect(chain.horizon().statesFrom).toBeGreaterThan(checkpoint.height);
    // The bootstrap node remains: a chain that stands still costs no time.
    for (const miner of net.miners) await net.settle(miner.stop());
    await net.settle(net.client.start());
    const isTold = () => begun(net)?.trouble?.includes("nobody gives") === true;
    expect(await net.advanceUntil(isTold, 60_000)).toBe(true);
    expect((await status(net)).reason).toContain("nobody gives");
    expect(await net.advanceUntil(() => begun(net) === undefined, 1_200_000)).toBe(true);
    // The messages below are gone as well: it stays where it is, and takes no other history.
    expect(net.client.node.chain.head().height).toBe(0);
  });
});
