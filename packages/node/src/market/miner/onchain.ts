/**
 * The deal's life on the chain, from the miner's side: published when all data is here, started when all sectors are
 * on the chain, changed where both want it, the client's breach reported, and the collateral taken out again when the
 * deal is over. Which message is due the machine says; here it is made and sent. Messages have keys, so a restart
 * sends nothing twice.
 */
import { type Address, type AttoFil, channelId, encode, HoldfastError, subAtto } from "@holdfast/base";
import { builtinAddresses, exitCodeMeaning, methods } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { type PieceLocation, termsOf } from "../deal.ts";
import { dealOn, minerOn, sectorOn } from "../facts.ts";
import type { MarketMethod, MinerAct } from "../machine/miner.ts";
import { dealRefusals } from "../refusals.ts";
import { locationsOf } from "./answers.ts";
import { dealById, happens, lostCodes, type MinerContext, note } from "./context.ts";
import type { DealRow } from "./store.ts";

type Message = Extract<MinerAct, { do: "message" }>;

interface MarketCall {
  readonly params: Uint8Array;
  readonly from: Address;
  readonly value?: AttoFil;
  /** Which of several calls of the method it is. */
  readonly which?: string;
  /** What is said of it in the deal's history. */
  readonly done: string;
}

const refOf = ({ payer, channel }: DealRow) => ({ client: payer, channel: channelId(channel) });

/** Undefined if what it needs is not there any more. */
async function callOf(context: MinerContext, deal: DealRow, act: Message): Promise<MarketCall | undefined> {
  const { chain, miner, signer } = context.needs;
  const view = minerOn(chain, miner);
  if (view === undefined) return undefined;
  const { owner, worker } = view;
  const payer = signer.has(owner) ? owner : worker;
  const ref = refOf(deal);
  switch (act.method) {
    case "publishDeals": {
      const { termsSignature, providerCollateral: value } = deal.proposal;
      const deals = [{ terms: termsOf(deal.proposal), signature: termsSignature }];
      const params = encode(methods.market.publishDeals.params, { miner, deals });
      return { params, from: payer, value, done: "the deal is published" };
    }
    case "activateDeal": {
      const locations = await allLocations(context, deal);
      if (locations === undefined) return undefined;
      const params = encode(methods.market.activateDeal.params, { ...ref, locations });
      return { params, from: worker, done: "the deal has started on the chain" };
    }
    case "settleDeals": {
      const params = encode(methods.market.settleDeals.params, { deals: [ref] });
      return { params, from: worker, done: "the loss of a sector is settled" };
    }
    case "reportCancelledChannel": {
      const params = encode(methods.market.reportCancelledChannel.params, ref);
      const done = "the client cancelled its channel: its collateral is ours, and the deal is over";
      return { params, from: worker, done };
    }
    case "withdrawBalance": {
      const params = encode(methods.market.withdrawBalance.params, { miner, amount: act.amount });
      return { params, from: owner, done: "the collateral came back" };
    }
    default:
      return changeCall(context, deal, payer);
  }
}

/** What the client has asked for and this miner has taken. */
function changeCall(
  { needs, amendments }: MinerContext,
  deal: DealRow,
  from: Address,
): MarketCall | undefined {
  const taken = amendments.of(deal.dealId).find(({ state }) => state === "accepted");
  const onChain = dealOn(needs.chain, deal);
  if (taken === undefined || onChain === undefined) return undefined;
  const { kind, signature, validUntil, endHeight, totalPrice, clientCollateral, providerCollateral } =
    taken.amendment;
  const [ref, which] = [refOf(deal), taken.amendmentId];
  if (kind === "release") {
    const params = encode(methods.market.releaseDeal.params, { ...ref, validUntil, signature });
    return { params, from, which, done: "both ended the deal early" };
  }
  const given = { endHeight, totalPrice, clientCollateral, providerCollateral, validUntil, signature };
  const params = encode(methods.market.extendDeal.params, { ...ref, ...given });
  const value = subAtto(providerCollateral, onChain.providerCollateral);
  return { params, from, value, which, done: `the deal goes on until ${endHeight}` };
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

/** Of the message that was sent, or is to be sent next. */
export function marketKey({ dealId, marketTry }: DealRow, method: MarketMethod, which?: string): string {
  return `deal/${dealId}/${method}/${which === undefined ? "" : `${which}/`}${marketTry}`;
}

/** False if nothing came of it now. */
export async function sendToMarket(
  context: MinerContext,
  dealId: string,
  act: Message,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, sender, logger } = context.needs;
  const deal = dealById(context, dealId);
  const { method } = act;
  const call = await callOf(context, deal, act);
  if (call === undefined) return false;
  if (method === "extendDeal" && !(await lengthenSectors(context, deal, signal))) return false;
  const { params, from, value, which, done } = call;
  const to = builtinAddresses(chain.params.networkByte).market;
  const key = marketKey(deal, method, which);
  try {
    const paid = value === undefined ? {} : { value };
    const { cid } = await sender.send({ from, to, method, params, key, ...paid });
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) {
      note(context, dealId, {}, done);
      happens(context, dealId, { type: "sent", method });
      return true;
    }
    const why = `${method} failed on the chain: ${exitCodeMeaning(receipt.exitCode)}`;
    giveUpOrRetry(context, deal, method, why);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    logger.warn("no message to the market", { deal: dealId, method, reason: error.message });
    if (lostCodes.has(error.code) || error.code === "sender/would-fail") {
      giveUpOrRetry(context, deal, method, error.message);
    }
  }
  return false;
}

/** Before a deal lives longer its sectors do; true when they live long enough. */
async function lengthenSectors(context: MinerContext, deal: DealRow, signal: AbortSignal): Promise<boolean> {
  const { chain, miner, sender } = context.needs;
  const { dealId, marketTry } = deal;
  const taken = context.amendments.of(dealId).find(({ state }) => state === "accepted");
  const worker = minerOn(chain, miner)?.worker;
  if (taken === undefined || worker === undefined) return false;
  const { endHeight: expiration } = taken.amendment;
  const short = (dealOn(chain, deal)?.sectors ?? []).filter(
    (sectorId) => (sectorOn(chain, miner, sectorId)?.expiration ?? 0) < expiration,
  );
  if (short.length === 0) return true;
  const method = "extendSectors";
  const params = encode(methods.miner.extendSectors.params, { sectorIds: short, expiration });
  const key = `deal/${dealId}/${method}/${taken.amendmentId}/${marketTry}`;
  const names = short.length === 1 ? `sector ${short[0]}` : `${short.length} sectors`;
  try {
    const { cid } = await sender.send({ from: worker, to: miner, method, params, key });
    const { receipt } = await sender.wait(cid, { signal });
    const failed = `${names} cannot live longer: ${exitCodeMeaning(receipt.exitCode)}`;
    const isDone = receipt.exitCode === 0;
    const patch = isDone ? {} : { marketTry: marketTry + 1 };
    note(context, dealId, patch, isDone ? `${names} live until ${expiration} for it` : failed);
    return isDone;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    note(context, dealId, { marketTry: marketTry + 1 }, `${names} cannot live longer now: ${error.message}`);
    return false;
  }
}

function giveUpOrRetry(context: MinerContext, deal: DealRow, method: MarketMethod, why: string): void {
  const { dealId } = deal;
  const marketTry = deal.marketTry + 1;
  note(context, dealId, { marketTry }, why);
  if (method !== "publishDeals" || marketTry < limits.dealMessageAttempts) return;
  happens(context, dealId, { type: "gave up", reason: dealRefusals.notPublished({ detail: why }) });
}
