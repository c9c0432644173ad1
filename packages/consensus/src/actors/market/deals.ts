/**
 * Deals on the chain: what a client and a miner owe each other, with money that says so. The client signs terms, the
 * miner publishes them, and from then on a collateral of each is locked. The miner answers for the pieces: they are
 * in its sectors at `startBy`, and these sectors live to the end. The client answers for the payment: it does not
 * cancel the channel while the miner does its part. Both can be judged by the chain alone and are judged exactly;
 * that a client does not sign a voucher needs no rule, because all vouchers of a deal exist before it is published.
 */
import type { CID, Codec, NetworkByte } from "@holdfast/base";
import { assert, c, encode, getObject, putObject, verifySignature } from "@holdfast/base";
import { builtinAddresses } from "../../types/builtins.ts";
import type { DealTerms } from "../../types/deal.ts";
import {
  dealIdOfTerms,
  dealSettlementEpochs,
  dealTermsCodec,
  dealTermsSigningBytes,
  percentOf,
} from "../../types/deal.ts";
import type { Predicate } from "../../types/predicate.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { type Channel, channelCodec } from "../broker/state.ts";
import type { MinerParties, PieceLocation } from "../calls.ts";
import { getPartiesCall, getSectorsHealthCall, pieceLocationsCodec, proveDealPiecesCall } from "../calls.ts";
import type { CallSpec, None } from "../kit.ts";
import { callActor, none } from "../kit.ts";
import type { ConditionParams } from "../miner/pieces.ts";
import type { Deal, DealBook, DealRef } from "./book.ts";
import { checkMiner, readBook, withBook } from "./escrow.ts";

export const maxDealsPerMessage = 32;

/** The broker's answer to who asks for a channel. */
const getChannelCall: CallSpec<
  { readonly payer: DealRef["client"]; readonly channel: DealRef["channel"] },
  Channel
> = {
  method: "getChannel",
  params: c.tuple("GetChannel", { payer: c.address, channel: c.channelId }),
  returns: channelCodec,
};

export function channelOf(ctx: ActorContext, { client, channel }: DealRef): Channel {
  return callActor(ctx, ctx.builtins.broker, getChannelCall, { payer: client, channel });
}

/** The miner's parties, for a call by one of them; `notWorker`. */
export function asOperator(ctx: ActorContext, miner: Deal["miner"]): MinerParties {
  const parties = callActor(ctx, miner, getPartiesCall, none);
  const { from } = ctx.message;
  if (from !== parties.worker && from !== parties.owner) {
    ctx.fail(vmExitCodes.notWorker, "only the miner's worker or owner may do this");
  }
  return parties;
}

export function findDeal(ctx: ActorContext, book: DealBook, ref: DealRef): Deal {
  const deal = book.deal(ref);
  if (deal !== undefined) return deal;
  return ctx.fail(vmExitCodes.dealNotFound, `${ref.client} has no deal on its channel ${ref.channel}`);
}

export interface SignedDealTerms {
  readonly terms: DealTerms;
  /** Recoverable secp256k1 signature by the client. */
  readonly signature: Uint8Array;
}
export interface PublishDeals {
  readonly miner: Deal["miner"];
  readonly deals: readonly SignedDealTerms[];
}
export const publishDealsCodec: Codec<PublishDeals> = c.tuple("PublishDeals", {
  miner: c.address,
  deals: c.list(
    c.tuple("SignedDealTerms", { terms: dealTermsCodec, signature: c.fixedBytes(65) }),
    maxDealsPerMessage,
  ),
});

/** What the terms say of themselves. */
function checkTerms(ctx: ActorContext, terms: DealTerms): void {
  const { params, height } = ctx;
  const { startHeight, startBy, endHeight, totalPrice, providerCollateral, clientCollateral } = terms;
  if (startBy < height) ctx.fail(vmExitCodes.dealTooLate, `the deal had to start by ${startBy}`);
  const isPossible =
    terms.pieces.length > 0 &&
    startHeight < endHeight &&
    startBy <= endHeight &&
    height < endHeight &&
    endHeight - height <= params.maxSectorLifetimeEpochs &&
    totalPrice > 0n;
  if (!isPossible) ctx.fail(vmExitCodes.dealInvalid, "pieces, times or price are not possible");
  const leastOfProvider = percentOf(totalPrice, params.minProviderCollateralPercent);
  const leastOfClient = percentOf(totalPrice, params.minClientCollateralPercent);
  if (providerCollateral < leastOfProvider || clientCollateral < leastOfClient) {
    const text = `at least ${leastOfProvider} of the provider and ${leastOfClient} of the client, in attoFIL`;
    ctx.fail(vmExitCodes.collateralTooSmall, text);
  }
  // Who signs for a multisig disposes of what is in the channel, and must not lock all that it has in escrow.
  if (clientCollateral > leastOfClient && clientCollateral > totalPrice) {
    ctx.fail(vmExitCodes.dealInvalid, "the client answers with more than the deal is worth");
  }
}

