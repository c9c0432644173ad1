/**
 * When a waiting message is offered more. Each sender's first one counts: when full blocks have passed it over a few
 * times its price rises, and with it that of all behind it whose price nobody has fixed. Counts are not kept: after a
 * restart a message waits for a few blocks more.
 */
import type { AttoFil } from "@holdfast/base";
import { type Message, messageCid, readActor } from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { limits } from "../limits.ts";
import type { MempoolChain } from "./needs.ts";
import type { Mempool } from "./pool.ts";
import { fullBlockPrice, higherPrice, needsOf } from "./prices.ts";
import type { OutboxEntry } from "./store.ts";

export interface Bid {
  /** The last message that shall be paid better; those before it are in its way. */
  readonly wanted: Message;
  readonly gasPrice: AttoFil;
}

export class Bids {
  readonly #chain: MempoolChain;
  readonly #pool: Mempool;
  /** Full blocks that have passed a message over, by its CID. */
  readonly #passedOver = new Bounded<number>(limits.poolMessages);

  constructor(chain: MempoolChain, pool: Mempool) {
    this.#chain = chain;
    this.#pool = pool;
  }

  /** Called once for each head, with what waits in the outbox by sender and nonce. */
  due(open: readonly OutboxEntry[]): Bid[] {
    const { state } = this.#chain.headState();
    return [...Map.groupBy(open, ({ signed }) => signed.message.from)].flatMap(([from, entries]) => {
      const next = readActor(this.#chain.store, state, from)?.nonce ?? 0;
      return this.#bidOf(
        entries.filter(({ signed }) => signed.message.nonce >= next),
        next,
      );
    });
  }

  #bidOf(waiting: readonly OutboxEntry[], next: number): Bid[] {
    const front = waiting.find(({ signed }) => signed.message.nonce === next)?.signed;
    const last = waiting.findLast(({ isPriceFixed }) => !isPriceFixed)?.signed;
    if (front === undefined || last === undefined) return [];
    const cid = messageCid(front);
    const rivals = fullBlockPrice(this.#chain, needsOf(front));
    if (rivals === undefined || this.#pool.get(cid) === undefined) return [];
    const passed = (this.#passedOver.get(cid.toString()) ?? 0) + 1;
    this.#passedOver.set(cid.toString(), passed);
    if (passed < limits.fullBlocksBeforeRaise) return [];
    const gasPrice = higherPrice(front.message.gasPrice, rivals);
    if (gasPrice === undefined) return [];
    this.#passedOver.delete(cid.toString());
    return [{ wanted: last.message, gasPrice }];
  }
}
