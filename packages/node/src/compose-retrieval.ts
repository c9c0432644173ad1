/** Retrieval's view of money: payment channels of this node's accounts, as who pays and as who is paid. */
import { type AttoFil, attoFil, channelId, epoch, maxAtto, parseFil } from "@holdfast/base";
import { readChannel } from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import { type Channels, channelErrors, parseVoucher } from "./channels/index.ts";
import type { Sender } from "./mempool/index.ts";
import { type PaidDoor, type PayingDoor, retrievalErrors } from "./retrieval/index.ts";
import type { Wallet } from "./wallet/index.ts";

type Known = Parameters<PaidDoor["look"]>[0];

export function paymentsOf(rooms: {
  readonly chain: Chain;
  readonly channels: Channels;
  readonly sender: Sender;
  readonly wallet: Pick<Wallet, "defaultAddress">;
}): PaidDoor & PayingDoor {
  const { chain, channels, sender, wallet } = rooms;
  const height = (): number => chain.head().height + 1;
  const onChain = ({ payer, channel }: Known) =>
    readChannel(chain.store, chain.headState().state, payer, channel);
  /** Of the vouchers of one side that pay without a condition. */
  const best = ({ payer, channel }: Known, side: "given" | "received", redeemed: AttoFil): AttoFil =>
    channels
      .vouchers(payer, channel)
      .filter((voucher) => voucher.side === side && voucher.condition === null)
      .reduce((most, { amountFil }) => maxAtto(most, parseFil(`${amountFil}FIL`)), redeemed);
  const mined = async (cid: Parameters<Sender["wait"]>[0], signal: Parameters<PayingDoor["open"]>[3]) => {
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) return;
    throw retrievalErrors.channelRefused({ message: cid.toString(), exitCode: receipt.exitCode });
  };
  return {
    payee: () => wallet.defaultAddress(),
    look(named) {
      const found = onChain(named);
      if (found === undefined) return undefined;
      const { target, amount: deposit, redeemed, eol } = found;
      const paid = best(named, "received", redeemed);
      return { target, deposit, paid, roundsLeft: eol - height() };
    },
    take(text, { payer, channel }) {
      const voucher = parseVoucher(text);
      const isFit = voucher.payer === payer && voucher.channel === channel && voucher.condition === null;
      if (!isFit || voucher.validAt > height()) {
        throw channelErrors.malformedVoucher({
          problem: "it does not pay now, without a condition, from this channel",
        });
      }
      channels.add(text, new Uint8Array(0));
      return voucher.amount;
    },
    payer: () => wallet.defaultAddress(),
    height,
    find(named) {
      const found = onChain(named);
      return found && { deposit: found.amount, eol: found.eol, agreedEol: found.agreedEol };
    },
    given: (named) => best(named, "given", onChain(named)?.redeemed ?? attoFil(0n)),
    async open({ payer, target, amount, eol }, key, named, signal) {
      const { cid, nonce } = await channels.create({ from: payer, target, amount, eol: epoch(eol), key });
      named(channelId(nonce));
      await mined(cid, signal);
    },
    async extend({ payer, channel }, { amount, eol, key }, signal) {
      const { cid } = await channels.extend({ from: payer, channel, amount, eol: epoch(eol), key });
      await mined(cid, signal);
    },
    async reclaim({ payer, channel }, key) {
      await channels.end({ method: "reclaim", from: payer, channel, key });
    },
    give({ payer, channel }, amount) {
      return channels.give({ payer, channel, amount, validAt: epoch(0), condition: null }).text;
    },
    onHead: (listener) => chain.onHead(listener),
  };
}
