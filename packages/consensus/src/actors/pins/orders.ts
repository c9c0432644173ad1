/**
 * Orders of storage by CID. Who buys pays every node for every slot beforehand; nodes are drawn by the chain, get paid
 * by their reports, and what they do not earn goes back. Nothing happens by itself: what an order owes follows from the
 * reports on the chain alone, so it is the same whenever and by whom it is settled.
 */
import type { Address, AttoFil, CID, Codec } from "@holdfast/base";
import { addAtto, bigEndian, c, concatBytes, epoch, readBigEndian, subAtto } from "@holdfast/base";
import type { Pin, PinNode, PinReplica } from "../../types/pin.ts";
import {
  isPinNodeFit,
  isPinPartVacant,
  isPinSilent,
  maxPinBytes,
  maxPinReplicas,
  pinCost,
  pinSlotPrice,
} from "../../types/pin.ts";
import { isCheckable } from "../../types/pin-walk.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { pay } from "../kit.ts";
import { PinBook } from "./book.ts";

/** Farthest end of an order from now (slots): 60 years of half hours. */
export const maxPinSlots: number = 2 ** 20;
/** Orders that one message settles. */
export const maxPinsPerMessage = 256;

export interface AddPin {
  readonly cid: CID;
  readonly bytes: number;
  readonly wanted: number;
  /** attoFIL for a GiB and a slot of one node. */
  readonly price: AttoFil;
  readonly slots: number;
}
export const addPinCodec: Codec<AddPin> = c.tuple("AddPin", {
  cid: c.cid,
  bytes: c.uint(maxPinBytes),
  wanted: c.uint(maxPinReplicas),
  price: c.attoFil,
  slots: c.uint(maxPinSlots),
});

export interface ExtendPin {
  readonly pin: number;
  readonly slots: number;
}
export const extendPinCodec: Codec<ExtendPin> = c.tuple("ExtendPin", {
  pin: c.uint(),
  slots: c.uint(maxPinSlots),
});

export interface OnePin {
  readonly pin: number;
}
export const onePinCodec: Codec<OnePin> = c.tuple("OnePin", { pin: c.uint() });

export interface SettlePins {
  readonly pins: readonly number[];
}
export const settlePinsCodec: Codec<SettlePins> = c.tuple("SettlePins", {
  pins: c.list(c.uint(), maxPinsPerMessage),
});

function termsProblem({ cid, bytes, wanted, price, slots }: AddPin): string | undefined {
  if (!isCheckable(cid)) return "the CID's hash is none that the chain can check";
  if (bytes === 0) return "content has a size";
  if (wanted === 0) return "at least one node shall hold it";
  if (price <= 0n) return "the price is positive";
  return slots === 0 ? "at least one slot is paid for" : undefined;
}

/** Takes what is due of the message's value; the rest goes back. `pinUnderpaid`. */
function take(ctx: ActorContext, book: PinBook, due: AttoFil): AttoFil {
  const { value } = ctx.message;
  if (value < due) ctx.fail(vmExitCodes.pinUnderpaid, `it costs ${due} attoFIL`);
  book.takeIn(due);
  return subAtto(value, due);
}

/**
 * Orders storage from the next slot on; returns the number of the order. If fewer nodes than wanted take it now, the
 * others can be drawn later. `pinTermsInvalid`, `pinUnderpaid`, `noPinNodeFree`.
 */
export function addPin(ctx: ActorContext, terms: AddPin): number {
  const problem = termsProblem(terms);
  if (problem !== undefined) ctx.fail(vmExitCodes.pinTermsInvalid, problem);
  const book = new PinBook(ctx);
  const { slots, ...fields } = terms;
  const escrow = pinCost(terms, slots);
  const rest = take(ctx, book, escrow);
  const buyer = ctx.message.from;
  const number = book.addOrder({
    ...fields,
    buyer,
    endSlot: book.slot + 1 + slots,
    escrow,
    replicas: [],
    dropped: [],
  });
  if (drawNodes(ctx, book, number) === 0) {
    ctx.fail(vmExitCodes.noPinNodeFree, "no pinning node that reports has room for it and takes this price");
  }
  book.write();
  pay(ctx, buyer, rest);
  return number;
}

/**
 * Fills the empty places of an order from the nodes that are drawn; returns how many were found. The draw is bounded,
 * so where few nodes fit it may find fewer than there are.
 */
export function drawNodes(ctx: ActorContext, book: PinBook, number: number): number {
  const order = book.order(number);
  const replicas: PinReplica[] = [...order.replicas];
  const missing = order.wanted - replicas.length;
  const entropy = concatBytes(bigEndian(number, 8), bigEndian(replicas.length, 4));
  const seed = ctx.rand(epoch(ctx.height - 1), "pin nodes", entropy);
  const first = readBigEndian(seed.subarray(0, 16));
  const step = readBigEndian(seed.subarray(16, 32));
  const { drawnCount } = book;
  const tries = Math.min(drawnCount, 4 * order.wanted + 16);
  let found = 0;
  for (let i = 0; i < tries && found < missing; i++) {
    // Neighbours from a drawn start where all are tried; draws of their own where there are many more.
    const at = drawnCount === tries ? first + BigInt(i) : first + step * BigInt(i);
    const node = book.drawnAt(Number(at % BigInt(drawnCount)));
    if (node === undefined || replicas.some((one) => one.node === node)) continue;
    if (order.dropped.includes(node)) continue;
    if (!takes(ctx, book, book.node(node), order)) continue;
    replicas.push(book.assign(number, node, order.bytes));
    found += 1;
  }
  book.setOrder(number, { ...order, replicas });
  return found;
}

