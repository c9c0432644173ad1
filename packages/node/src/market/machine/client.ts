/**
 * The client's side of a deal as one state machine, pure: the stages of an attempt to place a copy at a miner, what
 * moves it on, how long it waits in each, and how the money of an attempt that is over comes back. The parts that talk
 * to miner and chain do what is said here and tell what came of it; asked anew at every head, it names again what is
 * still due, and every message has a key. Who must act in each stage, until when: `duties.ts`.
 */
import { type AttoFil, addAtto, assert, attoFil, maxAtto, minAtto, zeroAtto } from "@holdfast/base";
import { type DealStatus, lossOf, type NetworkParams } from "@holdfast/consensus";
import type { Taking } from "./taking.ts";

/**
 * funding: a channel is to be paid in · proposing: it is on the chain · accepted: the miner works · committed:
 * its sectors are on the chain and verified · proven: each has been proven since · done: and the file was read
 * back · abandoned: given up, see `error`.
 */
export const stages = [
  "funding",
  "proposing",
  "accepted",
  "committed",
  "proven",
  "done",
  "abandoned",
] as const;
export type Stage = (typeof stages)[number];

export type ClientEvent = "paid" | "taken" | "verified" | "proven" | "read back" | "given up";

/** Everything that can happen in a stage, and where it leads; nothing else can. */
const transitions: { readonly [From in Stage]: { readonly [Event in ClientEvent]?: Stage } } = {
  funding: { paid: "proposing", "given up": "abandoned" },
  proposing: { taken: "accepted", "given up": "abandoned" },
  accepted: { verified: "committed", "given up": "abandoned" },
  committed: { proven: "proven", "given up": "abandoned" },
  proven: { "read back": "done", "given up": "abandoned" },
  // Its sectors are lost, and another copy is to take its place.
  done: { "given up": "abandoned" },
  abandoned: {},
};

/** The reducer of the stages. */
export function nextStage(stage: Stage, event: ClientEvent): Stage {
  const next = transitions[stage][event];
  assert(next !== undefined, `"${event}" cannot happen to an attempt that is ${stage}`);
  return next;
}
/** True if one event leads from one stage to the other. */
export function leadsTo(from: Stage, to: Stage): boolean {
  return from === to || Object.values(transitions[from]).includes(to);
}
export function canHappen(stage: Stage, event: ClientEvent): boolean {
  return transitions[stage][event] !== undefined;
}

export interface AcceptedView {
  /** All places that the miner names are on this node's chain, with their proofs. */
  readonly isVerified: boolean;
  readonly height: number;
  readonly startBy: number;
  /** Since the miner last answered, and how long it may be. */
  readonly silentMs: number;
  readonly mostSilentMs: number;
}
/** accepted: the miner fetches, seals and commits until `startBy`, and answers meanwhile. */
export function judgeAccepted(view: AcceptedView): "verified" | "wait" | "not in time" | "silent" {
  if (view.isVerified) return "verified";
  if (view.height > view.startBy) return "not in time";
  return view.silentMs >= view.mostSilentMs ? "silent" : "wait";
}

/** What the chain has of a deal, for its client. */
export interface ClientChainFacts {
  readonly status: DealStatus;
  readonly endedAt: number | null;
  readonly isLossOpen: boolean;
  readonly clientCollateral: AttoFil;
  readonly providerCollateral: AttoFil;
}
export interface CommittedView {
  readonly chain: Pick<ClientChainFacts, "status" | "endedAt"> | undefined;
  readonly height: number;
  readonly startBy: number;
  readonly endHeight: number;
  /** Sectors that were not proven since the start of the deal. */
  readonly unproven: number;
  /** One is gone, for longer than a reorganisation takes, or was not proven for longer than the chain keeps it. */
  readonly isLost: boolean;
  /** One is not there just now. */
  readonly isMissing: boolean;
}
/** committed: the deal starts on the chain until `startBy`, and every sector is proven before the end. */
export function judgeCommitted(
  view: CommittedView,
): "proven" | "wait" | "not in time" | "lost" | "over" | "ended unproven" {
  const { chain, height, startBy, endHeight } = view;
  if (view.isLost) return "lost";
  if (chain?.status !== "active") {
    const hasEnded = chain === undefined ? height > startBy : chain.endedAt !== null;
    if (hasEnded && (chain === undefined || chain.status === "late")) return "not in time";
    if (hasEnded) return chain?.status === "lost" ? "lost" : "over";
  } else if (view.unproven === 0 && !view.isMissing) return "proven";
  return height >= endHeight ? "ended unproven" : "wait";
}

/** What an attempt has on disk of its money. */
export interface ClientDeal {
  readonly stage: Stage;
  readonly hasChannel: boolean;
  /** The miner may have what closes the channel. */
  readonly hasProposal: boolean;
  readonly startBy: number;
  readonly endHeight: number;
  /** What came back; null while the channel is open. */
  readonly refunded: AttoFil | null;
  readonly cancelTry: number;
  /** The collateral, and where it is: still ours, with the market, or back. */
  readonly collateral: AttoFil;
  readonly escrow: "ours" | "in" | "back";
  /** What the miner locks. */
  readonly providerCollateral: AttoFil;
}
export interface ClientView {
  readonly height: number;
  readonly channel:
    | {
        readonly amount: AttoFil;
        readonly redeemed: AttoFil;
        readonly eol: number;
        readonly agreedEol: number;
      }
    | undefined;
  readonly isChannelGone: boolean;
  readonly chain: ClientChainFacts | undefined;
  /** Free escrow of the client. */
  readonly free: AttoFil;
  /** What of it is there for other deals that go on and can still be published. */
  readonly promised: AttoFil;
}
export interface ClientRules extends Pick<NetworkParams, "lateStartPercent" | "lostCollateralClientPercent"> {
  readonly settlementEpochs: number;
  readonly cancelDelayEpochs: number;
  /** Times that a channel is cancelled; a miner that goes on proving then gets its money. */
  readonly mostCancels: number;
}

