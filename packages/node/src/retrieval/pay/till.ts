/**
 * What channels owe this node for blocks. One account per channel, whatever streams it pays for. Invariant: what was
 * sent and not paid stays within the credit, also over a restart: what was owed at the last voucher is on the disk.
 */
import { type Address, type AttoFil, addAtto, attoFil, filText, type PeerId } from "@holdfast/base";
import { Bounded } from "../../bounded.ts";
import { limits } from "../../limits.ts";
import type { PayingChannel } from "../blocks-protocol.ts";
import { retrievalErrors } from "../errors.ts";
import type { PayStore } from "./store.ts";

export interface ChannelHolder {
  readonly peer: PeerId;
  readonly proof: Uint8Array;
}

/** The receiving half of payment channels, as the node has it. */
export interface PaidDoor {
  /** Whom channels have to pay; undefined: this node cannot be paid. */
  payee(): Address | undefined;
  /** Whether who pays from the channel has signed that this peer may. */
  isHeldBy(channel: PayingChannel, holder: ChannelHolder): boolean;
  /** What the chain and the vouchers here say of a channel; undefined if there is none. */
  look(channel: PayingChannel):
    | {
        readonly target: Address;
        readonly deposit: AttoFil;
        /** The greatest amount of a voucher that is here, or that was redeemed. */
        readonly paid: AttoFil;
        /** Rounds until nothing can be redeemed any more. */
        readonly roundsLeft: number;
        /** A deal is paid from it: amounts are cumulative, so the same money would pay both. */
        readonly paysDeal: boolean;
      }
    | undefined;
  /** Keeps a voucher that pays now and without a condition, and gives its amount. `channels/…`. */
  take(voucher: string, channel: PayingChannel): AttoFil;
}

/** One channel that pays. */
export interface Account {
  /** Whether a block of this price may be sent before it is paid. */
  allows(cost: bigint): boolean;
  owe(cost: bigint): void;
  /** In all, what is owed. */
  due(): AttoFil;
  /** `channels/…`. */
  take(voucher: string): void;
  /** One stream less is paid from it; what is owed is written down. */
  leave(): void;
}

export interface Till {
  /** attoFIL per byte; nothing while nobody could be paid. */
  price(): AttoFil;
  payee(): Address | undefined;
  /** For one stream, which has to leave it. `retrieval/channel-unfit`. */
  account(channel: PayingChannel, pricePerByte: AttoFil, holder: ChannelHolder): Account;
  /** What was paid for blocks. */
  earned(): AttoFil;
}

export function openTill(needs: { readonly store: PayStore; readonly door: PaidDoor | undefined }): Till {
  const { store, door } = needs;
  /** Channels that pay now: the same account for all their streams, so that none of them has a credit of its own. */
  const live = new Map<string, { readonly account: ChannelAccount; streams: number }>();
  /** Those that have paid; what they owe is on the disk. */
  const idle = new Bounded<ChannelAccount>(limits.payingChannels);
  const leave = (name: string): void => {
    const entry = live.get(name);
    if (entry === undefined) return;
    entry.account.keep();
    entry.streams -= 1;
    if (entry.streams > 0) return;
    live.delete(name);
    idle.set(name, entry.account);
  };
  return {
    price: () => (door?.payee() === undefined ? attoFil(0n) : store.policy().pricePerByte),
    payee: () => door?.payee(),
    account(channel, pricePerByte, holder) {
      const { payer, channel: id } = channel;
      const unfit = (reason: string) => retrievalErrors.channelUnfit({ payer, channel: id, reason });
      const found = door?.look(channel);
      if (door === undefined || found === undefined) throw unfit("the chain does not know it");
      if (found.target !== door.payee()) throw unfit("it pays somebody else");
      if (found.paysDeal) throw unfit("it pays a deal");
      if (!door.isHeldBy(channel, holder)) throw unfit("who pays from it has not signed for this peer");
      if (found.roundsLeft < limits.retrievalChannelLeastRounds) throw unfit("it ends too soon");
      const name = `${payer}/${id}`;
      const known = live.get(name)?.account ?? idle.get(name);
      const account = known ?? new ChannelAccount(store, door, channel, found.paid);
      account.paidUp(found.paid);
      const credit = pricePerByte * BigInt(limits.retrievalCreditBytes);
      account.credit = credit > account.credit ? credit : account.credit;
      account.deposit = found.deposit;
      if (found.deposit <= account.due()) throw unfit("all that is in it is owed");
      const entry = live.get(name) ?? { account, streams: 0 };
      entry.streams += 1;
      live.set(name, entry);
      idle.delete(name);
      return {
        allows: (cost) => account.allows(cost),
        owe: (cost) => account.owe(cost),
        due: () => account.due(),
        take: (voucher) => account.take(voucher),
        leave: () => leave(name),
      };
    },
    earned: () => store.earned(),
  };
}

class ChannelAccount implements Omit<Account, "leave"> {
  credit = 0n;
  /** A channel with little in it has little credit. */
  deposit = 0n;
  readonly #store: PayStore;
  readonly #door: PaidDoor;
  readonly #channel: PayingChannel;
  #paid: AttoFil;
  #owed: AttoFil;

  constructor(store: PayStore, door: PaidDoor, channel: PayingChannel, paid: AttoFil) {
    this.#store = store;
    this.#door = door;
    this.#channel = channel;
    this.#paid = paid;
    const owed = store.owed(channel) ?? paid;
    this.#owed = owed > paid ? owed : paid;
  }

  paidUp(paid: AttoFil): void {
    if (paid > this.#paid) this.#paid = paid;
    if (this.#owed < this.#paid) this.#owed = this.#paid;
  }
  /** A block that costs more than the whole credit is still one chunk. */
  allows(cost: bigint): boolean {
    const unpaid = this.#owed - this.#paid;
    return unpaid === 0n || (unpaid + cost <= this.credit && this.#owed + cost <= this.deposit);
  }
  owe(cost: bigint): void {
    this.#owed = addAtto(this.#owed, attoFil(cost));
  }
  due(): AttoFil {
    return this.#owed;
  }
  take(voucher: string): void {
    const amount = this.#door.take(voucher, this.#channel);
    if (amount <= this.#paid) {
      const { payer, channel } = this.#channel;
      const reason = `a voucher over ${filText(amount)} FIL adds nothing to ${filText(this.#paid)} FIL`;
      throw retrievalErrors.channelUnfit({ payer, channel, reason });
    }
    this.#store.addEarned(this.#channel, attoFil(amount - this.#paid));
    this.#paid = amount;
    // More than is owed: a crash has forgotten what was sent.
    if (this.#owed < amount) this.#owed = amount;
    this.keep();
  }
  keep(): void {
    this.#store.setOwed(this.#channel, this.#owed);
  }
}
