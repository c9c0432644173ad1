/**
 * The provider's side: answers who asks for a file and sends its CAR stream. Bounded in all directions: how many
 * are served, how many of one peer, how long a reader may keep a stream without taking anything.
 */
import {
  abortable,
  type CID,
  type Clock,
  concatBytes,
  HoldfastError,
  type Logger,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { blocksProtocol } from "./blocks-protocol.ts";
import { retrievalErrors } from "./errors.ts";
import type { OpenCar } from "./needs.ts";
import {
  answerCodec,
  framedParts,
  type RetrievalAnswer,
  type RetrievalFrame,
  type RetrievalRequest,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
  shortMessage,
} from "./protocol.ts";
import { Watchdog } from "./watchdog.ts";

/** A CAR stream, and the size of the file in it if that is known. */
export interface ServedCar extends OpenCar {
  readonly fileBytes: number | null;
}

export interface ServerNeeds {
  readonly wire: Pick<Wire, "handle">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly open: (payload: CID) => Promise<ServedCar | undefined>;
  /** Whether this peer gets the bytes without paying; the answer to a question always is free. */
  readonly isFree: (peer: PeerId, payload: CID) => boolean;
}

/** Frames are written together up to about this many bytes. */
const writeBytes = 4 * limits.retrievalChunkBytes;

export function serveRetrieval(needs: ServerNeeds): AsyncDisposable {
  return new RetrievalServer(needs);
}

class RetrievalServer implements AsyncDisposable {
  readonly #needs: ServerNeeds;
  readonly #unhandle: () => void;
  readonly #served = new Map<WireStream, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(needs: ServerNeeds) {
    this.#needs = needs;
    this.#unhandle = needs.wire.handle(retrievalProtocol, (stream) => {
      const isFull = this.#stop.signal.aborted || this.#isFullFor(stream.peer);
      const served = isFull ? this.#refuse(stream) : this.#serve(stream);
      this.#served.set(stream, served);
      const done = (): unknown => this.#served.delete(stream);
      served.then(done, done);
      return served;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unhandle();
    this.#stop.abort(retrievalErrors.closed({}));
    for (const stream of this.#served.keys()) stream.abort(retrievalErrors.closed({}));
    await Promise.allSettled([...this.#served.values()]);
  }

  #isFullFor(peer: PeerId): boolean {
    if (this.#served.size >= limits.retrievalServed) return true;
    let ofPeer = 0;
    for (const stream of this.#served.keys()) if (stream.peer === peer) ofPeer++;
    return ofPeer >= limits.retrievalServedPerPeer;
  }

  async #refuse(stream: WireStream): Promise<void> {
    await this.#answer(stream, failure(retrievalStatus.busy, "busy"));
    await stream.closeWrite();
  }

  async #serve(stream: WireStream): Promise<void> {
    const { logger } = this.#needs;
    const request = await this.#request(stream);
    if (request === undefined) return stream.closeWrite();
    const { payload, skipBytes } = request;
    let car: ServedCar | undefined;
    try {
      car = await abortable(this.#stop.signal, this.#needs.open(payload));
    } catch (error) {
      logger.warn("retrieval source failed", { payload: payload.toString(), detail: messageOf(error) });
      await this.#answer(stream, failure(retrievalStatus.failure, messageOf(error)));
      return stream.closeWrite();
    }
    if (car === undefined) {
      await this.#answer(stream, failure(retrievalStatus.notFound, "no such file here"));
    } else if (!request.statOnly && !this.#needs.isFree(stream.peer, payload)) {
      await this.#answer(
        stream,
        failure(retrievalStatus.failure, `it has a price: ask by ${blocksProtocol}`),
      );
    } else if (skipBytes > car.carBytes) {
      await this.#answer(stream, failure(retrievalStatus.failure, "the offset is beyond the end"));
    } else {
      const { carBytes, fileBytes } = car;
      await this.#answer(stream, { status: retrievalStatus.success, message: "", carBytes, fileBytes });
      if (!request.statOnly) await this.#send(stream, car, request);
    }
    await stream.closeWrite();
  }

  #request(stream: WireStream): Promise<RetrievalRequest | undefined> {
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: retrievalProtocol };
    return withDeadline(this.#needs.clock, options, (signal) =>
      new FrameReader(stream).readMessage(requestCodec, signal),
    );
  }
  #answer(stream: WireStream, answer: RetrievalAnswer): Promise<void> {
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: retrievalProtocol };
    return withDeadline(this.#needs.clock, options, (signal) =>
      sendMessage(stream, answerCodec, answer, signal),
    );
  }

  async #send(stream: WireStream, car: ServedCar, request: RetrievalRequest): Promise<void> {
    const { skipBytes, maxBytes } = request;
    const leftBytes = car.carBytes - skipBytes;
    const sender = new FrameSender(this.#needs.clock, stream, this.#stop.signal);
    using _ = sender;
    const wantedBytes = maxBytes === 0 ? leftBytes : Math.min(leftBytes, maxBytes);
    let last: RetrievalFrame;
    try {
      const sentBytes = wantedBytes === 0 ? 0 : await sender.chunks(car.read(skipBytes), wantedBytes);
      last = { kind: "end", sentBytes };
    } catch (error) {
      if (isOfWire(error)) throw error;
      const payload = request.payload.toString();
      this.#needs.logger.warn("retrieval source failed", { payload, detail: messageOf(error) });
      last = { kind: "failed", message: shortMessage(messageOf(error)) };
    }
    await sender.finish(last);
  }
}

