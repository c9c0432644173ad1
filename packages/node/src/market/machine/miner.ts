/**
 * The miner's side of a deal as one state machine, pure: what it has written down, and what chain, storage and time
 * say now, give what it writes down next and what it does. It is asked anew at every head, so a restart, a lost answer
 * or a reorganisation need no case of their own: an act that is still due is named again, and its message has a key.
 * Who must act in each state, until when, and where the money is then: `duties.ts`.
 */
import { type AttoFil, filText, HoldfastError } from "@holdfast/base";
import type { DealStatus, NetworkParams } from "@holdfast/consensus";
import { dealRefusals } from "../refusals.ts";
import type { Taking } from "./taking.ts";
import { isOver, isWithdrawalDone, takenBack, withdrawal, woundUp } from "./winding.ts";

/** staged, sealing, committed and active come from storage and chain anew at every head. */
export const keptStates = [
  "accepted",
  "transferring",
  "staged",
  "sealing",
  "committed",
  "active",
  "complete",
  "failed",
] as const;
export type KeptState = (typeof keptStates)[number];

/** What the miner has on disk of a deal. */
export interface MinerDeal {
  readonly state: KeptState;
  /** Of a failed deal. */
  readonly code: string;
  readonly detail: string;
  /** Height at which the last piece was stored; null before. */
  readonly stagedHeight: number | null;
  /** What the chain last said that was redeemed. */
  readonly redeemed: AttoFil;
  /** The channel is closed, or has ended. */
  readonly settled: boolean;
  /** The pieces were given back to the storage. */
  readonly dropped: boolean;
  /** Seen on the chain, or its publication was about to be sent: a collateral of ours may be in the market. */
  readonly published: boolean;
  /** What was left of the collateral was taken out again. */
  readonly escrowBack: boolean;
  /** Height since which nothing is left to do; null while something is. */
  readonly woundAt: number | null;
  /** And that is final: nobody looks at the deal any more. */
  readonly closed: boolean;
}

/** What both sides have agreed on, with the changes that the chain has. */
export interface MinerTerms {
  readonly startHeight: number;
  readonly startBy: number;
  readonly endHeight: number;
  readonly totalPrice: AttoFil;
  readonly clientCollateral: AttoFil;
  readonly providerCollateral: AttoFil;
  readonly vouchers: readonly { readonly amount: AttoFil; readonly validAt: number }[];
  /** The chain has an early end, and this is what it pays. */
  readonly settlement: AttoFil | undefined;
}

export interface ChainFacts {
  readonly status: DealStatus;
  readonly startBy: number;
  readonly endHeight: number;
  /** Null while collateral is locked. */
  readonly endedAt: number | null;
  /** A sector is lost, and nobody has settled that yet. */
  readonly isLossOpen: boolean;
}
export interface ChannelFacts {
  readonly redeemed: AttoFil;
  readonly eol: number;
  readonly agreedEol: number;
}
export interface SectorFacts {
  readonly sectorId: number;
  /** ended: its data is proven to nobody any more. */
  readonly stored: "staging" | "closed" | "failed" | "ended";
  /** As much is in it as the operator wants in a sector. */
  readonly isFilled: boolean;
  readonly onChain: { readonly lastProven: number | null; readonly faultySince: number | null } | undefined;
}
/** What a state of the chain has of a deal's money. */
export type Standing = Pick<MinerView, "height" | "chain" | "channel" | "withdrawal">;

/** What is the case now. */
export interface MinerView {
  readonly height: number;
  readonly terms: MinerTerms;
  readonly chain: ChainFacts | undefined;
  readonly channel: ChannelFacts | undefined;
  /** The chain has not had the channel for longer than a reorganisation takes. */
  readonly isChannelGone: boolean;
  /** Of the pieces; undefined when the storage has lost one. Not asked for before all are there. */
  readonly sectors: readonly SectorFacts[] | undefined;
  /** Every piece is in a sealed sector, so its place can be proven. */
  readonly isLocated: boolean;
  /** Other data is on its way and may come into the same sector. */
  readonly isBusy: boolean;
  /** Free escrow of this miner. */
  readonly free: AttoFil;
  /** The message that takes the collateral out. */
  readonly withdrawal: Taking;
  /** The same after the last tipset that no branch of the chain leaves. */
  readonly final: Standing;
  /** A change of the deal that was taken and is not on the chain. */
  readonly change:
    | { readonly id: string; readonly kind: "extend" | "release"; readonly validUntil: number }
    | undefined;
  /** The owner's key is here. */
  readonly hasOwner: boolean;
}

