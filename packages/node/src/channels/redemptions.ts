/**
 * Redeeming before it is too late. At each head every channel that pays this node is looked at: a margin before its
 * end, or at once when the payer cancels, the best voucher that is valid is redeemed. The message has a key, so a
 * restart redeems nothing twice; one that fails is tried again under the next key, and one that waits is offered
 * more the nearer the end is. Only in memory: when the last try failed.
 */
import { type Address, attoFil, type ChannelId, encode, HoldfastError } from "@holdfast/base";
import { builtinAddresses, type Channel, exitCodeMeaning, methods, readChannel } from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { finalTipset } from "../final.ts";
import { limits } from "../limits.ts";
import type { ChannelsNeeds, Sent } from "./needs.ts";
import type { KeptVoucher, VoucherStore } from "./store.ts";

/** Reasons for which a message can never be mined. */
const lost: ReadonlySet<string> = new Set(["replaced", "cancelled"]);

export class Redemptions implements AsyncDisposable {
  readonly #needs: ChannelsNeeds;
  readonly #store: VoucherStore;
  readonly #running = new Map<string, Promise<void>>();
  /** Height of the last try that came to nothing, by channel. */
  readonly #refusedAt = new Bounded<number>(limits.keptVouchers);
  /** Height at which a channel was first missing. */
  readonly #missingSince = new Bounded<number>(limits.keptVouchers);
  readonly #endHead: () => void;
  #isStopped = false;

  constructor(needs: ChannelsNeeds, store: VoucherStore) {
    this.#needs = needs;
    this.#store = store;
    this.#endHead = needs.chain.onHead(() => this.#lookAtAll());
    this.#lookAtAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#endHead();
    await Promise.all(this.#running.values());
  }

  /** Sends the best voucher that the chain pays now; undefined if there is none. */
  async redeem(
    payer: Address,
    id: ChannelId,
    channel: Channel,
    method: "redeem" | "close",
  ): Promise<Sent | undefined> {
    const { chain, sender, signer } = this.#needs;
    const height = chain.headState().tipset.height + 1;
    const to = builtinAddresses(chain.params.networkByte).broker;
    let refusal: HoldfastError | undefined;
    for (const kept of this.#paying(payer, id, channel, height, method)) {
      if (!signer.has(channel.target)) return undefined;
      const { voucher, redeemerParams } = kept;
      const params = encode(methods.broker[method].params, { voucher, redeemerParams });
      try {
        return await sender.send({ from: channel.target, to, method, params, key: keyOf(kept, method) });
      } catch (error) {
        // Its condition does not hold now; one over less may have another.
        if (!(error instanceof HoldfastError) || error.code !== "sender/would-fail") throw error;
        refusal = error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return undefined;
  }

  #paying(payer: Address, id: ChannelId, channel: Channel, height: number, method: "redeem" | "close") {
    return this.#store.of("received", payer, id).filter(({ voucher: { amount, validAt } }) => {
      const pays = amount > channel.redeemed || (method === "close" && amount === channel.redeemed);
      return pays && amount <= channel.amount && validAt <= height;
    });
  }

  #lookAtAll(): void {
    if (this.#isStopped) return;
    for (const { payer, channel } of this.#store.channels("received")) this.#look(payer, channel);
  }

  #look(payer: Address, id: ChannelId): void {
    const { chain } = this.#needs;
    const { state, tipset } = chain.headState();
    const name = `${payer}/${id}`;
    const height = tipset.height + 1;
    const channel = readChannel(chain.store, state, payer, id);
    if (channel === undefined) {
      this.#forgetLater(payer, id, name, height);
      return;
    }
    this.#missingSince.delete(name);
    const isCancelled = channel.eol < channel.agreedEol;
    const isTime = isCancelled || height + limits.redeemMarginRounds >= channel.eol;
    if (!isTime || height >= channel.eol || this.#running.has(name)) return;
    const refused = this.#refusedAt.get(name);
    if (refused !== undefined && height < refused + limits.redeemRetryRounds) return;
    const best = this.#paying(payer, id, channel, height, "redeem").at(0);
    if (best === undefined) return;
    const run = this.#step(payer, id, channel, height)
      .catch((error: unknown) => {
        this.#refusedAt.set(name, height);
        this.#needs.logger.info("a voucher is not redeemed yet", { channel: name, detail: String(error) });
      })
      .finally(() => this.#running.delete(name));
    this.#running.set(name, run);
  }

  /** One look at the message of the best voucher: sent, waited for, paid better, or counted as failed. */
  async #step(payer: Address, id: ChannelId, channel: Channel, height: number): Promise<void> {
    const { sender, logger } = this.#needs;
    for (const kept of this.#paying(payer, id, channel, height, "redeem")) {
      const key = keyOf(kept, "redeem");
      const sent = sender.sentAs(key);
      if (sent === undefined) continue;
      const found = sender.find(sent.cid);
      const isLost = lost.has(sender.why(sent.cid)?.[0]?.code ?? "");
      if (found?.mined === undefined && !isLost) return this.#hasten(kept, key, channel, height);
      const exitCode = found?.mined?.receipt.exitCode ?? -1;
      if (exitCode === 0) return;
      this.#store.failed(kept.voucher);
      this.#refusedAt.set(`${payer}/${id}`, height);
      const detail = isLost ? "another message took its nonce" : exitCodeMeaning(exitCode);
      logger.warn("redeeming a voucher failed on the chain", { payer, channel: id, detail });
      return;
    }
    await this.redeem(payer, id, channel, "redeem");
  }

  /** Half the margin is left: from now on the price doubles with every head, up to what the voucher is worth. */
  async #hasten({ voucher }: KeptVoucher, key: string, channel: Channel, height: number): Promise<void> {
    const { sender } = this.#needs;
    if (height + limits.redeemMarginRounds / 2 < channel.eol) return;
    const sent = sender.sentAs(key);
    const message = sent === undefined ? undefined : sender.find(sent.cid)?.message.message;
    if (message === undefined) return;
    const worth = (voucher.amount - channel.redeemed) / BigInt(Math.max(1, message.gasLimit));
    const doubled = message.gasPrice * 2n + 1n;
    const price = doubled < worth ? doubled : worth;
    if (price * 10n >= message.gasPrice * 11n) await sender.raise(key, attoFil(price));
  }

  /** Settled: what is missing for longer than a reorganisation can be deep never comes back. */
  #forgetLater(payer: Address, id: ChannelId, name: string, height: number): void {
    const since = this.#missingSince.get(name);
    if (since === undefined) this.#missingSince.set(name, height);
    // The head that did not have it any more must lie below what is final; `since` is the height after it.
    if (since === undefined || since > finalTipset(this.#needs.chain).height) return;
    this.#missingSince.delete(name);
    this.#store.forget(payer, id);
  }
}

/** Changes with every failure, so that the voucher is sent anew; the amount names the voucher within its channel. */
function keyOf({ voucher, tries }: KeptVoucher, method: "redeem" | "close"): string {
  const { payer, channel, amount, validAt } = voucher;
  return `channel/${payer}/${channel}/${method}/${amount}/${validAt}/${tries}`;
}
