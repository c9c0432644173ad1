/**
 * The provider's side of blocks by name. Invariants: what is sent and not paid never exceeds the credit of the
 * channel, however many streams it pays for; a stream has a bounded number of wishes, and one that asks for nothing,
 * takes nothing or pays nothing is closed.
 */
import {
  abortable,
  type CID,
  type Clock,
  encode,
  HoldfastError,
  type Logger,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import {
  type BlocksHello,
  type BlocksReply,
  type BlocksTerms,
  blockParts,
  blocksProtocol,
  blocksStatus,
  helloCodec,
  replyParts,
  termsCodec,
  wishCodec,
} from "./blocks-protocol.ts";
import { retrievalErrors } from "./errors.ts";
import type { Account } from "./pay/till.ts";
import { shortMessage } from "./protocol.ts";
import { Watchdog } from "./watchdog.ts";

/** What a provider says to a hello; with an account it is to be paid. */
export interface Reception {
  readonly terms: BlocksTerms;
  readonly account: Account | undefined;
  /** The verified bytes of a block that may be given away on this stream. */
  readonly block?: (cid: CID) => Promise<Uint8Array | undefined>;
  /** Called when the stream is over. */
  readonly close?: () => void;
}

export interface BlockServerNeeds {
  readonly wire: Pick<Wire, "handle">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly receive: (peer: PeerId, hello: BlocksHello) => Promise<Reception>;
}

/** Replies are written together up to about this many bytes. */
const writeBytes = 4 * limits.retrievalChunkBytes;
/** Blocks that are read before it is their turn. */
const readAhead = 4;

export function serveBlocks(needs: BlockServerNeeds): AsyncDisposable {
  const { wire, logger } = needs;
  const served = new Map<WireStream, Promise<void>>();
  const stop = new AbortController();
  const isFullFor = (peer: PeerId): boolean => {
    const ofPeer = [...served.keys()].filter((stream) => stream.peer === peer).length;
    return served.size >= limits.retrievalServed || ofPeer >= limits.retrievalServedPerPeer;
  };
  const unhandle = wire.handle(blocksProtocol, (stream) => {
    const isFull = stop.signal.aborted || isFullFor(stream.peer);
    const work = isFull ? refuse(needs, stream) : new BlockSession(needs, stream, stop.signal).run();
    served.set(stream, work);
    const done = (): unknown => served.delete(stream);
    work.then(done, (error: unknown) => {
      done();
      logger.debug("a stream of blocks was cut", { peer: stream.peer, detail: String(error) });
    });
    return work;
  });
  return {
    async [Symbol.asyncDispose]() {
      unhandle();
      stop.abort(retrievalErrors.closed({}));
      for (const stream of served.keys()) stream.abort(retrievalErrors.closed({}));
      await Promise.allSettled([...served.values()]);
    },
  };
}

export function noTerms(status: number, message: string): BlocksTerms {
  const nothing = { pricePerByte: 0n as BlocksTerms["pricePerByte"], target: null, creditBytes: 0 };
  return { status, message: shortMessage(message), ...nothing, carBytes: null, fileBytes: null };
}

async function refuse(needs: BlockServerNeeds, stream: WireStream): Promise<void> {
  await sendTerms(needs, stream, noTerms(blocksStatus.busy, "busy"));
  await stream.closeWrite();
}

function sendTerms({ clock }: BlockServerNeeds, stream: WireStream, terms: BlocksTerms): Promise<void> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: blocksProtocol };
  return withDeadline(clock, options, (signal) => sendFrame(stream, encode(termsCodec, terms), signal));
}

