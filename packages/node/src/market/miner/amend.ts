/**
 * Changes of deals, the miner's side: asked for, judged against the chain and this miner's policy, written down,
 * answered. What is taken goes onto the chain with the deal's other messages (`onchain.ts`); whether it is there is
 * read from the chain at every head.
 */
import {
  type CID,
  cidOfCbor,
  epoch,
  HoldfastError,
  maxAtto,
  verifySignature,
  type WireStream,
} from "@holdfast/base";
import { type Deal as ChainDeal, isVoucherSigned } from "@holdfast/consensus";
import { FrameReader, sendMessage } from "../../framing.ts";
import { limits } from "../../limits.ts";
import {
  type Amendment,
  amendmentAnswerBytes,
  amendmentAnswerCodec,
  amendmentCodec,
  amendmentEpochs,
  amendmentIdOf,
  amendmentSigningBytes,
  amendProtocol,
  draftAmendedVoucher,
  leastAmendmentRounds,
} from "../amendment.ts";
import { channelOn, dealOn, freeEscrowOf, heightOf, isLossOpen, sectorOn } from "../facts.ts";
import { asRefusal, dealRefusals, reasonOf } from "../refusals.ts";
import { serve } from "../talk.ts";
import { bestAsk, collateralsFor, dealPrice, paddedTotal, settlementEpochs } from "../terms.ts";
import { checkPayments, earnedBy } from "../vouchers.ts";
import { type MinerContext, minerFacts } from "./context.ts";
import type { DealRow } from "./store.ts";
import { checkShares } from "./validate.ts";

const nothing: CID = cidOfCbor(new Uint8Array(0));

/** Serves `/fil/storage/amend/1.0.0` until disposed of; `onTaken` is called with the id of the deal. */
export function serveAmendments(context: MinerContext, onTaken: (dealId: string) => void): AsyncDisposable {
  return serve(context.needs, {
    protocol: amendProtocol,
    timeoutMs: limits.requestTimeoutMs,
    handler: (stream, signal) => answer(context, stream, onTaken, signal),
  });
}

async function answer(
  context: MinerContext,
  stream: WireStream,
  onTaken: (dealId: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { needs } = context;
  const { worker, height } = minerFacts(context);
  let reply = { amendment: nothing, isAccepted: true, code: "", message: "", height: epoch(height) };
  try {
    const asked = await new FrameReader(stream).readMessage(amendmentCodec, signal);
    if (asked === undefined) throw dealRefusals.malformed({ detail: "the stream ended" });
    reply = { ...reply, amendment: amendmentIdOf(asked) };
    take(context, asked);
    onTaken(asked.dealId.toString());
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.exit === "network") throw error;
    const refusal = asRefusal(error);
    needs.logger.info("change of a deal refused", { peer: stream.peer, code: refusal.code });
    reply = { ...reply, isAccepted: false, code: refusal.code.slice(0, 64), message: reasonOf(refusal) };
  }
  const signature = needs.signer.sign(worker, amendmentAnswerBytes(reply));
  await sendMessage(stream, amendmentAnswerCodec, { ...reply, signature }, signal);
  await stream.closeWrite();
}

/** Checks and writes down; the same again is the same. `deal/…`. */
function take(context: MinerContext, asked: Amendment): void {
  const { store, amendments, needs } = context;
  const dealId = asked.dealId.toString();
  if (amendments.get(amendmentIdOf(asked).toString()) !== undefined) return;
  if (needs.isCatchingUp()) throw dealRefusals.catchingUp({ height: heightOf(needs.chain) });
  const deal = store.get(dealId);
  if (deal === undefined) throw dealRefusals.unknownDeal({ dealId });
  const onChain = checkPossible(context, deal, asked);
  if (asked.kind === "extend") checkExtension(context, deal, onChain, asked);
  else checkRelease(context, deal, asked);
  // Before: who dies in between has looked at a deal for nothing, and not slept over a change that both want.
  store.wake(dealId);
  amendments.add(asked);
  needs.logger.info("change of a deal accepted", { deal: dealId, kind: asked.kind });
}

