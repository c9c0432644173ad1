/**
 * The state of attested pinning while a call changes it: nodes, orders and challenges by number, with the lists between
 * them kept in step. Money is moved here on paper; who uses it writes the state and then pays.
 */
import type { Address, AttoFil, Epoch, Hamt } from "@holdfast/base";
import { type Amt, addAtto, addEpochs, assert, subAtto, zeroAtto } from "@holdfast/base";
import type { Pin, PinAsk, PinChallenge, PinMark, PinNode, PinProgram, PinReplica } from "../../types/pin.ts";
import { askStart, maxPinDropped, pinSlotAt, pinSlotPrice } from "../../types/pin.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { gapEndCall } from "../calls.ts";
import { callActor, none } from "../kit.ts";
import type { PinsState } from "./state.ts";
import {
  indexBefore,
  loadMarks,
  loadNumbers,
  loadPinChallenges,
  loadPinNames,
  loadPinNodes,
  loadPins,
  loadPrograms,
  pinsStateCodec,
} from "./state.ts";

const millionths = 1_000_000n;

export type AskedReplica = PinReplica & { readonly ask: PinAsk };

export class PinBook {
  readonly #ctx: ActorContext;
  #state: PinsState;
  readonly #nodes: Amt<PinNode>;
  readonly #orders: Amt<Pin>;
  readonly #challenges: Amt<PinChallenge>;
  readonly #names: Hamt<number>;
  readonly #programs: Hamt<PinProgram>;
  readonly #drawn: Amt<number>;
  #gapEnd: Epoch | undefined;

  constructor(ctx: ActorContext) {
    this.#ctx = ctx;
    this.#state = ctx.readState(pinsStateCodec);
    this.#nodes = loadPinNodes(ctx.store, this.#state);
    this.#orders = loadPins(ctx.store, this.#state);
    this.#challenges = loadPinChallenges(ctx.store, this.#state);
    this.#names = loadPinNames(ctx.store, this.#state);
    this.#programs = loadPrograms(ctx.store, this.#state);
    this.#drawn = loadNumbers(ctx.store, this.#state.drawn);
  }

