/**
 * The waiting messages themselves: by sender and nonce, one for each, with what they come to in count, bytes and
 * money. Knows neither chain nor wire. Invariant: the sums are those of what is in it.
 */
import type { Address, CID } from "@holdfast/base";
import { messageBytes, requiredFunds, type SignedMessage } from "@holdfast/consensus";

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
}

export class Queues {
  readonly #bySender = new Map<Address, Queue>();
  readonly #byCid = new Map<string, Waiting>();
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
    const queue = this.#bySender.get(from)?.byNonce;
    return queue?.get(Math.max(...queue.keys()));
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
    const queue = this.#bySender.get(from) ?? { byNonce: new Map<number, Waiting>(), bytes: 0, funds: 0n };
    const bytes = messageBytes(entry.signed);
    queue.byNonce.set(nonce, entry);
    queue.bytes += bytes;
    queue.funds += requiredFunds(entry.signed.message);
    this.#bytes += bytes;
    this.#bySender.set(from, queue);
    this.#byCid.set(entry.cid.toString(), entry);
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
  }
}
