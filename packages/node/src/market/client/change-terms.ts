/**
 * What a change of a deal asks for: the later end and its price by the miner's ask, or an early end and what is
 * earned by then; and the signatures that make it so.
 */
import {
  type AttoFil,
  addAtto,
  attoFil,
  channelId,
  epoch,
  filText,
  maxAtto,
  minAtto,
  parseCid,
} from "@holdfast/base";
import { type Deal as ChainDeal, voucherSigningBytes } from "@holdfast/consensus";
import {
  type Amendment,
  amendmentEpochs,
  amendmentSigningBytes,
  type CurrentTerms,
  currentTerms,
  draftAmendedVoucher,
  leastAmendmentRounds,
  settlementRounds,
} from "../amendment.ts";
import type { DealVoucher } from "../deal.ts";
import { marketErrors } from "../errors.ts";
import { channelOn, dealOn, heightOf, isLossOpen, minerOn, sectorOn } from "../facts.ts";
import { bestAsk, collateralsFor, dealPrice, paddedTotal } from "../terms.ts";
import { earnedBy, paymentSchedule } from "../vouchers.ts";
import type { Change } from "./change-store.ts";
import { amendmentsOf } from "./change-views.ts";
import { type ClientContext, jobById } from "./context.ts";
import { proposalOf } from "./follow.ts";
import type { Attempt } from "./store.ts";

/** The deal on the chain as it can be changed; `market/not-changeable`. */
export function changeableDeal({ needs, store }: ClientContext, attempt: Attempt): ChainDeal {
  const { chain } = needs;
  const { dealId, channel } = attempt;
  const refuse = (reason: string) => marketErrors.notChangeable({ dealId: dealId ?? "", reason });
  if (attempt.stage !== "done" || channel === null || dealId === null) {
    throw refuse("it is not stored yet, or was given up");
  }
  const payer = store.job(attempt.jobId)?.payer ?? needs.signer.payer();
  const onChain = dealOn(chain, { payer, channel, dealId });
  if (onChain === undefined) throw refuse("the chain does not have it any more");
  if (onChain.status !== "active" || isLossOpen(chain, onChain)) {
    throw refuse(`on the chain it is ${onChain.status === "active" ? "lost" : onChain.status}`);
  }
  if (heightOf(chain) + leastAmendmentRounds >= onChain.endHeight) throw refuse("it is about to end");
  return onChain;
}

export type ChangeTerms = Pick<Change, "endHeight" | "total" | "collateral" | "validUntil">;

function validUntilFor({ needs }: ClientContext, { endHeight }: ChainDeal): number {
  const { params } = needs.chain;
  return Math.min(heightOf(needs.chain) + amendmentEpochs(params), endHeight - 1);
}

/** By the miner's ask of today. `market/not-changeable`, `market/price-above-max`. */
export function extensionTerms(
  context: ClientContext,
  attempt: Attempt,
  onChain: ChainDeal,
  wanted: { readonly endHeight: number; readonly maxPrice?: AttoFil | undefined },
): ChangeTerms {
  const { chain } = context.needs;
  const { endHeight, maxPrice } = wanted;
  const dealId = attempt.dealId ?? "";
  const refuse = (reason: string) => marketErrors.notChangeable({ dealId, reason });
  if (!Number.isSafeInteger(endHeight) || endHeight <= onChain.endHeight) {
    throw refuse(`it ends at ${onChain.endHeight} already, and ${endHeight} is not later`);
  }
  // The miner can let its sectors live longer, and does so for a client that pays.
  const longest = heightOf(chain) + chain.params.maxSectorLifetimeEpochs;
  for (const sectorId of onChain.sectors) {
    const expiration = sectorOn(chain, attempt.miner, sectorId)?.expiration ?? 0;
    if (Math.max(expiration, longest) < endHeight) {
      throw refuse(
        `sector ${sectorId} of ${attempt.miner} can live until ${Math.max(expiration, longest)} and not until ${endHeight}`,
      );
    }
  }
  const paddedBytes = paddedTotal(proposalOf(attempt).pieces);
  const best = bestAsk(minerOn(chain, attempt.miner)?.asks ?? [], paddedBytes, heightOf(chain));
  if (best === undefined) throw refuse(`${attempt.miner} publishes no price for a deal of this size`);
  const more = dealPrice(best.pricePerBytePerEpoch, paddedBytes, endHeight - onChain.endHeight);
  if (maxPrice !== undefined && more > maxPrice) {
    throw marketErrors.priceAboveMax({ totalFil: filText(more), maxFil: filText(maxPrice) });
  }
  const total = addAtto(onChain.totalPrice, more);
  const { clientCollateral } = collateralsFor(chain.params, total, best);
  const collateral = maxAtto(onChain.clientCollateral, clientCollateral);
  return { endHeight, total, collateral, validUntil: validUntilFor(context, onChain) };
}

