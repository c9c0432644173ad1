/**
 * The payment broker (go-filecoin 2019): one-way payment channels with signed vouchers
 * that can carry a condition. What the broker holds is exactly what its channels still owe.
 */
import type { Address, AttoFil, ChannelId, Codec, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import { codeNames } from "../../types/builtins.ts";
import type { Predicate } from "../../types/predicate.ts";
import { predicateCodec } from "../../types/predicate.ts";
import type { Voucher } from "../../types/voucher.ts";
import { voucherCodec } from "../../types/voucher.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, noneCodec } from "../kit.ts";
import type { CreateChannel, ExtendChannel, OpenChannel, OwnChannel } from "./channels.ts";
import {
  cancel,
  createChannel,
  createChannelCodec,
  extend,
  extendChannelCodec,
  openChannel,
  openChannelCodec,
  ownChannel,
  ownChannelCodec,
  reclaim,
} from "./channels.ts";
import type { Redeem } from "./redeem.ts";
import { close, redeem, redeemCodec } from "./redeem.ts";
import type { Channel } from "./state.ts";
import { brokerStateCodec, channelCodec, findChannel, loadChannels, loadPayers } from "./state.ts";

/** Most channels in one page of `ls`. */
export const maxChannelsPerPage = 1_000;

export interface ListChannels {
  readonly payer: Address;
  /** Channels with this id or a greater one. */
  readonly from: ChannelId;
  readonly limit: number;
}
export interface ListedChannel {
  readonly id: ChannelId;
  readonly channel: Channel;
}

/** A page of a payer's channels in ascending order of their ids. */
function ls(ctx: ActorContext, { payer, from, limit }: ListChannels): readonly ListedChannel[] {
  const payers = loadPayers(ctx.store, ctx.readState(brokerStateCodec));
  const page: ListedChannel[] = [];
  for (const [id, channel] of loadChannels(ctx.store, payers, payer).entries()) {
    if (page.length >= limit) break;
    if (id >= from) page.push({ id: id as ChannelId, channel });
  }
  return page;
}

export interface DraftVoucher {
  readonly channel: ChannelId;
  readonly amount: AttoFil;
  readonly validAt: Epoch;
  readonly condition: Predicate | null;
}

/** The unsigned voucher for the sender's own channel. `channelNotFound`, `amountAboveChannel`. */
function voucher(ctx: ActorContext, draft: DraftVoucher): Voucher {
  const channel = ownChannel(ctx, ctx.readState(brokerStateCodec), draft.channel);
  if (draft.amount > channel.amount) {
    ctx.fail(vmExitCodes.amountAboveChannel, `the channel holds ${channel.amount} attoFIL`);
  }
  return { ...draft, payer: ctx.message.from, target: channel.target, signature: new Uint8Array(65) };
}

function getChannel(
  ctx: ActorContext,
  { payer, channel: channelId }: { readonly payer: Address; readonly channel: ChannelId },
): Channel {
  const channel = findChannel(ctx.store, ctx.readState(brokerStateCodec), payer, channelId);
  if (channel === undefined) {
    return ctx.fail(vmExitCodes.channelNotFound, `${payer} has no channel ${channelId}`);
  }
  return channel;
}

const channelsCodec: Codec<readonly ListedChannel[]> = c.list(
  c.tuple("ListedChannel", { id: c.channelId, channel: channelCodec }),
  maxChannelsPerPage,
);

/** For every method: what it does and its exit codes stand at the function that `run` names. */
export const brokerMethods = {
  createChannel: method<CreateChannel, ChannelId>({
    params: createChannelCodec,
    returns: c.channelId,
    payable: true,
    run: createChannel,
  }),
  openChannel: method<OpenChannel, ChannelId>({
    params: openChannelCodec,
    returns: c.channelId,
    payable: true,
    run: openChannel,
  }),
  extend: method<ExtendChannel, None>({
    params: extendChannelCodec,
    returns: noneCodec,
    payable: true,
    run: extend,
  }),
  cancel: method<OwnChannel, None>({ params: ownChannelCodec, returns: noneCodec, run: cancel }),
  reclaim: method<OwnChannel, AttoFil>({ params: ownChannelCodec, returns: c.attoFil, run: reclaim }),
  redeem: method<Redeem, AttoFil>({ params: redeemCodec, returns: c.attoFil, run: redeem }),
  close: method<Redeem, AttoFil>({ params: redeemCodec, returns: c.attoFil, run: close }),
  voucher: method<DraftVoucher, Voucher>({
    params: c.tuple("DraftVoucher", {
      channel: c.channelId,
      amount: c.attoFil,
      validAt: c.epoch,
      condition: c.nullable(predicateCodec),
    }),
    returns: voucherCodec,
    run: voucher,
  }),
  getChannel: method<{ readonly payer: Address; readonly channel: ChannelId }, Channel>({
    params: c.tuple("GetChannel", { payer: c.address, channel: c.channelId }),
    returns: channelCodec,
    run: getChannel,
  }),
  ls: method<ListChannels, readonly ListedChannel[]>({
    params: c.tuple("ListChannels", {
      payer: c.address,
      from: c.channelId,
      limit: c.uint(maxChannelsPerPage),
    }),
    returns: channelsCodec,
    run: ls,
  }),
  /** attoFIL that all channels together still owe. */
  getEscrow: getter<AttoFil>(c.attoFil, (ctx) => ctx.readState(brokerStateCodec).escrow),
} as const;

export const brokerActor = actorOf(codeNames.broker, brokerMethods);
