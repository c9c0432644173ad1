/**
 * Payment channels of this node's accounts, besides those of its deals: opening and ending them, vouchers given and
 * received, the best of each channel redeemed before it is too late, and the ways out of each. Everything that it says
 * of a channel is read from the chain; what it alone knows are vouchers.
 */
import type { MethodResult } from "@holdfast/api";
import {
  type Address,
  type AttoFil,
  attoFil,
  type ChannelId,
  type Epoch,
  encode,
  filText,
  toHex,
} from "@holdfast/base";
import {
  builtinAddresses,
  type Channel,
  methods,
  type Predicate,
  readChannel,
  searchChannels,
  type Voucher,
  voucherSigningBytes,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { channelErrors } from "./errors.ts";
import { faultOf, makesWorthless, surplusOf } from "./judge.ts";
import type { ChannelsNeeds, Sent } from "./needs.ts";
import { Redemptions } from "./redemptions.ts";
import { openVoucherStore, type Side, type VoucherStore } from "./store.ts";
import { parseVoucher, voucherText } from "./text.ts";
import { waysOut } from "./ways.ts";

export { channelErrors } from "./errors.ts";
export type { ChannelsChain, ChannelsNeeds, ChannelsSender, ChannelsSigner } from "./needs.ts";
export { parseVoucher, voucherText } from "./text.ts";

type ChannelView = MethodResult<"channel.ls">[number];
type VoucherView = MethodResult<"voucher.best">;

export interface VoucherTerms {
  readonly payer: Address;
  readonly channel: ChannelId;
  readonly amount: AttoFil;
  readonly validAt: Epoch;
  readonly condition: Predicate | null;
}

export interface Channels extends AsyncDisposable {
  /** `sender/…`. The channel's number is the message's nonce. */
  create(given: {
    readonly from: Address;
    readonly target: Address;
    readonly amount: AttoFil;
    readonly eol: Epoch;
    readonly key?: string;
  }): Promise<Sent>;
  extend(given: {
    readonly from: Address;
    readonly channel: ChannelId;
    readonly amount: AttoFil;
    readonly eol: Epoch;
    readonly key?: string;
  }): Promise<Sent>;
  end(given: {
    readonly method: "cancel" | "reclaim";
    readonly from: Address;
    readonly channel: ChannelId;
    readonly key?: string;
  }): Promise<Sent>;
  /** `channels/no-channel`, `no-voucher`, `not-ours`, `sender/…`. */
  redeem(payer: Address, channel: ChannelId, method: "redeem" | "close"): Promise<Sent>;
  list(address: Address | undefined): readonly ChannelView[];
  /** `channels/no-channel`. */
  show(payer: Address, channel: ChannelId): MethodResult<"channel.show">;
  /** Signs and keeps. `channels/no-channel`, `not-ours`, `above-channel`, `expired`, `worth-nothing`, `not-better`. */
  give(terms: VoucherTerms): VoucherView;
  /** `channels/malformed-voucher`; every other fault is in the answer. */
  check(text: string): MethodResult<"voucher.check">;
  /** Every fault of `check` is an error here, and `channels/not-ours`, `channels/full`. */
  add(text: string, redeemerParams: Uint8Array): VoucherView;
  vouchers(payer: Address | undefined, channel: number | undefined): readonly VoucherView[];
  /** `channels/no-voucher`. */
  best(payer: Address, channel: ChannelId): VoucherView;
}

export function openChannels(needs: ChannelsNeeds): Channels {
  const store = openVoucherStore(needs.database);
  return new ChannelRoom(needs, store, new Redemptions(needs, store));
}

class ChannelRoom implements Channels {
  readonly #needs: ChannelsNeeds;
  readonly #store: VoucherStore;
  readonly #redemptions: Redemptions;

  constructor(needs: ChannelsNeeds, store: VoucherStore, redemptions: Redemptions) {
    this.#needs = needs;
    this.#store = store;
    this.#redemptions = redemptions;
  }

  create({ from, target, amount, eol, key }: Parameters<Channels["create"]>[0]): Promise<Sent> {
    const params = encode(methods.broker.createChannel.params, { target, eol });
    return this.#send({ from, method: "createChannel", params, value: amount, key });
  }
  extend({ from, channel, amount, eol, key }: Parameters<Channels["extend"]>[0]): Promise<Sent> {
    const params = encode(methods.broker.extend.params, { channel, eol });
    return this.#send({ from, method: "extend", params, value: amount, key });
  }
  end({ method, from, channel, key }: Parameters<Channels["end"]>[0]): Promise<Sent> {
    const params = encode(methods.broker[method].params, { channel });
    return this.#send({ from, method, params, value: attoFil(0n), key });
  }

  async redeem(payer: Address, id: ChannelId, method: "redeem" | "close"): Promise<Sent> {
    const channel = this.#existing(payer, id);
    if (!this.#needs.signer.has(channel.target)) throw channelErrors.notOurs({ address: channel.target });
    const sent = await this.#redemptions.redeem(payer, id, channel, method);
    if (sent === undefined) throw channelErrors.noVoucher({ payer, channel: id });
    return sent;
  }

  list(address: Address | undefined): readonly ChannelView[] {
    const { chain, signer } = this.#needs;
    const { state } = chain.headState();
    const isOf = (one: Address): boolean => (address === undefined ? signer.has(one) : one === address);
    const { params, store } = chain;
    const most = limits.searchedChannels;
    const found = searchChannels(store, state, params.networkByte, most, (payer, { target }) => {
      return isOf(payer) || isOf(target);
    });
    return found
      .slice(0, limits.listedChannels)
      .map(({ payer, id, channel }) => this.#view(payer, id, channel));
  }

  show(payer: Address, id: ChannelId): MethodResult<"channel.show"> {
    const view = this.#view(payer, id, this.#existing(payer, id));
    return { ...view, vouchers: [...this.vouchers(payer, id)] };
  }

  give(terms: VoucherTerms): VoucherView {
    const { signer, chain } = this.#needs;
    const channel = this.#existing(terms.payer, terms.channel);
    const by = channel.signer ?? terms.payer;
    if (!signer.has(by)) throw channelErrors.notOurs({ address: by });
    const draft = { ...terms, target: channel.target };
    const signature = signer.sign(by, voucherSigningBytes(draft, chain.networkId));
    const voucher = { ...draft, signature };
    const given = this.#store.of("given", terms.payer, terms.channel).map((kept) => kept.voucher);
    // A reclaimed number never comes back, but a reorganisation can take the channel away and bring another.
    const others = given.filter(({ target }) => target === channel.target);
    const fault = faultOf(voucher, this.#facts(channel)) ?? surplusOf(voucher, others);
    if (fault !== undefined) throw fault;
    this.#keep("given", voucher, new Uint8Array(0), channel);
    return viewOf(voucher, "given");
  }

  check(text: string): MethodResult<"voucher.check"> {
    const voucher = parseVoucher(text);
    const channel = this.#find(voucher.payer, voucher.channel);
    const fault = this.#faultOf(voucher, channel);
    const adds = channel === undefined || fault !== undefined ? 0n : voucher.amount - channel.redeemed;
    return {
      ...viewOf(voucher, null),
      good: fault === undefined,
      code: fault?.code ?? null,
      detail: fault?.message ?? "the chain pays it, if its condition holds then",
      addsFil: filText(attoFil(adds)),
    };
  }

  add(text: string, redeemerParams: Uint8Array): VoucherView {
    const voucher = parseVoucher(text);
    const channel = this.#find(voucher.payer, voucher.channel);
    const fault = this.#faultOf(voucher, channel);
    if (fault !== undefined || channel === undefined) {
      throw fault ?? channelErrors.noChannel({ payer: voucher.payer, channel: voucher.channel });
    }
    if (!this.#needs.signer.has(voucher.target)) throw channelErrors.notOurs({ address: voucher.target });
    this.#keep("received", voucher, redeemerParams, channel);
    return viewOf(voucher, "received");
  }

  vouchers(payer: Address | undefined, channel: number | undefined): readonly VoucherView[] {
    const sides: readonly Side[] = ["received", "given"];
    return sides.flatMap((side) =>
      this.#store
        .all(side)
        .filter(({ voucher }) => payer === undefined || voucher.payer === payer)
        .filter(({ voucher }) => channel === undefined || voucher.channel === channel)
        .map(({ voucher }) => viewOf(voucher, side)),
    );
  }

  best(payer: Address, id: ChannelId): VoucherView {
    const channel = this.#existing(payer, id);
    const best = this.#bestOf(payer, id, channel);
    if (best === undefined) throw channelErrors.noVoucher({ payer, channel: id });
    return viewOf(best, "received");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#redemptions[Symbol.asyncDispose]();
  }

  #send(given: {
    readonly from: Address;
    readonly method: "createChannel" | "extend" | "cancel" | "reclaim";
    readonly params: Uint8Array;
    readonly value: AttoFil;
    readonly key: string | undefined;
  }): Promise<Sent> {
    const { chain, sender } = this.#needs;
    const { from, method, params, value, key } = given;
    const to = builtinAddresses(chain.params.networkByte).broker;
    const named = key === undefined ? {} : { key: `api:${key}` };
    return sender.send({ from, to, method, params, value, ...named });
  }

  #find(payer: Address, id: ChannelId): Channel | undefined {
    const { chain } = this.#needs;
    return readChannel(chain.store, chain.headState().state, payer, id);
  }
  #existing(payer: Address, id: ChannelId): Channel {
    const found = this.#find(payer, id);
    if (found === undefined) throw channelErrors.noChannel({ payer, channel: id });
    return found;
  }
  #facts(channel: Channel | undefined) {
    const { chain } = this.#needs;
    return { channel, height: chain.headState().tipset.height + 1, networkId: chain.networkId };
  }

  #faultOf(voucher: Voucher, channel: Channel | undefined) {
    const others = this.#store
      .of("received", voucher.payer, voucher.channel)
      .map((kept) => kept.voucher)
      .filter(({ target }) => target === voucher.target);
    return faultOf(voucher, this.#facts(channel)) ?? surplusOf(voucher, others);
  }

  /** In the place of those that it makes worthless, or that were paid already. */
  #keep(side: Side, voucher: Voucher, redeemerParams: Uint8Array, channel: Channel): void {
    const there = this.#store.of(side, voucher.payer, voucher.channel).map((kept) => kept.voucher);
    const worthless = there.filter(
      (other) => other.amount <= channel.redeemed || makesWorthless(voucher, other),
    );
    const limit = limits.vouchersPerChannel;
    if (there.length - worthless.length >= limit) throw channelErrors.full({ limit });
    if (this.#store.count(side) - worthless.length >= limits.keptVouchers) {
      throw channelErrors.full({ limit: limits.keptVouchers });
    }
    this.#store.put(side, { voucher, redeemerParams }, worthless);
  }

  /** What pays most now; if nothing does yet, what will first. */
  #bestOf(payer: Address, id: ChannelId, channel: Channel): Voucher | undefined {
    const { height } = this.#facts(channel);
    const paying = this.#store
      .of("received", payer, id)
      .map(({ voucher }) => voucher)
      .filter(({ amount, target }) => amount > channel.redeemed && target === channel.target);
    return paying.find(({ validAt }) => validAt <= height) ?? paying.sort((a, b) => a.validAt - b.validAt)[0];
  }

  #view(payer: Address, id: ChannelId, channel: Channel): ChannelView {
    const { chain, signer } = this.#needs;
    const { height } = this.#facts(channel);
    const { target, amount, redeemed, eol, agreedEol } = channel;
    const best = this.#bestOf(payer, id, channel);
    const [pays, isPaid] = [signer.has(channel.signer ?? payer), signer.has(target)];
    const redeemsAt = eol < agreedEol ? height : Math.max(0, eol - limits.redeemMarginRounds);
    return {
      payer,
      channel: id,
      target,
      signer: channel.signer ?? payer,
      role: pays && isPaid ? "both" : pays ? "payer" : isPaid ? "target" : "other",
      depositFil: filText(amount),
      redeemedFil: filText(redeemed),
      leftFil: filText(attoFil(amount - redeemed)),
      eol,
      agreedEol,
      state: height >= eol ? "ended" : eol < agreedEol ? "cancelled" : "open",
      bestFil: best === undefined ? null : filText(best.amount),
      autoRedeemAt: best === undefined || height >= eol ? null : Math.max(redeemsAt, best.validAt),
      waysOut: [...waysOut({ payer, id, channel, height, params: chain.params, best })],
    };
  }
}

function viewOf(voucher: Voucher, side: Side | null): VoucherView {
  const { payer, channel, target, amount, validAt, condition } = voucher;
  return {
    text: voucherText(voucher),
    payer,
    channel,
    target,
    amountFil: filText(amount),
    validAt,
    condition:
      condition === null
        ? null
        : { to: condition.to, method: condition.method, paramsHex: toHex(condition.params) },
    side,
  };
}
