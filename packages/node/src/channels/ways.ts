/**
 * The ways out of a channel: for whatever money is in it, who can take it, by which command, from which height. No
 * state of a channel is without one as long as it exists; that is a test.
 */
import type { MethodResult } from "@holdfast/api";
import { type Address, attoFil, channelId, encode, filText, toHex } from "@holdfast/base";
import { builtinAddresses, type Channel, methods, type NetworkParams } from "@holdfast/consensus";

export type WayOut = MethodResult<"channel.ls">[number]["waysOut"][number];

export interface ChannelFacts {
  readonly payer: Address;
  readonly id: number;
  readonly channel: Channel;
  /** Of the next block. */
  readonly height: number;
  readonly params: NetworkParams;
  /** What the best voucher pays, and from when on; undefined if this node has none. */
  readonly best: { readonly amount: bigint; readonly validAt: number } | undefined;
}

type Ending = "cancel" | "reclaim";

/** A payer without a key acts by proposals of its signers. */
function payersCommand({ payer, id, channel, params }: ChannelFacts, ending: Ending): string {
  if (channel.signer === null) return `holdfast channel ${ending} ${id} --from ${payer}`;
  const { broker } = builtinAddresses(params.networkByte);
  const bytes = toHex(encode(methods.broker[ending].params, { channel: channelId(id) }));
  return `holdfast multisig propose ${payer} ${broker} 0FIL --method ${ending} --params ${bytes}`;
}

/** At least one. */
export function waysOut(facts: ChannelFacts): readonly WayOut[] {
  const { payer, channel, height, params, best, id } = facts;
  const { target, amount, redeemed, eol, agreedEol } = channel;
  const left = filText(attoFil(amount - redeemed));
  const ways: WayOut[] = [];
  if (height < eol && best !== undefined && best.amount > redeemed) {
    const from = Math.max(height, best.validAt);
    if (from < eol) {
      ways.push({
        who: target,
        role: "target",
        command: `holdfast channel redeem ${payer} ${id}`,
        fromHeight: from,
        untilHeight: eol,
        amountFil: filText(attoFil(best.amount - redeemed)),
      });
    }
  }
  const cancelled = height + params.channelCancelDelayEpochs;
  if (eol === agreedEol && cancelled < eol) {
    ways.push({
      who: payer,
      role: "payer",
      command: `${payersCommand(facts, "cancel")}, then reclaim from ${cancelled} on`,
      fromHeight: height,
      untilHeight: eol,
      amountFil: left,
    });
  }
  ways.push({
    who: payer,
    role: "payer",
    command: payersCommand(facts, "reclaim"),
    fromHeight: eol,
    untilHeight: null,
    amountFil: left,
  });
  return ways;
}