/** What holds for both kinds: the deal is active, the client has signed, there is time, and the policy says so. */
function checkPossible(context: MinerContext, deal: DealRow, asked: Amendment): ChainDeal {
  const { needs, amendments } = context;
  const { chain } = needs;
  const { kind, validUntil, endHeight } = asked;
  const onChain = dealOn(chain, deal);
  if (onChain?.status !== "active" || isLossOpen(chain, onChain)) {
    const status =
      onChain === undefined ? "not there" : onChain.status === "active" ? "lost" : onChain.status;
    throw dealRefusals.notActive({ status, endHeight: deal.current.endHeight });
  }
  const signed = amendmentSigningBytes(asked, chain.networkId);
  if (!verifySignature(signed, asked.signature, deal.payer)) {
    throw dealRefusals.badSignature({ payer: deal.payer });
  }
  if (!amendments.policy()[kind]) throw dealRefusals.notByPolicy({ kind });
  const pending = amendments.of(deal.dealId).find(({ state }) => state === "accepted");
  if (pending !== undefined) throw dealRefusals.amendmentPending({ kind: pending.amendment.kind });
  const height = heightOf(chain);
  const isInTime =
    validUntil >= height + leastAmendmentRounds &&
    validUntil <= height + 2 * amendmentEpochs(chain.params) &&
    validUntil < onChain.endHeight;
  const isLater = kind === "extend" ? endHeight > onChain.endHeight : endHeight === onChain.endHeight;
  if (!isInTime || !isLater) throw dealRefusals.amendmentTimes({ height, validUntil, endHeight });
  return onChain;
}

/** The policy of a longer life first, then the money: a client pays when it hears that only the money is missing. */
function checkExtension(context: MinerContext, deal: DealRow, onChain: ChainDeal, asked: Amendment): void {
  const { chain } = context.needs;
  const { params, networkId } = chain;
  const { asks, owner } = minerFacts(context);
  const { endHeight, totalPrice, vouchers } = asked;
  const height = heightOf(chain);
  checkLives(context, onChain, endHeight);
  const paddedBytes = paddedTotal(deal.proposal.pieces);
  if (!asks.some((one) => one.expiry > height)) throw dealRefusals.noAsk({});
  const best = bestAsk(asks, paddedBytes, height);
  if (best === undefined) throw dealRefusals.sizeOutsideAsk({ paddedBytes });
  const durationEpochs = endHeight - onChain.endHeight;
  const needed = onChain.totalPrice + dealPrice(best.pricePerBytePerEpoch, paddedBytes, durationEpochs);
  if (totalPrice < needed) {
    throw dealRefusals.totalTooLow({ total: totalPrice.toString(), needed: needed.toString() });
  }
  const network = collateralsFor(params, totalPrice);
  const wanted = collateralsFor(params, totalPrice, best);
  checkShares(asked, noLess(network, onChain), noLess(wanted, onChain));
  // From the old end and the old price on; the condition says that the chain has the extension.
  const added = vouchers.map((one) => ({
    ...one,
    amount: (one.amount - onChain.totalPrice) as typeof one.amount,
  }));
  const more = (totalPrice - onChain.totalPrice) as typeof totalPrice;
  if (added.some(({ amount }) => amount < 0n)) throw dealRefusals.voucherOrder({ index: 0 });
  checkPayments({ startHeight: onChain.endHeight, durationEpochs, totalPrice: more }, added);
  for (const [index, voucher] of vouchers.entries()) {
    const { amount, signature } = voucher;
    if (amount > totalPrice) throw dealRefusals.voucherAboveChannel({ index, amount: amount.toString() });
    const draft = draftAmendedVoucher(deal.proposal, owner, asked, voucher);
    if (!isVoucherSigned({ ...draft, signature }, networkId)) throw dealRefusals.voucherSignature({ index });
  }
  checkMoney(context, deal, onChain, asked);
}