/** The channel pays these terms and nothing else, to the end of the time in which vouchers can be redeemed. */
export function checkChannel(
  ctx: ActorContext,
  ref: DealRef,
  {
    owner,
    endHeight,
    totalPrice,
  }: Pick<DealTerms, "endHeight" | "totalPrice"> & { readonly owner?: Deal["miner"] },
): Channel {
  const channel = channelOf(ctx, ref);
  const { target, amount, redeemed, eol, agreedEol } = channel;
  const isPaying = amount >= totalPrice && eol === agreedEol;
  const isForOwner = owner === undefined || (target === owner && redeemed === 0n);
  if (isPaying && isForOwner && eol >= endHeight + dealSettlementEpochs(ctx.params)) return channel;
  return ctx.fail(vmExitCodes.channelUnfit, `channel ${ref.channel} does not pay this deal to its end`);
}

/** That the client, or who signs for it, has signed these bytes; `dealSignatureInvalid`. */
export function checkSigned(
  ctx: ActorContext,
  signer: Deal["signer"],
  bytes: Uint8Array,
  signature: Uint8Array,
): void {
  ctx.chargeProof("signature", bytes.length);
  if (verifySignature(bytes, signature, signer)) return;
  ctx.fail(vmExitCodes.dealSignatureInvalid, `${signer} did not sign this`);
}

/** One deal of a list, after the miner is known. */
function publish(
  ctx: ActorContext,
  book: DealBook,
  { terms, signature }: SignedDealTerms,
  { miner, owner }: { readonly miner: Deal["miner"]; readonly owner: Deal["miner"] },
): CID {
  const { client, channel, startBy, endHeight, totalPrice, clientCollateral, providerCollateral } = terms;
  const ref: DealRef = { client, channel };
  if (terms.miner !== miner) ctx.fail(vmExitCodes.dealInvalid, "the terms name another miner");
  checkTerms(ctx, terms);
  if (book.deal(ref) !== undefined) {
    ctx.fail(vmExitCodes.dealExists, `${client} has a deal on its channel ${channel}`);
  }
  if (book.free(client) < clientCollateral || book.free(miner) < providerCollateral) {
    const text = `the client has ${book.free(client)}, the miner ${book.free(miner)} attoFIL of free escrow`;
    ctx.fail(vmExitCodes.insufficientEscrow, text);
  }
  const signer = checkChannel(ctx, ref, { owner, endHeight, totalPrice }).signer ?? client;
  checkSigned(ctx, signer, dealTermsSigningBytes(terms, ctx.networkId), signature);
  const id = putObject(ctx.store, dealTermsCodec, terms);
  assert(id.equals(dealIdOfTerms(terms)), "a deal's id is where its terms are");
  book.lock(client, clientCollateral);
  book.lock(miner, providerCollateral);
  book.setDeal(ref, {
    id,
    miner,
    signer,
    startBy,
    endHeight,
    totalPrice,
    clientCollateral,
    providerCollateral,
    status: "published",
    activatedAt: null,
    endedAt: null,
    sectors: [],
    queuedAt: (startBy + 1) as Deal["queuedAt"],
  });
  return id;
}

/**
 * Takes deals onto the chain and locks what both sides answer with; the message's value is added to the miner's
 * escrow. All or none. Returns the deals' ids. `unknownMiner`, `notWorker`, `dealInvalid`, `dealTooLate`,
 * `collateralTooSmall`, `dealExists`, `insufficientEscrow`, `channelNotFound`, `channelUnfit`, `dealSignatureInvalid`.
 */
export function publishDeals(ctx: ActorContext, { miner, deals }: PublishDeals): readonly CID[] {
  return withBook(ctx, (book, state) => {
    checkMiner(ctx, state, miner);
    const { owner } = asOperator(ctx, miner);
    if (deals.length === 0) ctx.fail(vmExitCodes.dealInvalid, "there is nothing to publish");
    if (ctx.message.value > 0n) book.credit(miner, ctx.message.value);
    return deals.map((one) => publish(ctx, book, one, { miner, owner }));
  });
}

export interface ActivateDeal extends DealRef {
  /** Where each piece of the terms is, in their order. */
  readonly locations: readonly PieceLocation[];
}
export const activateDealCodec: Codec<ActivateDeal> = c.tuple("ActivateDeal", {
  client: c.address,
  channel: c.channelId,
  locations: pieceLocationsCodec,
});

/**
 * The miner proves that every piece is in a healthy sector that lives to the deal's end. `dealNotFound`, `notWorker`,
 * `dealNotPublished`, `dealTooLate`, `minerSlashed`, and those of the miner's proofs of pieces.
 */
