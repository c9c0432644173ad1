/**
 * What time and new versions bring to a pinning node that runs: evidence is renewed before it is too old and before its
 * collateral is over, a new version of the program takes the node over, a revoked one stops with the reason. Orders,
 * places and pay stay through all of it.
 */
import { type CID, encode, filToAtto, parseCid } from "@holdfast/base";
import {
  builtinAddresses,
  methods,
  pinCost,
  pinMarks,
  pinSlotAt,
  readPin,
  readPinNode,
} from "@holdfast/consensus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";

const [before, after, foreign] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const { signal } = new AbortController();
const slotEpochs = 5;
const evidenceEpochs = 90;
const price = filToAtto(1);
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

let net: TestNetwork;
let keeper: TestNode;
let runs = before;
let file: CID;

const settle = <Result>(promise: Promise<Result>): Promise<Result> => net.settle(promise);
const now = () => {
  const { chain } = net.client.node;
  return { chain, store: chain.store, state: chain.headState().state };
};
const node = () => {
  const found = readPinNode(now().store, now().state, 0);
  if (found === undefined) throw new Error("there is a node");
  return found;
};
const order = () => readPin(now().store, now().state, 0);
const until = async (done: () => boolean, limit = 400_000): Promise<void> => {
  if (!(await net.advanceUntil(done, limit))) throw new Error("it never comes");
};
const list = (program: Uint8Array | undefined, name: string, expires = 1_000_000) =>
  settle(
    net.client.node.handlers["pinProgram.set"](
      { kind: "software", programHex: hex(program), name, expires },
      signal,
    ).then(({ cid }) => net.client.node.sender.wait(parseCid(cid))),
  );
/** Slots of the node's accepted reports, from one on. */
const slotsFrom = (first: number): readonly number[] =>
  pinMarks(now().store, node(), first, 1_000_000).map(({ slot }) => slot);
const inOneRow = (slots: readonly number[]): boolean =>
  slots.every((slot, index) => slot === (slots[0] ?? 0) + index);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

beforeAll(async () => {
  net = await createNetwork({
    miners: 1,
    seed: "renewal",
    clientUpgrades: true,
    pinning: {
      program: before ?? new Uint8Array(32),
      programOf: () => runs ?? new Uint8Array(32),
      collateralMs: 86_400_000 + 20_000,
    },
    params: { pinSlotEpochs: slotEpochs, pinSamples: 2, pinEvidenceEpochs: evidenceEpochs },
  });
  keeper = net.miners[0] ?? net.client;
  await net.advance("20s");
  await settle(keeper.node.handlers["posc.join"]({ capacityBytes: 10_000_000 }, signal));
  await until(() => readPinNode(now().store, now().state, 0) !== undefined);
  const bytes = new Uint8Array(300_000).map((_, at) => (at * 7919) >> 3);
  const imported = await settle(net.client.node.files.importFile(once(bytes), signal));
  file = parseCid(imported.cid);
  const slots = 200;
  const terms = { cid: file, bytes: imported.carBytes, wanted: 1, price, slots };
  await settle(
    net.client.node.sender.send({
      to: builtinAddresses(1).pins,
      method: "addPin",
      params: encode(methods.pins.addPin.params, terms),
      value: pinCost(terms, slots),
    }),
  );
  await until(() => order()?.replicas[0]?.fromSlot != null);
}, 60_000);
afterAll(() => net[Symbol.asyncDispose]());

describe("a pinning node that runs", () => {
  it("renews its evidence before the collateral is over, long before it is too old itself", async () => {
    const { validUntil } = node();
    await until(() => node().validUntil > validUntil);
    expect(validUntil - now().chain.head().height).toBeGreaterThan(evidenceEpochs / 3);
  }, 60_000);

  it("goes over to a new version: another key, and no slot and no order is lost", async () => {
    const [{ key }, replica] = [node(), order()?.replicas[0]];
    const first = pinSlotAt(slotEpochs, now().chain.head().height);
    const { handlers } = net.client.node;
    const [before] = await settle(handlers["pinReport.ls"]({ node: 0, slot: first - 1, limit: 1 }, signal));
    await list(after, "the next version");
    await settle(keeper.stop());
    runs = after;
    await settle(keeper.start());
    await until(() => node().key !== key);
    expect(hex(node().program)).toBe(hex(after));
    const over = node().lastSlot ?? 0;
    await until(() => (node().lastSlot ?? 0) >= over + 2);
    expect(inOneRow(slotsFrom(first))).toBe(true);
    expect(order()?.replicas[0]).toEqual(replica);
    // What the key before has signed stays true.
    const bytesHex = before?.bytesHex ?? "";
    expect(await settle(handlers["pinReport.verify"]({ bytesHex }, signal))).toMatchObject({
      ...{ ok: true, code: null, onChain: "this" },
    });
    const status = await settle(keeper.node.handlers["posc.status"]({}, signal));
    expect(status).toMatchObject({
      node: 0,
      status: "active",
      holds: 1,
      lastAccuracyPercent: 100,
      reason: null,
    });
  }, 60_000);

  it("goes back, and finds the key that it had", async () => {
    const { key } = node();
    await settle(keeper.stop());
    runs = before;
    await settle(keeper.start());
    await until(() => node().key !== key);
    expect(hex(node().program)).toBe(hex(before));
  }, 60_000);

  it("stops with the reason where its program is revoked, and where it is none of the list", async () => {
    const reason = async () => (await settle(keeper.node.handlers["posc.status"]({}, signal))).reason?.code;
    await list(before, "revoked", now().chain.head().height);
    await net.advance("10s");
    expect(await reason()).toBe("posc/program-not-allowed");
    const { lastSlot } = node();
    await net.advance("15s");
    expect(node().lastSlot).toBe(lastSlot);
    await settle(keeper.stop());
    runs = foreign;
    await settle(keeper.start());
    await net.advance("5s");
    expect(await reason()).toBe("posc/program-not-allowed");
    expect(node().status).toBe("active"); // its orders wait for a program that may run
    await settle(keeper.stop());
    runs = after;
    await settle(keeper.start());
    await until(() => (node().lastSlot ?? 0) > (lastSlot ?? 0) && hex(node().program) === hex(after));
    expect(await reason()).toBeUndefined();
    expect(order()?.replicas[0]?.place).toBe(0);
  }, 60_000);
});
