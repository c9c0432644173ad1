/** Attested pinning as the chain has it: programs, nodes, orders, challenges, and what a report must be like. */
import type { Address, Amt, AttoFil, Blockstore, CID, Epoch } from "@holdfast/base";
import { addAtto, assert, zeroAtto } from "@holdfast/base";
import { marketStateCodec } from "../actors/market/state.ts";
import type { PinsState } from "../actors/pins/state.ts";
import {
  indexBefore,
  keyName,
  loadMarks,
  loadNumbers,
  loadPinChallenges,
  loadPinNames,
  loadPinNodes,
  loadPins,
  loadPrograms,
  markBefore,
  pinsStateCodec,
  programName,
  setAt,
} from "../actors/pins/state.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { Pin, PinChallenge, PinMark, PinNode, PinProgram, PinReplica } from "../types/pin.ts";
import { pinSlotAt, pinSlotPrice } from "../types/pin.ts";
import type { PinReportFacts } from "../types/pin-judge.ts";
import { networkOf, readHead, readNetworkParams } from "./actors.ts";

export function readPinsState(store: Blockstore, state: CID): PinsState {
  const { pins } = builtinAddresses(networkOf(store, state));
  return readHead(store, state, pins, codeNames.pins, pinsStateCodec).head;
}

/** The whole list, those that have ended too, until somebody clears them. */
export function listPinPrograms(store: Blockstore, state: CID): readonly PinProgram[] {
  return [...loadPrograms(store, readPinsState(store, state)).entries()].map(([, entry]) => entry);
}

export function readPinNode(store: Blockstore, state: CID, number: number): PinNode | undefined {
  const head = readPinsState(store, state);
  return number < head.nextNode ? loadPinNodes(store, head).get(number) : undefined;
}

/** The node that has, or had, a key. */
export function findPinNode(store: Blockstore, state: CID, key: Address): number | undefined {
  return loadPinNames(store, readPinsState(store, state)).get(keyName(key));
}

export function readPin(store: Blockstore, state: CID, number: number): Pin | undefined {
  const head = readPinsState(store, state);
  return number < head.nextOrder ? loadPins(store, head).get(number) : undefined;
}

export interface PinPage<Entry> {
  readonly entries: readonly (Entry & { readonly number: number })[];
  /** Where the next page begins; null if there is no more. */
  readonly next: number | null;
}

/** Entries that one page looks at, wanted or not: a page is bounded work, however many numbers were given before. */
const lookedAtPerPage = 10_000;

function page<Entry extends object>(
  list: Amt<Entry>,
  { from, limit }: PageAt,
  isWanted: (entry: Entry) => boolean,
): PinPage<Entry> {
  const entries: (Entry & { readonly number: number })[] = [];
  let looked = 0;
  for (const [number, entry] of list.entries(from)) {
    if (entries.length >= limit || looked >= lookedAtPerPage) return { entries, next: number };
    looked += 1;
    if (isWanted(entry)) entries.push({ ...entry, number });
  }
  return { entries, next: null };
}

export interface PageAt {
  readonly from: number;
  readonly limit: number;
}

export function listPinNodes(
  store: Blockstore,
  state: CID,
  at: PageAt,
  isWanted: (node: PinNode) => boolean = () => true,
): PinPage<PinNode> {
  return page(loadPinNodes(store, readPinsState(store, state)), at, isWanted);
}

/** Orders in the order of their numbers; those that were closed are gone. */
export function listPins(
  store: Blockstore,
  state: CID,
  at: PageAt,
  isWanted: (pin: Pin) => boolean = () => true,
): PinPage<Pin> {
  return page(loadPins(store, readPinsState(store, state)), at, isWanted);
}

/** Challenges that wait for an answer, or to be closed. */
export function listPinChallenges(
  store: Blockstore,
  state: CID,
  at: PageAt,
  isWanted: (challenge: PinChallenge) => boolean = () => true,
): PinPage<PinChallenge> {
  return page(loadPinChallenges(store, readPinsState(store, state)), at, isWanted);
}

/** What a node was drawn for, ascending: number and order, confirmed by it or not. */
export function* assignedPins(
  store: Blockstore,
  state: CID,
  number: number,
): IterableIterator<{ readonly number: number; readonly pin: Pin; readonly isConfirmed: boolean }> {
  const head = readPinsState(store, state);
  const node = number < head.nextNode ? loadPinNodes(store, head).get(number) : undefined;
  if (node === undefined) return;
  const orders = loadPins(store, head);
  for (const [order] of loadNumbers(store, node.assigned).entries()) {
    const pin = orders.get(order);
    assert(pin !== undefined, "a node is assigned to orders that there are");
    const part = pin.replicas.find((one) => one.node === number);
    yield { number: order, pin, isConfirmed: part !== undefined && part.fromSlot !== null };
  }
}

/** The node's accepted reports with slots in [from, to), oldest first. */
export function pinMarks(store: Blockstore, node: PinNode, from: number, to: number): readonly PinMark[] {
  const marks = loadMarks(store, node);
  const found: PinMark[] = [];
  for (let at = marks.count - 1; at >= 0; at--) {
    const mark = marks.get(at);
    if (mark === undefined || mark.slot < from) break;
    if (mark.slot < to) found.unshift(mark);
  }
  return found;
}

