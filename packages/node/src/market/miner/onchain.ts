/**
 * The deal's life on the chain, from the miner's side: published when all data is here, started when all sectors are
 * on the chain, the client's breach reported, and the collateral taken out again when the deal is over. What is to be
 * done is read from the chain at every head; messages have keys, so a restart sends nothing twice.
 */
import {
  type Address,
  type AttoFil,
  attoFil,
  channelId,
  encode,
  HoldfastError,
  subAtto,
} from "@holdfast/base";
import {
  builtinAddresses,
  type Deal as ChainDeal,
  exitCodeMeaning,
  methods,
  type NetworkParams,
  percentOf,
} from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { type PieceLocation, termsOf } from "../deal.ts";
import { channelOn, dealOn, freeEscrowOf, heightOf, isLossOpen, minerOn } from "../facts.ts";
import { dealRefusals } from "../refusals.ts";
import { settleAmendments } from "./amend.ts";
import { locationsOf } from "./answers.ts";
import { dealById, type MinerContext } from "./context.ts";
import { fail } from "./follow.ts";
import { dueVoucher } from "./redeem.ts";
import type { DealPatch, DealRow } from "./store.ts";

/** Rounds between two tries of what the chain would refuse now. */
const retryRounds = 5;

interface MarketCall {
  readonly method:
    | "publishDeals"
    | "activateDeal"
    | "extendDeal"
    | "releaseDeal"
    | "reportCancelledChannel"
    | "withdrawBalance"
    | "settleDeals";
  readonly params: Uint8Array;
  readonly from: Address;
  readonly value?: AttoFil;
  /** Which of several calls of the method it is. */
  readonly which?: string;
  /** What is said of it in the deal's history. */
  readonly done: string;
}

export class OnChain {
  readonly #context: MinerContext;
  /** Height of the last try that came to nothing. */
  readonly #refusedAt = new Map<string, number>();

  constructor(context: MinerContext) {
    this.#context = context;
  }