/** Writes frames, several at a time; neither a reader nor a source may keep the stream without moving. */
class FrameSender implements Disposable {
  readonly #stream: WireStream;
  readonly #watchdog: Watchdog;
  readonly #stop: AbortSignal;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(clock: Clock, stream: WireStream, closing: AbortSignal) {
    this.#stream = stream;
    const stalled = new AbortController();
    this.#stop = AbortSignal.any([closing, stalled.signal]);
    this.#watchdog = new Watchdog(clock, limits.retrievalIdleMs, (waitedMs) => {
      const reason = retrievalErrors.stalled({ peer: stream.peer, waitedMs });
      stream.abort(reason);
      stalled.abort(reason);
    });
  }

  /** Sends exactly `wantedBytes` of the source; a source that ends before is an error. */
  async chunks(source: AsyncIterable<Uint8Array>, wantedBytes: number): Promise<number> {
    const iterator = source[Symbol.asyncIterator]();
    let sentBytes = 0;
    try {
      while (sentBytes < wantedBytes) {
        const next = await this.#watched(iterator.next());
        if (next.done === true) {
          throw retrievalErrors.cut({ peer: this.#stream.peer, receivedBytes: sentBytes });
        }
        const part = next.value.subarray(0, wantedBytes - sentBytes);
        for (let at = 0; at < part.length; at += limits.retrievalChunkBytes) {
          const data = part.subarray(at, at + limits.retrievalChunkBytes);
          this.#add({ kind: "chunk", data });
          if (this.#waitingBytes >= writeBytes) await this.#flush();
        }
        sentBytes += part.length;
      }
    } finally {
      iterator.return?.().catch(() => undefined); // not awaited: a source that hangs may never answer
    }
    return sentBytes;
  }
  async finish(frame: RetrievalFrame): Promise<void> {
    this.#add(frame);
    await this.#flush();
  }
  [Symbol.dispose](): void {
    this.#watchdog[Symbol.dispose]();
  }

  #add(frame: RetrievalFrame): void {
    for (const part of framedParts(frame)) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
  }
  async #flush(): Promise<void> {
    const bytes = concatBytes(...this.#waiting); // a source may use its arrays again, and the stream keeps what it gets
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#watched(this.#stream.write(bytes));
  }
  async #watched<T>(work: Promise<T>): Promise<T> {
    this.#watchdog.arm();
    try {
      return await abortable(this.#stop, work);
    } finally {
      this.#watchdog.disarm();
    }
  }
}

function failure(status: number, message: string): RetrievalAnswer {
  return { status, message: shortMessage(message), carBytes: 0, fileBytes: null };
}

function isOfWire(error: unknown): boolean {
  return error instanceof HoldfastError && error.code.startsWith("wire/");
}

/** Only what an operating error says is for strangers. */
function messageOf(error: unknown): string {
  return error instanceof HoldfastError ? error.message : "an internal error";
}
