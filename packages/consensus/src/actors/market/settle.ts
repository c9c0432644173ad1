/**
 * How deals go on by themselves; where to, and what it costs, `machine.ts` says. Every state has a last epoch: a
 * published deal is late after `startBy`, an active one is complete at its end or lost if a sector ended before, and
 * the record of a deal that is over goes when no voucher of it can be redeemed any more. What happens depends on what
 * the chain has recorded and not on when it is looked at, so the tick may come later, and anybody may come earlier.
 */
import type { AttoFil, Epoch } from "@holdfast/base";
import { addAtto, addEpochs, epoch, zeroAtto } from "@holdfast/base";
import { dealSettlementEpochs } from "../../types/deal.ts";
import type { ActorContext } from "../../vm/context.ts";
import type { Deal, DealBook, DealRef, DealStatus } from "./book.ts";
import { holdsCollateral, watchesSectors } from "./book.ts";
import { type DealLoss, dueEnd } from "./machine.ts";

/** A gap in the chain in which nobody could do anything; both 0 if there was none. */
export interface Stall {
  readonly stallFrom: Epoch;
  readonly stallTo: Epoch;
}

/** Gives a deal its last status; its record stays until nobody can ask for it or publish its terms again. */
export function endDeal(
  ctx: ActorContext,
  book: DealBook,
  ref: DealRef,
  deal: Deal,
  status: DealStatus,
): void {
  const settled = addEpochs(
    status === "complete" ? deal.endHeight : ctx.height,
    dealSettlementEpochs(ctx.params),
  );
  const queuedAt = epoch(Math.max(settled, deal.startBy + 1, ctx.height + 1));
  const after: Deal = { ...deal, status, endedAt: ctx.height, queuedAt };
  if (watchesSectors(deal) && !watchesSectors(after)) book.unwatch(deal.miner, deal.sectors);
  book.setDeal(ref, after);
}

/** Unlocks both collaterals and moves what the end costs; returns what is to be burnt. */
export function settle(book: DealBook, { client }: DealRef, deal: Deal, loss: DealLoss): AttoFil {
  const { miner, clientCollateral, providerCollateral } = deal;
  book.unlock(client, clientCollateral);
  book.unlock(miner, providerCollateral);
  book.debit(miner, loss.provider);
  book.credit(client, loss.toClient);
  book.debit(client, loss.client);
  book.credit(miner, loss.client);
  return loss.burnt;
}

/** True if the chain stood still when the deal's pieces should have been proven. */
const stoodStill = ({ stallFrom, stallTo }: Stall, { startBy }: Deal): boolean =>
  stallFrom < startBy && startBy < stallTo;

/**
 * Brings a deal to where it is at this height; returns what is to be burnt, undefined if it stays as it is. A removed
 * deal is gone from the book.
 */
export function advance(
  ctx: ActorContext,
  book: DealBook,
  ref: DealRef,
  deal: Deal,
  stall: Stall,
): AttoFil | undefined {
  const { height, params } = ctx;
  if (holdsCollateral(deal)) {
    const lostAt = deal.status === "active" ? book.lostAt(deal) : null;
    const moment = { height, lostAt, stoodStill: stoodStill(stall, deal) };
    const due = dueEnd(deal, moment, params);
    if (due === undefined) return undefined;
    const burnt = settle(book, ref, deal, due.loss);
    endDeal(ctx, book, ref, deal, due.status);
    return burnt;
  }
  if (height < deal.queuedAt) return undefined;
  if (watchesSectors(deal)) book.unwatch(deal.miner, deal.sectors);
  book.removeDeal(ref);
  return zeroAtto;
}

/** The deals' part of the tick: so many of the queue as the network allows. Returns what is to be burnt. */
export function advanceDue(ctx: ActorContext, book: DealBook, stall: Stall): AttoFil {
  let burnt: AttoFil = zeroAtto;
  for (const { at, entry } of book.takeDue(ctx.height, ctx.params.dealsPerTick)) {
    const ref = { client: entry.client, channel: entry.channel };
    const deal = book.deal(ref);
    // It has ended otherwise and waits at another epoch, or another deal is on its channel.
    if (deal === undefined || !deal.id.equals(entry.id) || deal.queuedAt !== at) continue;
    const moved = advance(ctx, book, ref, deal, stall);
    if (moved !== undefined) burnt = addAtto(burnt, moved);
    // An active deal whose end was moved, or one that has just started.
    else book.setDeal(ref, { ...deal, queuedAt: nextLook(deal) });
  }
  return burnt;
}

/** When a deal that holds collateral is looked at next. */
export function nextLook(deal: Deal): Epoch {
  return deal.status === "published" ? addEpochs(deal.startBy, 1) : deal.endHeight;
}
