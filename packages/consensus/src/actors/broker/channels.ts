/**
 * The payer's side of a channel. The target can always count on the agreed end: a cancellation leaves it
 * `channelCancelDelayEpochs` to redeem, and any redemption takes the cancellation back.
 */
import type { Address, AttoFil, ChannelId, Codec, Epoch } from "@holdfast/base";
import { addAtto, addEpochs, c, epoch, subAtto, channelId as toChannelId, zeroAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { none, pay } from "../kit.ts";
import type { BrokerState, Channel } from "./state.ts";
import { brokerStateCodec, findChannel, withChannel } from "./state.ts";

export interface CreateChannel {
  readonly target: Address;
  /** First epoch at which the payer may take back what is left. */
  readonly eol: Epoch;
}
export const createChannelCodec: Codec<CreateChannel> = c.tuple("CreateChannel", {
  target: c.address,
  eol: c.epoch,
});

export interface OpenChannel extends CreateChannel {
  /** Whose signature makes a voucher of this channel. */
  readonly signer: Address;
}
export const openChannelCodec: Codec<OpenChannel> = c.tuple("OpenChannel", {
  target: c.address,
  eol: c.epoch,
  signer: c.address,
});

export interface ExtendChannel {
  readonly channel: ChannelId;
  readonly eol: Epoch;
}
export const extendChannelCodec: Codec<ExtendChannel> = c.tuple("ExtendChannel", {
  channel: c.channelId,
  eol: c.epoch,
});

export interface OwnChannel {
  readonly channel: ChannelId;
}
export const ownChannelCodec: Codec<OwnChannel> = c.tuple("OwnChannel", { channel: c.channelId });

/** The sender's own channel; `channelNotFound`. */
export function ownChannel(ctx: ActorContext, state: BrokerState, channelId: ChannelId): Channel {
  const channel = findChannel(ctx.store, state, ctx.message.from, channelId);
  if (channel === undefined) {
    return ctx.fail(vmExitCodes.channelNotFound, `the sender has no channel ${channelId}`);
  }
  return channel;
}

/**
 * Opens a channel with the message's value as deposit; its id is the message's nonce, so the payer knows
 * it beforehand and it never returns. `notAccount`, `emptyDeposit`, `endInPast`, `channelExists`.
 */
export function createChannel(ctx: ActorContext, { target, eol }: CreateChannel): ChannelId {
  if (!ctx.isFromAccountActor()) ctx.fail(vmExitCodes.notAccount, "only accounts open channels like this");
  const state = ctx.readState(brokerStateCodec);
  return opened(ctx, state, toChannelId(ctx.message.nonce), { target, eol, signer: null });
}

/**
 * Opens a channel for an actor that has no key, a multisig: the account that it names signs the vouchers. The id is
 * one that no channel of such an actor ever had, so that no old voucher fits. `payerCanSign`, `emptyDeposit`,
 * `endInPast`.
 */
export function openChannel(ctx: ActorContext, given: OpenChannel): ChannelId {
  if (ctx.isFromAccountActor()) ctx.fail(vmExitCodes.payerCanSign, "an account signs its vouchers itself");
  const state = ctx.readState(brokerStateCodec);
  const { openedByActors: next } = state;
  return opened(ctx, { ...state, openedByActors: next + 1 }, toChannelId(next), given);
}

function opened(
  ctx: ActorContext,
  state: BrokerState,
  channelId: ChannelId,
  { target, eol, signer }: Pick<Channel, "target" | "eol" | "signer">,
): ChannelId {
  const { from, value } = ctx.message;
  if (value <= 0n) ctx.fail(vmExitCodes.emptyDeposit, "a channel needs a deposit");
  if (eol <= ctx.height) ctx.fail(vmExitCodes.endInPast, `the end ${eol} is not in the future`);
  if (findChannel(ctx.store, state, from, channelId) !== undefined) {
    ctx.fail(vmExitCodes.channelExists, `there is a channel ${channelId} already`);
  }
  const channel: Channel = { target, amount: value, redeemed: zeroAtto, eol, agreedEol: eol, signer };
  const escrow = addAtto(state.escrow, value);
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, from, channelId, channel, escrow));
  return channelId;
}

/**
 * Moves the end later and adds the message's value; a running cancellation is taken back.
 * `channelNotFound`, `endNotLater`, `endInPast`.
 */
export function extend(ctx: ActorContext, { channel: channelId, eol }: ExtendChannel): None {
  const { from, value } = ctx.message;
  const state = ctx.readState(brokerStateCodec);
  const channel = ownChannel(ctx, state, channelId);
  if (eol < channel.agreedEol) ctx.fail(vmExitCodes.endNotLater, `the end is ${channel.agreedEol} already`);
  if (eol <= ctx.height) ctx.fail(vmExitCodes.endInPast, `the end ${eol} is not in the future`);
  const after: Channel = { ...channel, amount: addAtto(channel.amount, value), eol, agreedEol: eol };
  const escrow = addAtto(state.escrow, value);
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, from, channelId, after, escrow));
  return none;
}

/** Announces the end: `channelCancelDelayEpochs` from now the payer may reclaim. `channelNotFound`. */
export function cancel(ctx: ActorContext, { channel: channelId }: OwnChannel): None {
  const state = ctx.readState(brokerStateCodec);
  const channel = ownChannel(ctx, state, channelId);
  const cancelled = addEpochs(ctx.height, ctx.params.channelCancelDelayEpochs);
  const after: Channel = { ...channel, eol: epoch(Math.min(cancelled, channel.eol)) };
  const { from } = ctx.message;
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, from, channelId, after, state.escrow));
  return none;
}

/** Pays what is left back to the payer and removes the channel. `channelNotFound`, `channelStillOpen`. */
export function reclaim(ctx: ActorContext, { channel: channelId }: OwnChannel): AttoFil {
  const state = ctx.readState(brokerStateCodec);
  const channel = ownChannel(ctx, state, channelId);
  if (ctx.height < channel.eol) ctx.fail(vmExitCodes.channelStillOpen, `the channel ends at ${channel.eol}`);
  const left = subAtto(channel.amount, channel.redeemed);
  const { from } = ctx.message;
  const escrow = subAtto(state.escrow, left);
  ctx.writeState(brokerStateCodec, withChannel(ctx.store, state, from, channelId, undefined, escrow));
  pay(ctx, from, left);
  return left;
}
