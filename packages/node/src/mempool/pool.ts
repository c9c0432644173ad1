/**
 * The message pool: messages that wait for a block, bounded per sender and in all, in number, bytes and age. Per
 * sender they are kept by nonce, one message for each, and together they cost no more than the sender has; a
 * higher gas price replaces, and makes room when the pool is full. What a reorganisation drops from the chain comes
 * back here, and so does, after a restart, what waited before it. Nothing is forwarded to peers that was not checked.
 */
import { type Address, type CID, decode, encode, type HoldfastError } from "@holdfast/base";
import {
  checkAgainstState,
  checkMessage,
  checkMessageSyntax,
  isPermanentRejection,
  messageBytes,
  messageCid,
  messageErrors,
  readActor,
  requiredFunds,
  type SignedMessage,
  signedMessageCodec,
  type VerifiedMessages as Verified,
} from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import type { Held } from "../held.ts";
import { limits } from "../limits.ts";
import { VerifiedMessages } from "../verified-messages.ts";
import { mempoolErrors } from "./errors.ts";
import { Heap } from "./heap.ts";
import { type KeptMessages, openKeptMessages } from "./kept.ts";
import type { MempoolNeeds } from "./needs.ts";
import { Queues, type Waiting } from "./queues.ts";
import { SignatureLine } from "./signatures.ts";

export interface Mempool extends AsyncDisposable {
  /**
   * Takes a message in. Errors: `message/…` if it is wrong or cannot be applied, `mempool/known`, `full`,
   * `sender-full`, `nonce-gap`, `underpriced`, `insufficient-funds`.
   */
  add(signed: SignedMessage): CID;
  publish(signed: SignedMessage): Promise<void>;
  get(cid: CID): SignedMessage | undefined;
  /** All waiting messages, by sender and nonce. */
  pending(): readonly SignedMessage[];
  /** One above the last of the unbroken sequence from the chain's nonce on. */
  nextNonce(from: Address): number;
  /** attoFIL that a sender's waiting messages take if all of them are applied. */
  committedFunds(from: Address): bigint;
  /** What a block could take, best paid first, each sender's in order. */
  candidates(limit: number): readonly SignedMessage[];
  /** The message that waits under a sender's nonce. */
  waitingAt(from: Address, nonce: number): SignedMessage | undefined;
  /** How a message left that nobody mined or replaced; undefined if that is not known. */
  fate(cid: CID): "expired" | "evicted" | undefined;
  /** What it has in memory. */
  held(): readonly Held[];
}

export function messageTopic(network: string): string {
  return `/fil/msgs/${network}`;
}

/** What one pool holds at most. */
export interface PoolLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly perSender: number;
  readonly bytesPerSender: number;
  /** Rounds after which a message that nobody mined is dropped; its sender may send it again. */
  readonly ageRounds: number;
}

const poolLimits: PoolLimits = {
  messages: limits.poolMessages,
  bytes: limits.poolBytes,
  perSender: limits.poolMessagesPerSender,
  bytesPerSender: limits.poolBytesPerSender,
  ageRounds: limits.poolAgeRounds,
};

export function openMempool(needs: MempoolNeeds, most: Partial<PoolLimits> = {}): Mempool {
  return new Pool(needs, { ...poolLimits, ...most });
}

/** Of equals the first address, so that every node chooses alike. */
function isPaidBetter({ message: a }: SignedMessage, { message: b }: SignedMessage): boolean {
  return a.gasPrice === b.gasPrice ? a.from < b.from : a.gasPrice > b.gasPrice;
}

class Pool implements Mempool {
  readonly #needs: MempoolNeeds;
  readonly #most: PoolLimits;
  readonly #queues = new Queues();
  readonly #kept: KeptMessages;
  readonly #verified: Verified;
  readonly #signatures: SignatureLine | undefined;
  readonly #fates = new Bounded<"expired" | "evicted">(limits.poolFates);
  readonly #endings: (() => void)[] = [];

