/**
 * The message pool: messages that wait for a block, bounded per sender and in all. Per sender they are
 * kept by nonce, one message for each; a higher gas price replaces, and makes room when the pool is full.
 * What a reorganisation drops from the chain comes back here. Nothing is forwarded to peers that was not
 * checked.
 */
import { type Address, type CID, decode, encode, type HoldfastError, zeroAtto } from "@holdfast/base";
import {
  checkAgainstState,
  checkMessage,
  isPermanentRejection,
  messageCid,
  readActor,
  requiredFunds,
  type SignedMessage,
  signedMessageCodec,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { mempoolErrors } from "./errors.ts";
import type { MempoolNeeds } from "./needs.ts";

interface Waiting {
  readonly signed: SignedMessage;
  readonly cid: CID;
}

export interface Mempool extends AsyncDisposable {
  /**
   * Takes a message in. Errors: `message/…` if it is wrong or cannot be applied, `mempool/known`, `full`,
   * `sender-full`, `nonce-gap`, `underpriced`.
   */
  add(signed: SignedMessage): CID;
  publish(signed: SignedMessage): Promise<void>;
  get(cid: CID): SignedMessage | undefined;
  /** All waiting messages, by sender and nonce. */
  pending(): readonly SignedMessage[];
  /** One above the last of the unbroken sequence from the chain's nonce on. */
  nextNonce(from: Address): number;
  /** What a block could take, best paid first, each sender's in order. */
  candidates(limit: number): readonly SignedMessage[];
}

export function messageTopic(network: string): string {
  return `/fil/msgs/${network}`;
}

/** `most`: messages in all. */
export function openMempool(needs: MempoolNeeds, most: number = limits.poolMessages): Mempool {
  return new Pool(needs, most);
}

class Pool implements Mempool {
  readonly #needs: MempoolNeeds;
  readonly #most: number;
  readonly #bySender = new Map<Address, Map<number, Waiting>>();
  readonly #byCid = new Map<string, SignedMessage>();
  readonly #verified = new Set<string>();
  readonly #endings: (() => void)[] = [];

  constructor(needs: MempoolNeeds, most: number) {
    this.#needs = needs;
    this.#most = most;
    const topic = messageTopic(needs.chain.params.name);
    this.#endings.push(
      needs.wire.subscribe(topic, (bytes) => this.#fromPeer(bytes)),
      needs.chain.onHead(({ reverted, applied }) => {
        for (const tipset of applied)
          for (const signed of needs.chain.messagesOf(tipset)) this.#remove(signed);
        for (const tipset of reverted)
          for (const signed of needs.chain.messagesOf(tipset)) this.#tryAdd(signed);
        this.#dropStale();
      }),
    );
  }

  add(signed: SignedMessage): CID {
    const { chain } = this.#needs;
    const { message } = signed;
    const cid = messageCid(signed);
    if (this.#byCid.has(cid.toString())) throw mempoolErrors.known({ cid: cid.toString() });
    const wrong = checkMessage(signed, chain.params, this.#boundedVerified());
    if (wrong !== undefined) throw wrong;
    const { state } = chain.headState();
    const sender = readActor(chain.store, state, message.from);
    const refused = checkAgainstState(message, sender);
    if (refused !== undefined && refused.code !== "message/nonce-too-high") throw refused;
    const nonce = sender?.nonce ?? 0;
    if (message.nonce > nonce + limits.poolNonceGap) {
      throw mempoolErrors.nonceGap({ from: message.from, nonce: message.nonce, expected: nonce });
    }
    this.#insert({ signed, cid });
    return cid;
  }

  async publish(signed: SignedMessage): Promise<void> {
    const { chain, wire } = this.#needs;
    await wire.publish(messageTopic(chain.params.name), encode(signedMessageCodec, signed));
  }
  get(cid: CID): SignedMessage | undefined {
    return this.#byCid.get(cid.toString());
  }
  pending(): readonly SignedMessage[] {
    return [...this.#bySender.values()].flatMap((waiting) =>
      [...waiting.keys()].sort((a, b) => a - b).flatMap((nonce) => waiting.get(nonce)?.signed ?? []),
    );
  }
  nextNonce(from: Address): number {
    const waiting = this.#bySender.get(from);
    let next = this.#stateNonce(from);
    while (waiting?.has(next) === true) next += 1;
    return next;
  }

  candidates(limit: number): readonly SignedMessage[] {
    const queues = [...this.#bySender.keys()].sort().map((from) => ({ from, next: this.#stateNonce(from) }));
    const chosen: SignedMessage[] = [];
    while (chosen.length < limit) {
      let best: { queue: (typeof queues)[number]; signed: SignedMessage } | undefined;
      for (const queue of queues) {
        const signed = this.#bySender.get(queue.from)?.get(queue.next)?.signed;
        if (signed === undefined) continue;
        if (best === undefined || signed.message.gasPrice > best.signed.message.gasPrice)
          best = { queue, signed };
      }
      if (best === undefined) break;
      best.queue.next += 1;
      chosen.push(best.signed);
    }
    return chosen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
  }

  #insert(entry: Waiting): void {
    const { from, nonce, gasPrice } = entry.signed.message;
    const waiting = this.#bySender.get(from) ?? new Map<number, Waiting>();
    const rival = waiting.get(nonce);
    if (rival !== undefined) {
      const offered = rival.signed.message.gasPrice;
      if (gasPrice <= offered || gasPrice * 10n < offered * 11n)
        throw mempoolErrors.underpriced({ from, nonce });
      this.#byCid.delete(rival.cid.toString());
    } else if (waiting.size >= limits.poolMessagesPerSender) {
      throw mempoolErrors.senderFull({ from, limit: limits.poolMessagesPerSender });
    } else if (this.#byCid.size >= this.#most && !this.#makeRoom(entry.signed)) {
      throw mempoolErrors.full({ limit: this.#most });
    }
    waiting.set(nonce, entry);
    this.#bySender.set(from, waiting);
    this.#byCid.set(entry.cid.toString(), entry.signed);
  }

  /** Of all senders' last messages the worst paid leaves for one of another sender that pays more. */
  #makeRoom({ message: { from, gasPrice } }: SignedMessage): boolean {
    let worst: SignedMessage | undefined;
    for (const [sender, waiting] of this.#bySender) {
      const last = waiting.get(Math.max(...waiting.keys()))?.signed;
      if (last === undefined || sender === from) continue;
      if (worst === undefined || last.message.gasPrice < worst.message.gasPrice) worst = last;
    }
    if (worst === undefined || worst.message.gasPrice >= gasPrice) return false;
    this.#remove(worst);
    return true;
  }

  #fromPeer(bytes: Uint8Array): "accept" | "ignore" | "reject" {
    try {
      this.add(decode(signedMessageCodec, bytes, { maxBytes: limits.gossipMessageBytes }));
      return "accept";
    } catch (error) {
      return this.#verdictOf(error);
    }
  }
  /** What no honest node would forward is held against the sender; what may be valid later is not. */
  #verdictOf(error: unknown): "ignore" | "reject" {
    const failure = error as HoldfastError;
    if (failure.code?.startsWith("codec/") === true) return "reject";
    const stale = failure.code === "message/nonce-too-low";
    const wrong = failure.code?.startsWith("message/") === true && isPermanentRejection(failure);
    return wrong && !stale ? "reject" : "ignore";
  }

  #tryAdd(signed: SignedMessage): void {
    try {
      this.add(signed);
    } catch (error) {
      this.#needs.logger.debug("a reverted message does not fit any more", { detail: String(error) });
    }
  }
  #remove(signed: SignedMessage): void {
    const { from, nonce } = signed.message;
    const waiting = this.#bySender.get(from);
    const entry = waiting?.get(nonce);
    if (waiting === undefined || entry === undefined) return;
    waiting.delete(nonce);
    this.#byCid.delete(entry.cid.toString());
    if (waiting.size === 0) this.#bySender.delete(from);
  }
  /** Nonces that the chain has passed can never be applied. */
  #dropStale(): void {
    for (const [from, waiting] of [...this.#bySender]) {
      const next = this.#stateNonce(from);
      for (const [nonce, entry] of [...waiting]) if (nonce < next) this.#remove(entry.signed);
    }
  }
  #stateNonce(from: Address): number {
    const { chain } = this.#needs;
    return readActor(chain.store, chain.headState().state, from)?.nonce ?? 0;
  }
  #boundedVerified(): Set<string> {
    if (this.#verified.size > limits.verdicts) this.#verified.clear();
    return this.#verified;
  }
}

/** Money that a sender's waiting messages will need in all. */
export function committedFunds(pool: Mempool, from: Address): bigint {
  return pool
    .pending()
    .filter((signed) => signed.message.from === from)
    .reduce<bigint>((sum, signed) => sum + requiredFunds(signed.message), zeroAtto);
}