export type MarketMethod =
  | "publishDeals"
  | "activateDeal"
  | "extendDeal"
  | "releaseDeal"
  | "reportCancelledChannel"
  | "withdrawBalance"
  | "settleDeals";
export type MinerAct =
  | { readonly do: "fetch" | "drop" }
  | { readonly do: "seal"; readonly sectorIds: readonly number[] }
  | { readonly do: "message"; readonly method: Exclude<MarketMethod, "withdrawBalance"> }
  | { readonly do: "message"; readonly method: "withdrawBalance"; readonly amount: AttoFil }
  | { readonly do: "redeem"; readonly voucher: number | "settlement" };

export type MinerEvent =
  | { readonly type: "look"; readonly view: MinerView }
  | { readonly type: "fetching"; readonly piece: number; readonly of: number }
  | { readonly type: "fetched"; readonly height: number }
  | { readonly type: "gave up"; readonly reason: HoldfastError }
  /** A message took effect. */
  | { readonly type: "sent"; readonly method: MarketMethod }
  | {
      readonly type: "paid";
      readonly amount: AttoFil;
      readonly isLast: boolean;
      readonly height: number;
      readonly terms: MinerTerms;
    };

export interface MinerStep {
  readonly deal: MinerDeal;
  readonly acts: readonly MinerAct[];
}
export interface MinerRules extends Pick<NetworkParams, "lateStartPercent" | "lostCollateralClientPercent"> {
  /** Rounds after the last piece in which others may join a sector that is filled enough, and while transfers run. */
  readonly sealAfterRounds: number;
  readonly busySealRounds: number;
  /** Rounds from a closed sector to the chain; one that is not filled enough closes so long before the last start. */
  readonly sealRounds: number;
}

const staged = "all data is here and waits for its sector to be sealed";

/** The last height at which the sectors of a deal can close. */
function sealBy({ startBy }: MinerTerms, { sealRounds }: MinerRules): number {
  return startBy - sealRounds;
}

export function isFetching({ state }: Pick<MinerDeal, "state">): boolean {
  return state === "accepted" || state === "transferring";
}

/** The reducer. A deal that has an end is only wound up, until that is final. */
export function stepMiner(deal: MinerDeal, event: MinerEvent, rules: MinerRules): MinerStep {
  switch (event.type) {
    case "look":
      return look(deal, event.view, rules);
    case "fetching": {
      const detail = `fetching piece ${event.piece} of ${event.of}`;
      return isFetching(deal) ? still({ ...deal, state: "transferring", detail }) : still(deal);
    }
    case "fetched":
      if (!isFetching(deal)) return still(deal);
      return still({ ...deal, state: "staged", stagedHeight: event.height, detail: staged });
    case "gave up":
      return still(isOver(deal) ? deal : failed(deal, event.reason));
    case "sent":
      return still(event.method === "withdrawBalance" ? { ...deal, escrowBack: true } : deal);
    case "paid":
      return still(paid(deal, event));
  }
}

const still = (deal: MinerDeal): MinerStep => ({ deal, acts: [] });

function failed(deal: MinerDeal, reason: HoldfastError): MinerDeal {
  return { ...deal, state: "failed", code: reason.code, detail: reason.message };
}

function completed(deal: MinerDeal, terms: MinerTerms, height: number): MinerDeal {
  if (isOver(deal)) return deal;
  const isEarly = terms.settlement !== undefined && height < terms.endHeight;
  const detail = isEarly ? "both sides ended the deal early" : `the deal ended at ${terms.endHeight}`;
  return { ...deal, state: "complete", detail };
}

function paid(deal: MinerDeal, event: Extract<MinerEvent, { type: "paid" }>): MinerDeal {
  const { amount, isLast, terms, height } = event;
  const of = terms.settlement ?? terms.totalPrice;
  const detail = `paid so far: ${filText(amount)} of ${filText(of)} FIL`;
  const after = { ...deal, redeemed: amount, ...(isOver(deal) ? {} : { detail }) };
  if (!isLast) return after;
  const isEnd = height >= terms.endHeight || terms.settlement !== undefined;
  return isEnd ? completed({ ...after, settled: true }, terms, height) : { ...after, settled: true };
}