function takes(ctx: ActorContext, book: PinBook, node: PinNode, { bytes, price }: Pin): boolean {
  const hasRoom = node.assignedBytes + bytes <= node.capacityBytes;
  // One that has never reported may have joined just now.
  const isSilent = node.lastSlot !== null && isPinSilent(node.lastSlot, timeOf(ctx, book));
  return hasRoom && node.leastPrice <= price && !isSilent && isPinNodeFit(node, ctx.height);
}

const timeOf = ({ height, params }: ActorContext, { slot }: PinBook) => ({
  ...{ height, slot, disputeSlots: params.pinDisputeSlots },
});

/**
 * Pays for more slots; anybody may. Returns the new end. `pinNotFound`, `pinEnded`, `pinTermsInvalid`,
 * `pinUnderpaid`.
 */
export function extendPin(ctx: ActorContext, { pin, slots }: ExtendPin): number {
  const book = new PinBook(ctx);
  const order = openOrder(ctx, book, pin);
  const endSlot = order.endSlot + slots;
  if (slots === 0 || endSlot > book.slot + maxPinSlots) {
    ctx.fail(vmExitCodes.pinTermsInvalid, `an order ends at most ${maxPinSlots} slots from now`);
  }
  const due = pinCost(order, slots);
  const rest = take(ctx, book, due);
  book.setOrder(pin, { ...order, endSlot, escrow: addAtto(order.escrow, due) });
  book.write();
  pay(ctx, ctx.message.from, rest);
  return endSlot;
}

/** `pinNotFound`, `pinEnded`. */
export function openOrder(ctx: ActorContext, book: PinBook, pin: number): Pin {
  const order = book.order(pin);
  if (book.slot >= order.endSlot) ctx.fail(vmExitCodes.pinEnded, `order ${pin} has ended`);
  return order;
}

/**
 * Ends an order after this slot. Nodes are paid; all but what this slot, and who is being asked, can still cost goes
 * back at once. `pinNotFound`, `pinEnded`, `notBuyer`.
 */
export function removePin(ctx: ActorContext, { pin }: OnePin): AttoFil {
  const book = new PinBook(ctx);
  const { buyer } = openOrder(ctx, book, pin);
  if (buyer !== ctx.message.from) ctx.fail(vmExitCodes.notBuyer, `the buyer is ${buyer}`);
  const deposits = book.dropForfeit(pin);
  const settled = book.settle(pin, book.slot);
  const endSlot = Math.min(settled.endSlot, book.slot + 1);
  // Reports of this slot: those that came are not settled yet, and others may still come.
  const kept = addAtto(pinCost(settled, 1), book.owedToAsked(pin, book.slot));
  const rest = (settled.escrow > kept ? settled.escrow - kept : 0n) as AttoFil;
  book.setOrder(pin, { ...settled, endSlot, escrow: subAtto(settled.escrow, rest) });
  book.giveOut(rest);
  book.write();
  pay(ctx, buyer, addAtto(deposits, rest));
  return rest;
}

/**
 * Credits nodes with what their reports have earned, in a running order but those of the last slots; what has ended is
 * closed, and what is left goes back to who bought it. Anybody may. Orders that are gone are passed over, and an ended
 * one stays while a node can still answer. Returns how many were closed.
 */
export function settlePins(ctx: ActorContext, { pins }: SettlePins): number {
  const book = new PinBook(ctx);
  const refunds: { readonly buyer: Address; readonly rest: AttoFil; readonly isClosed: boolean }[] = [];
  for (const pin of pins) {
    const order = book.find(pin);
    if (order === undefined) continue;
    if (book.slot >= order.endSlot) refunds.push(book.close(pin));
    else book.settle(pin, book.creditedSlot);
  }
  book.write();
  for (const { buyer, rest } of refunds) pay(ctx, buyer, rest);
  return refunds.filter(({ isClosed }) => isClosed).length;
}

/**
 * Draws nodes for the places of those that left, were expelled, have too old evidence, have kept silent, or did not
 * answer the buyer; anybody may. Who can still answer stays. Returns how many were found. `pinNotFound`, `pinEnded`,
 * `nothingToRepair`.
 */
export function repairPin(ctx: ActorContext, { pin }: OnePin): number {
  const book = new PinBook(ctx);
  const { wanted, buyer } = openOrder(ctx, book, pin);
  const deposits = book.dropForfeit(pin);
  const { replicas } = book.settle(pin, book.creditedSlot);
  const gone = replicas.filter((replica) => replica.ask === null && isVacant(ctx, book, replica));
  if (replicas.length - gone.length === wanted) {
    ctx.fail(vmExitCodes.nothingToRepair, "all nodes are in their places");
  }
  for (const replica of gone) book.letGo(pin, replica);
  const found = drawNodes(ctx, book, pin);
  book.write();
  pay(ctx, buyer, deposits);
  return found;
}

const isVacant = (ctx: ActorContext, book: PinBook, replica: PinReplica): boolean =>
  isPinPartVacant(book.node(replica.node), replica, timeOf(ctx, book));

export function getPin(ctx: ActorContext, { pin }: OnePin): Pin {
  return new PinBook(ctx).order(pin);
}

/** No amount is so great: neither that of a question nor what follows from it. */
const maxPrice = 2n ** 100n;

/** What one node's part costs for one slot, for who asks before ordering. `pinTermsInvalid`. */
export function priceOf(
  ctx: ActorContext,
  { bytes, price }: { readonly bytes: number; readonly price: AttoFil },
): AttoFil {
  if (price < 0n || price > maxPrice) ctx.fail(vmExitCodes.pinTermsInvalid, "nobody has so much, or less");
  return pinSlotPrice(bytes, price);
}
