/**
 * What this node pays for blocks. One channel for each payee, opened when it is first needed, topped up, and taken back
 * when it has ended. Invariants: a voucher is over blocks that were received and verified, never over more; a channel
 * is written down before its message is sent, so that no crash loses sight of the money in it.
 */
import {
  type Address,
  type AttoFil,
  addAtto,
  attoFil,
  type Cancel,
  type ChannelId,
  HoldfastError,
  type Logger,
  subAtto,
} from "@holdfast/base";
import { limits } from "../../limits.ts";
import type { PayingChannel } from "../blocks-protocol.ts";
import { retrievalErrors } from "../errors.ts";
import type { OwnChannel, PayStore } from "./store.ts";

/** Rounds after which a reclaim that the chain has not taken is sent anew. */
const reclaimRetryRounds = 20;

/** The paying half of payment channels, as the node has it. */
export interface PayingDoor {
  /** The account that pays; undefined: the node has none. */
  payer(): Address | undefined;
  height(): number;
  /** No branch of the chain leaves what it has up to here. */
  finalHeight(): number;
  find(
    channel: PayingChannel,
  ): { readonly deposit: AttoFil; readonly eol: number; readonly agreedEol: number } | undefined;
  /** The greatest amount of a voucher of this node, or that was redeemed. */
  given(channel: PayingChannel): AttoFil;
  /** Resolves when the chain has it; the channel's number comes before, by `named`. `sender/…`. */
  open(
    channel: Pick<OwnChannel, "payer" | "target" | "amount" | "eol">,
    key: string,
    named: (channel: ChannelId) => void,
    signal: Cancel,
  ): Promise<void>;
  extend(
    channel: PayingChannel,
    more: { readonly amount: AttoFil; readonly eol: number; readonly key: string },
    signal: Cancel,
  ): Promise<void>;
  reclaim(channel: PayingChannel, key: string): Promise<void>;
  /** Signed for this node: it may take blocks that the channel pays. `channels/…`. */
  prove(channel: PayingChannel): Uint8Array;
  /** A signed voucher over this much in all. `channels/…`. */
  give(channel: PayingChannel, amount: AttoFil): string;
  onHead(listener: () => void): () => void;
}

/** A channel that is being paid with. */
export interface Payment {
  readonly channel: PayingChannel;
  /** That this node may pay from it. `channels/…`. */
  proof(): Uint8Array;
  /** What can still be spent. */
  left(): AttoFil;
  /** A verified block has come. */
  count(cost: bigint): void;
  /** What was counted and is under no voucher yet. */
  unpaid(): AttoFil;
  /** A voucher over all that was counted; undefined if there is nothing to pay. */
  voucher(): string | undefined;
  /**
   * Counts what the payee says that is owed in all, if nothing was counted since the start of this node, the channel is
   * older than that, and it is no more than the credit: then a crash on this side has forgotten it. Whether it was
   * counted.
   */
  believe(amount: bigint, credit: bigint): boolean;
}

export interface Purse extends AsyncDisposable {
  /**
   * With at least `amount` left in it. `retrieval/no-wallet`, `/too-many-channels`, `sender/…`, or the signal's
   * reason.
   */
  paying(target: Address, amount: AttoFil, signal: Cancel): Promise<Payment>;
}

export function openPurse(needs: {
  readonly store: PayStore;
  readonly door: PayingDoor;
  readonly logger: Logger;
}): Purse {
  return new ChannelPurse(needs);
}

class ChannelPurse implements Purse {
  readonly #store: PayStore;
  readonly #door: PayingDoor;
  readonly #logger: Logger;
  readonly #payments = new Map<string, ChannelPayment>();
  /** Height at which a channel that has ended was first missing, by its serial. */
  readonly #goneSince = new Map<number, number>();
  /** Openings run one after the other for each payee. */
  readonly #queues = new Map<Address, Promise<unknown>>();
  readonly #endHead: () => void;
  #isReclaiming = false;
  #reclaims: Promise<void> = Promise.resolve();

  constructor({ store, door, logger }: Parameters<typeof openPurse>[0]) {
    this.#store = store;
    this.#door = door;
    this.#logger = logger;
    this.#endHead = door.onHead(() => this.#lookForEnded());
  }

