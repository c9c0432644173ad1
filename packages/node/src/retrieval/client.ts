/**
 * One conversation with one provider: the question whether it has a file, and the bytes of its CAR stream.
 * Invariant: a stream that ends without an error is whole; one that stops moving is ended.
 */
import {
  type Cancel,
  type CID,
  type Clock,
  HoldfastError,
  type Logger,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import type { readCar } from "../car.ts";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";
import {
  answerCodec,
  printable,
  type RetrievalAnswer,
  type RetrievalFrame,
  type RetrievalRequest,
  readFrame,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
  shortMessage,
} from "./protocol.ts";
import { Watchdog } from "./watchdog.ts";

export interface ClientTools {
  readonly wire: Pick<Wire, "open">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readCar: typeof readCar;
}

export interface ProviderOffer {
  readonly peer: PeerId;
  /** As the provider claims them. */
  readonly carBytes: number;
  readonly fileBytes: number | null;
  /** From the question to the answer. */
  readonly answerMs: number;
}

interface Conversation {
  readonly stream: WireStream;
  readonly reader: FrameReader;
  readonly answer: RetrievalAnswer;
}

/** `retrieval/refused`, `/busy`, `/bad-stream`, `net/timeout`, `wire/…`, `codec/…`. */
export async function askProvider(
  tools: ClientTools,
  peer: PeerId,
  payload: CID,
  signal: Cancel,
): Promise<ProviderOffer> {
  const startMs = tools.clock.nowMs();
  const request = { payload, skipBytes: 0, maxBytes: 0, statOnly: true };
  const { stream, answer } = await converse(tools, peer, request, signal);
  await stream.closeWrite();
  const { carBytes, fileBytes } = answer;
  return { peer, carBytes, fileBytes, answerMs: tools.clock.nowMs() - startMs };
}

/** The answer of a provider that has the file. */
async function converse(
  tools: ClientTools,
  peer: PeerId,
  request: RetrievalRequest,
  outer: Cancel,
): Promise<Conversation> {
  const { wire, clock } = tools;
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: retrievalProtocol, outer };
  return withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, retrievalProtocol, signal);
    try {
      await sendMessage(stream, requestCodec, request, signal);
      const reader = new FrameReader(stream);
      const answer = await reader.readMessage(answerCodec, signal);
      if (answer === undefined) throw retrievalErrors.cut({ peer, receivedBytes: 0 });
      checkAnswer(peer, answer, request.skipBytes);
      return { stream, reader, answer };
    } catch (error) {
      stream.abort(asError(error));
      throw error;
    }
  });
}

function checkAnswer(peer: PeerId, answer: RetrievalAnswer, skipBytes: number): void {
  const { status, message, carBytes } = answer;
  if (status === retrievalStatus.busy) throw retrievalErrors.busy({ peer });
  if (status === retrievalStatus.notFound)
    throw retrievalErrors.refused({ peer, reason: "it has no such file" });
  if (status === retrievalStatus.failure) {
    throw retrievalErrors.refused({ peer, reason: shortMessage(printable(message)) });
  }
  if (status !== retrievalStatus.success) {
    throw retrievalErrors.badStream({ peer, detail: `the status ${status} is unknown` });
  }
  if (carBytes < skipBytes) throw retrievalErrors.badStream({ peer, detail: "its stream is too short" });
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : retrievalErrors.ended({});
}

/** Where on a provider's stream to begin. */
export interface CarPlace {
  readonly peer: PeerId;
  readonly root: CID;
  /** Bytes of the CAR stream that are skipped. */
  readonly carOffset: number;
}

/** The bytes of a CAR stream as one provider sends them; nothing of them is verified here. */
export class IncomingCar implements Disposable {
  readonly peer: PeerId;
  /** The length of the whole stream as this provider claims it. */
  readonly carBytes: number;
  receivedBytes = 0;
  readonly #conversation: Conversation;
  readonly #carOffset: number;
  readonly #signal: Cancel;
  readonly #idle: Watchdog;
  /** Why this side has ended the stream. */
  #reason: Error | undefined;

  /** Errors as `askProvider`. */
  static async open(tools: ClientTools, place: CarPlace, signal: Cancel): Promise<IncomingCar> {
    const request = { payload: place.root, skipBytes: place.carOffset, maxBytes: 0, statOnly: false };
    return new IncomingCar(tools, place, await converse(tools, place.peer, request, signal), signal);
  }

  private constructor(tools: ClientTools, place: CarPlace, conversation: Conversation, signal: Cancel) {
    this.peer = place.peer;
    this.carBytes = conversation.answer.carBytes;
    this.#conversation = conversation;
    this.#carOffset = place.carOffset;
    this.#signal = signal;
    this.#idle = new Watchdog(tools.clock, limits.retrievalIdleMs, (waitedMs) => this.stalled(waitedMs));
  }

  /**
   * Every byte from the offset to the announced end. `retrieval/bad-stream`, `/cut`, `/stalled`, `/refused`,
   * `net/…`, `codec/…`, `wire/…`, or the signal's reason.
   */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = await this.#frame();
      if (frame.kind === "failed") {
        throw retrievalErrors.refused({ peer: this.peer, reason: shortMessage(printable(frame.message)) });
      }
      const leftBytes = this.carBytes - this.#carOffset - this.receivedBytes;
      if (frame.kind === "end") {
        if (frame.sentBytes !== this.receivedBytes) throw this.#bad("it counts its own bytes wrongly");
        if (leftBytes > 0) throw this.#bad("it sends less than it announced");
        return;
      }
      if (frame.data.length === 0) throw this.#bad("it sends empty frames");
      if (frame.data.length > leftBytes) throw this.#bad("it sends more than it announced");
      this.receivedBytes += frame.data.length;
      yield frame.data;
    }
  }

  /** Ends the stream: pending reads fail with `retrieval/stalled`. */
  stalled(waitedMs: number): void {
    this.end(retrievalErrors.stalled({ peer: this.peer, waitedMs }));
  }
  end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#idle[Symbol.dispose]();
    this.#conversation.stream.abort(reason);
  }
  [Symbol.dispose](): void {
    this.end(retrievalErrors.ended({}));
  }

  async #frame(): Promise<RetrievalFrame> {
    this.#idle.arm();
    try {
      const bytes = await this.#conversation.reader.read(this.#signal);
      if (bytes !== undefined) return readFrame(bytes);
      throw retrievalErrors.cut({ peer: this.peer, receivedBytes: this.receivedBytes });
    } catch (error) {
      throw this.#reason ?? error;
    } finally {
      this.#idle.disarm();
    }
  }
  #bad(detail: string): HoldfastError {
    return retrievalErrors.badStream({ peer: this.peer, detail });
  }
}

/**
 * The CAR stream of a payload from its first byte as this peer sends it now, unverified: for a caller that holds
 * it against commitments of its own. Errors as `IncomingCar.open` and `IncomingCar.bytes`.
 */
export async function* carFrom(
  tools: ClientTools,
  peer: PeerId,
  payload: CID,
  signal: Cancel,
): AsyncGenerator<Uint8Array, void, undefined> {
  using car = await IncomingCar.open(tools, { peer, root: payload, carOffset: 0 }, signal);
  yield* car.bytes();
}

/** Whether the same provider may do better next time. Everything else it has done on purpose or cannot help. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return transient.has(error.code);
}

const transient: ReadonlySet<string> = new Set([
  "wire/unreachable",
  "wire/stream-aborted",
  "wire/closed",
  "net/timeout",
  "net/truncated",
  "retrieval/busy",
  "retrieval/cut",
  "retrieval/stalled",
]);
