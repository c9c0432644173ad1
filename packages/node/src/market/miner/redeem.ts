/**
 * Getting paid: at each head the latest voucher that is due is redeemed, once the deal has started on the chain; the
 * last one closes the channel. A cancellation of the payer is answered the same way, because a redemption takes it
 * back. Which voucher is due the machine says. Messages have keys, so a restart redeems nothing twice.
 */
import { type Address, attoFil, encode, epoch, HoldfastError } from "@holdfast/base";
import { builtinAddresses, exitCodeMeaning, methods, type Voucher } from "@holdfast/consensus";
import { draftAmendedVoucher } from "../amendment.ts";
import { channelOn, dealOn, heightOf, minerOn } from "../facts.ts";
import { dueIndex } from "../machine/miner.ts";
import type { DueRedemption } from "../types.ts";
import { dealById, happens, lostCodes, type MinerContext, note } from "./context.ts";
import type { DealRow } from "./store.ts";
import { termsOfRow } from "./view.ts";

type VoucherIndex = number | "settlement";

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
  const index = dueIndex(termsOfRow(deal), channel, heightOf(chain), status);
  const call = index === undefined ? undefined : callOf(deal, owner, index);
  if (call === undefined) return undefined;
  const { method, params, amount } = call;
  const to = builtinAddresses(chain.params.networkByte).broker;
  return { from: owner, to, method, params, amount, adds: attoFil(amount - channel.redeemed) };
}

/** False if no message was sent, because it would fail now. */
export async function redeem(
  context: MinerContext,
  dealId: string,
  index: VoucherIndex,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, sender, miner, logger } = context.needs;
  const deal = dealById(context, dealId);
  const { redeemTry } = deal;
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
      const terms = termsOfRow(dealById(context, dealId));
      happens(context, dealId, { type: "paid", amount, isLast, height: heightOf(chain), terms });
      return true;
    }
    const which = index === "settlement" ? "of the early end" : index + 1;
    const why = exitCodeMeaning(receipt.exitCode);
    note(
      context,
      dealId,
      { redeemTry: redeemTry + 1 },
      `redeeming voucher ${which} failed on the chain: ${why}`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    if (lostCodes.has(error.code)) context.store.update(dealId, { redeemTry: redeemTry + 1 });
    logger.warn("voucher not redeemed", { deal: dealId, voucher: index, reason: error.message });
  }
  return false;
}