  paying(target: Address, amount: AttoFil, signal: Cancel): Promise<Payment> {
    const turn = (this.#queues.get(target) ?? Promise.resolve()).then(() => {
      signal.throwIfAborted();
      return this.#paying(target, amount, signal);
    });
    const settled = turn.catch(() => undefined);
    this.#queues.set(target, settled);
    void settled.then(() => {
      if (this.#queues.get(target) === settled) this.#queues.delete(target);
    });
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endHead();
    await Promise.all([...this.#queues.values(), this.#reclaims]);
  }

  async #paying(target: Address, amount: AttoFil, signal: Cancel): Promise<Payment> {
    const payer = this.#door.payer();
    if (payer === undefined) throw retrievalErrors.noWallet({});
    for (const own of this.#store.ownChannels()) {
      if (own.target !== target || own.payer !== payer) continue;
      const payment = await this.#known(own, signal);
      if (payment !== undefined && (await this.#isEnough(own, payment, amount, signal))) return payment;
    }
    // Each costs a fee and holds money for long, whoever names the payee.
    const height = this.#door.height();
    const isHeld = ({ eol, refusedAt }: OwnChannel): boolean => eol > height && refusedAt === null;
    const channels = this.#store.ownChannels().filter(isHeld).length;
    if (channels >= limits.retrievalOwnChannels) throw retrievalErrors.tooManyChannels({ channels });
    const eol = height + limits.retrievalChannelRounds;
    const opened = await this.#open(this.#store.addOwn({ payer, target, amount, eol }), signal);
    if (opened === undefined) throw retrievalErrors.noWallet({});
    return opened;
  }

  /** A channel that was begun before a restart is opened by the same message. */
  async #open(own: OwnChannel, signal: Cancel): Promise<ChannelPayment | undefined> {
    const { serial, payer, target } = own;
    let channel: ChannelId | undefined;
    const named = (id: ChannelId): void => {
      channel = id;
      this.#store.named(serial, id);
    };
    try {
      await this.#door.open(own, `retrieval/${target}/${serial}`, named, signal);
    } catch (error) {
      if (!signal.aborted && isOneOf(neverSent, error)) this.#store.dropOwn(serial);
      if (!signal.aborted && isOneOf(refusedNow, error)) this.#store.refused(serial, this.#door.height());
      throw error;
    }
    return channel === undefined ? undefined : this.#payment({ payer, channel }, "new");
  }

  /** Undefined if it is about to end, or over. */
  async #known(own: OwnChannel, signal: Cancel): Promise<ChannelPayment | undefined> {
    const { payer, channel, eol, refusedAt } = own;
    const found = channel === null ? undefined : this.#door.find({ payer, channel });
    // Not in the chain yet: its message is waited for.
    if (channel === null || found === undefined) {
      const isAwaited = refusedAt === null && this.#door.height() < eol;
      return isAwaited ? this.#open(own, signal) : undefined;
    }
    const isCancelled = found.eol < found.agreedEol;
    return isCancelled || this.#door.height() >= found.eol
      ? undefined
      : this.#payment({ payer, channel }, "used");
  }

  async #isEnough(
    { serial, payer, channel }: OwnChannel,
    payment: ChannelPayment,
    amount: AttoFil,
    signal: Cancel,
  ): Promise<boolean> {
    const id = channel ?? payment.channel.channel;
    const found = this.#door.find({ payer, channel: id });
    if (found === undefined) return false;
    const height = this.#door.height();
    const isLong = found.eol - height >= 2 * limits.retrievalChannelLeastRounds;
    const left = payment.left();
    if (left >= amount && isLong) return true;
    const more = left >= amount ? attoFil(0n) : subAtto(amount, left);
    const eol = Math.max(found.agreedEol, height + limits.retrievalChannelRounds);
    const total = addAtto(found.deposit, more);
    const key = `retrieval/extend/${payer}/${id}/${total}/${eol}`;
    await this.#door.extend({ payer, channel: id }, { amount: more, eol, key }, signal);
    this.#store.extended(serial, total, eol);
    return true;
  }

