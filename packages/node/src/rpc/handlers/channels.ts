/** Methods about payment channels and vouchers. */
import type { ApiHandlers, CheckedParams } from "@holdfast/api";
import { type Address, channelId, decode, type Epoch, epoch, fromHex, parseFil } from "@holdfast/base";
import { methods, readChannel } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { sendUnlessReused } from "./keyed.ts";
import { sentView } from "./messages.ts";
import { addressParam } from "./params.ts";
import { epochsOf } from "./views.ts";

type ChannelHandlers = Pick<
  ApiHandlers,
  Extract<keyof ApiHandlers, `channel.${string}` | `voucher.${string}`>
>;

/** A channel that names no end lasts this long. */
const channelDefaultMs = 30 * 86_400_000;

interface Term {
  readonly forMs?: number | undefined;
  readonly untilHeight?: number | undefined;
}

export function channelHandlers(needs: HandlerNeeds): ChannelHandlers {
  const { channels, wallet, sender } = needs;
  const { broker } = methods;
  const address = (text: string): Address => addressParam(needs, text);
  const payerOf = (text: string | undefined): Address => {
    const payer = text === undefined ? wallet.defaultAddress() : address(text);
    if (payer === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
    return payer;
  };
  const keyed = (key: string | undefined) => (key === undefined ? {} : { key });
  const ended = async (
    method: "cancel" | "reclaim",
    { channel: number, from, key }: CheckedParams<"channel.cancel">,
  ) => {
    const [payer, channel] = [payerOf(from), channelId(number)];
    const isSameParams = (bytes: Uint8Array): boolean =>
      decode(broker[method].params, bytes).channel === channel;
    const send = () => channels.end({ method, from: payer, channel, ...keyed(key) });
    return sentView(await sendUnlessReused(sender, key, { from: payer, method, isSameParams }, send));
  };
  return {
    "channel.create": async ({ target, amount, from, key, ...term }) => {
      const payer = payerOf(from);
      const [to, value] = [address(target), parseFil(amount)];
      const isSameParams = (bytes: Uint8Array): boolean =>
        decode(broker.createChannel.params, bytes).target === to;
      const call = { from: payer, method: "createChannel", value, isSameParams };
      return sendUnlessReused(sender, key, call, async (known) => {
        const before =
          known === undefined ? undefined : decode(broker.createChannel.params, known.params).eol;
        const wanted = endOf(needs, term) ?? endOf(needs, { forMs: channelDefaultMs }) ?? epoch(0);
        const eol = before ?? wanted;
        const sent = await channels.create({ from: payer, target: to, amount: value, eol, ...keyed(key) });
        return { ...sentView(sent), payer, channel: sent.nonce, eol };
      });
    },
    "channel.extend": async ({ channel: number, from, key, amount, ...term }) => {
      const payer = payerOf(from);
      const channel = channelId(number);
      const value = parseFil(amount);
      const isSameParams = (bytes: Uint8Array): boolean =>
        decode(broker.extend.params, bytes).channel === channel;
      const call = { from: payer, method: "extend", value, isSameParams };
      return sendUnlessReused(sender, key, call, async (known) => {
        const before = known === undefined ? undefined : decode(broker.extend.params, known.params).eol;
        const eol = before ?? endOf(needs, term) ?? agreedEnd(needs, payer, number);
        const sent = await channels.extend({ from: payer, channel, amount: value, eol, ...keyed(key) });
        return { ...sentView(sent), eol };
      });
    },
    "channel.cancel": (given) => ended("cancel", given),
    "channel.reclaim": (given) => ended("reclaim", given),
    "channel.redeem": async ({ payer, channel }) =>
      sentView(await channels.redeem(address(payer), channelId(channel), "redeem")),
    "channel.close": async ({ payer, channel }) =>
      sentView(await channels.redeem(address(payer), channelId(channel), "close")),
    "channel.ls": async ({ address: of }) => [...channels.list(of === undefined ? undefined : address(of))],
    "channel.show": async ({ payer, channel }) => channels.show(address(payer), channelId(channel)),
    ...voucherHandlers(needs, payerOf),
  };
}

function voucherHandlers(
  needs: HandlerNeeds,
  payerOf: (text: string | undefined) => Address,
): Pick<ChannelHandlers, Extract<keyof ApiHandlers, `voucher.${string}`>> {
  const { channels } = needs;
  const address = (text: string): Address => addressParam(needs, text);
  return {
    "voucher.create": async ({ channel, payer, amount, validAt, condition }) =>
      channels.give({
        payer: payerOf(payer),
        channel: channelId(channel),
        amount: parseFil(amount),
        validAt: epoch(validAt ?? 0),
        condition:
          condition === undefined
            ? null
            : {
                to: address(condition.to),
                method: condition.method,
                params: fromHex(condition.paramsHex),
              },
      }),
    "voucher.check": async ({ text }) => channels.check(text),
    "voucher.add": async ({ text, redeemerParamsHex }) => channels.add(text, fromHex(redeemerParamsHex)),
    "voucher.ls": async ({ payer, channel }) => [
      ...channels.vouchers(payer === undefined ? undefined : address(payer), channel),
    ],
    "voucher.best": async ({ payer, channel }) => channels.best(address(payer), channelId(channel)),
  };
}

/** The height that a term names; undefined if it names none. */
function endOf({ chain }: HandlerNeeds, { forMs, untilHeight }: Term): Epoch | undefined {
  if (untilHeight !== undefined) return epoch(untilHeight);
  if (forMs === undefined) return undefined;
  return epoch(chain.head().height + 1 + epochsOf(forMs, chain.params));
}

/** Money alone moves no end. */
function agreedEnd({ chain }: HandlerNeeds, payer: Address, number: number): Epoch {
  const channel = readChannel(chain.store, chain.headState().state, payer, channelId(number));
  if (channel === undefined) throw rpcErrors.notFound({ what: `channel ${number} of ${payer}` });
  return channel.agreedEol;
}