/** closed: the channel is gone without us. */
export type ChannelAct = "cancel" | "reclaim" | "closed";
/** empty: nothing of ours is in the escrow any more. */
export type CollateralAct =
  | { readonly do: "settleDeals" | "empty" }
  | { readonly do: "withdraw"; readonly amount: AttoFil };
export interface WindingUp {
  readonly channel: ChannelAct | undefined;
  readonly collateral: CollateralAct | undefined;
}

/** What brings the money of an attempt back that is over, or given up: the next step of channel and of collateral. */
export function windUp(deal: ClientDeal, view: ClientView, rules: ClientRules): WindingUp {
  return { channel: channelAct(deal, view, rules), collateral: collateralAct(deal, view, rules) };
}

function channelAct(deal: ClientDeal, view: ClientView, rules: ClientRules): ChannelAct | undefined {
  const { stage, endHeight } = deal;
  const { channel, height } = view;
  if (!deal.hasChannel || deal.refunded !== null) return undefined;
  if (stage !== "abandoned" && (stage !== "done" || height < endHeight)) return undefined;
  if (channel === undefined) {
    // Without a proposal nobody could close it: its message is not on the chain (yet).
    return view.isChannelGone && deal.hasProposal ? "closed" : undefined;
  }
  if (height >= channel.eol) return "reclaim";
  if (channel.eol < channel.agreedEol || deal.cancelTry >= rules.mostCancels) return undefined;
  const isWorth = stage === "done" ? isUseless(deal, view, rules) : mayCancel(view);
  return isWorth ? "cancel" : undefined;
}

/**
 * An abandoned attempt whose deal the miner keeps: cancelling costs the collateral, so it is worth it only if more is
 * still in the channel. One that is published only is left alone until it has started or is late.
 */
function mayCancel({ chain, channel }: ClientView): boolean {
  if (chain === undefined || chain.endedAt !== null || chain.isLossOpen || channel === undefined) return true;
  return chain.status === "active" && channel.amount - channel.redeemed > chain.clientCollateral;
}

/**
 * A deal that is over, and whose miner has had the time to take what it earned, but whose channel lives longer: it was
 * made so for an extension that came to nothing, or the deal has ended early. Cancelling brings the rest back sooner.
 */
function isUseless({ endHeight }: ClientDeal, { height, channel }: ClientView, rules: ClientRules): boolean {
  const isPaid = height > endHeight + rules.settlementEpochs;
  return isPaid && channel !== undefined && channel.eol > height + rules.cancelDelayEpochs;
}

/**
 * Whether a collateral that came back is with the market again: the branch of the chain that is the head now does not
 * have the message that took it out, or refuses it, or the deal has not ended there.
 */
export function isCollateralThere({ chain }: Pick<ClientView, "chain">, withdrawal: Taking): boolean {
  return withdrawal === "open" || (chain !== undefined && chain.endedAt === null);
}

/** The collateral, and what came with it from the provider; all that is free, if that is less. */
function collateralAct(deal: ClientDeal, view: ClientView, rules: ClientRules): CollateralAct | undefined {
  const { chain, height, free } = view;
  const { stage } = deal;
  if (deal.escrow !== "in" || (stage !== "abandoned" && stage !== "done")) return undefined;
  if (chain?.isLossOpen === true) return { do: "settleDeals" };
  if (chain !== undefined && chain.endedAt === null) return undefined;
  // The end of a deal whose record is gone is past; before that it would still be there.
  if (stage === "done" && chain === undefined && height < deal.endHeight) return undefined;
  const own = minAtto(free, deal.collateral);
  const amount = addAtto(own, minAtto(spareOf(deal, view), gainOf(deal, view, rules)));
  return amount === zeroAtto || chain?.status === "broken" ? { do: "empty" } : { do: "withdraw", amount };
}

/** What the client has of the collateral that the provider lost; of a deal that nobody saw end, what it may be. */
function gainOf(deal: ClientDeal, { chain, height }: ClientView, rules: ClientRules): AttoFil {
  if (chain !== undefined) return lossOf(chain.status, chain, rules).toClient;
  // The record may have been there and be gone: this node was away for the whole time of the settlement.
  const isPast = height > deal.startBy;
  const { collateral: clientCollateral, providerCollateral } = deal;
  return isPast ? lossOf("lost", { clientCollateral, providerCollateral }, rules).toClient : zeroAtto;
}
function spareOf({ collateral }: ClientDeal, { chain, free, promised }: ClientView): AttoFil {
  const others = chain === undefined ? promised : zeroAtto;
  return maxAtto(zeroAtto, attoFil(free - collateral - others));
}
