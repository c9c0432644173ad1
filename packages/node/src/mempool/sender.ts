/**
 * The sender service: owns the nonces of this node's accounts. A message is signed and lies in the outbox
 * before it is published, and is published again until it is in the chain; a caller that gives a `key`
 * gets the same message for the same key, over restarts too, so that a resumed job never pays twice. Nothing sticks:
 * what full blocks pass over is offered more, unless its sender has fixed the price.
 */
import {
  type Address,
  type AttoFil,
  addEpochs,
  attoFil,
  type CID,
  filText,
  gasUnits,
  type HoldfastError,
  nonce,
  parseCid,
} from "@holdfast/base";
import {
  builtinAddresses,
  callReadOnly,
  checkMessage,
  exitCodeMeaning,
  inclusionGas,
  type Message,
  messageCid,
  messageSigningBytes,
  readActor,
  requiredFunds,
  type SignedMessage,
} from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { finalTipset } from "../final.ts";
import { limits } from "../limits.ts";
import { Bids } from "./bids.ts";
import { senderErrors } from "./errors.ts";
import { type Reason, reasonsOf } from "./explain.ts";
import type { SenderNeeds } from "./needs.ts";
import type { Mempool } from "./pool.ts";
import { suggestedPrice } from "./prices.ts";
import { type Outbox, type OutboxEntry, openOutbox } from "./store.ts";
import type { Mined, Sender, SendRequest, WaitOptions } from "./types.ts";
import { waitFor } from "./waiting.ts";

/** State may grow between the dry run and the block. */
const gasMargin = 1.25;
/** Parameters and signature around the encoded fields of a message (bytes, generous). */
const messageOverheadBytes = 320;
/** Rounds between two publications of a message that is still waiting. */
const republishRounds = 5;

export type { Mined, Sender, SendRequest } from "./types.ts";

export function openSender(needs: SenderNeeds, pool: Mempool): Sender {
  return new SenderService(needs, pool, openOutbox(needs.database));
}

/** What the pool asks of a message that takes another one's place. */
const ceilTenthMore = (price: AttoFil): AttoFil =>
  attoFil((price * 11n + 9n) / 10n + (price === 0n ? 1n : 0n));

class SenderService implements Sender {
  readonly #needs: SenderNeeds;
  readonly #pool: Mempool;
  readonly #outbox: Outbox;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #endHead: () => void;
  readonly #bids: Bids;
  /** Why the pool did not take a message of ours, by its CID. */
  readonly #refusals = new Bounded<string>(limits.poolFates);
  #last: Promise<unknown> = Promise.resolve();

