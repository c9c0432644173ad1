/**
 * Deals that do not simply go to their end: a longer life and an early end, which both sides want (the miner sends,
 * the client has signed); a client that cancels the channel of a deal which the miner keeps; and bringing deals
 * forward that are due.
 */
import type { Codec } from "@holdfast/base";
import { addAtto, c, subAtto, zeroAtto } from "@holdfast/base";
import type { DealExtension, DealRelease } from "../../types/deal.ts";
import { dealExtensionSigningBytes, dealReleaseSigningBytes, percentOf } from "../../types/deal.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { getSectorsHealthCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { burn, callActor, none } from "../kit.ts";
import type { Deal, DealBook, DealRef } from "./book.ts";
import { dealRefCodec, holdsCollateral } from "./book.ts";
import { asOperator, channelOf, checkChannel, checkSigned, findDeal, maxDealsPerMessage } from "./deals.ts";
import { withBook } from "./escrow.ts";
import { holdsUntil, lossOf } from "./machine.ts";
import { advance, endDeal, settle } from "./settle.ts";

export interface ExtendDeal extends DealRef {
  readonly endHeight: Deal["endHeight"];
  readonly totalPrice: Deal["totalPrice"];
  readonly clientCollateral: Deal["clientCollateral"];
  readonly providerCollateral: Deal["providerCollateral"];
  readonly validUntil: DealExtension["validUntil"];
  /** By the client, over the extension. */
  readonly signature: Uint8Array;
}
export const extendDealCodec: Codec<ExtendDeal> = c.tuple("ExtendDeal", {
  client: c.address,
  channel: c.channelId,
  endHeight: c.epoch,
  totalPrice: c.attoFil,
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  validUntil: c.epoch,
  signature: c.fixedBytes(65),
});

/** A deal that is active, not lost and not over; `dealNotActive`, `dealLost`. */
function livingDeal(ctx: ActorContext, book: DealBook, ref: DealRef): Deal {
  const deal = findDeal(ctx, book, ref);
  if (deal.status !== "active" || ctx.height >= deal.endHeight) {
    ctx.fail(vmExitCodes.dealNotActive, `the deal is ${deal.status} and ends at ${deal.endHeight}`);
  }
  if (book.lostAt(deal) !== null) ctx.fail(vmExitCodes.dealLost, "a sector of the deal is lost");
  return deal;
}

/** Locks what the greater price asks for. `amendmentInvalid`, `collateralTooSmall`, `insufficientEscrow`. */
function lockMore(ctx: ActorContext, book: DealBook, deal: Deal, given: ExtendDeal): void {
  const { clientCollateral, providerCollateral, totalPrice, client } = given;
  const { params } = ctx;
  if (clientCollateral < deal.clientCollateral || providerCollateral < deal.providerCollateral) {
    ctx.fail(vmExitCodes.amendmentInvalid, "nobody's collateral shrinks while the deal goes on");
  }
  const leastOfClient = percentOf(totalPrice, params.minClientCollateralPercent);
  const isCovered =
    providerCollateral >= percentOf(totalPrice, params.minProviderCollateralPercent) &&
    clientCollateral >= leastOfClient;
  if (!isCovered) ctx.fail(vmExitCodes.collateralTooSmall, "the collaterals are too small for this price");
  if (clientCollateral > leastOfClient && clientCollateral > totalPrice) {
    ctx.fail(vmExitCodes.amendmentInvalid, "the client answers with more than the deal is worth");
  }
  const moreOfClient = subAtto(clientCollateral, deal.clientCollateral);
  const moreOfProvider = subAtto(providerCollateral, deal.providerCollateral);
  if (book.free(client) < moreOfClient || book.free(deal.miner) < moreOfProvider) {
    const text = `the client has ${book.free(client)}, the miner ${book.free(deal.miner)} attoFIL of free escrow`;
    ctx.fail(vmExitCodes.insufficientEscrow, text);
  }
  book.lock(client, moreOfClient);
  book.lock(deal.miner, moreOfProvider);
}

/**
 * Lets an active deal live longer for a greater price: its sectors live so long already, the channel holds the money,
 * and both lock what the greater price asks for; the message's value is added to the miner's escrow.
 * `dealNotFound`, `notWorker`, `dealNotActive`, `dealLost`, `amendmentInvalid`, `collateralTooSmall`,
 * `insufficientEscrow`, `channelUnfit`, `dealSignatureInvalid`, `expirationOutOfRange`.
 */
