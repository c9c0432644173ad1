/**
 * One stream of blocks from one provider, unverified names and verified bytes. Invariant: whatever comes was asked for
 * on this stream and has the bytes that its CID says; everything else ends the stream, with an error that says what
 * the peer did.
 */
import {
  type AttoFil,
  attoFil,
  type Cancel,
  type CID,
  decode,
  encode,
  minAtto,
  type PeerId,
  verifyCid,
  type WireStream,
} from "@holdfast/base";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import {
  type BlocksHello,
  type BlocksReply,
  type BlocksTerms,
  blocksProtocol,
  blocksStatus,
  helloCodec,
  readReply,
  termsCodec,
  wishCodec,
} from "./blocks-protocol.ts";
import type { Budget } from "./budget.ts";
import { asError, type ClientTools } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import type { Payment } from "./pay/purse.ts";
import { printable, shortMessage } from "./protocol.ts";
import { cidKey } from "./walk.ts";
import { Watchdog } from "./watchdog.ts";

export type StreamTools = Pick<ClientTools, "wire" | "clock">;

export type Arrival =
  | { readonly kind: "block"; readonly key: string; readonly cid: CID; readonly bytes: Uint8Array }
  | { readonly kind: "missing"; readonly key: string };

export class BlockStream implements Disposable {
  readonly peer: PeerId;
  readonly terms: BlocksTerms;
  /** From the question to the answer. */
  readonly answerMs: number;
  receivedBytes = 0;
  readonly #stream: WireStream;
  readonly #reader: FrameReader;
  readonly #signal: Cancel;
  readonly #slow: Watchdog;
  readonly #wanted = new Map<string, CID>();
  #payment: { readonly payment: Payment; readonly budget: Budget; readonly pricePerByte: bigint } | undefined;
  #reason: Error | undefined;

