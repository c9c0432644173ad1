/**
 * The sender service: owns the nonces of this node's accounts. A message is signed and lies in the outbox
 * before it is published, and is published again until it is in the chain; a caller that gives a `key`
 * gets the same message for the same key, over restarts too, so that a resumed job never pays twice.
 */
import {
  type Address,
  type AttoFil,
  addEpochs,
  attoFil,
  type Cancel,
  type CID,
  filText,
  gasUnits,
  nonce,
  parseCid,
} from "@holdfast/base";
import {
  callReadOnly,
  checkMessage,
  exitCodeMeaning,
  inclusionGas,
  type Message,
  messageCid,
  messageSigningBytes,
  type Receipt,
  readActor,
  requiredFunds,
  type SignedMessage,
  type Tipset,
} from "@holdfast/consensus";
import { senderErrors } from "./errors.ts";
import type { SenderNeeds } from "./needs.ts";
import type { Mempool } from "./pool.ts";
import { type Outbox, type OutboxEntry, openOutbox } from "./store.ts";

export interface SendRequest {
  /** Default: the wallet's payer. */
  readonly from?: Address;
  readonly to: Address;
  readonly value?: AttoFil;
  readonly method?: string;
  readonly params?: Uint8Array;
  readonly gasPrice?: AttoFil;
  /** Default: a dry run's use and a margin. Required for calls whose dry run is costly (proofs). */
  readonly gasLimit?: number;
  /** The same key gives the same message. */
  readonly key?: string;
}

export interface Mined {
  readonly tipset: Tipset;
  readonly receipt: Receipt;
  readonly message: SignedMessage;
}

export interface Sender extends AsyncDisposable {
  /** Errors: `sender/would-fail`, `sender/insufficient-funds`, `wallet/…`, `message/…`. */
  send(request: SendRequest): Promise<{ readonly cid: CID; readonly nonce: number }>;
  /** Errors: `sender/wait-timeout`, `sender/replaced`, `sender/unknown-message`. */
  wait(
    cid: CID,
    options?: { readonly confirmations?: number; readonly timeoutMs?: number; readonly signal?: Cancel },
  ): Promise<Mined>;
  /**
   * Offers a higher gas price for the message of a key, and for those of its sender that a block must take
   * before it. What is in the chain, or is paid as well, stays. Whoever waits for a replaced version learns of
   * the one that is mined. Errors: `sender/insufficient-funds`, `wallet/…`.
   */
  raise(key: string, gasPrice: AttoFil): Promise<void>;
  /** The message of a key, if one was sent. */
  sentAs(key: string): { readonly cid: CID; readonly nonce: number } | undefined;
  /** Where a message is that this node sent or sees in the pool or the chain. */
  find(cid: CID): { readonly message: SignedMessage; readonly mined: Mined | undefined } | undefined;
}

/** attoFIL per unit of gas when the caller names none: next to nothing, but not nothing. */
const defaultGasPrice = attoFil(1);
/** State may grow between the dry run and the block. */
const gasMargin = 1.25;
/** Parameters and signature around the encoded fields of a message (bytes, generous). */
const messageOverheadBytes = 320;
/** Rounds between two publications of a message that is still waiting. */
const republishRounds = 5;

export function openSender(needs: SenderNeeds, pool: Mempool): Sender {
  return new SenderService(needs, pool, openOutbox(needs.database));
}

