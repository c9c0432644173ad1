/**
 * A buyer's node on a whole network in virtual time: it looks at what its account has bought each slot, asks on the
 * chain who shows nothing, and closes what was not answered. A node that hides a lost order behind many small ones of
 * its own loses it; an honest one that is asked all the time loses nothing.
 */
import { addAtto, type CID, encode, filToAtto, parseCid, parseFil } from "@holdfast/base";
import {
  builtinAddresses,
  methods,
  pinCost,
  pinMarks,
  pinSlotPrice,
  readPin,
  readPinNode,
} from "@holdfast/consensus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";

const { signal } = new AbortController();
const slotEpochs = 5;
const stake = filToAtto(10);
const price = filToAtto(1);

let net: TestNetwork;
let honest: TestNode;
let cheat: TestNode;

const settle = <Result>(promise: Promise<Result>): Promise<Result> => net.settle(promise);
const now = () => {
  const { chain } = net.client.node;
  return { store: chain.store, state: chain.headState().state };
};
const order = (number: number) => readPin(now().store, now().state, number);
const nodeOf = (number: number) => {
  const found = readPinNode(now().store, now().state, number);
  if (found === undefined) throw new Error("it is a node");
  return found;
};
const until = async (done: () => boolean, limit = 400_000): Promise<void> => {
  if (!(await net.advanceUntil(done, limit))) throw new Error("it never comes");
};
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Content that the client has, bought by an account of a node. */
async function buy(by: TestNode, length: number): Promise<CID> {
  const bytes = new Uint8Array(length).map((_, at) => (at * 7919 + length) >> 3);
  const imported = await settle(net.client.node.files.importFile(once(bytes), signal));
  const cid = parseCid(imported.cid);
  const terms = { cid, bytes: imported.carBytes, wanted: 2, price, slots: 60 };
  const { sender } = by.node;
  const value = pinCost(terms, terms.slots);
  const params = encode(methods.pins.addPin.params, terms);
  const sent = sender.send({ to: builtinAddresses(1).pins, method: "addPin", params, value });
  await settle(sent.then(({ cid: message }) => sender.wait(message)));
  return cid;
}
const settlePin = (pin: number) =>
  settle(
    net.client.node.handlers["pinOrder.settle"]({ pins: [pin] }, signal).then(({ cid }) =>
      net.client.node.sender.wait(parseCid(cid)),
    ),
  );

beforeAll(async () => {
  net = await createNetwork({
    miners: 2,
    seed: "buyer",
    pinning: { program: new Uint8Array(32).fill(1), mayAsk: true },
    params: {
      ...{
        pinSlotEpochs: slotEpochs,
        pinSamples: 4,
        pinAnswerEpochs: 12,
        pinDisputeSlots: 8,
        pinStake: stake,
      },
      finalityEpochs: 20,
    },
  });
  [honest = net.client, cheat = net.client] = net.miners;
  await net.advance("20s");
  for (const node of [honest, cheat])
    await settle(node.node.handlers["posc.join"]({ capacityBytes: 100_000_000 }, signal));
}, 60_000);
afterAll(() => net[Symbol.asyncDispose]());

describe("a buyer's node", () => {
  let large: CID;

  it("sees each slot that its order is shown, and asks nobody", async () => {
    large = await buy(net.client, 700_000);
    for (let turn = 0; turn < 5; turn += 1) await buy(cheat, 500 + turn);
    const numbers = [0, 1, 2, 3, 4, 5];
    await until(() =>
      numbers.every((one) => order(one)?.replicas.every(({ fromSlot }) => fromSlot !== null) === true),
    );
    expect(order(0)?.replicas).toHaveLength(2);
    const shown = async () => {
      const { holders } = await settle(net.client.node.handlers["pinOrder.show"]({ pin: 0 }, signal));
      return holders.every(({ look }) => look?.found === "shown");
    };
    for (let slot = 0; !(await shown()); slot += 1) {
      expect(slot).toBeLessThan(8);
      await net.advance("5s");
    }
    expect(order(0)?.replicas.every(({ ask }) => ask === null)).toBe(true);
  }, 120_000);

  it("finds a node that hides the lost order behind its own ones: it loses place and pay, not the stake", async () => {
    await cheat.pinning?.blocks.delete(large);
    await until(() => order(0)?.replicas.some(({ ask }) => ask !== null) === true);
    const asked = order(0)
      ?.replicas.filter(({ ask }) => ask !== null)
      .map(({ node }) => node);
    expect(asked).toEqual([1]);
    const why = await settle(net.client.node.handlers.why({ subject: "pin:0" }, signal));
    expect(why.causes.some((cause) => cause.startsWith("node 1 is asked by the buyer"))).toBe(true);
    await until(() => order(0)?.dropped.includes(1) === true);
    expect(order(0)?.replicas.map(({ node }) => node)).toEqual([0]);
    await settlePin(0);
    expect(nodeOf(1)).toMatchObject({ earned: 0n, stake, status: "active", openAsks: 0 });
    // Its own small orders hid it well: most of its samples were answered.
    const [newest] = await settle(net.client.node.handlers["pinReport.ls"]({ node: 1, limit: 1 }, signal));
    expect(newest?.accuracyPercent).toBeGreaterThan(0);
  }, 120_000);

  it("costs an honest node nothing by asking all the time: it answers by itself, and is paid at once", async () => {
    const full = pinSlotPrice(order(0)?.bytes ?? 0, price);
    const from = order(0)?.replicas[0]?.fromSlot ?? 0;
    for (let turn = 0; turn < 3; turn += 1) {
      await settle(net.client.node.handlers["pinOrder.ask"]({ pin: 0, node: 0 }, signal));
      await until(() => nodeOf(0).openAsks === 1);
      await until(() => nodeOf(0).openAsks === 0);
    }
    const { paidIndex } = order(0)?.replicas[0] ?? { paidIndex: 0 };
    const marks = pinMarks(now().store, nodeOf(0), from, 1_000_000).filter(({ index }) => index <= paidIndex);
    expect(marks.length).toBeGreaterThan(3);
    expect(nodeOf(0).earned).toBe(full * BigInt(marks.length));
    expect(order(0)?.dropped).toEqual([1]);
    const money = await settle(net.client.node.handlers["chain.money"]({}, signal));
    expect(money.exact).toBe(true);
    const parts = [money.balancesFil, money.escrowFil, money.pledgeFil, money.burntFil].map(parseFil);
    expect(addAtto(...parts)).toBe(parseFil(money.totalFil));
  }, 120_000);
});
