/**
 * Attested pinning, reckoned a second time from the messages alone: who has staked what, what each report was worth,
 * what each order owes to whom, who is paid. It keeps no indices and no lists of the chain's: a report is a slot and a
 * number, and what a node is owed is added up anew each time. Which nodes were drawn for an order is the chain's luck
 * and read there (pin-books.ts); everything else must follow.
 */
import { type Address, accountAddress, c, decode, equalBytes } from "@holdfast/base";
import {
  isPinReportSigned,
  type Message,
  maxPinDropped,
  methods,
  type PinReport,
  pinReportDigest,
} from "@holdfast/consensus";
import { network } from "./node.ts";
import {
  type At,
  type BookedChallenge,
  type BookedNode,
  type BookedOrder,
  type BookedPart,
  creditedSlot,
  lastAnswer,
  type Payouts,
} from "./pin-booked.ts";
import { bookQuarrel } from "./pin-quarrels.ts";

const millionths = 1_000_000;
const gib = 1n << 30n;
const { pins } = methods;

/** What one node gets of an order for a slot with every answer right. */
export const slotPrice = ({ bytes, price }: Pick<BookedOrder, "bytes" | "price">): bigint =>
  (BigInt(bytes) * price + gib - 1n) / gib;

/** Of a call that names its node and nothing else. */
const nodeOfMessage = ({ params }: Message): number => decode(pins.leave.params, params).node;

export class PinLedger {
  readonly nodes: Map<number, BookedNode>;
  readonly orders: Map<number, BookedOrder>;
  readonly challenges: Map<number, BookedChallenge>;
  /** Slots in which anybody was heard. */
  readonly heard: Set<number>;
  /** Orders whose places were drawn in this tipset. */
  readonly drawn = new Set<number>();

  constructor(before?: PinLedger) {
    this.nodes = new Map(before?.nodes);
    this.orders = new Map(before?.orders);
    this.challenges = new Map(before?.challenges);
    this.heard = new Set(before?.heard);
  }

  get isEmpty(): boolean {
    return this.nodes.size === 0 && this.orders.size === 0;
  }

  /** All that the actor has to have. */
  held(): bigint {
    let sum = 0n;
    for (const { stake, earned } of this.nodes.values()) sum += stake + earned;
    for (const { escrow } of this.orders.values()) sum += escrow;
    for (const { deposit } of this.challenges.values()) sum += deposit;
    for (const { parts } of this.orders.values()) for (const { ask } of parts) sum += ask?.deposit ?? 0n;
    return sum;
  }

