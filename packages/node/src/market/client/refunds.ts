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
import { type Channel, methods } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { channelOn, heightOf } from "../facts.ts";
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

/** The channel is gone without us: the miner has closed it, and the rest came back with that. */
function settled(context: ClientContext, attempt: Attempt): void {
  // Without a proposal nobody could close it: its message is not on the chain (yet).
  if (attempt.proposal === null) return;
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
    if (attempt.stage !== "abandoned" || isCancelled || attempt.cancelTry >= limits.channelCancels) return;
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
