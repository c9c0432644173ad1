/**
 * Channels that were gone and come back. A reorganisation can take a channel off the chain, or make its message fail,
 * for longer than anybody waits; then the attempt goes on without it. Its message may still be mined until the branch
 * is final, so its number is kept that long: a channel that shows up again is the attempt's again, or, if that has
 * another by now, is cancelled and reclaimed.
 */
import { type Address, type ChannelId, channelId, encode, HoldfastError } from "@holdfast/base";
import { type Channel, methods } from "@holdfast/consensus";
import { finalTipset } from "../../final.ts";
import { channelOn, finalState, heightOf, isNonceUsed } from "../facts.ts";
import { attemptById, type ClientContext, jobById, move } from "./context.ts";
import { settleMessage } from "./fund.ts";
import type { GoneChannel } from "./store.ts";

/** Called at each head. */
export function lookAtGoneChannels(context: ClientContext): void {
  const { needs, store, tasks } = context;
  const { chain } = needs;
  for (const gone of store.goneChannels()) {
    const attempt = attemptById(context, gone.attemptId);
    const { payer } = jobById(context, attempt.jobId);
    const channel = channelOn(chain, payer, gone.channel);
    if (channel === undefined) {
      if (isGoneForGood(context, gone, payer)) store.forgetGoneChannel(gone);
    } else if (attempt.channel === gone.channel) {
      store.transaction(() => {
        store.forgetGoneChannel(gone);
        move(context, attempt, { refunded: null }, `channel ${gone.channel} is on the chain again`);
      });
    } else {
      tasks.start(`orphan/${gone.attemptId}/${gone.channel}`, (signal) =>
        end(context, gone, channel, signal),
      );
    }
  }
}

/** A channel's number is the nonce of the message that opens it, which this branch may have later than it was seen. */
function isGoneForGood({ needs: { chain } }: ClientContext, gone: GoneChannel, payer: Address): boolean {
  if (gone.height >= finalTipset(chain).height) return false;
  const final = finalState(chain);
  if (final === undefined) return true;
  return isNonceUsed(final, payer, gone.channel) && channelOn(final, payer, gone.channel) === undefined;
}

async function end(
  context: ClientContext,
  gone: GoneChannel,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  const { store, needs } = context;
  const isOver = heightOf(needs.chain) >= channel.eol;
  if (!isOver && channel.eol < channel.agreedEol) return; // cancelled, and not over yet
  const method = isOver ? "reclaim" : "cancel";
  const attempt = attemptById(context, gone.attemptId);
  const id: ChannelId = channelId(gone.channel);
  const params = encode(methods.broker[method].params, { channel: id });
  const key = `market/orphan/${attempt.id}/${gone.channel}/${method}/${gone.tries}`;
  try {
    const receipt = await settleMessage(context, attempt, { method, params, tries: gone.tries, key }, signal);
    if (receipt?.exitCode === 0 && isOver) {
      store.forgetGoneChannel(gone);
      move(context, attempt, {}, `what channel ${gone.channel} held came back`);
    } else if (receipt?.exitCode !== 0) store.failedGoneChannel(gone);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    needs.logger.debug("market: a channel is not back yet", { attempt: attempt.id, detail: error.message });
  }
}