  /** Writes everything that has changed; before any money leaves. */
  write(): void {
    this.#ctx.writeState(pinsStateCodec, {
      ...this.#state,
      nodes: this.#nodes.flush(),
      orders: this.#orders.flush(),
      challenges: this.#challenges.flush(),
      names: this.#names.flush(),
      programs: this.#programs.flush(),
      drawn: this.#drawn.flush(),
    });
  }

  get state(): PinsState {
    return this.#state;
  }
  get slot(): number {
    return pinSlotAt(this.#ctx.params.pinSlotEpochs, this.#ctx.height);
  }
  get names(): Hamt<number> {
    return this.#names;
  }
  get programs(): Hamt<PinProgram> {
    return this.#programs;
  }

  change(fields: Partial<PinsState>): void {
    this.#state = { ...this.#state, ...fields };
  }
  takeIn(amount: AttoFil): void {
    this.change({ held: addAtto(this.#state.held, amount) });
  }
  giveOut(amount: AttoFil): void {
    assert(this.#state.held >= amount, "no more is given out than is held");
    this.change({ held: subAtto(this.#state.held, amount) });
  }

  /** `pinNodeNotFound`. */
  node(number: number): PinNode {
    const node = number < this.#state.nextNode ? this.#nodes.get(number) : undefined;
    return node ?? this.#ctx.fail(vmExitCodes.pinNodeNotFound, `there is no pinning node ${number}`);
  }
  setNode(number: number, node: PinNode): void {
    this.#nodes.set(number, node);
  }
  addNode(node: PinNode): number {
    const number = this.#state.nextNode;
    this.change({ nextNode: number + 1 });
    this.#nodes.set(number, node);
    return number;
  }
  /** `pinNodeNotFound`, `notOperator`. */
  ownNode(number: number): PinNode {
    const node = this.node(number);
    if (node.operator === this.#ctx.message.from) return node;
    return this.#ctx.fail(vmExitCodes.notOperator, `the operator of node ${number} is ${node.operator}`);
  }

  find(number: number): Pin | undefined {
    return number < this.#state.nextOrder ? this.#orders.get(number) : undefined;
  }
  /** `pinNotFound`. */
  order(number: number): Pin {
    return this.find(number) ?? this.#ctx.fail(vmExitCodes.pinNotFound, `there is no order ${number}`);
  }
  setOrder(number: number, order: Pin): void {
    this.#orders.set(number, order);
  }
  addOrder(order: Pin): number {
    const number = this.#state.nextOrder;
    this.change({ nextOrder: number + 1 });
    this.#orders.set(number, order);
    return number;
  }
  removeOrder(number: number): void {
    this.#orders.delete(number);
  }

  findChallenge(number: number): PinChallenge | undefined {
    return number < this.#state.nextChallenge ? this.#challenges.get(number) : undefined;
  }
  /** `challengeNotFound`. */
  challenge(number: number): PinChallenge {
    const found = this.findChallenge(number);
    return found ?? this.#ctx.fail(vmExitCodes.challengeNotFound, `there is no open challenge ${number}`);
  }
  addChallenge(challenge: PinChallenge): number {
    const number = this.#state.nextChallenge;
    this.change({ nextChallenge: number + 1 });
    this.#challenges.set(number, challenge);
    const node = this.node(challenge.node);
    this.setNode(challenge.node, { ...node, openChallenges: node.openChallenges + 1 });
    return number;
  }
  removeChallenge(number: number, challenge: PinChallenge): void {
    this.#challenges.delete(number);
    const node = this.node(challenge.node);
    this.setNode(challenge.node, { ...node, openChallenges: node.openChallenges - 1 });
  }

  /** Nodes that orders are drawn from. */
  get drawnCount(): number {
    return this.#state.drawnCount;
  }
  drawnAt(position: number): number | undefined {
    return this.#drawn.get(position);
  }
  enlist(number: number): void {
    const position = this.#state.drawnCount;
    this.#drawn.set(position, number);
    this.setNode(number, { ...this.node(number), position });
    this.change({ drawnCount: position + 1 });
  }
  /** The last one takes its position. */
  strike(number: number): void {
    const { position } = this.node(number);
    if (position === null) return;
    const last = this.#state.drawnCount - 1;
    const moved = this.#drawn.get(last);
    assert(moved !== undefined, "the list of drawn nodes has no gaps");
    this.#drawn.delete(last);
    if (moved !== number) {
      this.#drawn.set(position, moved);
      this.setNode(moved, { ...this.node(moved), position });
    }
    this.setNode(number, { ...this.node(number), position: null });
    this.change({ drawnCount: last });
  }

  /** Gives a node its part in an order, to be confirmed by a report. */
  assign(pin: number, number: number, bytes: number): PinReplica {
    const node = this.node(number);
    const assigned = loadNumbers(this.#ctx.store, node.assigned);
    assigned.set(pin, pin);
    const assignedBytes = node.assignedBytes + bytes;
    this.setNode(number, { ...node, assigned: assigned.flush(), assignedBytes });
    return { node: number, assignedIn: this.slot, fromSlot: null, paidIndex: 0, place: null, ask: null };
  }

  /** The node's part is over: its room is free again, and no sample asks for it from the next slot on. */
  release(pin: number, bytes: number, replica: PinReplica): void {
    const node = this.node(replica.node);
    const assigned = loadNumbers(this.#ctx.store, node.assigned);
    assigned.delete(pin);
    const assignedBytes = node.assignedBytes - bytes;
    this.setNode(replica.node, { ...node, assigned: assigned.flush(), assignedBytes });
    if (replica.place !== null) this.#removeFromSet(replica.node, replica.place);
  }

  #removeFromSet(number: number, place: number): void {
    const node = this.node(number);
    const set = loadNumbers(this.#ctx.store, node.set);
    const last = node.setCount - 1;
    const moved = set.get(last);
    assert(moved !== undefined, "the set of a node has no gaps");
    set.delete(last);
    if (last !== place) {
      set.set(place, moved);
      const order = this.order(moved);
      const replicas = order.replicas.map((one) => (one.node === number ? { ...one, place } : one));
      this.setOrder(moved, { ...order, replicas });
    }
    this.setNode(number, { ...this.#setKept(node), set: set.flush(), setCount: last });
  }

  /** Before its set changes in a slot for the first time: samples of the slot are drawn from what it was. */
  #setKept(node: PinNode): PinNode {
    if (node.setChangedIn === this.slot) return node;
    return { ...node, setBefore: node.set, setBeforeCount: node.setCount, setChangedIn: this.slot };
  }

  /** What a report says: its mark, and the orders that the node holds from the next slot on. */
  enterReport(number: number, mark: PinMark, added: readonly number[]): void {
    const node = this.#setKept(this.node(number));
    const marks = loadMarks(this.#ctx.store, node);
    marks.set(marks.count, mark);
    const set = loadNumbers(this.#ctx.store, node.set);
    let { setCount } = node;
    for (const pin of added) {
      const order = this.find(pin);
      const replica = order?.replicas.find((one) => one.node === number);
      if (order === undefined || replica?.fromSlot !== null || mark.slot + 1 >= order.endSlot) continue;
      const confirmed = { ...replica, fromSlot: mark.slot + 1, paidIndex: mark.index, place: setCount };
      set.set(setCount, pin);
      setCount += 1;
      const replicas = order.replicas.map((one) => (one === replica ? confirmed : one));
      this.setOrder(pin, { ...order, replicas });
    }
    const { slot: lastSlot, report: lastReport, index } = mark;
    const history = marks.flush();
    this.setNode(number, { ...node, history, set: set.flush(), setCount, lastSlot, lastReport, index });
  }

  /** What a node's reports below a slot have earned in an order since it was paid last. */
  #due(order: Pin, { node: number, fromSlot, paidIndex }: PinReplica, slot: number) {
    const node = this.node(number);
    const isPaid = fromSlot !== null && node.status !== "expelled";
    const index = isPaid ? Math.max(paidIndex, indexBefore(this.#ctx.store, node, slot)) : paidIndex;
    const full = pinSlotPrice(order.bytes, order.price);
    return { index, due: ((full * BigInt(index - paidIndex)) / millionths) as AttoFil };
  }

  /** Pays a node; one that was expelled gets nothing more, and one that is being asked nothing now. */
  #payReplica(order: Pin, replica: PinReplica, slot: number): { order: Pin; replica: PinReplica } {
    if (replica.ask !== null) return { order, replica };
    const { index: paidIndex, due } = this.#due(order, replica, Math.min(slot, order.endSlot));
    assert(due <= order.escrow, "an order's escrow pays every node for every slot");
    const node = this.node(replica.node);
    this.setNode(replica.node, { ...node, earned: addAtto(node.earned, due) });
    return { order: { ...order, escrow: subAtto(order.escrow, due) }, replica: { ...replica, paidIndex } };
  }

  /** Pays all nodes of an order for the slots below a slot, but those that are being asked. */
  settle(number: number, slot: number): Pin {
    let order = this.order(number);
    const replicas: PinReplica[] = [];
    for (const one of order.replicas) {
      const paid = this.#payReplica(order, one, slot);
      order = paid.order;
      replicas.push(paid.replica);
    }
    const after = { ...order, replicas };
    this.setOrder(number, after);
    return after;
  }

  /** As far as a running order is credited: what is newer can still be lost by an ask that is not answered. */
  get creditedSlot(): number {
    return this.slot - this.#ctx.params.pinDisputeSlots;
  }

  /** What nodes that are being asked get for the slots below a slot, if they answer. */
  owedToAsked(number: number, slot: number): AttoFil {
    const order = this.order(number);
    return addAtto(zeroAtto, ...this.asked(number).map((replica) => this.#due(order, replica, slot).due));
  }

  /** A node leaves in peace, paid to its last report. */
  letGo(number: number, replica: PinReplica): void {
    const { order } = this.#payReplica(this.order(number), replica, this.slot);
    this.setOrder(number, { ...order, replicas: order.replicas.filter(({ node }) => node !== replica.node) });
    this.release(number, order.bytes, replica);
  }

  /**
   * Settles an order that has ended, and forgets it unless a node can still answer; returns what the buyer gets back.
   */
  close(number: number): { readonly buyer: Address; readonly rest: AttoFil; readonly isClosed: boolean } {
    const deposits = this.dropForfeit(number);
    const { endSlot } = this.order(number);
    const { replicas, bytes, buyer, escrow } = this.settle(number, endSlot);
    if (replicas.some(({ ask }) => ask !== null)) return { buyer, rest: deposits, isClosed: false };
    for (const replica of replicas) this.release(number, bytes, replica);
    this.removeOrder(number);
    this.giveOut(escrow);
    return { buyer, rest: addAtto(deposits, escrow), isClosed: true };
  }

  /** The parts of an order about which the buyer has asked. */
  asked(number: number): readonly AskedReplica[] {
    return this.order(number).replicas.flatMap((one) => (one.ask === null ? [] : [{ ...one, ask: one.ask }]));
  }
  askStart({ ask }: AskedReplica): Epoch {
    return askStart(ask, this.gapEnd);
  }
  /** The last epoch at which it can be answered. */
  answerBy(replica: AskedReplica): Epoch {
    return addEpochs(this.askStart(replica), this.#ctx.params.pinAnswerEpochs);
  }
  /** Where the chain went on after it last stood still for long. */
  get gapEnd(): Epoch {
    this.#gapEnd ??= callActor(this.#ctx, this.#ctx.builtins.market, gapEndCall, none);
    return this.#gapEnd;
  }
  /** The node was asked and can answer no more. */
  isForfeit(replica: AskedReplica): boolean {
    return this.node(replica.node).status === "expelled" || this.#ctx.height > this.answerBy(replica);
  }

  ask(number: number, { node }: PinReplica, ask: PinAsk): void {
    this.#setAsk(number, node, ask);
    this.takeIn(ask.deposit);
  }
  /** Pays the node at once; returns the deposit. */
  answered(number: number, { node, ask }: AskedReplica): AttoFil {
    this.#setAsk(number, node, null);
    const order = this.order(number);
    const found = order.replicas.find((one) => one.node === node);
    assert(found !== undefined, "who was asked has a part in the order");
    const paid = this.#payReplica(order, found, this.slot);
    const replicas = order.replicas.map((one) => (one === found ? paid.replica : one));
    this.setOrder(number, { ...paid.order, replicas });
    this.giveOut(ask.deposit);
    return ask.deposit;
  }
  /** A node that has not answered leaves the order, unpaid; while remembered it is not drawn. Returns the deposit. */
  drop(number: number, replica: AskedReplica): AttoFil {
    this.#setAsk(number, replica.node, null);
    const order = this.order(number);
    const replicas = order.replicas.filter(({ node }) => node !== replica.node);
    const dropped = [...order.dropped, replica.node].slice(-maxPinDropped);
    this.setOrder(number, { ...order, replicas, dropped });
    this.release(number, order.bytes, replica);
    this.giveOut(replica.ask.deposit);
    return replica.ask.deposit;
  }
  /** Drops all that can answer no more; returns their deposits. */
  dropForfeit(number: number): AttoFil {
    const gone = this.asked(number).filter((replica) => this.isForfeit(replica));
    return addAtto(zeroAtto, ...gone.map((replica) => this.drop(number, replica)));
  }

  #setAsk(number: number, of: number, ask: PinAsk | null): void {
    const order = this.order(number);
    const replicas = order.replicas.map((one) => (one.node === of ? { ...one, ask } : one));
    this.setOrder(number, { ...order, replicas });
    const node = this.node(of);
    this.setNode(of, { ...node, openAsks: node.openAsks + (ask === null ? -1 : 1) });
  }
}
