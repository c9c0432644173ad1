/**
 * Whether a voucher is worth having, judged by the chain's state and by the vouchers that are there. Pure. A voucher
 * adds nothing to another that pays as much, as early, and asks for no more.
 */
import { encode, equalBytes, filText, type HoldfastError } from "@holdfast/base";
import {
  type Channel,
  isVoucherSigned,
  type Predicate,
  predicateCodec,
  type Voucher,
} from "@holdfast/consensus";
import { channelErrors } from "./errors.ts";

export interface Facts {
  readonly channel: Channel | undefined;
  /** Of the next block. */
  readonly height: number;
  readonly networkId: Uint8Array;
}

/** Undefined if the chain will pay the voucher now or later, as far as its condition holds then. */
export function faultOf(voucher: Voucher, { channel, height, networkId }: Facts): HoldfastError | undefined {
  const { payer, channel: id, validAt, amount } = voucher;
  if (channel === undefined) return channelErrors.noChannel({ payer, channel: id });
  if (voucher.target !== channel.target) {
    return channelErrors.wrongChannel({ channel: id, target: channel.target });
  }
  if (Math.max(height, validAt) >= channel.agreedEol) {
    return channelErrors.expired({ validAt, eol: channel.agreedEol });
  }
  if (height >= channel.eol) return channelErrors.expired({ validAt, eol: channel.eol });
  if (amount > channel.amount) {
    return channelErrors.aboveChannel({ amountFil: filText(amount), depositFil: filText(channel.amount) });
  }
  if (amount <= channel.redeemed) {
    return channelErrors.worthNothing({ amountFil: filText(amount), redeemedFil: filText(channel.redeemed) });
  }
  if (!isVoucherSigned(voucher, networkId, channel.signer)) return channelErrors.badSignature({ payer });
  return undefined;
}

function isSameCondition(a: Predicate | null, b: Predicate | null): boolean {
  if (a === null || b === null) return a === b;
  return equalBytes(encode(predicateCodec, a), encode(predicateCodec, b));
}

/** Whoever has `a` does not need `b`. */
export function makesWorthless(a: Voucher, b: Voucher): boolean {
  const asksNoMore = a.condition === null || isSameCondition(a.condition, b.condition);
  return a.amount >= b.amount && a.validAt <= b.validAt && asksNoMore;
}

/** `channels/not-better` if one of those that are there makes the voucher worthless. */
export function surplusOf(voucher: Voucher, others: readonly Voucher[]): HoldfastError | undefined {
  const better = others.find((other) => makesWorthless(other, voucher));
  if (better === undefined) return undefined;
  return channelErrors.notBetter({ amountFil: filText(voucher.amount), bestFil: filText(better.amount) });
}
