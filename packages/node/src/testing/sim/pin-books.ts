/**
 * Attested pinning compared with what was reckoned beside it (pin-ledger.ts): after every tipset each node has the
 * stake, the earnings and the standing that follow from the messages, each order the money and the end; what the actor
 * holds is all of it and nothing else. Samples of a report are those that its slot drew from the orders that the node
 * held, and places are given to who may have them.
 */
import { type Address, Amt, c } from "@holdfast/base";
import {
  builtinAddresses,
  createRandomness,
  listPinNodes,
  listPins,
  type Message,
  messageCid,
  type Pin,
  type PinNode,
  type PinReport,
  pinSlotAt,
  type Receipt,
  readActor,
  sampledPlace,
  sampleSeed,
} from "@holdfast/consensus";
import { type CheckedTipset, type Oracle, type TipsetCheck, ticketAt } from "./invariants.ts";
import { network } from "./node.ts";
import type { At, BookedOrder, BookedPart, Payouts } from "./pin-booked.ts";
import { PinLedger } from "./pin-ledger.ts";
import { reportIn } from "./told.ts";

const { pins: pinsAddress } = builtinAddresses(network);
/** More than any simulation has of anything. */
const all = { from: 0, limit: 10_000 };

interface Reckoned {
  readonly ledger: PinLedger;
  /** What each message has paid out, by its CID. */
  readonly payouts: ReadonlyMap<string, Payouts>;
  readonly problem: string | undefined;
  /** Where the chain went on after it last stood still for half of the time for an answer. */
  readonly gapEnd: number;
}

const nothing: Reckoned = { ledger: new PinLedger(), payouts: new Map(), problem: undefined, gapEnd: 0 };

/** Messages of the tipset to the actor that took effect, each once, in their order. */
function* callsOf({ tipset, blocks, receipts }: CheckedTipset): Generator<[Message, Receipt, string]> {
  const bodies = new Map(blocks.map((block) => [block.header.miner, block.messages]));
  const seen = new Set<string>();
  for (const { miner } of tipset.blocks) {
    for (const signed of bodies.get(miner) ?? []) {
      if (signed.message.to !== pinsAddress || signed.message.method === "") continue;
      const cid = messageCid(signed).toString();
      const receipt = receipts.get(cid);
      if (receipt === undefined || seen.has(cid)) continue;
      seen.add(cid);
      if (receipt.exitCode === 0) yield [signed.message, receipt, cid];
    }
  }
}

/** Reckons each tipset once, on what was reckoned of its parents. */
export class PinBooks {
  readonly #reckoned = new WeakMap<CheckedTipset, Reckoned>();

  /** What a message has paid out of the actor. */
  payouts(checked: CheckedTipset, oracle: Oracle, cid: string): Payouts {
    return this.#of(checked, oracle).payouts.get(cid) ?? [];
  }
  ledger(checked: CheckedTipset, oracle: Oracle): PinLedger {
    return this.#of(checked, oracle).ledger;
  }
  readonly check: TipsetCheck = (checked, oracle) => this.#of(checked, oracle).problem;

  #of(checked: CheckedTipset, oracle: Oracle): Reckoned {
    const known = this.#reckoned.get(checked);
    if (known !== undefined) return known;
    const { parent } = checked;
    const reckoned =
      parent === undefined ? nothing : reckon(this.#of(parent, oracle), parent, checked, oracle);
    this.#reckoned.set(checked, reckoned);
    return reckoned;
  }
}

function reckon(before: Reckoned, parent: CheckedTipset, checked: CheckedTipset, oracle: Oracle): Reckoned {
  const { params, networkId } = oracle;
  const { height } = checked.tipset;
  const stood = height - parent.tipset.height - 1;
  const gapEnd = 2 * stood < params.pinAnswerEpochs ? before.gapEnd : height;
  const calls = [...callsOf(checked)];
  if (calls.length === 0) return { ...nothing, ledger: before.ledger, gapEnd };
  const rand = createRandomness((wanted) => ticketAt(parent, wanted));
  const at: At = { height, slot: pinSlotAt(params.pinSlotEpochs, height), params, networkId, gapEnd, rand };
  const ledger = new PinLedger(before.ledger);
  const payouts = new Map<string, Payouts>();
  let problem: string | undefined;
  for (const [message, { returns }, cid] of calls) {
    const paid: Payouts = [];
    const report = reportIn(message);
    problem ??= report && sampleProblem(report, ledger, at, oracle);
    problem ??= ledger.book(message, returns, at, paid);
    payouts.set(cid, paid);
  }
  problem ??= placeProblem(ledger, at, checked, oracle) ?? difference(ledger, checked, oracle);
  return { ledger, payouts, problem, gapEnd };
}

/** Each sample is of the order that the slot's draw chose among those that the node held as the slot began. */
function sampleProblem(report: PinReport, ledger: PinLedger, at: At, oracle: Oracle): string | undefined {
  const { node: number, slot, slotHash, key, samples, set, count } = report;
  const node = ledger.nodes.get(number);
  if (node === undefined) return undefined;
  const list = Amt.load(oracle.store, c.uint(), set);
  const listed = [...list.entries()].map(([, pin]) => pin).sort((a, b) => a - b);
  const released = node.released.slot === slot ? node.released.orders : [];
  const held = [...ledger.orders]
    .filter(([, { parts }]) =>
      parts.some((part) => part.node === number && part.fromSlot !== null && part.fromSlot <= slot),
    )
    .map(([pin]) => pin)
    .concat(released)
    .sort((a, b) => a - b);
  const said = (what: string): string => `the report of node ${number} for slot ${slot} ${what}`;
  if (listed.join() !== held.join() || count !== held.length)
    return said(`is of the orders ${listed.join()}, and it holds ${held.join()}`);
  if (samples.length !== (count === 0 ? 0 : at.params.pinSamples))
    return said(`has ${samples.length} samples`);
  for (const [index, sample] of samples.entries()) {
    const seed = sampleSeed({ networkId: at.networkId, slot, slotHash, key }, index);
    if (list.get(sampledPlace(seed, count)) !== sample.pin)
      return said(`answers for order ${sample.pin} in place ${index}`);
    const order = ledger.orders.get(sample.pin);
    if (order !== undefined && !order.cid.equals(sample.root)) return said("answers for other content");
  }
  return undefined;
}