/** What is earned by the time at which it can be on the chain, and what is due or paid already. */
export function releaseTerms(context: ClientContext, attempt: Attempt, onChain: ChainDeal): ChangeTerms {
  const { chain } = context.needs;
  const { payer } = jobById(context, attempt.jobId);
  const { vouchers } = currentOf(context, attempt);
  const at = Math.min(heightOf(chain) + settlementRounds, onChain.endHeight);
  const redeemed = channelOn(chain, payer, attempt.channel ?? -1)?.redeemed ?? attempt.redeemed;
  const earned = earnedBy(vouchers, proposalOf(attempt).startHeight, at);
  const { totalPrice, endHeight, clientCollateral: collateral } = onChain;
  const total = minAtto(maxAtto(earned, redeemed), totalPrice);
  return { endHeight, total, collateral, validUntil: validUntilFor(context, onChain) };
}

/** The deal with the changes that were made. */
export function currentOf(context: ClientContext, attempt: Attempt): CurrentTerms {
  return currentTerms(proposalOf(attempt), amendmentsOf(context, attempt, "done"));
}

/** Signs what the miner needs of a change. */
export function signedChange(
  context: ClientContext,
  attempt: Attempt,
  change: Change,
  onChain: ChainDeal,
): Amendment {
  const { chain, signer } = context.needs;
  const { payer } = jobById(context, attempt.jobId);
  const proposal = proposalOf(attempt);
  const { kind, total: totalPrice } = change;
  const target = channelOn(chain, payer, attempt.channel ?? -1)?.target;
  if (target === undefined) {
    throw marketErrors.notChangeable({
      dealId: attempt.dealId ?? "",
      reason: "its channel is not on the chain",
    });
  }
  const asks = minerOn(chain, attempt.miner)?.asks ?? [];
  const best = bestAsk(asks, paddedTotal(proposal.pieces), heightOf(chain));
  const { providerCollateral: least } = collateralsFor(chain.params, totalPrice, best);
  const terms = {
    dealId: parseCid(attempt.dealId ?? ""),
    kind,
    endHeight: epoch(change.endHeight),
    totalPrice,
    clientCollateral: change.collateral,
    providerCollateral:
      kind === "extend" ? maxAtto(onChain.providerCollateral, least) : onChain.providerCollateral,
    validUntil: epoch(change.validUntil),
  };
  const signature = signer.sign(payer, amendmentSigningBytes(terms, chain.networkId));
  const due =
    kind === "extend" ? addedPayments(change, onChain) : [{ amount: totalPrice, validAt: epoch(0) }];
  const vouchers: DealVoucher[] = due.map((one) => {
    const draft = draftAmendedVoucher(proposal, target, terms, one);
    return { ...one, signature: signer.sign(payer, voucherSigningBytes(draft, chain.networkId)) };
  });
  return { ...terms, signature, vouchers };
}

/** From the old end and the old price on. */
function addedPayments({ endHeight, total }: Change, onChain: ChainDeal) {
  const schedule = paymentSchedule({
    startHeight: onChain.endHeight,
    durationEpochs: endHeight - onChain.endHeight,
    totalPrice: attoFil(total - onChain.totalPrice),
  });
  return schedule.map(({ amount, validAt }) => ({ amount: addAtto(onChain.totalPrice, amount), validAt }));
}

export const channelOfAttempt = (attempt: Attempt) => channelId(attempt.channel ?? 0);