export function activateDeal(ctx: ActorContext, { locations, ...ref }: ActivateDeal): None {
  return withBook(ctx, (book) => {
    const deal = findDeal(ctx, book, ref);
    const { miner, startBy, endHeight: until } = deal;
    asOperator(ctx, miner);
    if (deal.status !== "published") ctx.fail(vmExitCodes.dealNotPublished, `the deal is ${deal.status}`);
    if (ctx.height > startBy || ctx.height >= until) {
      ctx.fail(vmExitCodes.dealTooLate, `the deal had to start by ${startBy}, before its end at ${until}`);
    }
    // What was lost then must be told from what is started now: one date for each miner is enough so.
    if (book.slashedAt(miner) !== null) ctx.fail(vmExitCodes.minerSlashed, "lost deals come first");
    const { pieces } = getObject(ctx.store, dealTermsCodec, deal.id);
    const sectors = callActor(ctx, miner, proveDealPiecesCall, { pieces, locations, until });
    book.watch(miner, sectors);
    book.setDeal(ref, { ...deal, status: "active", activatedAt: ctx.height, sectors });
    return none;
  });
}

export interface DealCondition extends DealRef {
  readonly id: CID;
  /** The deal goes on at least to here: a voucher of an extension is worth nothing before the extension is made. */
  readonly endHeight: Deal["endHeight"];
}
/** The payer's part of a voucher's condition: which deal. */
export const dealConditionCodec: Codec<DealCondition> = c.tuple("DealCondition", {
  client: c.address,
  channel: c.channelId,
  id: c.cid,
  endHeight: c.epoch,
});

/** The voucher's condition that this deal goes well, to its first end or to a later one. */
export function dealPredicate(
  network: NetworkByte,
  terms: DealTerms,
  endHeight: Deal["endHeight"] = terms.endHeight,
): Predicate {
  const { client, channel } = terms;
  const params = encode(dealConditionCodec, { client, channel, id: dealIdOfTerms(terms), endHeight });
  return { to: builtinAddresses(network).market, method: "verifyDeal", params };
}

export interface ReleaseCondition extends DealRef {
  readonly id: CID;
}
export const releaseConditionCodec: Codec<ReleaseCondition> = c.tuple("ReleaseCondition", {
  client: c.address,
  channel: c.channelId,
  id: c.cid,
});

/** The condition of the voucher that settles a deal which both sides end before its time. */
export function releasePredicate(network: NetworkByte, terms: DealTerms): Predicate {
  const { client, channel } = terms;
  const params = encode(releaseConditionCodec, { client, channel, id: dealIdOfTerms(terms) });
  return { to: builtinAddresses(network).market, method: "verifyRelease", params };
}

/** The deal that a condition names. `invalidParams`, `dealNotFound`. */
function namedDeal(ctx: ActorContext, book: DealBook, ref: ReleaseCondition, redeemer: Uint8Array): Deal {
  if (redeemer.length > 0) ctx.fail(vmExitCodes.invalidParams, "the redeemer has nothing to add");
  const deal = findDeal(ctx, book, ref);
  if (!deal.id.equals(ref.id)) ctx.fail(vmExitCodes.dealNotFound, `channel ${ref.channel} has another deal`);
  return deal;
}

/** Both sides have ended the deal before its time. `invalidParams`, `dealNotFound`, `dealNotActive`. */
export function verifyRelease(ctx: ActorContext, { condition, redeemer }: ConditionParams): None {
  const ref = ctx.decodeParams(releaseConditionCodec, condition);
  const { status } = namedDeal(ctx, readBook(ctx), ref, redeemer);
  if (status !== "released") ctx.fail(vmExitCodes.dealNotActive, `the deal is ${status}`);
  return none;
}

/**
 * The condition of a deal's vouchers: the deal is active, or has come to its end, and its sectors are healthy; those
 * of a complete deal may have come to the end of their life, but not as faulty ones. The redeemer has nothing to add.
 * `invalidParams`, `dealNotFound`, `dealNotActive`, `dealLost`, `sectorUnhealthy`.
 */
export function verifyDeal(ctx: ActorContext, { condition, redeemer }: ConditionParams): None {
  const { id, endHeight, ...ref } = ctx.decodeParams(dealConditionCodec, condition);
  const book = readBook(ctx);
  const deal = namedDeal(ctx, book, { ...ref, id }, redeemer);
  if (deal.endHeight < endHeight) {
    ctx.fail(vmExitCodes.dealNotActive, `the deal ends at ${deal.endHeight}, not at ${endHeight}`);
  }
  if (deal.status !== "active" && deal.status !== "complete") {
    ctx.fail(vmExitCodes.dealNotActive, `the deal is ${deal.status}`);
  }
  if (book.lostAt(deal) !== null) ctx.fail(vmExitCodes.dealLost, "a sector of the deal is lost");
  const isOver = ctx.height >= deal.endHeight;
  const health = callActor(ctx, deal.miner, getSectorsHealthCall, { sectorIds: deal.sectors });
  for (const [index, sector] of health.entries()) {
    const hasEnded = sector === null || sector.expiration <= ctx.height;
    if (isOver && hasEnded && sector?.isHealthy !== false) continue;
    if (sector === null || !sector.isHealthy) {
      ctx.fail(vmExitCodes.sectorUnhealthy, `sector ${deal.sectors[index]} is faulty`);
    }
  }
  return none;
}

/** A deal as the chain has it; `dealNotFound` before it is published and when its time is past. */
export function getDeal(ctx: ActorContext, ref: DealRef): Deal {
  return findDeal(ctx, readBook(ctx), ref);
}
