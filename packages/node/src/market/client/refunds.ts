/**
 * Money that nobody works for comes back by itself: the channel of an attempt that was given up is cancelled
 * and reclaimed after its end; of a deal that is over, what the miner has not redeemed is reclaimed, and the collateral
 * withdrawn. What is due the machine says (`windUp`), from the chain anew at every head, so nothing is lost with a
 * restart.
 */
import {
  type Address,
  type AttoFil,
  addAtto,
  attoFil,
  channelId,
  decode,
  encode,
  filText,
  HoldfastError,
  zeroAtto,
} from "@holdfast/base";
import { type Deal as ChainDeal, methods, type NetworkParams } from "@holdfast/consensus";
import { finalTipset } from "../../final.ts";
import { limits } from "../../limits.ts";
import {
  type ChainState,
  channelOn,
  dealOn,
  finalState,
  freeEscrowOf,
  heightOf,
  isLossOpen,
  takingOf,
} from "../facts.ts";
import {
  type ChannelAct,
  type ClientDeal,
  type ClientRules,
  type ClientView,
  isCollateralThere,
  windUp,
} from "../machine/client.ts";
import type { Taking } from "../machine/taking.ts";
import { settlementEpochs } from "../terms.ts";
import { type ClientContext, jobById, move } from "./context.ts";
import { messageKey, settleMessage } from "./fund.ts";
import type { Attempt } from "./store.ts";

/** Looks at every channel that may hold money for nothing; called at each head. */
export function startRefunds(context: ClientContext): void {
  const { needs, store, tasks } = context;
  for (const attempt of store.openChannels(heightOf(needs.chain))) {
    if (attempt.channel === null || tasks.isRunning(`refund/${attempt.id}`)) continue;
    const view = viewOf(context, attempt);
    const { channel: act } = windUp(dealOf(attempt), view, rulesOf(needs.chain.params));
    tasks.start(`refund/${attempt.id}`, (signal) => refund(context, attempt, view, act, signal));
  }
}

/** Collaterals of deals that are over come back, and what a lost deal has to give. */
export function startReturns(context: ClientContext): void {
  const { needs, store, tasks } = context;
  for (const attempt of store.heldCollaterals()) {
    const { collateral: act } = windUp(
      dealOf(attempt),
      viewOf(context, attempt),
      rulesOf(needs.chain.params),
    );
    if (act === undefined) continue;
    tasks.start(`return/${attempt.id}`, async (signal) => {
      try {
        if (act.do === "settleDeals") await settleLoss(context, attempt, signal);
        else if (act.do === "withdraw") await takeBack(context, attempt, act.amount, signal);
        // One that was sent and that nobody saw fail would have the collateral there again at every head.
        else if (withdrawalOf(context, attempt) === "open")
          await takeBack(context, attempt, attempt.collateral, signal);
        else believeBack(context, attempt, undefined);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        needs.logger.debug("market: no return yet", { attempt: attempt.id, detail: error.message });
      }
    });
  }
}

/** An attempt as the machine knows it. */
function dealOf(attempt: Attempt): ClientDeal {
  const { stage, channel, proposal, startBy, endHeight, refunded, cancelTry, escrow } = attempt;
  const { collateral, providerCollateral } = attempt;
  return {
    stage,
    hasChannel: channel !== null,
    hasProposal: proposal !== null,
    // Before it is proposed nobody can publish it.
    startBy: startBy ?? Number.POSITIVE_INFINITY,
    endHeight: endHeight ?? 0,
    refunded,
    cancelTry,
    collateral,
    escrow,
    providerCollateral,
  };
}

function rulesOf(params: NetworkParams): ClientRules {
  return {
    ...params,
    settlementEpochs: settlementEpochs(params),
    cancelDelayEpochs: params.channelCancelDelayEpochs,
    mostCancels: limits.channelCancels,
  };
}

function viewOf(context: ClientContext, attempt: Attempt): ClientView {
  const { chain } = context.needs;
  const height = heightOf(chain);
  const { payer } = jobById(context, attempt.jobId);
  const channel = attempt.channel === null ? undefined : channelOn(chain, payer, attempt.channel);
  const isOpen = attempt.channel !== null && attempt.refunded === null;
  const onChain = dealOfAttempt(context, attempt);
  return {
    height,
    channel,
    isChannelGone: context.goneChannels.isGone(attempt.id, isOpen && channel === undefined, height),
    chain: onChain === undefined ? undefined : { ...onChain, isLossOpen: isLossOpen(chain, onChain) },
    free: attoFil(freeEscrowOf(chain, payer)),
    promised: onChain === undefined ? promisedOf(context, payer) : zeroAtto,
  };
}

/** What the client has in escrow for deals that go on and can still be published. */
function promisedOf(context: ClientContext, payer: Address): AttoFil {
  const { store, needs } = context;
  const height = heightOf(needs.chain);
  const waiting = store.depositedFor(payer).filter((attempt) => {
    const isInTime = attempt.startBy === null || height <= attempt.startBy;
    return isInTime && dealOfAttempt(context, attempt) === undefined;
  });
  return addAtto(...waiting.map(({ collateral }) => collateral));
}

function dealOfAttempt(
  context: ClientContext,
  attempt: Attempt,
  chain: ChainState = context.needs.chain,
): ChainDeal | undefined {
  const { channel, dealId } = attempt;
  if (channel === null || dealId === null) return undefined;
  const { payer } = jobById(context, attempt.jobId);
  return dealOn(chain, { payer, channel, dealId });
}