  constructor(needs: SenderNeeds, pool: Mempool, outbox: Outbox) {
    this.#needs = needs;
    this.#pool = pool;
    this.#outbox = outbox;
    this.#bids = new Bids(needs.chain, pool);
    this.#restore();
    this.#endHead = needs.chain.onHead(() => {
      this.#settle();
      this.#bid();
    });
    this.#loop = this.#republish();
  }

  send(request: SendRequest): Promise<{ cid: CID; nonce: number }> {
    return this.#inTurn(() => this.#send(request));
  }

  raise(key: string, gasPrice: AttoFil): Promise<void> {
    return this.#inTurn(async () => {
      const wanted = this.#outbox.byKey(key)?.signed.message;
      if (wanted !== undefined) await this.#raise(wanted, gasPrice);
    });
  }

  replace(cid: CID, gasPrice?: AttoFil): Promise<{ cid: CID; nonce: number }> {
    return this.#inTurn(async () => {
      const { key, signed } = this.#waitingEntry(cid);
      const { message } = signed;
      const least = ceilTenthMore(message.gasPrice);
      const suggested = suggestedPrice(this.#needs.chain);
      const price = gasPrice ?? (suggested > least ? suggested : least);
      if (price < least) throw senderErrors.priceTooLow({ cid: cid.toString(), least: least.toString() });
      await this.#raise(message, price);
      return { cid: messageCid(this.#outbox.byKey(key)?.signed ?? signed), nonce: message.nonce };
    });
  }

  cancel(cid: CID): Promise<{ cid: CID; nonce: number }> {
    return this.#inTurn(async () => {
      const { key, signed } = this.#waitingEntry(cid);
      if (!/^(cid|api):/.test(key)) throw senderErrors.ofAJob({ cid: cid.toString(), job: key });
      const { from, nonce: taken, gasPrice } = signed.message;
      const to = builtinAddresses(this.#needs.chain.params.networkByte).burnt;
      const suggested = suggestedPrice(this.#needs.chain);
      const least = ceilTenthMore(gasPrice);
      const draft = this.#draft(from, { to, gasPrice: suggested > least ? suggested : least }, taken);
      const nothing = this.#signed(draft);
      this.#outbox.cancel(key, `cid:${messageCid(nothing)}`, nothing);
      this.#offer(nothing);
      await this.#publish(nothing);
      return { cid: messageCid(nothing), nonce: taken };
    });
  }

  why(cid: CID): readonly Reason[] | undefined {
    const found = this.find(cid);
    if (found === undefined) return undefined;
    const text = cid.toString();
    // What was replaced by a better paid version waits as that version.
    const now = this.#outbox.byCid(text)?.signed ?? found.message;
    return reasonsOf(
      { chain: this.#needs.chain, pool: this.#pool },
      {
        cid: messageCid(now),
        signed: now,
        outcome: this.#outbox.outcome(text),
        minedAt: found.mined?.tipset.height,
        refusal: this.#refusals.get(messageCid(now).toString()),
      },
    );
  }

  /** One at a time: two messages never get the same nonce. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Own and not in the chain. */
  #waitingEntry(cid: CID): OutboxEntry {
    const text = cid.toString();
    const found = this.find(cid);
    if (found === undefined) throw senderErrors.unknownMessage({ cid: text });
    const entry = this.#outbox.byCid(text);
    if (entry === undefined) throw senderErrors.notOurs({ cid: text, reason: "another node has sent it" });
    if (found.mined !== undefined) throw senderErrors.notOurs({ cid: text, reason: "it is in the chain" });
    if (this.#outbox.outcome(text) !== "open")
      throw senderErrors.notOurs({ cid: text, reason: "another message has its place" });
    return entry;
  }

  sentAs(key: string): { cid: CID; nonce: number } | undefined {
    const entry = this.#outbox.byKey(key);
    return entry && { cid: messageCid(entry.signed), nonce: entry.signed.message.nonce };
  }

  find(cid: CID): { message: SignedMessage; mined: Mined | undefined } | undefined {
    const mined = this.#minedVersion(cid);
    const message = mined?.message ?? this.#pool.get(cid) ?? this.#outbox.byCid(cid.toString())?.signed;
    return message === undefined ? undefined : { message, mined };
  }

  wait(cid: CID, options: WaitOptions = {}): Promise<Mined> {
    const { confirmations = 0 } = options;
    const found = this.find(cid);
    if (found === undefined) throw senderErrors.unknownMessage({ cid: cid.toString() });
    return waitFor(this.#needs, cid, options, () => this.#look(cid, confirmations, found.message));
  }

  /** The message, anybody's, as it is mined and buried; its error if it never will be; undefined while it waits. */
  #look(cid: CID, confirmations: number, signed: SignedMessage): Mined | HoldfastError | undefined {
    const mined = this.#minedVersion(cid);
    if (mined !== undefined) {
      const depth = this.#needs.chain.headState().tipset.height - mined.tipset.height;
      return depth >= confirmations ? mined : undefined;
    }
    const text = cid.toString();
    const entry = this.#outbox.byCid(text);
    const { from, nonce: used } = signed.message;
    const isSpent = entry === undefined && used < this.#finalNonce(from);
    if (isSpent || this.#outbox.outcome(text) === "replaced")
      return senderErrors.replaced({ cid: text, from, nonce: used });
    if (entry === undefined) return undefined;
    return this.#isCancelled(entry, cid) ? senderErrors.cancelled({ cid: text }) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endHead();
    this.#stop.abort();
    await this.#loop;
    await this.#last;
  }

  async #send(request: SendRequest): Promise<{ cid: CID; nonce: number }> {
    const known = request.key === undefined ? undefined : this.sentAs(request.key);
    if (known !== undefined) return known;
    const from = request.from ?? this.#needs.signer.payer();
    // First, so that a dry run without the money does not speak of something else.
    this.#checkFunds(from, request.value ?? attoFil(0));
    const draft = this.#draft(from, request);
    this.#checkFunds(from, requiredFunds(draft));
    const signed = this.#signed(draft);
    // What no block can ever take must not take a nonce: every later message would wait behind it.
    const wrong = checkMessage(signed, this.#needs.chain);
    if (wrong !== undefined) throw wrong;
    const cid = messageCid(signed);
    this.#outbox.insert(request.key ?? `cid:${cid}`, signed, request.gasPrice !== undefined);
    this.#offer(signed);
    await this.#publish(signed);
    return { cid, nonce: draft.nonce };
  }

  #signed(message: Message): SignedMessage {
    const { signer, chain } = this.#needs;
    const toSign = messageSigningBytes(message, chain.networkId);
    return { message, signature: signer.sign(message.from, toSign) };
  }

  async #raise(wanted: Message, gasPrice: AttoFil): Promise<void> {
    const { chain } = this.#needs;
    const used = readActor(chain.store, chain.headState().state, wanted.from)?.nonce ?? 0;
    for (const entry of this.#outbox.open()) {
      const { message } = entry.signed;
      const isInTheWay =
        message.from === wanted.from && message.nonce >= used && message.nonce <= wanted.nonce;
      if (!isInTheWay || gasPrice * 10n < message.gasPrice * 11n) continue;
      const raised = { ...message, gasPrice };
      this.#checkFunds(message.from, requiredFunds(raised) - requiredFunds(message));
      const signed = this.#signed(raised);
      this.#outbox.replace(entry.key, signed);
      this.#offer(signed);
      await this.#publish(signed);
    }
  }

  /** In the chain, in whichever version. */
  #minedVersion(cid: CID): Mined | undefined {
    const { chain } = this.#needs;
    const mined = chain.findMessage(cid);
    if (mined !== undefined) return mined;
    const entry = this.#outbox.byCid(cid.toString());
    return (
      entry &&
      this.#versions(entry)
        .map((one) => chain.findMessage(one))
        .find((one) => one !== undefined)
    );
  }

  #versions({ key, signed }: OutboxEntry): readonly CID[] {
    return [messageCid(signed), ...this.#outbox.earlierVersions(key).map(parseCid)];
  }

  #draft(from: Address, request: SendRequest, taken?: number): Message {
    const base = {
      from,
      to: request.to,
      value: request.value ?? attoFil(0),
      method: request.method ?? "",
      params: request.params ?? new Uint8Array(0),
      gasPrice: request.gasPrice ?? suggestedPrice(this.#needs.chain),
    };
    const gasLimit = gasUnits(request.gasLimit ?? this.#estimate(base));
    return { ...base, gasLimit, nonce: nonce(taken ?? this.#nextNonce(from)) };
  }

  #nextNonce(from: Address): number {
    const sent = this.#outbox.highestNonce(from);
    return Math.max(this.#pool.nextNonce(from), sent === undefined ? 0 : sent + 1);
  }

  #estimate(call: Pick<Message, "from" | "to" | "value" | "method" | "params">): number {
    const { chain } = this.#needs;
    const { state, tipset } = chain.headState();
    const outcome = callReadOnly({
      store: chain.store,
      state,
      env: chain.envOn(tipset),
      height: addEpochs(tipset.height, 1),
      ...call,
    });
    if (outcome.exitCode !== 0) {
      const meaning = exitCodeMeaning(outcome.exitCode);
      throw senderErrors.wouldFail({ method: call.method, exitCode: outcome.exitCode, meaning });
    }
    const bytes = call.params.length + messageOverheadBytes;
    return Math.ceil((outcome.gasUsed + inclusionGas(chain.params.gas, bytes)) * gasMargin);
  }

  #checkFunds(from: Address, ownFunds: bigint): void {
    const { chain } = this.#needs;
    const balance = readActor(chain.store, chain.headState().state, from)?.balance ?? 0n;
    const needed = ownFunds + this.#pool.committedFunds(from);
    if (balance >= needed) return;
    throw senderErrors.insufficientFunds({
      from,
      balanceFil: filText(attoFil(balance)),
      neededFil: filText(attoFil(needed)),
    });
  }

  /** After a restart the pool is empty: what was promised to the outbox goes back into it. */
  #restore(): void {
    for (const { signed } of this.#outbox.open()) this.#offer(signed);
    this.#settle();
  }

  #offer(signed: SignedMessage): void {
    const cid = messageCid(signed).toString();
    try {
      this.#pool.add(signed);
      this.#refusals.delete(cid);
    } catch (error) {
      this.#refusals.set(cid, error instanceof Error ? error.message : String(error));
      this.#needs.logger.debug("own message is not in the pool", { detail: String(error) });
    }
  }

  async #publish(signed: SignedMessage): Promise<void> {
    try {
      await this.#pool.publish(signed);
    } catch (error) {
      // Nobody listens yet; the republisher tries again.
      this.#needs.logger.debug("own message was not published", { detail: String(error) });
    }
  }

  /** Compares the outbox with the chain after each new head. */
  #settle(): void {
    const { chain } = this.#needs;
    const { state } = chain.headState();
    for (const entry of this.#outbox.open()) {
      const { key, signed } = entry;
      const { from, nonce: used } = signed.message;
      const mined = this.#versions(entry)
        .map((one) => chain.tipsetOfMessage(one))
        .find((at) => at !== undefined);
      if (mined !== undefined) {
        if (mined.height < finalTipset(chain).height) this.#outbox.close(key, "final");
        continue;
      }
      const next = readActor(chain.store, state, from)?.nonce ?? 0;
      if (used < next) {
        // A reorganisation may still drop the rival; only what is final can never be mined.
        if (used < this.#finalNonce(from)) this.#outbox.close(key, "replaced");
      } else if (this.#pool.get(messageCid(signed)) === undefined) this.#offer(signed);
    }
  }

  /** What full blocks pass over is offered more. */
  #bid(): void {
    for (const { wanted, gasPrice } of this.#bids.due(this.#outbox.open())) {
      this.#inTurn(() => this.#raise(wanted, gasPrice)).catch((error: unknown) =>
        this.#needs.logger.debug("a waiting message cannot be offered more", { detail: String(error) }),
      );
    }
  }

  /** The cancellation is in the chain. */
  #isCancelled({ signed }: OutboxEntry, cid: CID): boolean {
    if (this.#outbox.outcome(cid.toString()) !== "cancelled") return false;
    const { chain } = this.#needs;
    const { from, nonce: used } = signed.message;
    return used < (readActor(chain.store, chain.headState().state, from)?.nonce ?? 0);
  }

  #finalNonce(from: Address): number {
    const { chain } = this.#needs;
    const state = chain.stateAfter(finalTipset(chain).key);
    return state === undefined ? 0 : (readActor(chain.store, state, from)?.nonce ?? 0);
  }

  async #republish(): Promise<void> {
    const { chain, clock } = this.#needs;
    try {
      for (;;) {
        await clock.sleep(chain.params.roundMs * republishRounds, this.#stop.signal);
        for (const { signed } of this.#outbox.open()) {
          if (chain.tipsetOfMessage(messageCid(signed)) === undefined) await this.#publish(signed);
        }
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}