/** Sectors that live too short must be able to live longer: healthy ones, within what the network has. */
function checkLives({ needs }: MinerContext, { sectors }: ChainDeal, endHeight: number): void {
  const { chain, miner } = needs;
  const longest = heightOf(chain) + chain.params.maxSectorLifetimeEpochs;
  for (const sectorId of sectors) {
    const { expiration = 0, faultySince = 0 } = sectorOn(chain, miner, sectorId) ?? {};
    if (expiration >= endHeight || (faultySince === null && endHeight <= longest)) continue;
    throw dealRefusals.sectorEndsTooEarly({ sectorId, expiration, endHeight });
  }
}

type Collaterals = Pick<Amendment, "clientCollateral" | "providerCollateral">;

/** Nobody's collateral shrinks. */
function noLess(wanted: Collaterals, onChain: Collaterals): Collaterals {
  return {
    clientCollateral: maxAtto(wanted.clientCollateral, onChain.clientCollateral),
    providerCollateral: maxAtto(wanted.providerCollateral, onChain.providerCollateral),
  };
}

/** `deal/channel-…`, `deal/collateral-missing`. */
function checkMoney({ needs }: MinerContext, deal: DealRow, onChain: ChainDeal, asked: Amendment): void {
  const { chain } = needs;
  const { endHeight, totalPrice, clientCollateral } = asked;
  const channel = channelOn(chain, deal.payer, deal.channel);
  if (channel === undefined) throw dealRefusals.channelNotFound({ payer: deal.payer, channel: deal.channel });
  const { amount, eol, agreedEol } = channel;
  if (eol < agreedEol) throw dealRefusals.channelCancelled({ channel: deal.channel, eol });
  if (amount < totalPrice) {
    throw dealRefusals.channelFunds({ amount: amount.toString(), total: totalPrice.toString() });
  }
  const neededEol = endHeight + settlementEpochs(chain.params);
  if (eol < neededEol) throw dealRefusals.channelEndsTooEarly({ eol, neededEol });
  const [free, needed] = [freeEscrowOf(chain, deal.payer), clientCollateral - onChain.clientCollateral];
  if (free >= needed) return;
  throw dealRefusals.collateralMissing({
    payer: deal.payer,
    free: free.toString(),
    needed: needed.toString(),
  });
}

/** One voucher over all that is earned by now, which the chain pays when the deal is released. */
function checkRelease(context: MinerContext, deal: DealRow, asked: Amendment): void {
  const { chain } = context.needs;
  const { owner } = minerFacts(context);
  const [voucher, ...others] = asked.vouchers;
  if (voucher === undefined || others.length > 0 || voucher.amount !== asked.totalPrice) {
    throw dealRefusals.noVouchers({});
  }
  const height = heightOf(chain);
  const channel = channelOn(chain, deal.payer, deal.channel);
  const redeemed = channel?.redeemed ?? 0n;
  const { startHeight } = deal.proposal;
  const earned = earnedBy(deal.current.vouchers, startHeight, height);
  const least = earned > redeemed ? earned : redeemed;
  const { amount, validAt, signature } = voucher;
  if (amount < least || validAt > height || (channel !== undefined && amount > channel.amount)) {
    throw dealRefusals.settlementTooLow({ amount: amount.toString(), earned: least.toString() });
  }
  const draft = draftAmendedVoucher(deal.proposal, owner, asked, voucher);
  if (!isVoucherSigned({ ...draft, signature }, chain.networkId))
    throw dealRefusals.voucherSignature({ index: 0 });
}

/** Compares what was taken with what the chain has; called at every head, so it also goes back. */
export function settleAmendments(
  { amendments, needs }: MinerContext,
  deal: DealRow,
  onChain: ChainDeal,
): void {
  const height = heightOf(needs.chain);
  for (const { amendmentId, amendment, state } of amendments.of(deal.dealId)) {
    const { kind, endHeight, validUntil } = amendment;
    const isMade = kind === "extend" ? onChain.endHeight >= endHeight : onChain.status === "released";
    const isLate = height > validUntil || onChain.endedAt !== null;
    const now = isMade ? "done" : isLate ? "failed" : "accepted";
    if (now === state) continue;
    const details = {
      done: "the chain has it",
      failed: `it was not on the chain by ${validUntil}`,
      accepted: "a reorganisation took it back; it is on its way again",
    };
    amendments.set(amendmentId, now, details[now]);
  }
}
