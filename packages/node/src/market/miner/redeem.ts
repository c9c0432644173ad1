/**
 * Getting paid: at each head the latest voucher that is due is redeemed, once the deal has started on the chain; the
 * last one closes the channel. A cancellation of the payer is answered the same way,
 * because a redemption takes it back. Messages have keys, so a restart redeems nothing twice.
 */
import { type AttoFil, encode, filText, HoldfastError } from "@holdfast/base";
import { builtinAddresses, type Channel, exitCodeMeaning, methods } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { type DealVoucher, draftVoucher, endHeightOf } from "../deal.ts";
import { channelOn, dealOn, heightOf, minerOn } from "../facts.ts";
import { dealRefusals } from "../refusals.ts";
import { Missing } from "../tasks.ts";
import { dealById, type MinerContext, move } from "./context.ts";
import { completeDeal } from "./follow.ts";
import type { DealRow } from "./store.ts";

/** Rounds between two tries of what the chain would refuse now (a faulty sector, no money for the fee). */
const retryRounds = 5;

export class Redemptions {
  readonly #context: MinerContext;
  /** Height of the last try that led to no message. */
  readonly #refusedAt = new Map<string, number>();
  readonly #missing = new Missing<string>(limits.dealWaitRounds);

  constructor(context: MinerContext) {
    this.#context = context;
  }

  /** Looks at the channel of a deal; a redemption runs on its own. */
  look(dealId: string): void {
    const { needs, store, tasks } = this.#context;
    const deal = dealById(this.#context, dealId);
    if (deal.settled || tasks.isRunning(`redeem/${dealId}`)) return;
    const height = heightOf(needs.chain);
    const channel = channelOn(needs.chain, deal.payer, deal.channel);
    const isGone = this.#missing.isGone(dealId, channel === undefined, height);
    if (isGone || (channel !== undefined && height >= channel.eol)) settle(this.#context, deal, channel);
    if (channel === undefined || height >= channel.eol) return;
    if (channel.redeemed !== deal.redeemed) store.update(dealId, { redeemed: channel.redeemed });
    // The condition holds as soon as the deal has started on the chain, and not before.
    const status = dealOn(needs.chain, deal)?.status;
    if (status !== "active" && status !== "complete") return;
    const index = dueVoucher(deal, channel, height);
    const refused = this.#refusedAt.get(dealId);
    if (index === undefined || (refused !== undefined && height < refused + retryRounds)) return;
    tasks.start(`redeem/${dealId}`, async (signal) => {
      const isSent = await redeem(this.#context, deal, index, signal);
      if (isSent) this.#refusedAt.delete(dealId);
      else this.#refusedAt.set(dealId, heightOf(needs.chain));
    });
  }
}

/** The latest voucher that is valid and worth more than what was taken; the last one also to close with. */
export function dueVoucher(
  { proposal }: Pick<DealRow, "proposal">,
  channel: Pick<Channel, "redeemed">,
  height: number,
): number | undefined {
  const index = proposal.vouchers.findLastIndex((voucher) => voucher.validAt <= height);
  const voucher: DealVoucher | undefined = proposal.vouchers[index];
  if (voucher === undefined) return undefined;
  const isLast = index === proposal.vouchers.length - 1;
  return voucher.amount > channel.redeemed || (isLast && voucher.amount === channel.redeemed)
    ? index
    : undefined;
}

/** False if no message was sent, because it would fail now. */
async function redeem(
  context: MinerContext,
  deal: DealRow,
  index: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, sender, miner, logger } = context.needs;
  const { dealId, proposal, redeemTry } = deal;
  const owner = minerOn(chain, miner)?.owner;
  const voucher = proposal.vouchers[index];
  if (owner === undefined || voucher === undefined) return false;
  const isLast = index === proposal.vouchers.length - 1;
  const method = isLast ? "close" : "redeem";
  const full = { ...draftVoucher(proposal, owner, voucher), signature: voucher.signature };
  const redeemerParams = new Uint8Array(0);
  const params = encode(methods.broker[method].params, { voucher: full, redeemerParams });
  const to = builtinAddresses(chain.params.networkByte).broker;
  const key = `deal/${dealId}/${method}/${index}/${redeemTry}`;
  try {
    const { cid } = await sender.send({ from: owner, to, method, params, key });
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) {
      paid(context, deal, voucher.amount, isLast);
      return true;
    }
    const why = exitCodeMeaning(receipt.exitCode);
    move(
      context,
      dealId,
      { redeemTry: redeemTry + 1 },
      `redeeming voucher ${index + 1} failed on the chain: ${why}`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "sender/replaced") context.store.update(dealId, { redeemTry: redeemTry + 1 });
    logger.warn("voucher not redeemed", { deal: dealId, voucher: index, reason: error.message });
  }
  return false;
}

function paid(context: MinerContext, deal: DealRow, redeemed: AttoFil, isLast: boolean): void {
  const { dealId, proposal } = deal;
  const detail = `paid so far: ${filText(redeemed)} of ${filText(proposal.totalPrice)} FIL`;
  move(context, dealId, { redeemed }, detail);
  if (!isLast) return;
  context.store.update(dealId, { settled: true });
  if (heightOf(context.needs.chain) >= endHeightOf(proposal))
    completeDeal(context, dealById(context, dealId));
}

/** The channel is gone, or has ended: no more money comes. */
function settle(context: MinerContext, deal: DealRow, channel: Channel | undefined): void {
  const height = heightOf(context.needs.chain);
  const isOver = height >= endHeightOf(deal.proposal);
  const isPaid = deal.redeemed >= deal.proposal.totalPrice;
  if (channel === undefined && !isOver && !isPaid && deal.state !== "failed") {
    // Before its end only the payer can have ended it, after a cancellation that ran out.
    const reason = dealRefusals.paymentGone({ height });
    move(context, deal.dealId, { state: "failed", code: reason.code, settled: true }, reason.message);
    return;
  }
  context.store.update(deal.dealId, { settled: true });
  if (isOver) completeDeal(context, deal);
}