export function extendDeal(ctx: ActorContext, given: ExtendDeal): None {
  const { client, channel, endHeight, totalPrice, clientCollateral, providerCollateral, validUntil } = given;
  const ref: DealRef = { client, channel };
  return withBook(ctx, (book) => {
    const deal = findDeal(ctx, book, ref);
    asOperator(ctx, deal.miner);
    livingDeal(ctx, book, ref);
    const { params, height } = ctx;
    const isPossible =
      height <= validUntil &&
      endHeight > deal.endHeight &&
      endHeight - height <= params.maxSectorLifetimeEpochs &&
      totalPrice >= deal.totalPrice;
    if (!isPossible) ctx.fail(vmExitCodes.amendmentInvalid, "an extension is later, dearer and in time");
    if (ctx.message.value > 0n) book.credit(deal.miner, ctx.message.value);
    lockMore(ctx, book, deal, given);
    checkChannel(ctx, ref, { endHeight, totalPrice });
    const extension = {
      deal: deal.id,
      endHeight,
      totalPrice,
      clientCollateral,
      providerCollateral,
      validUntil,
    };
    checkSigned(ctx, deal.signer, dealExtensionSigningBytes(extension, ctx.networkId), given.signature);
    const health = callActor(ctx, deal.miner, getSectorsHealthCall, { sectorIds: deal.sectors });
    for (const [index, sector] of health.entries()) {
      if (sector !== null && sector.expiration >= endHeight) continue;
      const id = deal.sectors[index];
      ctx.fail(vmExitCodes.expirationOutOfRange, `sector ${id} does not live until ${endHeight}`);
    }
    book.setDeal(ref, { ...deal, endHeight, totalPrice, clientCollateral, providerCollateral });
    return none;
  });
}

export interface ReleaseDeal extends DealRef {
  readonly validUntil: DealRelease["validUntil"];
  /** By the client, over the release. */
  readonly signature: Uint8Array;
}
export const releaseDealCodec: Codec<ReleaseDeal> = c.tuple("ReleaseDeal", {
  client: c.address,
  channel: c.channelId,
  validUntil: c.epoch,
  signature: c.fixedBytes(65),
});

/**
 * Ends a published or active deal because both want it: both have their collateral back. `dealNotFound`, `notWorker`,
 * `dealNotActive`, `dealLost`, `amendmentInvalid`, `dealSignatureInvalid`.
 */
export function releaseDeal(ctx: ActorContext, { validUntil, signature, ...ref }: ReleaseDeal): None {
  return withBook(ctx, (book) => {
    const deal = findDeal(ctx, book, ref);
    asOperator(ctx, deal.miner);
    checkHolding(ctx, book, deal);
    if (ctx.height > validUntil) ctx.fail(vmExitCodes.amendmentInvalid, `it was to be used by ${validUntil}`);
    const signed = dealReleaseSigningBytes({ deal: deal.id, validUntil }, ctx.networkId);
    checkSigned(ctx, deal.signer, signed, signature);
    settle(book, ref, deal, lossOf("released", deal, ctx.params));
    endDeal(ctx, book, ref, deal, "released");
    return none;
  });
}

/** The miner does its part so far: in time to start the deal, or with all sectors in place. */
function checkHolding(ctx: ActorContext, book: DealBook, deal: Deal): void {
  const last = holdsUntil(deal);
  if (!holdsCollateral(deal) || ctx.height > last) {
    ctx.fail(vmExitCodes.dealNotActive, `the deal is ${deal.status}, and its time was up to ${last}`);
  }
  if (deal.status === "active" && book.lostAt(deal) !== null) {
    ctx.fail(vmExitCodes.dealLost, "a sector of the deal is lost");
  }
}

/**
 * The client has cancelled the channel of a deal that the miner keeps: its collateral is the miner's, who has its own
 * back and owes nothing more. A channel that is gone proves nothing, because the miner can close it too.
 * `dealNotFound`, `notWorker`, `dealNotActive`, `dealLost`, `channelNotFound`, `channelKept`.
 */
export function reportCancelledChannel(ctx: ActorContext, ref: DealRef): None {
  return withBook(ctx, (book) => {
    const deal = findDeal(ctx, book, ref);
    asOperator(ctx, deal.miner);
    checkHolding(ctx, book, deal);
    const { eol, agreedEol } = channelOf(ctx, ref);
    if (eol >= agreedEol) ctx.fail(vmExitCodes.channelKept, `the channel lives until ${eol}, as agreed`);
    settle(book, ref, deal, lossOf("broken", deal, ctx.params));
    endDeal(ctx, book, ref, deal, "broken");
    return none;
  });
}

export interface SettleDeals {
  readonly deals: readonly DealRef[];
}
export const settleDealsCodec: Codec<SettleDeals> = c.tuple("SettleDeals", {
  deals: c.list(dealRefCodec, maxDealsPerMessage),
});

/**
 * Brings deals to where they are by now, without waiting for the tick: above all one that was lost long before its
 * end. Anyone may. Returns how many have moved; one that is not there is passed over.
 */
export function settleDeals(ctx: ActorContext, { deals }: SettleDeals): number {
  let burnt = zeroAtto;
  const moved = withBook(ctx, (book, state) => {
    let count = 0;
    for (const ref of deals) {
      const deal = book.deal(ref);
      const lost = deal === undefined ? undefined : advance(ctx, book, ref, deal, state);
      if (lost === undefined) continue;
      burnt = addAtto(burnt, lost);
      count += 1;
    }
    return count;
  });
  burn(ctx, burnt);
  return moved;
}