function look(before: MinerDeal, view: MinerView, rules: MinerRules): MinerStep {
  const { chain, channel, height } = view;
  let deal = takenBack(before, view);
  if (chain !== undefined && !deal.published) deal = { ...deal, published: true };
  if (!isOver(deal)) deal = judge(deal, view, rules);
  if (!deal.settled) {
    const isEnded = view.isChannelGone || (channel !== undefined && height >= channel.eol);
    if (isEnded) deal = settled(deal, view);
    if (channel !== undefined && channel.redeemed !== deal.redeemed) {
      deal = { ...deal, redeemed: channel.redeemed };
    }
  }
  const acts = [...work(deal, view, rules), ...message(deal, view, rules), ...redemption(deal, view)];
  // Written down before it is sent: who dies then, and comes back late, still looks for its collateral.
  if (acts.some((act) => act.do === "message" && act.method === "publishDeals"))
    deal = { ...deal, published: true };
  // Nothing is left of the collateral, or it is for the owner to take it out.
  if (isWithdrawalDone(deal, view, rules)) deal = { ...deal, escrowBack: true };
  return { deal: woundUp(deal, view), acts };
}

/** Where a deal that goes on is now. */
function judge(deal: MinerDeal, view: MinerView, rules: MinerRules): MinerDeal {
  const { chain, height, terms, sectors } = view;
  if (chain?.status === "released") return completed(deal, terms, height);
  if (chain !== undefined && chain.endedAt !== null && chain.status !== "complete") {
    const { status, endedAt, startBy } = chain;
    const isLate = status === "late";
    return failed(
      deal,
      isLate ? dealRefusals.notInTime({ startBy }) : dealRefusals.ended({ status, height: endedAt }),
    );
  }
  if (deal.settled && height >= terms.endHeight) return completed(deal, terms, height);
  const { startBy } = terms;
  // A transfer that runs looks for it now and then; what it still stores is dropped with the deal.
  if (isFetching(deal)) return height > startBy ? failed(deal, dealRefusals.notInTime({ startBy })) : deal;
  if (sectors === undefined) return failed(deal, dealRefusals.storageFailed({ detail: "a piece is gone" }));
  const next = placeOf(sectors, view, rules);
  return next instanceof HoldfastError ? failed(deal, next) : { ...deal, ...next };
}

function placeOf(
  sectors: readonly SectorFacts[],
  { terms, height }: MinerView,
  rules: MinerRules,
): Pick<MinerDeal, "state" | "detail"> | HoldfastError {
  const { startBy, startHeight } = terms;
  let [landed, proven, closed] = [0, 0, 0];
  let trouble = "";
  for (const { sectorId, stored, onChain } of sectors) {
    if (stored !== "staging") closed += 1;
    if (onChain !== undefined) landed += 1;
    else if (stored === "ended")
      return dealRefusals.sectorLost({ sectorId, detail: "it is not on the chain any more" });
    else if (stored === "failed") trouble = `sealing sector ${sectorId} failed; it can be tried again`;
    if (onChain === undefined) continue;
    const { lastProven, faultySince } = onChain;
    if (lastProven !== null && lastProven >= startHeight) proven += 1;
    if (faultySince !== null) trouble = `sector ${sectorId} is faulty since ${faultySince}`;
  }
  const many = sectors.length === 1 ? "its sector" : `${sectors.length} sectors`;
  if (landed === sectors.length && proven === landed)
    return { state: "active", detail: trouble || `${many}: proven on the chain` };
  if (landed === sectors.length)
    return { state: "committed", detail: trouble || `${many}: on the chain, not proven yet` };
  if (height > startBy) return dealRefusals.notInTime({ startBy });
  const isGathering = sectors.some(({ stored, isFilled }) => stored === "staging" && !isFilled);
  const isWaiting = isGathering && height < sealBy(terms, rules);
  const gathering = isWaiting ? `; it waits for more deals, as long as a start by ${startBy} allows it` : "";
  if (closed === 0) return { state: "staged", detail: `${staged}${gathering}` };
  const sealing =
    sectors.length === 1 ? "is being sealed" : `${landed} on the chain, the others are being sealed`;
  return { state: "sealing", detail: trouble || `${many}: ${sealing}${gathering}` };
}

/** The channel is gone, or has ended: no more money comes. */
function settled(deal: MinerDeal, { channel, height, terms }: MinerView): MinerDeal {
  const isEnd = height >= terms.endHeight || terms.settlement !== undefined;
  const isPaid = deal.redeemed >= terms.totalPrice;
  const after = { ...deal, settled: true };
  // Before its end only the payer can have ended it, after a cancellation that ran out.
  if (channel === undefined && !isEnd && !isPaid && deal.state !== "failed") {
    return failed(after, dealRefusals.paymentGone({ height }));
  }
  return isEnd ? completed(after, terms, height) : after;
}

