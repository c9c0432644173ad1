/**
 * The target's side of a channel: redeeming vouchers. A voucher's amount is cumulative, so redeeming
 * pays the difference to what was taken before, and an old voucher is worth nothing. Every cheap check
 * comes before the signature, the signature before the condition.
 */
import type { AttoFil, Codec } from "@holdfast/base";
import { c, encode, subAtto, zeroAtto } from "@holdfast/base";
import { maxParamBytes } from "../../types/message.ts";
import type { Predicate } from "../../types/predicate.ts";
import type { Voucher } from "../../types/voucher.ts";
import { isVoucherSigned, voucherCodec, voucherSigningBytes } from "../../types/voucher.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { pay } from "../kit.ts";
import { conditionParamsCodec } from "../miner/pieces.ts";
import type { BrokerState, Channel } from "./state.ts";
import { brokerStateCodec, findChannel, withChannel } from "./state.ts";

export interface Redeem {
  readonly voucher: Voucher;
  /** The redeemer's part of the condition's parameters; empty without a condition. */
  readonly redeemerParams: Uint8Array;
}
export const redeemCodec: Codec<Redeem> = c.tuple("Redeem", {
  voucher: voucherCodec,
  redeemerParams: c.bytes(maxParamBytes),
});

/** The state, the voucher's channel and what the voucher pays, after every check. */
interface Checked {
  readonly state: BrokerState;
  readonly channel: Channel;
  readonly due: AttoFil;
}

function checkVoucher(ctx: ActorContext, { voucher, redeemerParams }: Redeem, isClosing: boolean): Checked {
  const state = ctx.readState(brokerStateCodec);
  const channel = findChannel(ctx.store, state, voucher.payer, voucher.channel);
  if (channel === undefined) {
    return ctx.fail(vmExitCodes.channelNotFound, `${voucher.payer} has no channel ${voucher.channel}`);
  }
  if (ctx.message.from !== channel.target || voucher.target !== channel.target) {
    ctx.fail(vmExitCodes.wrongTarget, `the channel's target is ${channel.target}`);
  }
  if (ctx.height < voucher.validAt) {
    ctx.fail(vmExitCodes.voucherTooEarly, `the voucher is valid at ${voucher.validAt}`);
  }
  if (ctx.height >= channel.eol) ctx.fail(vmExitCodes.channelEnded, `the channel ended at ${channel.eol}`);
  if (voucher.amount > channel.amount) {
    ctx.fail(vmExitCodes.amountAboveChannel, `the channel holds ${channel.amount} attoFIL`);
  }
  const due = subAtto(voucher.amount, channel.redeemed);
  // The last voucher may be used again to close: it pays nothing and sends the rest back.
  if (due < 0n || (due === 0n && !isClosing)) {
    ctx.fail(vmExitCodes.alreadyRedeemed, `${channel.redeemed} attoFIL were redeemed`);
  }
  ctx.chargeProof("signature", voucherSigningBytes(voucher, ctx.networkId).length);
  if (!isVoucherSigned(voucher, ctx.networkId, channel.signer)) {
    ctx.fail(vmExitCodes.voucherSignatureInvalid, "this is not signed for the payer");
  }
  if (voucher.condition !== null) checkCondition(ctx, voucher.condition, redeemerParams);
  return { state, channel, due };
}

/**
 * Asks the condition's actor. Its method gets a list of two byte strings: the payer's parameters and the
 * redeemer's. No money goes with the call.
 */
function checkCondition(ctx: ActorContext, predicate: Predicate, redeemer: Uint8Array): void {
  const params = encode(conditionParamsCodec, { condition: predicate.params, redeemer });
  const result = ctx.send(predicate.to, predicate.method, zeroAtto, params);
  if (result.exitCode !== 0) {
    ctx.fail(vmExitCodes.conditionNotMet, `the condition's call ended with ${result.exitCode}`);
  }
}

/**
 * Pays the target what the voucher is worth beyond what was redeemed before, and takes a running
 * cancellation back. Returns what was paid. `channelNotFound`, `wrongTarget`, `voucherTooEarly`,
 * `channelEnded`, `amountAboveChannel`, `alreadyRedeemed`, `voucherSignatureInvalid`, `conditionNotMet`.
 */
export function redeem(ctx: ActorContext, given: Redeem): AttoFil {
  const { voucher } = given;
  const { state, channel, due } = checkVoucher(ctx, given, false);
  const after: Channel = { ...channel, redeemed: voucher.amount, eol: channel.agreedEol };
  const escrow = subAtto(state.escrow, due);
  const { payer, channel: channelId } = voucher;
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, payer, channelId, after, escrow));
  pay(ctx, channel.target, due);
  return due;
}

/**
 * Redeems the last voucher, sends the rest back to the payer and removes the channel. Returns what was
 * paid to the target. Exit codes as for `redeem`; the last redeemed voucher itself can close.
 */
export function close(ctx: ActorContext, given: Redeem): AttoFil {
  const { voucher } = given;
  const { state, channel, due } = checkVoucher(ctx, given, true);
  const rest = subAtto(channel.amount, voucher.amount);
  const escrow = subAtto(state.escrow, subAtto(channel.amount, channel.redeemed));
  const { payer, channel: channelId } = voucher;
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, payer, channelId, undefined, escrow));
  pay(ctx, channel.target, due);
  pay(ctx, payer, rest);
  return due;
}