  constructor(needs: MempoolNeeds, most: PoolLimits) {
    this.#needs = needs;
    this.#most = most;
    const { signatures, chain } = needs;
    this.#verified = signatures?.verified ?? new VerifiedMessages();
    this.#signatures = signatures && new SignatureLine(signatures.areSigned, chain.networkId);
    this.#kept = openKeptMessages(needs.database);
    for (const { signed, since } of this.#kept.load()) this.#tryAdd(signed, since);
    const topic = messageTopic(needs.chain.params.name);
    this.#endings.push(
      needs.wire.subscribe(topic, (bytes) => this.#fromPeer(bytes)),
      needs.chain.onHead(({ reverted, applied }) => {
        for (const tipset of applied)
          for (const { message } of needs.chain.messagesOf(tipset)) this.#used(message.from, message.nonce);
        // Oldest first: each sender's messages come back in their order.
        for (const tipset of reverted.toReversed())
          for (const signed of needs.chain.messagesOf(tipset)) this.#tryAdd(signed);
        this.#dropStale();
        this.#keep();
      }),
    );
  }

  add(signed: SignedMessage): CID {
    return this.#add(signed, this.#needs.chain.headState().tipset.height);
  }

  #add(signed: SignedMessage, since: number): CID {
    const { cid, sender } = this.#examine(signed);
    const wrong = checkMessage(signed, this.#needs.chain, this.#verified);
    if (wrong !== undefined) throw wrong;
    this.#insert({ signed, cid, since }, sender?.balance ?? 0n);
    return cid;
  }

  /** All but the signature: what no block takes soon is refused before anybody verifies one for it. */
  #examine(signed: SignedMessage): { readonly cid: CID; readonly sender: ReturnType<typeof readActor> } {
    const { chain } = this.#needs;
    const { message } = signed;
    const cid = messageCid(signed);
    if (this.#queues.find(cid) !== undefined) throw mempoolErrors.known({ cid: cid.toString() });
    const malformed = checkMessageSyntax(signed, chain.params);
    if (malformed !== undefined) throw malformed;
    const { state } = chain.headState();
    const sender = readActor(chain.store, state, message.from);
    const refused = checkAgainstState(message, sender);
    if (refused !== undefined && refused.code !== "message/nonce-too-high") throw refused;
    const nonce = sender?.nonce ?? 0;
    if (message.nonce > nonce + limits.poolNonceGap) {
      throw mempoolErrors.nonceGap({ from: message.from, nonce: message.nonce, expected: nonce });
    }
    return { cid, sender };
  }

  async publish(signed: SignedMessage): Promise<void> {
    const { chain, wire } = this.#needs;
    await wire.publish(messageTopic(chain.params.name), encode(signedMessageCodec, signed));
  }
  get(cid: CID): SignedMessage | undefined {
    return this.#queues.find(cid)?.signed;
  }
  pending(): readonly SignedMessage[] {
    return this.#queues.senders().flatMap((from) => this.#queues.of(from).map(({ signed }) => signed));
  }
  nextNonce(from: Address): number {
    let next = this.#stateNonce(from);
    while (this.#queues.at(from, next) !== undefined) next += 1;
    return next;
  }
  committedFunds(from: Address): bigint {
    return this.#queues.totalsOf(from).funds;
  }

  candidates(limit: number): readonly SignedMessage[] {
    const fronts = new Heap(isPaidBetter);
    const offer = (from: Address, nonce: number): void => {
      const signed = this.#queues.at(from, nonce)?.signed;
      if (signed !== undefined) fronts.push(signed);
    };
    for (const from of this.#queues.senders()) offer(from, this.#stateNonce(from));
    const chosen: SignedMessage[] = [];
    while (chosen.length < limit) {
      const best = fronts.pop();
      if (best === undefined) break;
      chosen.push(best);
      offer(best.message.from, best.message.nonce + 1);
    }
    return chosen;
  }
  waitingAt(from: Address, nonce: number): SignedMessage | undefined {
    return this.#queues.at(from, nonce)?.signed;
  }
  fate(cid: CID): "expired" | "evicted" | undefined {
    return this.#fates.get(cid.toString());
  }

  held(): readonly Held[] {
    const { poolMessages, poolBytes, poolFates, gossipValidations } = limits;
    return [
      { what: "pool messages", count: this.#queues.count, most: poolMessages },
      { what: "pool bytes", count: this.#queues.bytes, most: poolBytes },
      { what: "pool fates", count: this.#fates.size, most: poolFates },
      { what: "pool unwritten", count: this.#kept.unwritten, most: 2 * poolMessages },
      { what: "pool signatures", count: this.#signatures?.waiting ?? 0, most: gossipValidations },
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
    this.#keep();
  }

  #insert(entry: Waiting, balance: bigint): void {
    const { message } = entry.signed;
    const { from, nonce, gasPrice } = message;
    const rival = this.#queues.at(from, nonce);
    const offered = rival?.signed.message.gasPrice;
    if (offered !== undefined && (gasPrice <= offered || gasPrice * 10n < offered * 11n))
      throw mempoolErrors.underpriced({ from, nonce });
    const waiting = this.#queues.totalsOf(from);
    const needed = waiting.funds - (rival === undefined ? 0n : requiredFunds(rival.signed.message));
    if (needed + requiredFunds(message) > balance)
      throw mempoolErrors.insufficientFunds({ from, waiting: waiting.count });
    this.#claimPlace(entry, rival);
    if (rival !== undefined) this.#drop(rival);
    this.#queues.put(entry);
    this.#kept.added(entry);
    this.#fates.delete(entry.cid.toString());
  }

  /** Room for a message, in the place of its rival if it has one, or its error: then nobody has had to leave. */
  #claimPlace({ signed }: Waiting, rival: Waiting | undefined): void {
    const { from, gasPrice } = signed.message;
    const { perSender, bytesPerSender, messages, bytes } = this.#most;
    const more = rival === undefined ? 1 : 0;
    const size = messageBytes(signed) - (rival === undefined ? 0 : messageBytes(rival.signed));
    const waiting = this.#queues.totalsOf(from);
    if (waiting.count + more > perSender || waiting.bytes + size > bytesPerSender)
      throw mempoolErrors.senderFull({ from, limit: waiting.count });
    const gone: Waiting[] = [];
    while (this.#queues.count + more > messages || this.#queues.bytes + size > bytes) {
      const last = this.#queues.worstLast(from);
      const worst = last !== undefined && last.signed.message.gasPrice < gasPrice ? last : undefined;
      if (worst === undefined) {
        for (const entry of gone) this.#queues.put(entry);
        throw mempoolErrors.full({ limit: this.#queues.count });
      }
      this.#queues.remove(worst);
      gone.push(worst);
    }
    for (const entry of gone) {
      this.#kept.removed(entry);
      this.#fates.set(entry.cid.toString(), "evicted");
    }
  }

  async #fromPeer(bytes: Uint8Array): Promise<"accept" | "ignore" | "reject"> {
    try {
      const signed = decode(signedMessageCodec, bytes, { maxBytes: limits.gossipMessageBytes });
      if (this.#signatures !== undefined) await this.#verify(signed, this.#signatures);
      // The head may have moved meanwhile: all is looked at again, but for the signature.
      this.add(signed);
      return "accept";
    } catch (error) {
      return this.#verdictOf(error);
    }
  }
  async #verify(signed: SignedMessage, signatures: SignatureLine): Promise<void> {
    const cid = this.#examine(signed).cid.toString();
    if (this.#verified.has(cid)) return;
    if (!(await signatures.isSigned(signed))) throw messageErrors.badSignature({ from: signed.message.from });
    this.#verified.add(cid);
  }
  /** What no honest node would forward is held against the sender; what may be valid later is not. */
  #verdictOf(error: unknown): "ignore" | "reject" {
    const failure = error as HoldfastError;
    if (failure.code?.startsWith("codec/") === true) return "reject";
    const stale = failure.code === "message/nonce-too-low";
    const wrong = failure.code?.startsWith("message/") === true && isPermanentRejection(failure);
    return wrong && !stale ? "reject" : "ignore";
  }

  #tryAdd(signed: SignedMessage, since: number = this.#needs.chain.headState().tipset.height): void {
    try {
      this.#add(signed, since);
    } catch (error) {
      this.#needs.logger.debug("a message does not fit any more", { detail: String(error) });
    }
  }
  #drop(entry: Waiting): void {
    this.#queues.remove(entry);
    this.#kept.removed(entry);
  }
  #used(from: Address, nonce: number): void {
    const entry = this.#queues.at(from, nonce);
    if (entry !== undefined) this.#drop(entry);
  }
  /** Nonces that the chain has passed can never be applied; what nobody takes for so long nobody wants. */
  #dropStale(): void {
    const { height } = this.#needs.chain.headState().tipset;
    for (const from of this.#queues.senders()) {
      const next = this.#stateNonce(from);
      for (const entry of this.#queues.of(from)) {
        const isOld = height - entry.since > this.#most.ageRounds;
        if (isOld) this.#fates.set(entry.cid.toString(), "expired");
        if (entry.signed.message.nonce < next || isOld) this.#drop(entry);
      }
    }
  }
  #keep(): void {
    try {
      this.#kept.flush();
    } catch (error) {
      this.#needs.logger.warn("waiting messages could not be written", { detail: String(error) });
    }
  }
  #stateNonce(from: Address): number {
    const { chain } = this.#needs;
    return readActor(chain.store, chain.headState().state, from)?.nonce ?? 0;
  }
}