  #payment(channel: PayingChannel, age: "new" | "used"): ChannelPayment {
    const name = `${channel.payer}/${channel.channel}`;
    const known = this.#payments.get(name) ?? new ChannelPayment(this.#door, channel, age === "used");
    this.#payments.set(name, known);
    return known;
  }

  #lookForEnded(): void {
    if (this.#isReclaiming) return;
    this.#isReclaiming = true;
    this.#reclaims = this.#reclaim()
      .catch((error: unknown) =>
        this.#logger.info("a channel is not taken back yet", { detail: String(error) }),
      )
      .finally(() => {
        this.#isReclaiming = false;
      });
  }
  /** What was not spent comes back when a channel has ended; one that is not on the chain for good is forgotten. */
  async #reclaim(): Promise<void> {
    const height = this.#door.height();
    for (const own of this.#store.ownChannels()) {
      const { payer, channel, serial, eol, refusedAt } = own;
      if (height < eol && refusedAt === null) continue;
      if (channel === null) {
        this.#store.dropOwn(serial); // never sent
        continue;
      }
      const found = this.#door.find({ payer, channel });
      if (found === undefined) {
        this.#payments.delete(`${payer}/${channel}`);
        this.#forgetLater(own, height);
        continue;
      }
      this.#goneSince.delete(serial);
      if (refusedAt !== null) this.#store.refused(serial, null); // another branch has taken it
      if (height < found.eol) continue;
      // One that came before the end in a branch of the chain has failed for good: some rounds later it is another.
      const tries = Math.floor((height - found.eol) / reclaimRetryRounds);
      const key = `retrieval/reclaim/${payer}/${channel}/${found.eol}/${tries}`;
      await this.#door.reclaim({ payer, channel }, key);
    }
  }
  /** A branch may bring it back, with the money in it, until that it is not there is final. */
  #forgetLater({ serial, refusedAt }: OwnChannel, height: number): void {
    const since = this.#goneSince.get(serial) ?? refusedAt ?? height;
    this.#goneSince.set(serial, since);
    if (since > this.#door.finalHeight()) return;
    this.#goneSince.delete(serial);
    this.#store.dropOwn(serial);
  }
}

function isOneOf(codes: ReadonlySet<string>, error: unknown): boolean {
  return error instanceof HoldfastError && codes.has(error.code);
}
/** The message of a channel will never be in the chain: no money is in it. */
const neverSent = new Set(["sender/would-fail", "sender/insufficient-funds", "sender/replaced"]);
/** The branch that is the head now gives it no money; another may. */
const refusedNow = new Set(["retrieval/channel-refused", "sender/cancelled"]);

class ChannelPayment implements Payment {
  readonly channel: PayingChannel;
  readonly #door: PayingDoor;
  /** What was given at first, and the verified blocks since. */
  #counted: AttoFil;
  #given: AttoFil;
  readonly #first: AttoFil;
  /** A node that has run before may have forgotten what came last. */
  readonly #mayForget: boolean;

  constructor(door: PayingDoor, channel: PayingChannel, mayForget: boolean) {
    this.#mayForget = mayForget;
    this.channel = channel;
    this.#door = door;
    this.#given = door.given(channel);
    this.#counted = this.#given;
    this.#first = this.#given;
  }

  proof(): Uint8Array {
    return this.#door.prove(this.channel);
  }
  left(): AttoFil {
    const deposit = this.#door.find(this.channel)?.deposit ?? attoFil(0n);
    return deposit > this.#counted ? subAtto(deposit, this.#counted) : attoFil(0n);
  }
  count(cost: bigint): void {
    this.#counted = addAtto(this.#counted, attoFil(cost));
  }
  unpaid(): AttoFil {
    return subAtto(this.#counted, this.#given);
  }
  voucher(): string | undefined {
    if (this.#counted <= this.#given) return undefined;
    const amount = this.#counted;
    const text = this.#door.give(this.channel, amount);
    this.#given = amount;
    return text;
  }
  believe(amount: bigint, credit: bigint): boolean {
    if (!this.#mayForget) return false;
    if (this.#counted !== this.#first || amount <= this.#counted || amount - this.#counted > credit)
      return false;
    this.#counted = attoFil(amount);
    return true;
  }
}
