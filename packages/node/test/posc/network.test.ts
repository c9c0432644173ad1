/**
 * Attested pinning on a whole network in virtual time: real chain, real evidence by software through the production
 * verifier, real reports. Nodes join, pin what a client buys, report each slot, look at each other's reports; one that
 * lies loses its stake, one that runs another program does not get in, one that lost a block says so and earns less.
 */
import { type CID, decode, encode, epoch, filToAtto, fromHex, parseCid, toHex } from "@holdfast/base";
import {
  builtinAddresses,
  methods,
  type PinNode,
  type PinReport,
  pinCost,
  pinMarks,
  pinReportCodec,
  pinReportFacts,
  pinReportSigningBytes,
  pinSlotAt,
  pinSlotPrice,
  pinSlotTag,
  readPin,
  readPinNode,
} from "@holdfast/consensus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { judge, makeReport, openPoscStore } from "../../src/posc/index.ts";
import { viewOf } from "../../src/posc-view.ts";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";

const program = new Uint8Array(32).fill(1);
const { signal } = new AbortController();
const slotEpochs = 5;
const disputeSlots = 3;
const stake = filToAtto(10);
const price = filToAtto(1);
const slots = 40;

let net: TestNetwork;
let file: CID;
let miners: readonly TestNode[];

const settle = <Result>(promise: Promise<Result>): Promise<Result> => net.settle(promise);
const now = () => {
  const { chain } = net.client.node;
  const { state } = chain.headState();
  return { chain, store: chain.store, state };
};
const numberOf = new Map<string, number>();
const onChain = (node: TestNode) => {
  const { store, state } = now();
  return readPinNode(store, state, numberOf.get(node.name) ?? -1);
};
const join = (node: TestNode) =>
  settle(node.node.handlers["posc.join"]({ capacityBytes: 10_000_000 }, signal));
const statusOf = (node: TestNode) => settle(node.node.handlers["posc.status"]({}, signal));
const order = () => {
  const { store, state } = now();
  return readPin(store, state, 0);
};
const until = async (done: () => boolean, limit = 400_000): Promise<void> => {
  if (!(await net.advanceUntil(done, limit))) throw new Error("it never comes");
};
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

beforeAll(async () => {
  net = await createNetwork({
    miners: 3,
    seed: "posc",
    pinning: {
      program,
      programOf: (name) => (name === "bootstrap" ? new Uint8Array(32).fill(9) : program),
    },
    params: {
      pinSlotEpochs: slotEpochs,
      pinSamples: 4,
      pinAnswerEpochs: 8,
      pinDisputeSlots: disputeSlots,
      pinStake: stake,
    },
  });
  miners = net.miners;
  await net.advance("20s");
}, 60_000);
afterAll(() => net[Symbol.asyncDispose]());