/** Takes over which nodes were drawn, and looks whether they may have the place. */
function placeProblem(
  ledger: PinLedger,
  at: At,
  { state }: CheckedTipset,
  { store }: Oracle,
): string | undefined {
  if (ledger.drawn.size === 0) return undefined;
  const orders = new Map(listPins(store, state, all).entries.map((order) => [order.number, order]));
  const nodes = listPinNodes(store, state, all).entries;
  for (const number of ledger.drawn) {
    const [order, booked] = [orders.get(number), ledger.orders.get(number)];
    if (order === undefined || booked === undefined) continue;
    const drawn = order.replicas.filter(({ node }) => !booked.parts.some((part) => part.node === node));
    for (const { node } of drawn) {
      const problem = booked.dropped.includes(node)
        ? "has failed its buyer"
        : drawProblem(order, nodes[node], at);
      if (problem !== undefined) return `order ${number} is given to node ${node}, which ${problem}`;
    }
    const parts = drawn.map(({ node, assignedIn, fromSlot }) => ({
      ...{ node, assignedIn, fromSlot, paidTo: at.slot + 1, ask: undefined },
    }));
    const isTwice = new Set(drawn.map(({ node }) => node)).size !== drawn.length;
    if (isTwice || order.replicas.length > order.wanted) return `order ${number} has a node too many`;
    ledger.orders.set(number, { ...booked, parts: [...booked.parts, ...parts] });
  }
  return undefined;
}

function drawProblem(
  order: Pin,
  node: PinNode | undefined,
  { height, slot, params }: At,
): string | undefined {
  if (node?.lastSlot !== null && slot > (node?.lastSlot ?? slot) + params.pinDisputeSlots) return "is silent";
  if (node?.status !== "active" || node.validUntil <= height) return "is in no good standing";
  if (node.leastPrice > order.price) return "does not take this price";
  return node.assignedBytes > node.capacityBytes ? "has no room for it" : undefined;
}

function difference(ledger: PinLedger, { state }: CheckedTipset, { store }: Oracle): string | undefined {
  const nodes = listPinNodes(store, state, all).entries;
  if (nodes.length !== ledger.nodes.size) return `there are ${nodes.length} nodes, and ${ledger.nodes.size}`;
  for (const { number, ...node } of nodes) {
    const booked = ledger.nodes.get(number);
    const worth = booked?.reports.reduce((sum, one) => sum + one.worth, 0);
    const wrong = firstOf({
      operator: [node.operator, booked?.operator],
      status: [node.status, booked?.status],
      stake: [node.stake, booked?.stake],
      earned: [node.earned, booked?.earned],
      index: [node.index, worth],
      lastSlot: [node.lastSlot, booked?.reports.at(-1)?.slot ?? null],
    });
    if (wrong !== undefined) return `node ${number} has the ${wrong}`;
  }
  const orders = listPins(store, state, all).entries;
  if (orders.length !== ledger.orders.size)
    return `there are ${orders.length} orders, and ${ledger.orders.size}`;
  for (const { number, ...order } of orders) {
    const wrong = orderDifference(order, ledger.orders.get(number));
    if (wrong !== undefined) return `order ${number} has the ${wrong}`;
  }
  const held = ledger.held();
  const has = readActor(store, state, pinsAddress)?.balance;
  return has === held ? undefined : `the actor has ${has} attoFIL, and holds ${held}`;
}

function orderDifference(order: Pin, booked: BookedOrder | undefined): string | undefined {
  const partsOf = (parts: readonly Pick<BookedPart, "node" | "assignedIn" | "fromSlot">[]): string =>
    parts.map(({ node, assignedIn, fromSlot }) => `${node}/${assignedIn}/${fromSlot}`).join(" ");
  return firstOf({
    buyer: [order.buyer, booked?.buyer],
    end: [order.endSlot, booked?.endSlot],
    escrow: [order.escrow, booked?.escrow],
    places: [partsOf(order.replicas), booked && partsOf(booked.parts)],
    asks: [asksOf(order.replicas), booked && asksOf(booked.parts)],
    list: [order.dropped.join(), booked?.dropped.join()],
  });
}

function asksOf(
  parts: readonly { readonly node: number; readonly ask?: { readonly askedAt: number } | null | undefined }[],
): string {
  return parts.flatMap(({ node, ask }) => (ask ? [`${node}/${ask.askedAt}`] : [])).join(" ");
}

type Fact = Address | string | bigint | number | null | undefined;

function firstOf(pairs: Readonly<Record<string, readonly [Fact, Fact]>>): string | undefined {
  const found = Object.entries(pairs).find(([, [is, shouldBe]]) => is !== shouldBe);
  return found && `${found[0]} ${found[1][0]}, where ${found[1][1]} is due`;
}