  /** A call that succeeded. Says what was wrong with that. */
  book(message: Message, returns: Uint8Array, at: At, payouts: Payouts): string | undefined {
    switch (message.method) {
      case "admitNode":
        return this.#admit(message, decode(c.uint(), returns), at);
      case "renewNode": {
        const { node, publicKey, proof } = decode(pins.renewNode.params, message.params);
        const validUntil = proof.nonceEpoch + at.params.pinEvidenceEpochs;
        return this.#own(message, node, () => ({ validUntil, key: accountAddress(network, publicKey) }));
      }
      case "setNodeTerms":
        return this.#own(message, decode(pins.setNodeTerms.params, message.params).node, () => ({}));
      case "leave":
        return this.#own(message, nodeOfMessage(message), ({ status }) =>
          status === "active" ? { status: "leaving", endedIn: at.slot } : "is not active, and has left",
        );
      case "withdrawStake":
        return this.#withdraw(message, at, payouts);
      case "claimEarned":
        return this.#own(message, nodeOfMessage(message), ({ operator, earned }) => {
          payouts.push([operator, earned]);
          return { earned: 0n };
        });
      case "submitReport":
        return this.#report(decode(pins.submitReport.params, message.params).report, at);
      default:
        return this.#order(message, returns, at, payouts);
    }
  }

  #order(message: Message, returns: Uint8Array, at: At, payouts: Payouts): string | undefined {
    const { params, from, value } = message;
    switch (message.method) {
      case "addPin": {
        const { slots, ...terms } = decode(pins.addPin.params, params);
        const escrow = slotPrice(terms) * BigInt(terms.wanted * slots);
        if (value < escrow) return `an order of ${escrow} attoFIL for ${value}`;
        payouts.push([from, value - escrow]);
        const number = decode(c.uint(), returns);
        this.drawn.add(number);
        this.orders.set(number, {
          ...{ ...terms, buyer: from, escrow },
          endSlot: at.slot + 1 + slots,
          ...{ parts: [], dropped: [] },
        });
        return undefined;
      }
      case "extendPin": {
        const { pin, slots } = decode(pins.extendPin.params, params);
        const order = this.orders.get(pin);
        if (order === undefined || order.endSlot <= at.slot) return `order ${pin} has ended, and is extended`;
        const due = slotPrice(order) * BigInt(order.wanted * slots);
        if (value < due) return `an extension of ${due} attoFIL for ${value}`;
        payouts.push([from, value - due]);
        this.orders.set(pin, {
          ...order,
          endSlot: order.endSlot + slots,
          escrow: order.escrow + due,
        });
        return undefined;
      }
      case "removePin":
        return this.#remove(message, at, payouts);
      case "settlePins":
        for (const pin of decode(pins.settlePins.params, params).pins) this.#settleOrClose(pin, at, payouts);
        return undefined;
      case "repairPin":
        return this.#repair(decode(pins.repairPin.params, params).pin, at, payouts);
      default:
        return bookQuarrel(this, message, { returns, at, payouts });
    }
  }

  #admit({ from, value, params }: Message, number: number, { params: rules }: At): string | undefined {
    const { publicKey, proof } = decode(pins.admitNode.params, params);
    if (value < rules.pinStake) return `node ${number} is admitted for ${value} attoFIL`;
    if (this.nodes.has(number)) return `node ${number} is admitted again`;
    this.nodes.set(number, {
      ...{ operator: from, status: "active", stake: value, earned: 0n, reports: [], unpaidBefore: 0 },
      key: accountAddress(network, publicKey),
      validUntil: proof.nonceEpoch + rules.pinEvidenceEpochs,
      endedIn: undefined,
      released: { slot: -1, orders: [] },
    });
    return undefined;
  }

  /** What only a node's operator may do. */
  #own(
    { from, method }: Message,
    number: number,
    change: (node: BookedNode) => Partial<BookedNode> | string,
  ): string | undefined {
    const node = this.nodes.get(number);
    if (node?.operator !== from) return `${from} calls ${method} of node ${number}`;
    const changed = change(node);
    if (typeof changed === "string") return `node ${number} ${changed}`;
    this.nodes.set(number, { ...node, ...changed });
    return undefined;
  }

  #withdraw(message: Message, { slot, params }: At, payouts: Payouts): string | undefined {
    const number = nodeOfMessage(message);
    return this.#own(message, number, ({ operator, stake, status, endedIn = slot }) => {
      const isAsked = [...this.challenges.values()].some(({ node }) => node === number);
      if (status !== "leaving" || isAsked || slot <= endedIn + params.pinDisputeSlots)
        return "has its stake back too early";
      payouts.push([operator, stake]);
      return { stake: 0n };
    });
  }

  #remove({ params, from }: Message, at: At, payouts: Payouts): string | undefined {
    const { pin } = decode(pins.removePin.params, params);
    const deposits = this.dropForfeit(pin, at);
    const order = this.settle(pin, at.slot);
    if (order === undefined || order.endSlot <= at.slot) return `order ${pin} has ended, and is removed`;
    if (order.buyer !== from) return `${from} removes the order of ${order.buyer}`;
    // This slot's reports are still to be paid, and those that an answer to the buyer would free.
    let kept = slotPrice(order) * BigInt(order.wanted);
    for (const part of order.parts) if (part.ask !== undefined) kept += this.#due(order, part, at.slot);
    const rest = order.escrow > kept ? order.escrow - kept : 0n;
    payouts.push([order.buyer, deposits + rest]);
    const endSlot = Math.min(order.endSlot, at.slot + 1);
    this.orders.set(pin, { ...order, endSlot, escrow: order.escrow - rest });
    return undefined;
  }

  #settleOrClose(pin: number, at: At, payouts: Payouts): void {
    const running = this.orders.get(pin);
    if (running === undefined) return;
    // What is newer can still be lost by an ask.
    if (at.slot < running.endSlot) return void this.settle(pin, creditedSlot(at));
    const deposits = this.dropForfeit(pin, at);
    const { buyer, escrow, parts } = this.settle(pin, running.endSlot) ?? running;
    const isAsked = parts.some(({ ask }) => ask !== undefined);
    payouts.push([buyer, deposits + (isAsked ? 0n : escrow)]);
    if (isAsked) return;
    for (const part of parts) this.#release(pin, part, at.slot);
    this.orders.delete(pin);
  }

  /** Who has gone, or keeps silent, is paid and leaves; whom the chain draws instead is seen afterwards. */
  #repair(pin: number, at: At, payouts: Payouts): string | undefined {
    const deposits = this.dropForfeit(pin, at);
    const order = this.settle(pin, creditedSlot(at));
    if (order === undefined || order.endSlot <= at.slot) return `order ${pin} has ended, and is repaired`;
    const gone = order.parts.filter((part) => part.ask === undefined && this.#isVacant(part, at));
    for (const part of gone) {
      this.settlePart(pin, part.node, at.slot);
      this.takeOut(pin, part, at.slot);
    }
    payouts.push([order.buyer, deposits]);
    this.drawn.add(pin);
    return undefined;
  }

  #isVacant({ node: number, assignedIn }: BookedPart, { slot, height, params }: At): boolean {
    const node = this.nodes.get(number);
    if (node?.status !== "active" || node.validUntil <= height) return true;
    return slot > Math.max(assignedIn, node.reports.at(-1)?.slot ?? 0) + params.pinDisputeSlots;
  }

  /** What an order owes a node for its reports below a slot. */
  #due(order: BookedOrder, { node: number, fromSlot, paidTo }: BookedPart, slot: number): bigint {
    const node = this.nodes.get(number);
    if (fromSlot === null || node === undefined || node.status === "expelled") return 0n;
    const worth = node.reports
      .filter((one) => one.slot >= paidTo && one.slot < Math.min(slot, order.endSlot))
      .reduce((sum, one) => sum + one.worth, 0);
    return (slotPrice(order) * BigInt(worth)) / BigInt(millionths);
  }

  /** Pays a node for its reports below a slot; who is being asked gets nothing now. */
  settlePart(pin: number, number: number, slot: number): void {
    const [order, node] = [this.orders.get(pin), this.nodes.get(number)];
    const part = order?.parts.find((one) => one.node === number);
    if (order === undefined || node === undefined || part === undefined) return;
    if (part.ask !== undefined || part.fromSlot === null || node.status === "expelled") return;
    const due = this.#due(order, part, slot);
    this.nodes.set(number, { ...node, earned: node.earned + due });
    const paidTo = Math.max(part.paidTo, Math.min(slot, order.endSlot));
    const parts = order.parts.map((one) => (one === part ? { ...part, paidTo } : one));
    this.orders.set(pin, { ...order, escrow: order.escrow - due, parts });
  }

  /** The same for every node of an order. */
  settle(pin: number, slot: number): BookedOrder | undefined {
    for (const { node } of this.orders.get(pin)?.parts ?? []) this.settlePart(pin, node, slot);
    return this.orders.get(pin);
  }

  isForfeit({ node, ask }: BookedPart, at: At): boolean {
    if (ask === undefined) return false;
    return this.nodes.get(node)?.status === "expelled" || at.height > lastAnswer(ask.askedAt, at);
  }
  /** Who has not answered its buyer is out, unpaid; returns the deposits, which are the buyer's. */
  dropForfeit(pin: number, at: At): bigint {
    let deposits = 0n;
    for (const part of this.orders.get(pin)?.parts ?? []) {
      if (!this.isForfeit(part, at)) continue;
      deposits += part.ask?.deposit ?? 0n;
      this.drop(pin, part, at.slot);
    }
    return deposits;
  }
  drop(pin: number, part: BookedPart, slot: number): void {
    this.takeOut(pin, part, slot);
    const order = this.orders.get(pin);
    if (order === undefined) return;
    this.orders.set(pin, { ...order, dropped: [...order.dropped, part.node].slice(-maxPinDropped) });
  }

  /** A node's part in a running order is over. */
  takeOut(pin: number, part: BookedPart, slot: number): void {
    const order = this.orders.get(pin);
    if (order === undefined) return;
    this.orders.set(pin, { ...order, parts: order.parts.filter(({ node }) => node !== part.node) });
    this.#release(pin, part, slot);
  }

  /** Samples of this slot may still be of the order. */
  #release(pin: number, { node: number, fromSlot }: BookedPart, slot: number): void {
    const node = this.nodes.get(number);
    if (node === undefined || fromSlot === null || fromSlot > slot) return;
    const before = node.released.slot === slot ? node.released.orders : [];
    this.nodes.set(number, { ...node, released: { slot, orders: [...before, pin] } });
  }

  #report(report: PinReport, at: At): string | undefined {
    const { node: number, slot, samples, key } = report;
    const node = this.nodes.get(number);
    const last = node?.reports.at(-1);
    const said = (what: string): string => `the report of node ${number} for slot ${slot} ${what}`;
    if (node?.status !== "active" || node.key !== key) return said("is of nobody who may report");
    if (slot !== at.slot) return said(`comes in slot ${at.slot}`);
    if (last !== undefined && last.slot >= slot) return said("is its second one");
    if (!equalBytes(report.previous, last?.digest ?? new Uint8Array(32))) return said("follows another");
    if (!isPinReportSigned(report, at.networkId)) return said("is not signed by its key");
    const isGap =
      last !== undefined &&
      report.count > 0 &&
      [...this.heard].some((heard) => heard > last.slot && heard < slot);
    const unpaidBefore = isGap
      ? Math.max(node.unpaidBefore, slot + at.params.pinPenaltySlots)
      : node.unpaidBefore;
    const answered = samples.filter(({ block }) => block !== null).length;
    const worth =
      slot < unpaidBefore || samples.length === 0 ? 0 : Math.floor((answered * millionths) / samples.length);
    const digest = pinReportDigest(report);
    this.nodes.set(number, { ...node, unpaidBefore, reports: [...node.reports, { slot, digest, worth }] });
    this.heard.add(slot);
    for (const pin of report.added) this.#confirm(pin, number, slot);
    return undefined;
  }

  /** From the next slot on it holds the order, if it was drawn for it and that lasts so long. */
  #confirm(pin: number, number: number, slot: number): void {
    const order = this.orders.get(pin);
    if (order === undefined || slot + 1 >= order.endSlot) return;
    const parts = order.parts.map((part) =>
      part.node === number && part.fromSlot === null
        ? { ...part, fromSlot: slot + 1, paidTo: slot + 1 }
        : part,
    );
    this.orders.set(pin, { ...order, parts });
  }

  /** Who is caught has nothing any more; a fifth of its stake goes to who showed it. */
  expel(number: number, reporter: Address, { slot }: At, payouts: Payouts): string | undefined {
    const node = this.nodes.get(number);
    if (node === undefined || node.status === "expelled") return `node ${number} is expelled again`;
    payouts.push([reporter, (node.stake + 4n) / 5n]);
    this.nodes.set(number, { ...node, status: "expelled", stake: 0n, endedIn: node.endedIn ?? slot });
    return undefined;
  }
}
