/** Payment channels without a chain, for tests: what the channels of a node promise, on a ledger in memory. */
import {
  type Address,
  type AttoFil,
  accountAddress,
  attoFil,
  blake2b256,
  channelId,
  equalBytes,
  HoldfastError,
  maxAtto,
  publicKeyOf,
  utf8Bytes,
} from "@holdfast/base";
import type { PaidDoor, PayingDoor } from "../../src/retrieval/index.ts";

interface BankChannel {
  readonly payer: Address;
  readonly target: Address;
  deposit: AttoFil;
  eol: number;
  given: AttoFil;
  received: AttoFil;
}

/** Rounds after which no branch takes anything back. */
export const bankFinality = 5;

export function addressOf(name: string): Address {
  return accountAddress(1, publicKeyOf(blake2b256(utf8Bytes(`bank ${name}`))));
}

export class Bank {
  height = 10;
  readonly channels = new Map<string, BankChannel>();
  /** `payer/channel`. */
  readonly ofDeals = new Set<string>();
  readonly listeners = new Set<() => void>();
  opened = 0;
  reclaimed = 0;
  /** Of messages that came before the end of their channel in the branch that stays: they have failed for good. */
  readonly failedKeys = new Set<string>();
  vouchers = 0;
  isEarly = false;
  /** What a dishonest payer does to its vouchers. */
  forge: (text: string) => string = (text) => text;

  advance(rounds: number): void {
    this.height += rounds;
    for (const listener of this.listeners) listener();
  }
  /** All that payees hold vouchers for. */
  paidTo(target: Address): AttoFil {
    return [...this.channels.values()]
      .filter((channel) => channel.target === target)
      .reduce((sum, { received }) => attoFil(sum + received), attoFil(0n));
  }

  door(name: string): PaidDoor & PayingDoor {
    const own = addressOf(name);
    const key = (payer: Address, channel: number): string => `${payer}/${channel}`;
    const of = (named: { readonly payer: Address; readonly channel: number }): BankChannel | undefined =>
      this.channels.get(key(named.payer, named.channel));
    return {
      payee: () => own,
      look: (named) => {
        const found = of(named);
        if (found === undefined) return undefined;
        const { target, deposit, received } = found;
        const paysDeal = this.ofDeals.has(key(named.payer, named.channel));
        return { target, deposit, paid: received, roundsLeft: found.eol - this.height, paysDeal };
      },
      isHeldBy: ({ payer }, { proof }) => equalBytes(proof, utf8Bytes(payer.slice(-60))),
      take: (text, named) => {
        const [payer, channel, amount] = text.split(" ");
        const found = of(named);
        const value = BigInt(amount ?? "0");
        const isGood = payer === named.payer && Number(channel) === named.channel && found !== undefined;
        if (!isGood || value > found.deposit) {
          throw new HoldfastError({
            code: "channels/bad",
            message: "bad voucher",
            fix: "-",
            exit: "refused",
          });
        }
        found.received = maxAtto(found.received, attoFil(value));
        this.vouchers++;
        return attoFil(value);
      },
      payer: () => own,
      ...{ height: () => this.height, finalHeight: () => this.height - bankFinality },
      find: (named) => {
        const found = of(named);
        return found && { deposit: found.deposit, eol: found.eol, agreedEol: found.eol };
      },
      given: (named) => of(named)?.given ?? attoFil(0n),
      open: async ({ payer, target, amount, eol }, _key, named) => {
        const channel = channelId(this.opened++);
        named(channel);
        const [given, received] = [attoFil(0n), attoFil(0n)];
        this.channels.set(key(payer, channel), { payer, target, deposit: amount, eol, given, received });
      },
      extend: async (named, { amount, eol }) => {
        const found = of(named);
        if (found === undefined) throw new Error("no channel");
        found.deposit = attoFil(found.deposit + amount);
        found.eol = eol;
      },
      reclaim: async (named, name) => {
        if (this.failedKeys.has(name)) return;
        if (this.isEarly) return void this.failedKeys.add(name);
        this.channels.delete(key(named.payer, named.channel));
        this.reclaimed++;
      },
      prove: () => utf8Bytes(own.slice(-60)),
      give: (named, amount) => {
        const found = of(named);
        if (found === undefined || amount > found.deposit) throw new Error("above the deposit");
        found.given = amount;
        return this.forge(`${named.payer} ${named.channel} ${amount}`);
      },
      onHead: (listener) => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
      },
    };
  }
}
