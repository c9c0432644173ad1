/**
 * When a miner's deal has to be looked at again, where nothing happens meanwhile but that time passes; pure. A deal in
 * whose view nothing is due before a height gives no act and changes nothing until then, whatever heads come: that is
 * checked over every state of the machine (machine.test.ts). What somebody else may do meanwhile (the client cancels
 * the channel, a sector faults) is found at the next look, which is why a rest has an end of its own.
 */
import { isFetching, type MinerAct, type MinerDeal, type MinerView } from "./miner.ts";
import { isOver } from "./winding.ts";

/** Undefined: at the next head. `deal` and `acts`: what the look at `view` has given. */
export function restsUntil(
  deal: MinerDeal,
  view: MinerView,
  { acts, isCarried }: { readonly acts: readonly MinerAct[]; readonly isCarried: boolean },
): number | undefined {
  if (acts.some((act) => act.do !== "fetch" || !isCarried)) return undefined;
  // A branch may take the end back before it is final.
  if (deal.woundAt !== null && !deal.closed) return undefined;
  // What is missing is counted in heads, and a change that both want is on its way.
  if (view.change !== undefined || (view.channel === undefined && !deal.settled)) return undefined;
  const next = isFetching(deal) ? [view.terms.startBy + 1] : duesOf(deal, view);
  const due = next.filter((height) => height > view.height);
  return due.length === 0 ? undefined : Math.min(...due);
}

/** Heights at which something falls due by itself. */
function duesOf(deal: MinerDeal, view: MinerView): number[] {
  const { chain, channel, terms } = view;
  const isQuiet = isOver(deal) || (deal.state === "active" && isSound(view));
  if (!isQuiet) return [];
  const dues = [terms.endHeight, terms.startBy + 1];
  if (chain !== undefined) dues.push(chain.endHeight, chain.startBy + 1);
  if (channel !== undefined && !deal.settled) {
    dues.push(channel.eol, ...terms.vouchers.map(({ validAt }) => validAt));
  }
  return dues;
}

/** On the chain, paid for, and proven. */
function isSound({ chain, channel, sectors }: MinerView): boolean {
  if (chain?.status !== "active" || chain.isLossOpen) return false;
  if (channel !== undefined && channel.eol < channel.agreedEol) return false;
  return sectors?.every(({ onChain }) => onChain !== undefined && onChain.faultySince === null) === true;
}
