/**
 * What comes to the chain about pinning nodes, and what nodes do about it by themselves: one that has what it reported
 * answers a challenge and gets the deposit, also under another key; one that has it no more lets the time pass, and the
 * challenger's node closes; two reports of a slot that are heard, and a lie that somebody takes to the chain, cost the
 * stake. All of it on a whole network in virtual time.
 */
import {
  type CID,
  decode,
  encode,
  epoch,
  equalBytes,
  filToAtto,
  fromHex,
  parseCid,
  toHex,
} from "@holdfast/base";
import {
  builtinAddresses,
  methods,
  type PinReport,
  pinCost,
  pinReportCodec,
  pinReportDigest,
  pinReportFacts,
  pinReportSigningBytes,
  pinSlotAt,
  pinSlotTag,
  readActor,
  readPin,
  readPinNode,
  readPinsState,
  type UnsignedPinReport,
} from "@holdfast/consensus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeReport, reportTopic } from "../../src/posc/index.ts";
import { viewOf } from "../../src/posc-view.ts";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";

const before = new Uint8Array(32).fill(1);
const after = new Uint8Array(32).fill(2);
const { signal } = new AbortController();
const slotEpochs = 10;
const stake = filToAtto(10);
const deposit = filToAtto(1);
const price = filToAtto(1);
const slots = 200;
const longMs = 180_000;

let net: TestNetwork;
let file: CID;
const runs = new Map<string, Uint8Array | undefined>();
const numbers = new Map<TestNode, number>();

const settle = <Result>(promise: Promise<Result>): Promise<Result> => net.settle(promise);
const now = () => {
  const { chain } = net.client.node;
  return { chain, store: chain.store, state: chain.headState().state };
};
const numberOf = (node: TestNode): number => numbers.get(node) ?? -1;
const onChain = (node: TestNode) => {
  const found = readPinNode(now().store, now().state, numberOf(node));
  if (found === undefined) throw new Error("it is a node");
  return found;
};
const balanceOf = ({ account }: TestNode): bigint =>
  readActor(now().store, now().state, account)?.balance ?? 0n;
const until = async (done: () => boolean, limit = 400_000): Promise<void> => {
  if (!(await net.advanceUntil(done, limit))) throw new Error("it never comes");
};
const send = (from: TestNode, method: string, params: Uint8Array, value = 0n) => {
  const { sender } = from.node;
  const to = builtinAddresses(1).pins;
  return settle(
    sender
      .send({ to, method, params, ...(value === 0n ? {} : { value: value as typeof deposit }) })
      .then(({ cid }) => sender.wait(cid)),
  );
};
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The newest report of a node that the chain has taken, with all samples answered. */
async function reportOf(node: TestNode): Promise<PinReport> {
  const asked = { node: numberOf(node), limit: 20 };
  const stored = await settle(net.client.node.handlers["pinReport.ls"](asked, signal));
  const view = viewOf(now().chain);
  for (const { bytesHex } of stored) {
    const report = decode(pinReportCodec, fromHex(bytesHex));
    const mark = view.markOf(onChain(node), report.slot);
    const isTaken = mark !== undefined && equalBytes(mark.report, pinReportDigest(report));
    if (isTaken && report.count > 0 && report.samples.every(({ block }) => block !== null)) return report;
  }
  throw new Error("the chain has taken none");
}

/** Asks for the blocks of a sample, from the client's account; the number of the challenge. */
async function challenge(node: TestNode): Promise<number> {
  const { nextChallenge } = readPinsState(now().store, now().state);
  const params = encode(methods.pins.challengeSample.params, { report: await reportOf(node), sample: 0 });
  const { receipt } = await send(net.client, "challengeSample", params, deposit);
  expect(receipt.exitCode).toBe(0);
  expect(onChain(node).openChallenges).toBe(1);
  return nextChallenge;
}