/** How many reports of a node the chain has taken, and what the last one counted (millionths). */
export function pinReportSummary(
  store: Blockstore,
  node: PinNode,
): { readonly reports: number; readonly counted: number | undefined } {
  const marks = loadMarks(store, node);
  const { count: reports } = marks;
  if (reports === 0) return { reports, counted: undefined };
  const before = reports === 1 ? 0 : (marks.get(reports - 2)?.index ?? 0);
  return { reports, counted: node.index - before };
}

/** What an order owes a node for its reports below a slot since it was paid last, unless it fails to answer an ask. */
export function pinOwed(
  store: Blockstore,
  node: PinNode,
  order: Pick<Pin, "bytes" | "price" | "endSlot">,
  { fromSlot, paidIndex }: Pick<PinReplica, "fromSlot" | "paidIndex">,
  slot: number,
): AttoFil {
  if (fromSlot === null || node.status === "expelled") return zeroAtto;
  const upTo = Math.max(paidIndex, indexBefore(store, node, Math.min(slot, order.endSlot)));
  const full = pinSlotPrice(order.bytes, order.price);
  return ((full * BigInt(upTo - paidIndex)) / 1_000_000n) as AttoFil;
}

/** Where the chain went on after it last stood still for long: the time to answer an ask begins there anew. */
export function readGapEnd(store: Blockstore, state: CID): Epoch {
  const { market } = builtinAddresses(networkOf(store, state));
  return readHead(store, state, market, codeNames.market, marketStateCodec).head.gapEnd;
}

/** The last report that the chain took of a node for a slot below one. */
export function pinMarkBefore(store: Blockstore, node: PinNode, slot: number): PinMark | undefined {
  return markBefore(store, node, slot);
}

/** The report that the chain took of a node for a slot. */
export function pinMarkOf(store: Blockstore, node: PinNode, slot: number): PinMark | undefined {
  const mark = markBefore(store, node, slot + 1);
  return mark?.slot === slot ? mark : undefined;
}

/**
 * What a report by a node is judged by, on a state, for a message at `height`; undefined if there is no such node. The
 * slot's draw is the chain's and comes from the caller: `rand(slot * pinSlotEpochs, pinSlotTag, empty)`.
 */
export function pinReportFacts(
  store: Blockstore,
  state: CID,
  given: {
    readonly node: number;
    readonly height: Epoch;
    readonly slotHash: Uint8Array;
    readonly networkId: Uint8Array;
  },
): PinReportFacts | undefined {
  const head = readPinsState(store, state);
  const node = given.node < head.nextNode ? loadPinNodes(store, head).get(given.node) : undefined;
  if (node === undefined) return undefined;
  const params = readNetworkParams(store, state);
  const slot = pinSlotAt(params.pinSlotEpochs, given.height);
  const { root, count } = setAt(node, slot);
  const set = loadNumbers(store, root);
  const orders = loadPins(store, head);
  return {
    networkId: given.networkId,
    height: given.height,
    slot,
    slotHash: given.slotHash,
    node,
    programExpires: loadPrograms(store, head).get(programName(node))?.expires,
    set: { root, count, at: (place) => set.get(place) },
    samples: params.pinSamples,
    rootOf: (pin) => (pin < head.nextOrder ? orders.get(pin)?.cid : undefined),
  };
}

/** What the pins actor owes to all; asserts that its lists agree with each other. */
export function checkPins(store: Blockstore, head: PinsState): AttoFil {
  let owed = zeroAtto;
  let [drawn, openAsks] = [0, 0];
  const orders = loadPins(store, head);
  for (const [number, node] of loadPinNodes(store, head).entries()) {
    owed = addAtto(owed, node.stake, node.earned);
    if (node.position !== null) drawn += 1;
    openAsks += node.openAsks;
    const set = loadNumbers(store, node.set);
    assert(set.count === node.setCount, `the set of node ${number} has the length that it says`);
    for (const [place, pin] of set.entries()) {
      const part = orders.get(pin)?.replicas.find((one) => one.node === number);
      assert(part?.place === place, `order ${pin} knows its place in the set of node ${number}`);
    }
    let bytes = 0;
    for (const [pin] of loadNumbers(store, node.assigned).entries()) bytes += orders.get(pin)?.bytes ?? 0;
    assert(bytes === node.assignedBytes, `node ${number} has the bytes that it is assigned to`);
  }
  let asks = 0;
  for (const [, { escrow, replicas }] of orders.entries()) {
    const deposits = replicas.flatMap(({ ask }) => (ask === null ? [] : [ask.deposit]));
    owed = addAtto(owed, escrow, ...deposits);
    asks += deposits.length;
  }
  for (const [, { deposit }] of loadPinChallenges(store, head).entries()) owed = addAtto(owed, deposit);
  assert(drawn === head.drawnCount, "as many nodes are drawn from as have a position");
  assert(asks === openAsks, "each node knows how many asks stand of it");
  assert(owed === head.held, "the pins actor holds what it owes");
  return owed;
}