/** What is to be done with the data. */
function work(deal: MinerDeal, view: MinerView, rules: MinerRules): MinerAct[] {
  if (isOver(deal)) return deal.dropped ? [] : [{ do: "drop" }];
  if (isFetching(deal)) return [{ do: "fetch" }];
  // Also of a deal with sealed sectors: a restart may have come between the first and the last of them.
  // Nothing is sealed for a deal that the chain does not have.
  const isWaiting = deal.state === "staged" || deal.state === "sealing";
  if (!isWaiting || view.chain === undefined) return [];
  const waited = view.height - (deal.stagedHeight ?? 0);
  const isAged = waited >= (view.isBusy ? rules.busySealRounds : rules.sealAfterRounds);
  const isUrgent = view.height >= sealBy(view.terms, rules);
  const due = (view.sectors ?? []).filter(
    ({ stored, isFilled }) => stored === "staging" && (isUrgent || (isAged && isFilled)),
  );
  return due.length === 0 ? [] : [{ do: "seal", sectorIds: due.map(({ sectorId }) => sectorId) }];
}

const say = (method: Exclude<MarketMethod, "withdrawBalance">): MinerAct[] => [{ do: "message", method }];

/** The one message to the market that is due now. */
function message(deal: MinerDeal, view: MinerView, rules: MinerRules): MinerAct[] {
  const { chain, height, terms, change } = view;
  if (chain === undefined) {
    // The record of a deal stays until its last start is past, so it is not there yet, or not any more.
    if (height > terms.startBy) return withdrawal(deal, view, rules);
    const isReady = deal.state === "staged" || deal.state === "sealing" || deal.state === "committed";
    return isReady && height < terms.startBy ? say("publishDeals") : [];
  }
  if (chain.isLossOpen) return say("settleDeals");
  if (chain.endedAt !== null) return withdrawal(deal, view, rules);
  if (isBroken(view, chain)) return say("reportCancelledChannel");
  if (chain.status === "active") {
    if (change === undefined || height >= change.validUntil) return [];
    return say(change.kind === "release" ? "releaseDeal" : "extendDeal");
  }
  const hasLanded = deal.state === "committed" || deal.state === "active";
  return hasLanded && view.isLocated && height < chain.startBy ? say("activateDeal") : [];
}

/** Rounds in which a redemption lands for sure. */
const marginRounds = 5;

/** The client has cancelled, and no voucher will be due in time to take the cancellation back. */
function isBroken({ channel, height, terms }: MinerView, chain: ChainFacts): boolean {
  if (channel === undefined || channel.eol >= channel.agreedEol) return false;
  if (height >= (chain.status === "published" ? chain.startBy : chain.endHeight)) return false;
  const last = channel.eol - marginRounds;
  return chain.status !== "active" || dueVoucher(terms, channel, last) === undefined;
}

/** The latest voucher that is valid and worth more than what was taken; the last one also to close with. */
export function dueVoucher(
  { vouchers }: Pick<MinerTerms, "vouchers">,
  { redeemed }: Pick<ChannelFacts, "redeemed">,
  height: number,
): number | undefined {
  const index = vouchers.findLastIndex((voucher) => voucher.validAt <= height);
  const voucher = vouchers[index];
  if (voucher === undefined) return undefined;
  const isLast = index === vouchers.length - 1;
  return voucher.amount > redeemed || (isLast && voucher.amount === redeemed) ? index : undefined;
}

/** Which voucher pays now: of a deal that both have ended, its one, which also sends the rest back to the client. */
export function dueIndex(
  terms: MinerTerms,
  channel: ChannelFacts,
  height: number,
  status: DealStatus | undefined,
): number | "settlement" | undefined {
  if (height >= channel.eol) return undefined;
  if (status === "released" && terms.settlement !== undefined) return "settlement";
  return status === "active" || status === "complete" ? dueVoucher(terms, channel, height) : undefined;
}

/** Where the owner has no key here, a multisig, its signers propose it: `holdfast deal redeem`. */
function redemption(deal: MinerDeal, view: MinerView): MinerAct[] {
  const { channel, height, chain, terms } = view;
  if (deal.settled || channel === undefined || !view.hasOwner) return [];
  const voucher = dueIndex(terms, channel, height, chain?.status);
  return voucher === undefined ? [] : [{ do: "redeem", voucher }];
}