/** Reports a full slot from now on. */
async function reports(node: TestNode): Promise<void> {
  const last = onChain(node).lastSlot ?? 0;
  await until(() => (onChain(node).lastSlot ?? 0) > last + 1);
}

/** A report for the present slot, signed by a node's own key while the node does not run. */
async function signedBy(
  node: TestNode,
  change: (draft: UnsignedPinReport) => Partial<UnsignedPinReport>,
): Promise<PinReport> {
  const { chain } = now();
  const key = await (await node.pinning?.attest(chain))?.identity("pin-node");
  const start = pinSlotAt(slotEpochs, chain.head().height + 1) * slotEpochs;
  const facts = pinReportFacts(chain.store, chain.headState().state, {
    ...{ node: numberOf(node), height: epoch(chain.head().height + 1), networkId: chain.networkId },
    slotHash: chain.randomnessBelow(chain.head())(epoch(start), pinSlotTag, new Uint8Array(0)),
  });
  if (facts === undefined || key === undefined) throw new Error("it is a node");
  const { signature: _, ...draft } = await makeReport({
    ...{ node: numberOf(node), facts, added: [], program: "draft", clock: net.clock },
    key: { address: facts.node.key, publicKey: key.publicKey, sign: key.sign },
    read: async (cid) => node.pinning?.blocks.get(cid),
  });
  const unsigned = { ...draft, ...change(draft) };
  return { ...unsigned, signature: key.sign(pinReportSigningBytes(unsigned, chain.networkId)) };
}

beforeAll(async () => {
  net = await createNetwork({
    ...{ miners: 3, seed: "disputes", clientUpgrades: true },
    pinning: { program: before, programOf: (name) => runs.get(name) ?? before },
    params: {
      ...{ pinSlotEpochs: slotEpochs, pinSamples: 4, pinAnswerEpochs: 30, pinDisputeSlots: 3 },
      ...{ pinStake: stake, pinChallengeDeposit: deposit },
    },
  });
  await net.advance("20s");
  for (const node of net.miners) {
    const { node: number } = await settle(
      node.node.handlers["posc.join"]({ capacityBytes: 10_000_000 }, signal),
    );
    numbers.set(node, number);
  }
  const bytes = new Uint8Array(300_000).map((_, at) => (at * 7919) >> 3);
  const imported = await settle(net.client.node.files.importFile(once(bytes), signal));
  file = parseCid(imported.cid);
  const terms = { cid: file, bytes: imported.carBytes, wanted: 3, price, slots };
  await send(net.client, "addPin", encode(methods.pins.addPin.params, terms), pinCost(terms, slots));
  const order = () => readPin(now().store, now().state, 0);
  await until(() => order()?.replicas.every(({ fromSlot }) => fromSlot !== null) === true);
  const first = pinSlotAt(slotEpochs, now().chain.head().height);
  await until(() => net.miners.every((node) => (onChain(node).lastSlot ?? 0) > first));
}, longMs);
afterAll(() => net[Symbol.asyncDispose]());