describe("pinning nodes of a network", () => {
  it("enter by evidence of their program; another program stops with the reason", async () => {
    for (const node of miners) numberOf.set(node.name, (await join(node)).node);
    expect([...numberOf.values()]).toEqual([0, 1, 2]);
    const [alice = net.client] = miners;
    expect(await statusOf(alice)).toMatchObject({
      node: 0,
      status: "active",
      kind: "software",
      reason: null,
    });
    expect(onChain(alice)?.stake).toBe(stake);
    await expect(join(alice)).rejects.toMatchObject({ code: "posc/already-joined" });
    const other = net.nodes.find(({ name }) => name === "bootstrap") ?? net.client;
    await expect(join(other)).rejects.toMatchObject({ code: "posc/program-not-allowed" });
  }, 60_000);

  it("pin what a client buys, and say so", async () => {
    const bytes = new Uint8Array(700_000).map((_, at) => (at * 7919) >> 3);
    const imported = await settle(net.client.node.files.importFile(once(bytes), signal));
    file = parseCid(imported.cid);
    const terms = { cid: file, bytes: imported.carBytes, wanted: 3, price, slots };
    await settle(
      net.client.node.sender.send({
        to: builtinAddresses(1).pins,
        method: "addPin",
        params: encode(methods.pins.addPin.params, terms),
        value: pinCost(terms, slots),
      }),
    );
    await until(() => order()?.replicas.every(({ fromSlot }) => fromSlot !== null) === true);
    expect(order()?.replicas).toHaveLength(3);
    for (const node of miners) expect(await node.pinning?.blocks.has(file)).toBe(true);
  }, 60_000);

  it("report every slot, hear and verify each other's reports, and look at samples themselves", async () => {
    const first = pinSlotAt(slotEpochs, now().chain.head().height);
    await until(() => miners.every((node) => (onChain(node)?.lastSlot ?? 0) >= first + 3));
    for (const node of [...miners, net.client]) {
      const reports = await settle(node.node.handlers["pinReport.ls"]({ limit: 1_000 }, signal));
      for (const number of numberOf.values())
        expect(reports.filter((one) => one.node === number && one.slot > first).length).toBeGreaterThan(1);
      expect(
        reports.every(({ accuracyPercent, samples }) => samples.length === 0 || accuracyPercent === 100),
      ).toBe(true);
    }
    const [alice = net.client] = miners;
    const seen = await settle(alice.node.handlers["pinReport.ls"]({ node: 1, limit: 100 }, signal));
    expect(seen.some(({ check }) => check === "confirmed")).toBe(true);
    const [newest] = seen;
    const verdict = await settle(
      alice.node.handlers["pinReport.verify"]({ bytesHex: newest?.bytesHex ?? "" }, signal),
    );
    expect(verdict).toMatchObject({ ok: true, code: null, onChain: "this", node: 1 });
  }, 60_000);

  it("make reports of which others are told apart, each by its code", async () => {
    const [alice = net.client, bob = net.client] = miners;
    const [newest] = await settle(alice.node.handlers["pinReport.ls"]({ node: 1, limit: 1 }, signal));
    const { signature, ...said } = decode(pinReportCodec, fromHex(newest?.bytesHex ?? ""));
    const keyOf = async (node: TestNode) =>
      (await node.pinning?.attest(net.client.node.chain))?.identity("pin-node");
    const [own, foreign] = [await keyOf(bob), await keyOf(alice)];
    if (own === undefined || foreign === undefined) throw new Error("they are nodes");
    const { networkId } = net.client.node.chain;
    const verdictOf = async (
      change: Partial<typeof said>,
      sign: ((bytes: Uint8Array) => Uint8Array) | undefined = own.sign,
    ) => {
      const unsigned = { ...said, ...change };
      const report = {
        ...unsigned,
        signature: sign?.(pinReportSigningBytes(unsigned, networkId)) ?? signature,
      };
      const bytesHex = toHex(encode(pinReportCodec, report));
      const { ok, code } = await settle(net.client.node.handlers["pinReport.verify"]({ bytesHex }, signal));
      return [ok, code];
    };
    const zeros = new Uint8Array(32);
    const aliceKey = onChain(alice)?.key ?? said.key;
    expect(await verdictOf({})).toEqual([true, null]);
    expect(await verdictOf({ node: 77 })).toEqual([false, "pinNodeNotFound"]);
    expect(await verdictOf({ key: aliceKey }, foreign.sign)).toEqual([false, "pinReportForeign"]);
    expect(await verdictOf({ program: "another" }, () => signature)).toEqual([false, "pinSignatureInvalid"]);
    expect(await verdictOf({ slotHash: zeros })).toEqual([false, "pinSlotHashWrong"]);
    expect(await verdictOf({ previous: zeros })).toEqual([false, "pinReportUnchained"]);
    expect(await verdictOf({ program: "another" })).toEqual([false, "pinReportReplayed"]);
    expect(await verdictOf({ slot: said.slot + 1_000 })).toMatchObject([false, "pinReportUnchained"]);
    const noReport = settle(net.client.node.handlers["pinReport.verify"]({ bytesHex: "8c01" }, signal));
    await expect(noReport).rejects.toMatchObject({ code: "posc/bad-report" });
  }, 60_000);

  it("answer by their attested key whoever asks, and nobody answers for one that is not there", async () => {
    const [, bob = net.client] = miners;
    const asked = await settle(net.client.node.handlers["posc.ask"]({ node: 1 }, signal));
    const found = onChain(bob);
    expect(asked).toMatchObject({ node: 1, key: found?.key, peerId: bob.name, kind: "software", holds: 1 });
    await expect(settle(net.client.node.handlers["posc.ask"]({ node: 9 }, signal))).rejects.toMatchObject({
      code: "posc/no-node",
    });
  }, 60_000);

  it("are looked at by who pays for it, and one that is true cannot be disputed", async () => {
    const { handlers } = net.client.node;
    const shown = async () => settle(handlers["pinOrder.show"]({ pin: 0 }, signal));
    const isSeen = async () => (await shown()).holders.some(({ check }) => check === "confirmed");
    for (let slot = 0; !(await isSeen()); slot += 1) {
      expect(slot).toBeLessThan(5);
      await net.advance("5s");
    }
    const { holders } = await shown();
    expect(holders.every(({ countedPercent }) => countedPercent === 100)).toBe(true);
    expect(holders.every(({ owedFil }) => Number(owedFil) > 0)).toBe(true);
    const slot = holders[0]?.lastSlot ?? 0;
    const samples = await settle(handlers["pinReport.inspect"]({ node: 0, slot }, signal));
    expect(samples).toHaveLength(4);
    for (const { check, reported, found, blocks } of samples) {
      expect(check).toBe("confirmed");
      expect(found).toEqual(reported);
      expect(blocks.length).toBeGreaterThan(0);
    }
    await expect(settle(handlers["pinDispute.open"]({ node: 0, slot }, signal))).rejects.toMatchObject({
      code: "posc/nothing-to-dispute",
    });
  }, 60_000);

  it("are paid exactly for the slots that they reported, but the newest", async () => {
    const first = order()?.replicas[0]?.fromSlot ?? 0;
    await until(() => miners.every((node) => (onChain(node)?.lastSlot ?? 0) > first + disputeSlots));
    const before = order();
    const { sender } = net.client.node;
    const { tipset } = await settle(
      sender
        .send({
          to: builtinAddresses(1).pins,
          method: "settlePins",
          params: encode(methods.pins.settlePins.params, { pins: [0] }),
        })
        .then(({ cid }) => sender.wait(cid)),
    );
    const full = pinSlotPrice(before?.bytes ?? 0, price);
    let paid = 0n;
    for (const node of miners) {
      const number = numberOf.get(node.name);
      const from = order()?.replicas.find((one) => one.node === number)?.fromSlot ?? 0;
      const found = onChain(node);
      if (found === undefined) throw new Error("it is a node");
      const credited = pinSlotAt(slotEpochs, tipset.height) - disputeSlots;
      const marks = pinMarks(now().store, found, from, credited);
      expect(marks.length).toBeGreaterThan(0);
      expect(found.earned).toBe(full * BigInt(marks.length));
      paid += found.earned;
    }
    expect((before?.escrow ?? 0n) - (order()?.escrow ?? 0n)).toBe(paid);
  }, 60_000);

  it("say what they have lost, and earn nothing for it", async () => {
    const [, bob = net.client] = miners;
    await bob.pinning?.blocks.delete(file);
    await settle(bob.stop());
    await settle(bob.start()); // it had joined: it goes on
    const lost = onChain(bob)?.lastSlot ?? 0;
    await until(() => (onChain(bob)?.lastSlot ?? 0) > lost + 1);
    const [newest] = await settle(bob.node.handlers["pinReport.ls"]({ node: 1, limit: 1 }, signal));
    expect(newest).toMatchObject({ accuracyPercent: 0 });
    expect(newest?.samples.every(({ block }) => block === null)).toBe(true);
    expect(onChain(bob)?.status).toBe("active");
  }, 60_000);

  it("give reports of the past to who was away", async () => {
    const [alice = net.client, bob = net.client] = miners;
    const away = onChain(alice)?.lastSlot ?? 0;
    await settle(bob.stop());
    await until(() => (onChain(alice)?.lastSlot ?? 0) > away + 2);
    await settle(bob.start());
    const missed = pinMarks(now().store, onChain(alice) as PinNode, away + 1, away + 3);
    expect(missed.length).toBeGreaterThan(0);
    for (const { slot } of missed) {
      const heard = () => settle(bob.node.handlers["pinReport.ls"]({ node: 0, slot, limit: 1 }, signal));
      for (let round = 0; (await heard()).length === 0; round += 1) {
        expect(round).toBeLessThan(60);
        await net.advance("1s");
      }
    }
  }, 60_000);

  it("are expelled for a lie by whoever has the content, and lose their stake", async () => {
    const [alice = net.client, , carol = net.client] = miners;
    const { chain } = now();
    const attestation = await carol.pinning?.attest(chain);
    const key = await attestation?.identity("pin-node");
    await settle(carol.stop());
    const height = (): number => chain.head().height;
    await until(() => height() % slotEpochs === 0);
    const start = pinSlotAt(slotEpochs, height() + 1) * slotEpochs;
    const facts = pinReportFacts(chain.store, chain.headState().state, {
      ...{ node: 2, height: epoch(height() + 1), networkId: chain.networkId },
      slotHash: chain.randomnessBelow(chain.head())(epoch(start), pinSlotTag, new Uint8Array(0)),
    });
    if (facts === undefined || key === undefined) throw new Error("carol is a node");
    const honest = await alice.node.handlers["pinReport.ls"]({ node: 2, limit: 1 }, signal);
    expect(honest).toHaveLength(1);
    const carolKey = { address: facts.node.key, publicKey: key.publicKey, sign: key.sign };
    const made = await makeReport({
      ...{ node: 2, facts, key: carolKey, added: [], program: "liar", clock: net.clock },
      read: async (cid) => carol.pinning?.blocks.get(cid),
    });
    const { signature: _, ...rest } = made;
    const samples = rest.samples.map((sample) => ({ ...sample, answer: new Uint8Array(32).fill(5) }));
    const lie: PinReport = {
      ...{ ...rest, samples },
      signature: key.sign(pinReportSigningBytes({ ...rest, samples }, chain.networkId)),
    };
    await settle(
      net.client.node.sender.send({
        to: builtinAddresses(1).pins,
        method: "submitReport",
        params: encode(methods.pins.submitReport.params, { report: lie }),
      }),
    );
    await until(() => onChain(carol)?.status === "expelled");
    expect(onChain(carol)?.stake).toBe(0n);
    const [seen] = await settle(
      alice.node.handlers["pinReport.ls"]({ node: 2, slot: lie.slot, limit: 1 }, signal),
    );
    expect(seen?.check).toBe("false");
    expect(onChain(alice)?.status).toBe("active");
  }, 60_000);

  it("are not believed where any bit of a report is another", async () => {
    const [alice = net.client] = miners;
    const slot = onChain(alice)?.lastSlot ?? 0;
    await until(() => (onChain(alice)?.lastSlot ?? 0) > slot);
    const [newest] = await settle(alice.node.handlers["pinReport.ls"]({ node: 0, limit: 1 }, signal));
    const bytes = Uint8Array.from(Buffer.from(newest?.bytesHex ?? "", "hex"));
    const { chain } = net.client.node;
    const store = openPoscStore(openDatabase(":memory:"));
    const world = {
      chain: { network: "", networkId: chain.networkId, view: () => viewOf(chain), onHead: () => () => {} },
    };
    expect(judge(world, store, bytes).verdict).toBe("accept");
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = bytes.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      const { verdict, fault } = judge(world, store, changed);
      expect([at, verdict === "accept", fault === undefined]).toEqual([at, false, false]);
    }
    expect(encode(pinReportCodec, judge(world, store, bytes).report as PinReport)).toEqual(bytes);
  }, 60_000);

  it("leave, and get their stake back when nothing can be disputed any more", async () => {
    const [alice = net.client] = miners;
    await settle(alice.node.handlers["posc.leave"]({}, signal));
    await until(() => onChain(alice)?.status === "leaving");
    await until(() => onChain(alice)?.stake === 0n);
  }, 60_000);
});
