/**
 * The waiting messages themselves: by sender and nonce, one for each, with what they come to in count, bytes and
 * money. Knows neither chain nor wire. Invariant: the sums are those of what is in it.
 */
import type { Address, CID } from "@holdfast/base";
import { messageBytes, requiredFunds, type SignedMessage } from "@holdfast/consensus";
import { Heap } from "./heap.ts";

export interface Waiting {
  readonly signed: SignedMessage;
  readonly cid: CID;
  /** Height of the head when it came. */
  readonly since: number;
}

interface Queue {
  readonly byNonce: Map<number, Waiting>;
  bytes: number;
  /** attoFIL that all of them take if each is applied. */
  funds: bigint;
  /** Greatest nonce. */
  last: number;
}

/** A sender's last message in the heap, by its name alone: a stale one must not hold a proof of a hundred kilobytes. */
interface Last {
  readonly from: Address;
  readonly gasPrice: bigint;
  readonly cid: CID;
}

/** What would leave first: the worst paid of all senders' last messages; of equals that of the first address. */
function leavesBefore(left: Last, right: Last): boolean {
  if (left.gasPrice !== right.gasPrice) return left.gasPrice < right.gasPrice;
  return left.from < right.from;
}
/** Stale entries of the heap beyond which it is made anew. */
const staleEntries = 1_024;

const newQueue = (): Queue => ({ byNonce: new Map(), bytes: 0, funds: 0n, last: -1 });

export class Queues {
  readonly #bySender = new Map<Address, Queue>();
  readonly #byCid = new Map<string, Waiting>();
  /** All senders' last messages, and some that are not any more: those are skipped where they come up. */
  #lasts = new Heap(leavesBefore);
  #bytes = 0;

  get count(): number {
    return this.#byCid.size;
  }
  /** Encoded sizes of all messages together. */
  get bytes(): number {
    return this.#bytes;
  }
  /** In the order of their addresses, so that every node chooses alike. */
  senders(): Address[] {
    return [...this.#bySender.keys()].sort();
  }
  find(cid: CID): Waiting | undefined {
    return this.#byCid.get(cid.toString());
  }
  at(from: Address, nonce: number): Waiting | undefined {
    return this.#bySender.get(from)?.byNonce.get(nonce);
  }
  /** Ascending by nonce. */
  of(from: Address): Waiting[] {
    const queue = this.#bySender.get(from)?.byNonce ?? new Map<number, Waiting>();
    return [...queue.values()].sort((a, b) => a.signed.message.nonce - b.signed.message.nonce);
  }
  /** The one with the greatest nonce: nothing of the sender waits behind it. */
  lastOf(from: Address): Waiting | undefined {
    const queue = this.#bySender.get(from);
    return queue?.byNonce.get(queue.last);
  }
  /** The worst paid of all senders' last messages, but those of one sender. */
  worstLast(except: Address): Waiting | undefined {
    const own: Last[] = [];
    for (;;) {
      const found = this.#lasts.peek();
      const last = found === undefined ? undefined : this.lastOf(found.from);
      const isLast = last !== undefined && last.cid === found?.cid;
      const isOwn = found?.from === except;
      if (found === undefined || (!isOwn && isLast)) {
        for (const one of own) this.#lasts.push(one);
        return last;
      }
      this.#lasts.pop();
      if (isOwn && own.length === 0 && isLast) own.push(found);
    }
  }
  totalsOf(from: Address): { readonly count: number; readonly bytes: number; readonly funds: bigint } {
    const queue = this.#bySender.get(from);
    return { count: queue?.byNonce.size ?? 0, bytes: queue?.bytes ?? 0, funds: queue?.funds ?? 0n };
  }

  /** Takes the place of another of the same sender and nonce. */
  put(entry: Waiting): void {
    const { from, nonce } = entry.signed.message;
    const rival = this.at(from, nonce);
    if (rival !== undefined) this.remove(rival);
    const queue = this.#bySender.get(from) ?? newQueue();
    const bytes = messageBytes(entry.signed);
    queue.byNonce.set(nonce, entry);
    queue.bytes += bytes;
    queue.funds += requiredFunds(entry.signed.message);
    this.#bytes += bytes;
    this.#bySender.set(from, queue);
    this.#byCid.set(entry.cid.toString(), entry);
    queue.last = Math.max(queue.last, nonce);
    if (queue.last === nonce) this.#rank(entry);
  }

  #rank(last: Waiting): void {
    const isFull = this.#lasts.size >= 2 * this.#bySender.size + staleEntries;
    if (isFull) this.#lasts = new Heap(leavesBefore);
    const ranked = isFull ? [...this.#bySender.keys()].map((from) => this.lastOf(from)) : [last];
    for (const entry of ranked) {
      if (entry === undefined) continue;
      const { from, gasPrice } = entry.signed.message;
      this.#lasts.push({ from, gasPrice, cid: entry.cid });
    }
  }

  remove(entry: Waiting): void {
    const { from, nonce } = entry.signed.message;
    const queue = this.#bySender.get(from);
    if (queue?.byNonce.get(nonce) !== entry) return;
    const bytes = messageBytes(entry.signed);
    queue.byNonce.delete(nonce);
    queue.bytes -= bytes;
    queue.funds -= requiredFunds(entry.signed.message);
    this.#bytes -= bytes;
    this.#byCid.delete(entry.cid.toString());
    if (queue.byNonce.size === 0) this.#bySender.delete(from);
    else if (nonce === queue.last) {
      queue.last = Math.max(...queue.byNonce.keys());
      const last = this.lastOf(from);
      if (last !== undefined) this.#rank(last);
    }
  }
}