describe("a pinning node that is challenged on the chain", () => {
  it(
    "answers by itself if it has what it reported, keeps its stake and gets the deposit",
    async () => {
      const [alice = net.client] = net.miners;
      const had = balanceOf(alice);
      await challenge(alice);
      await until(() => onChain(alice).openChallenges === 0);
      expect(onChain(alice)).toMatchObject({ status: "active", stake });
      // Of the deposit a part may be burnt, and a message costs gas.
      expect(balanceOf(alice)).toBeGreaterThan(had + deposit / 4n);
    },
    longMs,
  );

  it(
    "answers also under the key of another version of its program",
    async () => {
      const [alice = net.client] = net.miners;
      const { key } = onChain(alice);
      await reports(alice);
      await settle(alice.stop());
      await challenge(alice);
      const next = { kind: "software", programHex: toHex(after), name: "next", expires: 1_000_000 } as const;
      const { handlers, sender } = net.client.node;
      await settle(handlers["pinProgram.set"](next, signal).then(({ cid }) => sender.wait(parseCid(cid))));
      runs.set(alice.name, after);
      await settle(alice.start());
      await until(() => onChain(alice).openChallenges === 0);
      expect(onChain(alice)).toMatchObject({ status: "active", stake });
      await until(() => onChain(alice).key !== key);
    },
    longMs,
  );

  it(
    "that has lost the blocks lets the time pass, and the challenger's node closes: the stake is gone",
    async () => {
      const [, bob = net.client] = net.miners;
      await reports(bob);
      await bob.pinning?.blocks.delete(file);
      await settle(bob.stop());
      await settle(bob.start());
      const had = balanceOf(net.client);
      await challenge(bob);
      await until(() => onChain(bob).status === "expelled");
      expect(onChain(bob)).toMatchObject({ stake: 0n, openChallenges: 0 });
      // Its deposit back and a fifth of the stake, less gas.
      expect(balanceOf(net.client)).toBeGreaterThan(had + stake / 6n);
    },
    longMs,
  );
});

describe("a pinning node that signs what it should not", () => {
  it(
    "loses its stake to a lie that somebody with the content takes to the chain",
    async () => {
      const [alice = net.client, , carol = net.client] = net.miners;
      const bootstrap = net.nodes.find(({ role }) => role === "bootstrap") ?? net.client;
      const { handlers } = bootstrap.node;
      // Alice would be first: she looks by herself.
      await settle(alice.stop());
      const pinned = await settle(
        handlers["localPin.add"]({ cid: file.toString(), origins: [], priority: 0 }, signal),
      );
      const isPinned = async () => {
        const { state } = await settle(handlers["localPin.show"]({ id: pinned.id }, signal));
        return state === "pinned";
      };
      for (let round = 0; !(await isPinned()); round += 1) {
        expect(round).toBeLessThan(200);
        await net.advance("1s");
      }
      await settle(carol.stop());
      await until(() => now().chain.head().height % slotEpochs === 0);
      const lie = await signedBy(carol, ({ samples }) => ({
        samples: samples.map((sample) => ({ ...sample, answer: new Uint8Array(32).fill(5) })),
      }));
      const { receipt } = await send(
        net.client,
        "submitReport",
        encode(methods.pins.submitReport.params, { report: lie }),
      );
      expect(receipt.exitCode).toBe(0);
      const claim = { node: numberOf(carol), slot: lie.slot };
      const disputed = await settle(handlers["pinDispute.open"](claim, signal));
      expect(disputed).toMatchObject({ ...claim, method: "disprove", check: "false" });
      await until(() => onChain(carol).status === "expelled");
      expect(onChain(carol).stake).toBe(0n);
      await settle(alice.start());
    },
    longMs,
  );

  it(
    "loses it to whoever hears two reports of one slot",
    async () => {
      const [alice = net.client] = net.miners;
      const dave = net.nodes.find(({ role }) => role === "bootstrap") ?? net.client;
      const joined = await settle(dave.node.handlers["posc.join"]({ capacityBytes: 10_000_000 }, signal));
      numbers.set(dave, joined.node);
      await reports(alice);
      await reports(dave);
      await settle(dave.stop());
      await until(() => now().chain.head().height % slotEpochs === 0);
      const had = balanceOf(alice);
      for (const program of ["one", "two"]) {
        const report = await signedBy(dave, () => ({ program }));
        const { wire, chain } = net.client.node;
        await settle(wire.publish(reportTopic(chain.params.name), encode(pinReportCodec, report)));
      }
      await until(() => onChain(dave).status === "expelled");
      expect(onChain(dave).stake).toBe(0n);
      expect(onChain(alice)).toMatchObject({ status: "active", stake });
      expect(balanceOf(alice)).toBeGreaterThan(had + stake / 6n);
    },
    longMs,
  );
});
