/**
 * How the money of a miner's deal that is over comes out, and when that is believed; pure. A reorganisation may take
 * back the close of the channel and the withdrawal of the collateral, and its branch may refuse them: so a deal from
 * which all has come is looked at until that is final, and what the branch of then does not have is due again.
 * A branch may also have it later than it was first seen: final it is when the last final tipset has it.
 */
import { type AttoFil, attoFil, minAtto, subAtto, zeroAtto } from "@holdfast/base";
import { lossOf } from "@holdfast/consensus";
import type { MinerAct, MinerDeal, MinerRules, MinerView, Standing } from "./miner.ts";

export function isOver({ state }: Pick<MinerDeal, "state">): boolean {
  return state === "complete" || state === "failed";
}

/** What a deal has on disk of its end, where the chain says otherwise now. */
export function takenBack(deal: MinerDeal, { channel, chain, height, withdrawal }: Standing): MinerDeal {
  const isOpen = deal.settled && channel !== undefined && height < channel.eol;
  const isHeld = chain !== undefined && chain.endedAt === null;
  const isThere = deal.escrowBack && (withdrawal === "open" || isHeld);
  if (!isOpen && !isThere) return deal;
  return { ...deal, settled: deal.settled && !isOpen, escrowBack: deal.escrowBack && !isThere };
}

/** Nothing is left to do; once that is final nothing ever is. */
export function woundUp(deal: MinerDeal, { height, final }: MinerView): MinerDeal {
  const isBack = !deal.published || deal.escrowBack;
  const isThrough = isOver(deal) && deal.settled && deal.dropped && isBack;
  if (!isThrough) return deal.woundAt === null ? deal : { ...deal, woundAt: null };
  const woundAt = deal.woundAt ?? height;
  return { ...deal, woundAt, closed: woundAt <= final.height && takenBack(deal, final) === deal };
}

/**
 * What a deal leaves in the miner's escrow; the rest of it was put there for something else. A deal whose end nobody
 * saw, because the node was away until its record was gone, may have left the client's collateral too.
 */
function leftOver({ terms, chain, free }: MinerView, rules: MinerRules): AttoFil {
  const { provider, client } = lossOf(chain?.status ?? "broken", terms, rules);
  return minAtto(free, attoFil(subAtto(terms.providerCollateral, provider) + client));
}

function isWinding(deal: MinerDeal, { chain, height, terms }: MinerView): boolean {
  const hasEnded = chain === undefined ? height > terms.startBy : chain.endedAt !== null && !chain.isLossOpen;
  return deal.published && !deal.escrowBack && hasEnded;
}

export function isWithdrawalDone(deal: MinerDeal, view: MinerView, rules: MinerRules): boolean {
  // One that is on its way may be why nothing is left.
  const isNothingLeft = view.withdrawal !== "open" && leftOver(view, rules) === zeroAtto;
  return isWinding(deal, view) && (isNothingLeft || !view.hasOwner);
}

export function withdrawal(deal: MinerDeal, view: MinerView, rules: MinerRules): MinerAct[] {
  if (!isWinding(deal, view) || isWithdrawalDone(deal, view, rules)) return [];
  return [{ do: "message", method: "withdrawBalance", amount: leftOver(view, rules) }];
}
