/**
 * Money that nobody works for comes back by itself: the channel of an attempt that was given up is cancelled
 * and reclaimed after its end; of a deal that is over, what the miner has not redeemed is reclaimed. All of it
 * is read from the chain anew at every head, so nothing is lost with a restart.
 */
import {
  type AttoFil,
  attoFil,
  channelId,
  decode,
  encode,
  filText,
  HoldfastError,
  zeroAtto,
} from "@holdfast/base";
import {
  type Deal as ChainDeal,
  type Channel,
  methods,
  type NetworkParams,
  percentOf,
} from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { channelOn, dealOn, freeEscrowOf, heightOf, isLossOpen } from "../facts.ts";
import { settlementEpochs } from "../terms.ts";
import { type ClientContext, jobById, move } from "./context.ts";
import { settleMessage } from "./fund.ts";
import type { Attempt } from "./store.ts";

/** Looks at every channel that may hold money for nothing; called at each head. */
export function startRefunds(context: ClientContext): void {
  const { needs, store, tasks } = context;
  const height = heightOf(needs.chain);
  for (const attempt of store.openChannels(height)) {
    if (attempt.channel === null || tasks.isRunning(`refund/${attempt.id}`)) continue;
    const { payer } = jobById(context, attempt.jobId);
    const channel = channelOn(needs.chain, payer, attempt.channel);
    if (context.goneChannels.isGone(attempt.id, channel === undefined, height)) settled(context, attempt);
    if (channel === undefined) continue;
    tasks.start(`refund/${attempt.id}`, (signal) => refund(context, attempt, channel, signal));
  }
}