class SenderService implements Sender {
  readonly #needs: SenderNeeds;
  readonly #pool: Mempool;
  readonly #outbox: Outbox;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #endHead: () => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(needs: SenderNeeds, pool: Mempool, outbox: Outbox) {
    this.#needs = needs;
    this.#pool = pool;
    this.#outbox = outbox;
    this.#restore();
    this.#endHead = needs.chain.onHead(() => this.#settle());
    this.#loop = this.#republish();
  }

  send(request: SendRequest): Promise<{ cid: CID; nonce: number }> {
    // One at a time: two messages never get the same nonce.
    const result = this.#last.then(() => this.#send(request));
    this.#last = result.catch(() => undefined);
    return result;
  }

  raise(key: string, gasPrice: AttoFil): Promise<void> {
    const result = this.#last.then(() => this.#raise(key, gasPrice));
    this.#last = result.catch(() => undefined);
    return result;
  }

  sentAs(key: string): { cid: CID; nonce: number } | undefined {
    const entry = this.#outbox.byKey(key);
    if (entry === undefined) return undefined;
    return { cid: messageCid(entry.signed), nonce: entry.signed.message.nonce };
  }

  find(cid: CID): { message: SignedMessage; mined: Mined | undefined } | undefined {
    const mined = this.#minedVersion(cid);
    const message = mined?.message ?? this.#pool.get(cid) ?? this.#outbox.byCid(cid.toString())?.signed;
    return message === undefined ? undefined : { message, mined };
  }

  async wait(
    cid: CID,
    options: { confirmations?: number; timeoutMs?: number; signal?: Cancel } = {},
  ): Promise<Mined> {
    const { chain, clock } = this.#needs;
    if (this.find(cid) === undefined) throw senderErrors.unknownMessage({ cid: cid.toString() });
    const done = Promise.withResolvers<Mined>();
    const check = (): void => {
      const mined = this.#minedVersion(cid);
      const depth = mined === undefined ? -1 : chain.headState().tipset.height - mined.tipset.height;
      if (mined !== undefined && depth >= (options.confirmations ?? 0)) done.resolve(mined);
      const entry = mined === undefined ? this.#outbox.byCid(cid.toString()) : undefined;
      if (entry !== undefined && this.#outbox.outcome(cid.toString()) === "replaced") {
        const { from, nonce: used } = entry.signed.message;
        done.reject(senderErrors.replaced({ cid: cid.toString(), from, nonce: used }));
      }
    };
    const endHead = chain.onHead(check);
    const timer = new AbortController();
    const abort = (): void => done.reject(options.signal?.reason);
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      options.signal?.throwIfAborted();
      check();
      const { timeoutMs } = options;
      if (timeoutMs !== undefined) {
        clock.sleep(timeoutMs, timer.signal).then(
          () => done.reject(senderErrors.waitTimeout({ cid: cid.toString(), timeoutMs })),
          () => undefined,
        );
      }
      return await done.promise;
    } finally {
      endHead();
      timer.abort();
      options.signal?.removeEventListener("abort", abort);
    }
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
    const { signer, chain } = this.#needs;
    const from = request.from ?? signer.payer();
    // First, so that a dry run without the money does not speak of something else.
    this.#checkFunds(from, request.value ?? attoFil(0));
    const draft = this.#draft(from, request);
    this.#checkFunds(from, requiredFunds(draft));
    const signed = {
      message: draft,
      signature: signer.sign(from, messageSigningBytes(draft, chain.networkId)),
    };
    // What no block can ever take must not take a nonce: every later message would wait behind it.
    const wrong = checkMessage(signed, chain);
    if (wrong !== undefined) throw wrong;
    const cid = messageCid(signed);
    this.#outbox.insert(request.key ?? `cid:${cid}`, signed);
    this.#offer(signed);
    await this.#publish(signed);
    return { cid, nonce: draft.nonce };
  }

  async #raise(key: string, gasPrice: AttoFil): Promise<void> {
    const { signer, chain } = this.#needs;
    const wanted = this.#outbox.byKey(key)?.signed.message;
    if (wanted === undefined) return;
    const used = readActor(chain.store, chain.headState().state, wanted.from)?.nonce ?? 0;
    for (const entry of this.#outbox.open()) {
      const { message } = entry.signed;
      const isInTheWay =
        message.from === wanted.from && message.nonce >= used && message.nonce <= wanted.nonce;
      if (!isInTheWay || gasPrice * 10n < message.gasPrice * 11n) continue;
      const raised = { ...message, gasPrice };
      this.#checkFunds(message.from, requiredFunds(raised) - requiredFunds(message));
      const toSign = messageSigningBytes(raised, chain.networkId);
      const signed = { message: raised, signature: signer.sign(message.from, toSign) };
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

  #draft(from: Address, request: SendRequest): Message {
    const base = {
      from,
      to: request.to,
      value: request.value ?? attoFil(0),
      method: request.method ?? "",
      params: request.params ?? new Uint8Array(0),
      gasPrice: request.gasPrice ?? defaultGasPrice,
    };
    const gasLimit = gasUnits(request.gasLimit ?? this.#estimate(base));
    return { ...base, gasLimit, nonce: nonce(this.#nextNonce(from)) };
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
    return Math.ceil((outcome.gasUsed + inclusionGas(bytes)) * gasMargin);
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
    try {
      this.#pool.add(signed);
    } catch (error) {
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
    const { state, tipset } = chain.headState();
    for (const entry of this.#outbox.open()) {
      const { key, signed } = entry;
      const { from, nonce: used } = signed.message;
      const mined = this.#versions(entry)
        .map((one) => chain.tipsetOfMessage(one))
        .find((at) => at !== undefined);
      if (mined !== undefined) {
        if (tipset.height - mined.height > chain.params.finalityEpochs) this.#outbox.close(key, "final");
        continue;
      }
      const next = readActor(chain.store, state, from)?.nonce ?? 0;
      if (used < next) {
        // A reorganisation may still drop the rival; only what is final can never be mined.
        if (used < this.#finalNonce(from)) this.#outbox.close(key, "replaced");
      } else if (this.#pool.get(messageCid(signed)) === undefined) this.#offer(signed);
    }
  }

  #finalNonce(from: Address): number {
    const { chain } = this.#needs;
    const height = Math.max(0, chain.headState().tipset.height - chain.params.finalityEpochs);
    const state = chain.stateAfter(chain.tipsetAt(height).key);
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
