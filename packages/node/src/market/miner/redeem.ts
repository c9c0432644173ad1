/**
 * Getting paid: at each head the latest voucher that is due is redeemed, once the deal has started on the chain; the
 * last one closes the channel. A cancellation of the payer is answered the same way,
 * because a redemption takes it back. Messages have keys, so a restart redeems nothing twice.
 */
import { type Address, type AttoFil, attoFil, encode, epoch, filText, HoldfastError } from "@holdfast/base";
import {
  builtinAddresses,
  type Channel,
  type DealStatus,
  exitCodeMeaning,
  methods,
  type Voucher,
} from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { draftAmendedVoucher } from "../amendment.ts";
import type { DealVoucher } from "../deal.ts";
import { channelOn, dealOn, heightOf, minerOn } from "../facts.ts";
import { dealRefusals } from "../refusals.ts";
import { Missing } from "../tasks.ts";
import type { DueRedemption } from "../types.ts";
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
    const index = dueIndex(deal, channel, height, status);
    // Where the owner has no key here, a multisig, its signers propose it: `holdfast deal redeem`.
    const owner = minerOn(needs.chain, needs.miner)?.owner;
    if (owner === undefined || !needs.signer.has(owner)) return;
    const refused = this.#refusedAt.get(dealId);
    if (index === undefined || (refused !== undefined && height < refused + retryRounds)) return;
    tasks.start(`redeem/${dealId}`, async (signal) => {
      const isSent = await redeem(this.#context, deal, index, signal);
      if (isSent) this.#refusedAt.delete(dealId);
      else this.#refusedAt.set(dealId, heightOf(needs.chain));
    });
  }
}

type VoucherIndex = number | "settlement";

/** Which voucher pays now: of a deal that both have ended, its one, which also sends the rest back to the client. */
function dueIndex(
  deal: DealRow,
  channel: Pick<Channel, "redeemed">,
  height: number,
  status: DealStatus | undefined,
): VoucherIndex | undefined {
  if (status === "released" && deal.current.settlement !== undefined) return "settlement";
  return status === "active" || status === "complete" ? dueVoucher(deal, channel, height) : undefined;
}

/** The latest voucher that is valid and worth more than what was taken; the last one also to close with. */
export function dueVoucher(
  { current: { vouchers } }: Pick<DealRow, "current">,
  channel: Pick<Channel, "redeemed">,
  height: number,
): number | undefined {
  const index = vouchers.findLastIndex((voucher) => voucher.validAt <= height);
  const voucher: DealVoucher | undefined = vouchers[index];
  if (voucher === undefined) return undefined;
  const isLast = index === vouchers.length - 1;
  return voucher.amount > channel.redeemed || (isLast && voucher.amount === channel.redeemed)
    ? index
    : undefined;
}

function voucherOf(deal: DealRow, owner: Address, index: VoucherIndex): Voucher | undefined {
  const { proposal, current } = deal;
  if (index === "settlement") {
    const { settlement, endHeight } = current;
    if (settlement === undefined) return undefined;
    const change = { kind: "release", endHeight: epoch(endHeight) } as const;
    const draft = draftAmendedVoucher(proposal, owner, change, settlement);
    return { ...draft, signature: settlement.signature };
  }
  const voucher = current.vouchers[index];
  if (voucher === undefined) return undefined;
  const { until, signature } = voucher;
  const change = { kind: "extend", endHeight: until } as const;
  return { ...draftAmendedVoucher(proposal, owner, change, voucher), signature };
}

/** What the owner sends to the broker to be paid by this voucher. */
function callOf(deal: DealRow, owner: Address, index: VoucherIndex) {
  const voucher = voucherOf(deal, owner, index);
  if (voucher === undefined) return undefined;
  const isLast = index === "settlement" || index === deal.current.vouchers.length - 1;
  const method: "close" | "redeem" = isLast ? "close" : "redeem";
  const params = encode(methods.broker[method].params, { voucher, redeemerParams: new Uint8Array(0) });
  return { method, params, amount: voucher.amount, isLast };
}

/** Of the voucher that is due now; undefined if none is, or the deal cannot be paid for. */
export function dueRedemption({ needs }: MinerContext, deal: DealRow): DueRedemption | undefined {
  const { chain, miner } = needs;
  const owner = minerOn(chain, miner)?.owner;
  const channel = channelOn(chain, deal.payer, deal.channel);
  const status = dealOn(chain, deal)?.status;
  if (owner === undefined || channel === undefined || heightOf(chain) >= channel.eol) return undefined;
  const index = dueIndex(deal, channel, heightOf(chain), status);
  const call = index === undefined ? undefined : callOf(deal, owner, index);
  if (call === undefined) return undefined;
  const { method, params, amount } = call;
  const to = builtinAddresses(chain.params.networkByte).broker;
  return { from: owner, to, method, params, amount, adds: attoFil(amount - channel.redeemed) };
}

/** False if no message was sent, because it would fail now. */
async function redeem(
  context: MinerContext,
  deal: DealRow,
  index: VoucherIndex,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, sender, miner, logger } = context.needs;
  const { dealId, redeemTry } = deal;
  const owner = minerOn(chain, miner)?.owner;
  const call = owner === undefined ? undefined : callOf(deal, owner, index);
  if (owner === undefined || call === undefined) return false;
  const { method, params, amount, isLast } = call;
  const to = builtinAddresses(chain.params.networkByte).broker;
  const key = `deal/${dealId}/${method}/${index}/${redeemTry}`;
  try {
    const { cid } = await sender.send({ from: owner, to, method, params, key });
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) {
      paid(context, deal, amount, isLast);
      return true;
    }
    const why = exitCodeMeaning(receipt.exitCode);
    move(
      context,
      dealId,
      { redeemTry: redeemTry + 1 },
      `redeeming voucher ${index === "settlement" ? "of the early end" : index + 1} failed on the chain: ${why}`,
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
  const { dealId, current } = deal;
  const of = current.settlement?.amount ?? current.totalPrice;
  const detail = `paid so far: ${filText(redeemed)} of ${filText(of)} FIL`;
  move(context, dealId, { redeemed }, detail);
  if (!isLast) return;
  context.store.update(dealId, { settled: true });
  if (heightOf(context.needs.chain) >= current.endHeight || current.settlement !== undefined)
    completeDeal(context, dealById(context, dealId));
}

/** The channel is gone, or has ended: no more money comes. */
function settle(context: MinerContext, deal: DealRow, channel: Channel | undefined): void {
  const height = heightOf(context.needs.chain);
  const isOver = height >= deal.current.endHeight || deal.current.settlement !== undefined;
  const isPaid = deal.redeemed >= deal.current.totalPrice;
  if (channel === undefined && !isOver && !isPaid && deal.state !== "failed") {
    // Before its end only the payer can have ended it, after a cancellation that ran out.
    const reason = dealRefusals.paymentGone({ height });
    move(context, deal.dealId, { state: "failed", code: reason.code, settled: true }, reason.message);
    return;
  }
  context.store.update(deal.dealId, { settled: true });
  if (isOver) completeDeal(context, deal);
}