async function settleLoss(context: ClientContext, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const { payer: client } = jobById(context, attempt.jobId);
  const params = encode(methods.market.settleDeals.params, { deals: [{ client, channel: idOf(attempt) }] });
  const message = { method: "settleDeals", to: "market", params, tries: attempt.marketTry } as const;
  await settleMessage(context, attempt, message, signal);
  move(context, attempt, { marketTry: attempt.marketTry + 1 }, "the loss of a sector is settled");
}

async function takeBack(
  context: ClientContext,
  attempt: Attempt,
  amount: AttoFil,
  signal: AbortSignal,
): Promise<void> {
  const params = encode(methods.market.withdrawBalance.params, { miner: null, amount });
  const message = { method: "withdrawBalance", to: "market", params, tries: attempt.marketTry } as const;
  const receipt = await settleMessage(context, attempt, message, signal);
  if (receipt?.exitCode === 0) {
    return believeBack(context, attempt, `${filText(amount)} FIL came back from the market`);
  }
  context.store.updateAttempt(attempt.id, { marketTry: attempt.marketTry + 1 });
}

/** Until that is final it is looked at again: `lookAtReturns`. */
function believeBack(context: ClientContext, attempt: Attempt, detail: string | undefined): void {
  const { store, needs } = context;
  store.transaction(() => {
    store.addReturnedCollateral(attempt.id, heightOf(needs.chain));
    if (detail !== undefined) move(context, attempt, { escrow: "back" }, detail);
    else store.updateAttempt(attempt.id, { escrow: "back" });
  });
}

/**
 * Collaterals that came back, in a branch of the chain that may not be the last: what another does not have is taken
 * out again. Called at each head.
 */
export function lookAtReturns(context: ClientContext): void {
  const { needs, store } = context;
  const { height: finalHeight } = finalTipset(needs.chain);
  for (const { attempt, height } of store.returnedCollaterals()) {
    if (isCollateralThere(viewOf(context, attempt), withdrawalOf(context, attempt))) {
      store.transaction(() => {
        store.forgetReturnedCollateral(attempt.id);
        move(
          context,
          attempt,
          { escrow: "in" },
          "a branch of the chain has the collateral with the market again",
        );
      });
    } else if (height <= finalHeight && isReturnFinal(context, attempt))
      store.forgetReturnedCollateral(attempt.id);
  }
}

/** This branch may have it later than it was first seen. */
function isReturnFinal(context: ClientContext, attempt: Attempt): boolean {
  const final = finalState(context.needs.chain);
  if (final === undefined) return true;
  const onChain = dealOfAttempt(context, attempt, final);
  const chain = onChain && { ...onChain, isLossOpen: isLossOpen(final, onChain) };
  return !isCollateralThere({ chain }, withdrawalOf(context, attempt, heightOf(final)));
}

/** The message that takes the collateral out, or took it. */
function withdrawalOf({ needs }: ClientContext, attempt: Attempt, height?: number): Taking {
  const { marketTry: tries } = attempt;
  return takingOf(needs.sender, messageKey(attempt, { method: "withdrawBalance", tries }), height);
}

/** The channel is gone without us: the miner has closed it, and the rest came back with that. */
function settled(context: ClientContext, attempt: Attempt): void {
  if (attempt.channel === null) return;
  believeGone(context, attempt, zeroAtto, "the miner closed the channel; what it left came back");
}

/** Until that is final it is looked for: `lookAtGoneChannels`. */
function believeGone(context: ClientContext, attempt: Attempt, refunded: AttoFil, detail: string): void {
  const { store, needs } = context;
  store.transaction(() => {
    if (attempt.channel !== null) store.addGoneChannel(attempt.id, attempt.channel, heightOf(needs.chain));
    move(context, attempt, { refunded }, detail);
  });
}

async function refund(
  context: ClientContext,
  attempt: Attempt,
  { channel }: ClientView,
  act: ChannelAct | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { needs } = context;
  if (channel !== undefined && channel.redeemed !== attempt.redeemed) {
    context.store.updateAttempt(attempt.id, { redeemed: channel.redeemed });
  }
  // One that a branch has taken back may be in the next one before it is due again.
  const isAsked = needs.sender.sentAs(reclaimKey(attempt)) !== undefined;
  try {
    if (act === "reclaim" || (channel === undefined && isAsked)) await reclaim(context, attempt, signal);
    else if (act === "closed") settled(context, attempt);
    else if (act === "cancel" && channel !== undefined) await cancel(context, attempt, channel, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    // Funds for the fee, a full pool, or a head that moved: the next head looks again.
    needs.logger.debug("market: no refund yet", { attempt: attempt.id, detail: error.message });
  }
}

async function cancel(
  context: ClientContext,
  attempt: Attempt,
  channel: NonNullable<ClientView["channel"]>,
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

const reclaimKey = (attempt: Attempt): string =>
  messageKey(attempt, { method: "reclaim", tries: attempt.reclaimTry });

async function reclaim(context: ClientContext, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const params = encode(methods.broker.reclaim.params, { channel: idOf(attempt) });
  const message = { method: "reclaim", params, tries: attempt.reclaimTry } as const;
  const receipt = await settleMessage(context, attempt, message, signal);
  if (receipt?.exitCode !== 0) {
    return move(context, attempt, { reclaimTry: attempt.reclaimTry + 1 }, "reclaiming failed on the chain");
  }
  const refunded: AttoFil = decode(methods.broker.reclaim.returns, receipt.returns);
  believeGone(context, attempt, refunded, `${filText(refunded)} FIL came back from the channel`);
}

function idOf(attempt: Attempt) {
  return channelId(attempt.channel ?? 0);
}