/** Collaterals of deals that are over come back, and what a lost deal has to give. */
export function startReturns(context: ClientContext): void {
  const { needs, store, tasks } = context;
  for (const attempt of store.heldCollaterals()) {
    const onChain = dealOfAttempt(context, attempt);
    const isLost = onChain !== undefined && isLossOpen(needs.chain, onChain);
    if (onChain !== undefined && onChain.endedAt === null && !isLost) continue;
    // The end of a deal whose record is gone is past; before that it would still be there.
    const isPast = heightOf(needs.chain) >= (attempt.endHeight ?? 0);
    if (attempt.stage === "done" && onChain === undefined && !isPast) continue;
    tasks.start(`return/${attempt.id}`, async (signal) => {
      try {
        if (isLost) await settleLoss(context, attempt, signal);
        else await takeBack(context, attempt, onChain, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        context.needs.logger.debug("market: no return yet", { attempt: attempt.id, detail: error.message });
      }
    });
  }
}

function dealOfAttempt(context: ClientContext, attempt: Attempt): ChainDeal | undefined {
  const { channel, dealId } = attempt;
  if (channel === null || dealId === null) return undefined;
  const { payer } = jobById(context, attempt.jobId);
  return dealOn(context.needs.chain, { payer, channel, dealId });
}

async function settleLoss(context: ClientContext, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const { payer: client } = jobById(context, attempt.jobId);
  const params = encode(methods.market.settleDeals.params, { deals: [{ client, channel: idOf(attempt) }] });
  const message = { method: "settleDeals", to: "market", params, tries: attempt.marketTry } as const;
  await settleMessage(context, attempt, message, signal);
  move(context, attempt, { marketTry: attempt.marketTry + 1 }, "the loss of a sector is settled");
}

/** The collateral, and what came with it from the provider; all that is free, if that is less. */
async function takeBack(
  context: ClientContext,
  attempt: Attempt,
  onChain: ChainDeal | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { chain } = context.needs;
  const { payer } = jobById(context, attempt.jobId);
  const free = freeEscrowOf(chain, payer);
  const due = attempt.collateral + compensationOf(chain.params, onChain);
  const amount = attoFil(free < due ? free : due);
  if (amount === 0n || onChain?.status === "broken") {
    return context.store.updateAttempt(attempt.id, { escrow: "back" });
  }
  const params = encode(methods.market.withdrawBalance.params, { miner: null, amount });
  const message = { method: "withdrawBalance", to: "market", params, tries: attempt.marketTry } as const;
  const receipt = await settleMessage(context, attempt, message, signal);
  if (receipt?.exitCode === 0) {
    return move(context, attempt, { escrow: "back" }, `${filText(amount)} FIL came back from the market`);
  }
  context.store.updateAttempt(attempt.id, { marketTry: attempt.marketTry + 1 });
}

/** What the client has of the collateral that the provider lost. */
function compensationOf(params: NetworkParams, onChain: ChainDeal | undefined): bigint {
  if (onChain?.status !== "lost" && onChain?.status !== "late") return 0n;
  const { providerCollateral } = onChain;
  const lost =
    onChain.status === "lost" ? providerCollateral : percentOf(providerCollateral, params.lateStartPercent);
  return (lost * BigInt(params.lostCollateralClientPercent)) / 100n;
}

/**
 * An abandoned attempt whose deal the miner keeps: cancelling costs the collateral, so it is worth it only if more is
 * still in the channel. One that is published only is left alone until it has started or is late.
 */
function mayCancel(context: ClientContext, attempt: Attempt, channel: Channel): boolean {
  const deal = dealOfAttempt(context, attempt);
  if (deal === undefined || deal.endedAt !== null || isLossOpen(context.needs.chain, deal)) return true;
  return deal.status === "active" && channel.amount - channel.redeemed > deal.clientCollateral;
}

/**
 * A deal that is over, and whose miner has had the time to take what it earned, but whose channel lives longer: it was
 * made so for an extension that came to nothing, or the deal has ended early. Cancelling brings the rest back sooner.
 */
function isUseless({ needs }: ClientContext, attempt: Attempt, channel: Channel): boolean {
  const { params } = needs.chain;
  const height = heightOf(needs.chain);
  const isPaid = height > (attempt.endHeight ?? 0) + settlementEpochs(params);
  return isPaid && channel.eol > height + params.channelCancelDelayEpochs;
}

/** The channel is gone without us: the miner has closed it, and the rest came back with that. */
function settled(context: ClientContext, attempt: Attempt): void {
  // Without a proposal nobody could close it: its message is not on the chain (yet).
  if (attempt.proposal === null || attempt.channel === null) return;
  context.store.addGoneChannel(attempt.id, attempt.channel, heightOf(context.needs.chain));
  move(context, attempt, { refunded: zeroAtto }, "the miner closed the channel; what it left came back");
}

async function refund(
  context: ClientContext,
  attempt: Attempt,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  const { chain } = context.needs;
  const { redeemed } = channel;
  if (redeemed !== attempt.redeemed) context.store.updateAttempt(attempt.id, { redeemed });
  const isCancelled = channel.eol < channel.agreedEol;
  try {
    if (heightOf(chain) >= channel.eol) return await reclaim(context, attempt, signal);
    if (isCancelled || attempt.cancelTry >= limits.channelCancels) return;
    const isIdle = attempt.stage === "done" && isUseless(context, attempt, channel);
    if (!isIdle && (attempt.stage !== "abandoned" || !mayCancel(context, attempt, channel))) return;
    await cancel(context, attempt, channel, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    // Funds for the fee, a full pool, or a head that moved: the next head looks again.
    context.needs.logger.debug("market: no refund yet", { attempt: attempt.id, detail: error.message });
  }
}

async function cancel(
  context: ClientContext,
  attempt: Attempt,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  const params = encode(methods.broker.cancel.params, { channel: idOf(attempt) });
  const receipt = await settleMessage(
    context,
    attempt,
    { method: "cancel", params, tries: attempt.cancelTry },
    signal,
  );
  const left = filText(attoFil(channel.amount - channel.redeemed));
  const detail =
    receipt?.exitCode === 0
      ? `the channel is cancelled; ${left} FIL come back in ${context.needs.chain.params.channelCancelDelayEpochs} epochs`
      : "the cancellation failed on the chain";
  move(context, attempt, { cancelTry: attempt.cancelTry + 1 }, detail);
}

async function reclaim(context: ClientContext, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const params = encode(methods.broker.reclaim.params, { channel: idOf(attempt) });
  const message = { method: "reclaim", params, tries: attempt.reclaimTry } as const;
  const receipt = await settleMessage(context, attempt, message, signal);
  if (receipt?.exitCode !== 0) {
    return move(context, attempt, { reclaimTry: attempt.reclaimTry + 1 }, "reclaiming failed on the chain");
  }
  const refunded: AttoFil = decode(methods.broker.reclaim.returns, receipt.returns);
  move(context, attempt, { refunded }, `${filText(refunded)} FIL came back from the channel`);
}

function idOf(attempt: Attempt) {
  return channelId(attempt.channel ?? 0);
}