class BlockSession {
  readonly #needs: BlockServerNeeds;
  readonly #stream: WireStream;
  readonly #reader: FrameReader;
  readonly #over = new AbortController();
  readonly #stop: AbortSignal;
  /** While the other side is to take something, or to pay. */
  readonly #slow: Watchdog;
  /** While it is to ask for something. */
  readonly #idle: Watchdog;
  readonly #wishes: CID[] = [];
  #account: Account | undefined;
  #block: Reception["block"];
  #pricePerByte = 0n;
  #isDone = false;
  /** What the other side has sent and cannot be served after. */
  #refusal: HoldfastError | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(needs: BlockServerNeeds, stream: WireStream, closing: AbortSignal) {
    this.#needs = needs;
    this.#stream = stream;
    this.#reader = new FrameReader(stream);
    this.#stop = AbortSignal.any([closing, this.#over.signal]);
    const onStall = (waitedMs: number): void =>
      this.#end(retrievalErrors.stalled({ peer: stream.peer, waitedMs }));
    this.#slow = new Watchdog(needs.clock, limits.retrievalIdleMs, onStall);
    this.#idle = new Watchdog(needs.clock, limits.retrievalSessionIdleMs, onStall);
  }

  async run(): Promise<void> {
    using _slow = this.#slow;
    using _idle = this.#idle;
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: blocksProtocol };
    const hello = await withDeadline(this.#needs.clock, options, (signal) =>
      this.#reader.readMessage(helloCodec, signal),
    );
    if (hello === undefined) return this.#stream.closeWrite();
    const reception = await this.#reception(hello);
    try {
      await sendTerms(this.#needs, this.#stream, reception.terms);
      if (reception.terms.status === blocksStatus.success) await this.#talk(reception);
      else await this.#stream.closeWrite();
    } finally {
      reception.close?.();
    }
  }

  async #talk({ terms, account, block }: Reception): Promise<void> {
    this.#account = account;
    this.#block = block;
    this.#pricePerByte = terms.pricePerByte;
    const listening = this.#listen();
    try {
      await this.#serve();
      await this.#stream.closeWrite();
    } finally {
      this.#over.abort(retrievalErrors.ended({}));
      await listening;
    }
  }

  async #reception(hello: BlocksHello): Promise<Reception> {
    try {
      return await abortable(this.#stop, this.#needs.receive(this.#stream.peer, hello));
    } catch (error) {
      const { logger } = this.#needs;
      logger.warn("a retrieval was not begun", { root: hello.root.toString(), detail: messageOf(error) });
      return { terms: noTerms(blocksStatus.failure, messageOf(error)), account: undefined };
    }
  }

  /** Takes wishes and vouchers until the other side has said all, or says what cannot be. */
  async #listen(): Promise<void> {
    try {
      for (;;) {
        const wish = await this.#reader.readMessage(wishCodec, this.#stop);
        if (wish === undefined) break;
        if (wish.kind === "pay") this.#account?.take(wish.voucher);
        else this.#take(wish.cids);
        this.#wake();
      }
    } catch (error) {
      if (error instanceof HoldfastError && !error.code.startsWith("wire/")) this.#refusal = error;
      else this.#end(error);
    }
    this.#isDone = true;
    this.#wake();
  }
  #take(cids: readonly CID[]): void {
    if (this.#wishes.length + cids.length > limits.retrievalWants) {
      const detail = `it wants more than ${limits.retrievalWants} blocks at a time`;
      throw retrievalErrors.badStream({ peer: this.#stream.peer, detail });
    }
    this.#wishes.push(...cids);
  }

  async #serve(): Promise<void> {
    const loading: { readonly cid: CID; readonly bytes: Promise<Uint8Array | undefined> }[] = [];
    const out = new Outbox((parts) => this.#watched(this.#slow, this.#stream.write(parts)));
    for (;;) {
      while (loading.length < readAhead) {
        const cid = this.#wishes.shift();
        if (cid === undefined) break;
        loading.push({ cid, bytes: this.#load(cid) });
      }
      if (this.#refusal !== undefined) return out.last(failedOf(this.#refusal));
      const next = loading.shift();
      if (next !== undefined) {
        const bytes = await this.#watched(this.#slow, next.bytes);
        if (bytes === undefined) await out.add(replyParts({ kind: "missing", cid: next.cid }));
        else await this.#sell(out, next.cid, bytes);
        continue;
      }
      await out.flush();
      if (this.#wishes.length > 0) continue;
      if (this.#isDone) return;
      await this.#watched(this.#idle, this.#changed.promise);
    }
  }

  async #sell(out: Outbox, cid: CID, bytes: Uint8Array): Promise<void> {
    const cost = this.#pricePerByte * BigInt(bytes.length);
    const account = this.#account;
    if (account !== undefined && !account.allows(cost)) {
      await out.add(replyParts({ kind: "due", amount: account.due() }));
      await out.flush();
      while (!account.allows(cost) && this.#refusal === undefined) {
        if (this.#isDone) throw retrievalErrors.ended({});
        await this.#watched(this.#slow, this.#changed.promise);
      }
      if (this.#refusal !== undefined) return;
    }
    account?.owe(cost);
    await out.add(blockParts(cid, bytes));
  }

  async #load(cid: CID): Promise<Uint8Array | undefined> {
    try {
      return await this.#block?.(cid);
    } catch (error) {
      this.#needs.logger.warn("a block cannot be read", { cid: cid.toString(), detail: messageOf(error) });
      return undefined;
    }
  }

  async #watched<T>(watchdog: Watchdog, work: Promise<T>): Promise<T> {
    watchdog.arm();
    try {
      return await abortable(this.#stop, work);
    } finally {
      watchdog.disarm();
    }
  }
  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
  #end(error: unknown): void {
    const reason = error instanceof Error ? error : retrievalErrors.ended({});
    this.#stream.abort(reason);
    this.#over.abort(reason);
  }
}

/** Replies that are written several at a time. */
class Outbox {
  readonly #write: (parts: readonly Uint8Array[]) => Promise<void>;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(write: (parts: readonly Uint8Array[]) => Promise<void>) {
    this.#write = write;
  }
  async add(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#parts.push(part);
      this.#bytes += part.length;
    }
    if (this.#bytes >= writeBytes) await this.flush();
  }
  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const parts = this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    await this.#write(parts);
  }
  async last(reply: BlocksReply): Promise<void> {
    await this.add(replyParts(reply));
    await this.flush();
  }
}

function failedOf(error: HoldfastError): BlocksReply {
  return { kind: "failed", code: error.code.slice(0, 64), message: shortMessage(error.message) };
}

/** Only what an operating error says is for strangers. */
function messageOf(error: unknown): string {
  return error instanceof HoldfastError ? error.message : "an internal error";
}
