/** Retrieval's view of money: payment channels of this node's accounts, as who pays and as who is paid. */
import {
  type Address,
  type AttoFil,
  attoFil,
  type ChannelId,
  channelId,
  concatBytes,
  epoch,
  maxAtto,
  type PeerId,
  parseFil,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { readChannel } from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import { type Channels, channelErrors, parseVoucher } from "./channels/index.ts";
import { finalTipset } from "./final.ts";
import type { Sender } from "./mempool/index.ts";
import { type PaidDoor, type PayingDoor, retrievalErrors } from "./retrieval/index.ts";
import type { Wallet } from "./wallet/index.ts";

const holderDomain = utf8Bytes("holdfast retrieval channel\n");

type Known = Parameters<PaidDoor["look"]>[0];

interface Rooms {
  readonly chain: Chain;
  readonly channels: Channels;
  readonly sender: Sender;
  readonly wallet: Pick<Wallet, "defaultAddress" | "has" | "sign">;
  readonly self: PeerId;
  /** Whether a deal of this miner is paid from the channel. */
  readonly paysDeal: (payer: Address, channel: ChannelId) => boolean;
}

export function paymentsOf(rooms: Rooms): PaidDoor & PayingDoor {
  return { ...paidDoorOf(rooms), ...payingDoorOf(rooms) };
}

const roundOf = ({ chain }: Rooms): number => chain.head().height + 1;

function onChain({ chain }: Rooms, { payer, channel }: Known) {
  return readChannel(chain.store, chain.headState().state, payer, channel);
}

/** Of the vouchers of one side that pay without a condition. */
function best(
  { channels }: Rooms,
  { payer, channel }: Known,
  side: "given" | "received",
  redeemed: AttoFil,
): AttoFil {
  return channels
    .vouchers(payer, channel)
    .filter((voucher) => voucher.side === side && voucher.condition === null)
    .reduce((most, { amountFil }) => maxAtto(most, parseFil(`${amountFil}FIL`)), redeemed);
}

/** Under the signature that lets a peer pay from a channel. */
function holderBytes({ chain }: Rooms, { payer, channel }: Known, target: Address, peer: PeerId): Uint8Array {
  const text = utf8Bytes([payer, channel, target, peer].join("\n"));
  return concatBytes(holderDomain, chain.networkId, text);
}

function paidDoorOf(rooms: Rooms): PaidDoor {
  const { channels, wallet, paysDeal } = rooms;
  return {
    payee: () => wallet.defaultAddress(),
    look(named) {
      const found = onChain(rooms, named);
      if (found === undefined) return undefined;
      const { target, amount: deposit, redeemed, eol } = found;
      const paid = best(rooms, named, "received", redeemed);
      const isOfDeal = paysDeal(named.payer, named.channel);
      return { target, deposit, paid, roundsLeft: eol - roundOf(rooms), paysDeal: isOfDeal };
    },
    isHeldBy(named, { peer, proof }) {
      const found = onChain(rooms, named);
      if (found === undefined) return false;
      return verifySignature(
        holderBytes(rooms, named, found.target, peer),
        proof,
        found.signer ?? named.payer,
      );
    },
    take(text, { payer, channel }) {
      const voucher = parseVoucher(text);
      const isFit = voucher.payer === payer && voucher.channel === channel && voucher.condition === null;
      if (!isFit || voucher.validAt > roundOf(rooms) || paysDeal(payer, channel)) {
        throw channelErrors.malformedVoucher({
          problem: "it does not pay now, without a condition, from this channel and nothing else",
        });
      }
      channels.add(text, new Uint8Array(0));
      return voucher.amount;
    },
  };
}

function payingDoorOf(rooms: Rooms): PayingDoor {
  const { chain, channels, sender, wallet, self } = rooms;
  const mined = async (cid: Parameters<Sender["wait"]>[0], signal: Parameters<PayingDoor["open"]>[3]) => {
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode === 0) return;
    throw retrievalErrors.channelRefused({ message: cid.toString(), exitCode: receipt.exitCode });
  };
  return {
    payer: () => wallet.defaultAddress(),
    height: () => roundOf(rooms),
    finalHeight: () => finalTipset(chain).height,
    find(named) {
      const found = onChain(rooms, named);
      return found && { deposit: found.amount, eol: found.eol, agreedEol: found.agreedEol };
    },
    given: (named) => best(rooms, named, "given", onChain(rooms, named)?.redeemed ?? attoFil(0n)),
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
    prove(named) {
      const { payer, channel } = named;
      const found = onChain(rooms, named);
      if (found === undefined) throw channelErrors.noChannel({ payer, channel });
      const signer = found.signer ?? payer;
      if (!wallet.has(signer)) throw channelErrors.notOurs({ address: signer });
      return wallet.sign(signer, holderBytes(rooms, named, found.target, self));
    },
    give({ payer, channel }, amount) {
      return channels.give({ payer, channel, amount, validAt: epoch(0), condition: null }).text;
    },
    onHead: (listener) => chain.onHead(listener),
  };
}