  /** Looks at the chain for a deal; what is to be sent runs on its own. */
  look(dealId: string): void {
    const { needs, store, tasks } = this.#context;
    const deal = dealById(this.#context, dealId);
    if (tasks.isRunning(`onchain/${dealId}`)) return;
    const onChain = dealOn(needs.chain, deal);
    if (onChain !== undefined && !deal.published) store.update(dealId, { published: true });
    if (onChain !== undefined) settleAmendments(this.#context, deal, onChain);
    const height = heightOf(needs.chain);
    const refused = this.#refusedAt.get(dealId);
    if (refused !== undefined && height < refused + retryRounds) return;
    tasks.start(`onchain/${dealId}`, async (signal) => {
      const call = await nextCall(this.#context, dealById(this.#context, dealId), onChain);
      if (call === undefined) return;
      if (await send(this.#context, deal, call, signal)) this.#refusedAt.delete(dealId);
      else this.#refusedAt.set(dealId, heightOf(needs.chain));
    });
  }
}

async function nextCall(
  context: MinerContext,
  deal: DealRow,
  onChain: ChainDeal | undefined,
): Promise<MarketCall | undefined> {
  const { chain, miner, signer } = context.needs;
  const view = minerOn(chain, miner);
  if (view === undefined) return undefined;
  const ref = { client: deal.payer, channel: channelId(deal.channel) };
  const { owner, worker } = view;
  if (onChain === undefined) {
    // The record of a deal stays until its last start is past, so it is not there yet, or not any more.
    if (heightOf(chain) <= deal.proposal.startBy) {
      return publication(context, deal, signer.has(owner) ? owner : worker);
    }
    return withdrawal(context, deal, undefined, owner);
  }
  if (isLossOpen(chain, onChain)) {
    const params = encode(methods.market.settleDeals.params, { deals: [ref] });
    return { method: "settleDeals", params, from: worker, done: "the loss of a sector is settled" };
  }
  if (onChain.endedAt !== null) return withdrawal(context, deal, onChain, owner);
  if (isBroken(context, deal, onChain)) {
    const params = encode(methods.market.reportCancelledChannel.params, ref);
    const done = "the client cancelled its channel: its collateral is ours, and the deal is over";
    return { method: "reportCancelledChannel", params, from: worker, done };
  }
  if (onChain.status === "active") return change(context, deal, onChain, signer.has(owner) ? owner : worker);
  if (onChain.status !== "published" || (deal.state !== "committed" && deal.state !== "active"))
    return undefined;
  const locations = await allLocations(context, deal);
  if (locations === undefined || heightOf(chain) >= onChain.startBy) return undefined;
  const params = encode(methods.market.activateDeal.params, { ...ref, locations });
  return { method: "activateDeal", params, from: worker, done: "the deal has started on the chain" };
}

/** What the client has asked for and this miner has taken. */
function change(
  { needs, amendments }: MinerContext,
  deal: DealRow,
  onChain: ChainDeal,
  from: Address,
): MarketCall | undefined {
  const taken = amendments.of(deal.dealId).find(({ state }) => state === "accepted");
  if (taken === undefined || heightOf(needs.chain) >= taken.amendment.validUntil) return undefined;
  const { kind, signature, validUntil, endHeight, totalPrice, clientCollateral, providerCollateral } =
    taken.amendment;
  const ref = { client: deal.payer, channel: channelId(deal.channel) };
  if (kind === "release") {
    const params = encode(methods.market.releaseDeal.params, { ...ref, validUntil, signature });
    return {
      method: "releaseDeal",
      params,
      from,
      which: taken.amendmentId,
      done: "both ended the deal early",
    };
  }
  const given = { endHeight, totalPrice, clientCollateral, providerCollateral, validUntil, signature };
  const params = encode(methods.market.extendDeal.params, { ...ref, ...given });
  const value = subAtto(providerCollateral, onChain.providerCollateral);
  const done = `the deal goes on until ${endHeight}`;
  return { method: "extendDeal", params, from, value, which: taken.amendmentId, done };
}

function publication({ needs }: MinerContext, deal: DealRow, from: Address): MarketCall | undefined {
  const { chain, miner } = needs;
  const isReady = deal.state === "staged" || deal.state === "sealing" || deal.state === "committed";
  if (!isReady || heightOf(chain) >= deal.proposal.startBy) return undefined;
  const { termsSignature, providerCollateral } = deal.proposal;
  const deals = [{ terms: termsOf(deal.proposal), signature: termsSignature }];
  const params = encode(methods.market.publishDeals.params, { miner, deals });
  return { method: "publishDeals", params, from, value: providerCollateral, done: "the deal is published" };
}

/** Rounds in which a redemption lands for sure. */
const marginRounds = 5;

/** The client has cancelled, and no voucher will be due in time to take the cancellation back. */
function isBroken({ needs }: MinerContext, deal: DealRow, onChain: ChainDeal): boolean {
  const { chain } = needs;
  const height = heightOf(chain);
  const channel = channelOn(chain, deal.payer, deal.channel);
  if (channel === undefined || channel.eol >= channel.agreedEol) return false;
  const isOver = height >= (onChain.status === "published" ? onChain.startBy : onChain.endHeight);
  const last = channel.eol - marginRounds;
  const canRedeem = onChain.status === "active" && dueVoucher(deal, channel, last) !== undefined;
  return !isOver && !canRedeem;
}

/** What a deal leaves in the miner's escrow goes back to its owner. */
function withdrawal(
  context: MinerContext,
  deal: DealRow,
  onChain: ChainDeal | undefined,
  owner: Address,
): MarketCall | undefined {
  const { chain, miner, signer } = context.needs;
  if (!deal.published || deal.escrowBack) return undefined;
  const most = leftBy(chain.params, deal, onChain);
  const free = freeEscrowOf(chain, miner);
  const amount = attoFil(free < most ? free : most);
  if (amount === 0n || !signer.has(owner)) {
    // Nothing is left of it, or it is for the owner to take it out.
    context.store.update(deal.dealId, { escrowBack: true });
    return undefined;
  }
  const params = encode(methods.market.withdrawBalance.params, { miner, amount });
  return { method: "withdrawBalance", params, from: owner, done: "the collateral came back" };
}

/** What is the miner's again of a deal that is over; the rest of its free escrow was put there for something else. */
function leftBy(params: NetworkParams, { current }: DealRow, onChain: ChainDeal | undefined): bigint {
  const { clientCollateral, providerCollateral } = current;
  if (onChain?.status === "broken") return providerCollateral + clientCollateral;
  if (onChain?.status === "lost") return 0n;
  if (onChain?.status !== "late") return providerCollateral;
  return providerCollateral - percentOf(providerCollateral, params.lateStartPercent);
}

/** Of every piece; undefined while one is not in a sealed sector. */
async function allLocations(context: MinerContext, deal: DealRow): Promise<PieceLocation[] | undefined> {
  const count = deal.proposal.pieces.length;
  const locations: PieceLocation[] = [];
  while (locations.length < count) {
    const page = await locationsOf(context, deal, locations.length);
    if (page.length === 0) return undefined;
    locations.push(...page);
  }
  return locations;
}

/** False if nothing came of it now. */
async function send(
  context: MinerContext,
  deal: DealRow,
  { method, params, from, value, which, done }: MarketCall,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, sender, logger } = context.needs;
  const { dealId, marketTry } = deal;
  const to = builtinAddresses(chain.params.networkByte).market;
  const key = `deal/${dealId}/${method}/${which === undefined ? "" : `${which}/`}${marketTry}`;
  try {
    const { cid } = await sender.send({
      from,
      to,
      method,
      params,
      key,
      ...(value === undefined ? {} : { value }),
    });
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) {
      const patch = method === "withdrawBalance" ? { escrowBack: true } : { marketTry };
      note(context, deal, patch, done);
      return true;
    }
    const why = `${method} failed on the chain: ${exitCodeMeaning(receipt.exitCode)}`;
    giveUpOrRetry(context, deal, method, why);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    logger.warn("no message to the market", { deal: dealId, method, reason: error.message });
    if (error.code === "sender/replaced" || error.code === "sender/would-fail") {
      giveUpOrRetry(context, deal, method, error.message);
    }
  }
  return false;
}

/** A line of history that leaves the deal's state, and what is said of it, as they are. */
function note(
  { store, needs }: MinerContext,
  { dealId, state }: DealRow,
  patch: DealPatch,
  detail: string,
): void {
  store.update(dealId, patch, { atMs: needs.clock.nowMs(), state, detail });
}

function giveUpOrRetry(
  context: MinerContext,
  deal: DealRow,
  method: MarketCall["method"],
  why: string,
): void {
  const { dealId } = deal;
  const marketTry = deal.marketTry + 1;
  note(context, deal, { marketTry }, why);
  if (method !== "publishDeals" || marketTry < limits.dealMessageAttempts) return;
  fail(context, dealById(context, dealId), dealRefusals.notPublished({ detail: why }));
}