  /**
   * Says hello. Whatever the answer is, it is in `terms`. `retrieval/busy`, `/cut`, `/bad-stream`, `net/…`, `wire/…`,
   * `codec/…`, or the signal's reason.
   */
  static async open(
    tools: StreamTools,
    peer: PeerId,
    hello: BlocksHello,
    outer: Cancel,
  ): Promise<BlockStream> {
    const { wire, clock } = tools;
    const startMs = clock.nowMs();
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: blocksProtocol, outer };
    return withDeadline(clock, options, async (signal) => {
      const stream = await wire.open(peer, blocksProtocol, signal);
      try {
        await sendFrame(stream, encode(helloCodec, hello), signal);
        const reader = new FrameReader(stream);
        const bytes = await reader.read(signal);
        if (bytes === undefined) throw retrievalErrors.cut({ peer, receivedBytes: 0 });
        const terms = decode(termsCodec, bytes);
        if (terms.status === blocksStatus.busy) throw retrievalErrors.busy({ peer });
        checkTerms(peer, terms);
        return new BlockStream(tools, { stream, reader, terms, answerMs: clock.nowMs() - startMs }, outer);
      } catch (error) {
        stream.abort(asError(error));
        throw error;
      }
    });
  }

  private constructor(
    tools: StreamTools,
    opened: {
      readonly stream: WireStream;
      readonly reader: FrameReader;
      readonly terms: BlocksTerms;
      readonly answerMs: number;
    },
    signal: Cancel,
  ) {
    const { stream, reader, terms, answerMs } = opened;
    this.peer = stream.peer;
    this.terms = terms;
    this.answerMs = answerMs;
    this.#stream = stream;
    this.#reader = reader;
    this.#signal = signal;
    this.#slow = new Watchdog(tools.clock, limits.retrievalIdleMs, (waitedMs) =>
      this.end(retrievalErrors.stalled({ peer: this.peer, waitedMs })),
    );
    // A stream that nobody has come to use ends with whoever opened it, and its watchdog with it.
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }
  readonly #onAbort = (): void => this.end(retrievalErrors.ended({}));

  get wantedCount(): number {
    return this.#wanted.size;
  }

  payWith(payment: Payment, budget: Budget): void {
    this.#payment = { payment, budget, pricePerByte: this.terms.pricePerByte };
  }

  /** What is in its channel and not spent; undefined where nothing is paid. */
  get depositLeft(): AttoFil | undefined {
    return this.#payment?.payment.left();
  }

  /** Asks; at most `limits.retrievalWants` may be on their way. */
  async want(cids: readonly CID[]): Promise<void> {
    for (const cid of cids) this.#wanted.set(cidKey(cid), cid);
    this.#slow.arm();
    await sendFrame(this.#stream, encode(wishCodec, { kind: "want", cids }), this.#signal);
  }

  /** The next block that was asked for. Errors: `retrieval/…`, `net/…`, `codec/…`, `wire/…`, the signal's reason. */
  async next(): Promise<Arrival> {
    for (;;) {
      const reply = await this.#reply();
      if (reply.kind === "block") return await this.#block(reply);
      if (reply.kind === "missing") {
        const key = cidKey(reply.cid);
        if (!this.#wanted.delete(key)) throw this.#bad("it misses what nobody asked for");
        await this.#settleUp();
        return { kind: "missing", key };
      }
      if (reply.kind === "failed") {
        const reason = `${shortMessage(printable(reply.message))} (${printable(reply.code)})`;
        throw retrievalErrors.refused({ peer: this.peer, reason });
      }
      if (reply.kind === "chunk") throw this.#bad("it sends bytes of no block");
      await this.#due(reply.amount);
    }
  }

  /** Pays what is owed and says that nothing more is wanted. */
  async leave(): Promise<void> {
    try {
      await this.#pay();
      await this.#stream.closeWrite();
    } finally {
      this.end(retrievalErrors.ended({}));
    }
  }
  end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#slow[Symbol.dispose]();
    this.#stream.abort(reason);
  }
  [Symbol.dispose](): void {
    this.end(retrievalErrors.ended({}));
  }

  async #block({ cid: named, blockBytes }: Extract<BlocksReply, { kind: "block" }>): Promise<Arrival> {
    const key = cidKey(named);
    const cid = this.#wanted.get(key);
    if (cid === undefined) {
      const wanted = this.#wanted.values().next().value?.toString() ?? "nothing";
      throw retrievalErrors.unwantedBlock({ peer: this.peer, wanted, found: named.toString() });
    }
    const bytes = new Uint8Array(blockBytes);
    for (let at = 0; at < blockBytes; ) {
      const reply = await this.#reply();
      if (reply.kind !== "chunk") throw this.#bad("a block ends before its bytes");
      if (reply.data.length === 0 || at + reply.data.length > blockBytes) {
        throw this.#bad("it sends more or less than it announced");
      }
      bytes.set(reply.data, at);
      at += reply.data.length;
    }
    if (!verifyCid(cid, bytes)) throw retrievalErrors.corruptBlock({ cid: cid.toString() });
    this.#wanted.delete(key);
    this.receivedBytes += blockBytes;
    this.#count(blockBytes);
    await this.#settleUp();
    return { kind: "block", key, cid, bytes };
  }

  /** Never more than the budget, whatever the length of a block is. */
  #count(blockBytes: number): void {
    if (this.#payment === undefined) return;
    const { payment, budget, pricePerByte } = this.#payment;
    const cost = minAtto(attoFil(pricePerByte * BigInt(blockBytes)), budget.left());
    payment.count(cost);
    budget.spend(cost);
  }
  /** At every so many bytes, and when all has come that was asked for. */
  async #settleUp(): Promise<void> {
    if (this.#payment === undefined) return;
    const { payment, pricePerByte } = this.#payment;
    const step = Math.min(limits.retrievalPayBytes, this.terms.creditBytes / 2);
    const isDue = payment.unpaid() >= pricePerByte * BigInt(Math.floor(step));
    if (isDue || this.#wanted.size === 0) await this.#pay();
  }
  async #pay(): Promise<void> {
    const voucher = this.#payment?.payment.voucher();
    if (voucher !== undefined) {
      await sendFrame(this.#stream, encode(wishCodec, { kind: "pay", voucher }), this.#signal);
    }
  }
  /** Only what has come is paid for, whatever the peer says that is owed; a voucher may be on its way to it. */
  async #due(amount: bigint): Promise<void> {
    if (this.#payment === undefined) throw this.#bad("it wants money that was not agreed on");
    const { payment, budget, pricePerByte } = this.#payment;
    // The peer names its credit; nobody's word is worth more than ours.
    const creditBytes = Math.min(this.terms.creditBytes, limits.retrievalCreditBytes);
    const unpaid = payment.unpaid();
    const credit = minAtto(attoFil(pricePerByte * BigInt(creditBytes)), budget.left());
    if (payment.believe(amount, credit)) budget.spend(payment.unpaid() - unpaid);
    await this.#pay();
  }

  async #reply(): Promise<BlocksReply> {
    if (this.#wanted.size > 0) this.#slow.arm();
    try {
      const bytes = await this.#reader.read(this.#signal);
      if (bytes !== undefined) return readReply(bytes);
      throw retrievalErrors.cut({ peer: this.peer, receivedBytes: this.receivedBytes });
    } catch (error) {
      throw this.#reason ?? error;
    } finally {
      this.#slow.disarm();
    }
  }
  #bad(detail: string): Error {
    return retrievalErrors.badStream({ peer: this.peer, detail });
  }
}

function checkTerms(peer: PeerId, { status, pricePerByte, target, creditBytes }: BlocksTerms): void {
  const bad = (detail: string) => retrievalErrors.badStream({ peer, detail });
  if (!(Object.values(blocksStatus) as number[]).includes(status)) {
    throw bad(`the status ${status} is unknown`);
  }
  if (pricePerByte < 0n) throw bad("its price is below nothing");
  if (pricePerByte > 0n && (target === null || creditBytes < 1))
    throw bad("it names a price and no way to pay it");
}
