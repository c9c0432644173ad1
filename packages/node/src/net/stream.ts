/**
 * A libp2p 3 stream as a `WireStream`. libp2p pushes ("message" events, `send` that asks for patience), we
 * pull and wait. Invariants: the end of the input is reported only if the other side said so (a lost
 * connection is never taken for the end of a file); what had fully arrived before a cut from outside can
 * still be read; a write that stopped half-way cuts the stream, since nobody could tell where to go on.
 */
import { type Cancel, type PeerId, type WireStream, wireErrors } from "@holdfast/base";
import type { Stream, StreamMessageEvent } from "@libp2p/interface";

/** Bytes handed to libp2p at once: with the muxer's head of 12 they fill one message of noise, which holds 65,519. */
const pieceBytes = 65_507;
/** With so many unread bytes we stop the sender; it may still fill its window. */
const readAheadBytes = 262_144;

interface Reader {
  resolve(bytes: Uint8Array | undefined): void;
  reject(reason: unknown): void;
}

/** Whoever adopted the stream. */
export interface StreamOwner {
  onEnd(stream: Libp2pStream): void;
  /** Before this side cuts it. */
  onAbort(reason: Error): void;
}

export class Libp2pStream implements WireStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly direction: "inbound" | "outbound";
  readonly #stream: Stream;
  readonly #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #resuming = false;
  readonly #readers: Reader[] = [];
  /** The other side has said that it is done; bytes may still lie in libp2p's buffer. */
  #remoteDone = false;
  /** All input is in the inbox. */
  #readEnded = false;
  #cut: Error | undefined;
  /** The writes so far; each waits for the one before. */
  #writes: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  /** Wakes the writer that waits for libp2p. */
  #wake: (() => void) | undefined;
  readonly #owner: StreamOwner;

  constructor(stream: Stream, peer: PeerId, owner: StreamOwner) {
    this.#stream = stream;
    this.peer = peer;
    this.protocol = stream.protocol;
    this.direction = stream.direction;
    this.#owner = owner;
    const over = stream.status !== "open" && stream.status !== "closing";
    this.#remoteDone = !over && stream.remoteWriteStatus === "closed";
    stream.addEventListener("message", this.#onMessage);
    stream.addEventListener("remoteCloseWrite", this.#onRemoteDone);
    stream.addEventListener("drain", this.#onDrain);
    stream.addEventListener("close", this.#onClose, { once: true });
    this.#endIfEmpty();
    if (over) this.#onClose();
  }

  /** Nothing comes or goes any more. */
  get isOver(): boolean {
    return this.#cut !== undefined || this.#isDone();
  }

  write(bytes: Uint8Array | readonly Uint8Array[], signal?: Cancel): Promise<void> {
    if (this.#cut !== undefined) return Promise.reject(this.#cut);
    if (this.#closing !== undefined) return Promise.reject(wireErrors.closed({ what: "stream" }));
    const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
    const write = this.#writes.then(() => this.#send(parts, signal));
    this.#writes = write.catch(() => undefined); // a write that was called off does not hinder the next
    return write;
  }

  async read(signal?: Cancel): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    const ready = this.#inbox.shift();
    if (ready !== undefined) {
      this.#inboxBytes -= ready.length;
      if (this.#inboxBytes < readAheadBytes) this.#resume();
      return ready;
    }
    if (this.#readEnded) return undefined;
    if (this.#cut !== undefined) throw this.#cut;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
    const reader = { resolve, reject };
    this.#readers.push(reader);
    // At once and not a microtask later: bytes must not go to a reader that has left.
    const leave = (): void => {
      const at = this.#readers.indexOf(reader);
      if (at >= 0) this.#readers.splice(at, 1);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  closeWrite(): Promise<void> {
    this.#closing ??= this.#cut === undefined ? this.#finishWriting() : Promise.resolve();
    return this.#closing;
  }

  abort(reason: Error): void {
    if (this.#cut !== undefined || this.#isDone()) return;
    this.#owner.onAbort(reason);
    this.#readEnded = false;
    this.#cutOff(reason);
    this.#stream.abort(reason);
  }

  async #send(parts: readonly Uint8Array[], signal: Cancel | undefined): Promise<void> {
    const pieces = piecesOf(parts);
    let piece = pieces.next();
    for (let isBegun = false; piece.done !== true; ) {
      if (this.#cut !== undefined) throw this.#cut;
      if (signal?.aborted === true) {
        if (isBegun) this.abort(wireErrors.streamAborted({ peer: this.peer, protocol: this.protocol }));
        throw signal.reason;
      }
      if (this.#stream.writableNeedsDrain) {
        await this.#drained(signal);
        continue;
      }
      try {
        this.#stream.send(piece.value);
      } catch (error) {
        this.#cutOff(error);
        continue;
      }
      isBegun = true;
      piece = pieces.next();
    }
  }
  /** Until libp2p takes bytes again, the stream is cut, or the signal aborts. */
  async #drained(signal: Cancel | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal?.addEventListener("abort", resolve, { once: true });
    await promise;
    signal?.removeEventListener("abort", resolve);
    this.#wake = undefined;
  }
  async #finishWriting(): Promise<void> {
    await this.#writes;
    if (this.#cut !== undefined) return;
    try {
      await this.#stream.close();
    } catch {
      return; // the stream was cut meanwhile, and "close" has told readers and writers
    }
    this.#endIfDone();
  }

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    // What libp2p has in several arrays is not made one: whoever reads puts messages together anyway.
    for (const bytes of data instanceof Uint8Array ? [data] : data) {
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // it may be a Buffer
      if (this.#cut === undefined && bytes.length > 0) this.#deliver(plain);
    }
    this.#endIfEmpty();
  };
  #deliver(bytes: Uint8Array): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve(bytes);
      return;
    }
    this.#inbox.push(bytes);
    this.#inboxBytes += bytes.length;
    this.#pauseIfFull();
  }
  #pauseIfFull(): void {
    const full = this.#inboxBytes >= readAheadBytes && !this.#remoteDone;
    if (full && !this.#resuming && this.#stream.readStatus === "readable") this.#stream.pause();
  }
  /**
   * Lets libp2p hand over what it holds back. `resume` delivers and then opens the window whatever happened
   * meanwhile: a pause from inside the delivery would be forgotten, and the sender would never be stopped.
   */
  #resume(): void {
    if (this.#stream.readStatus !== "paused" || this.#resuming) return;
    this.#resuming = true;
    try {
      this.#stream.resume();
    } catch {
      // The bytes have come; only the word to a sender that is gone could not be sent.
    } finally {
      this.#resuming = false;
    }
    this.#pauseIfFull();
  }
  readonly #onRemoteDone = (): void => {
    this.#remoteDone = true;
    this.#resume();
    this.#endIfEmpty();
  };
  readonly #onDrain = (): void => this.#wake?.();

  /** Both directions are closed, here or there, or the connection is gone. */
  readonly #onClose = (): void => {
    if (this.#remoteDone) this.#resume();
    this.#endIfEmpty();
    const flushed = this.#closing !== undefined && this.#stream.writeBufferLength === 0;
    if (this.#readEnded && flushed) this.#owner.onEnd(this);
    else this.#cutOff(undefined);
  };
  #endIfEmpty(): void {
    const aborted = this.#stream.status === "aborted"; // libp2p has thrown its buffer away
    if (!this.#remoteDone || this.#stream.readBufferLength > 0 || aborted || this.#readEnded) return;
    if (this.#cut !== undefined) return;
    this.#readEnded = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
    this.#endIfDone();
  }
  #endIfDone(): void {
    if (this.#isDone()) this.#owner.onEnd(this);
  }
  #isDone(): boolean {
    return this.#readEnded && this.#closing !== undefined && this.#stream.writeStatus === "closed";
  }

  #cutOff(cause: unknown): void {
    if (this.#cut !== undefined) return;
    const error = wireErrors.streamAborted({ peer: this.peer, protocol: this.protocol }, cause);
    this.#cut = error;
    if (!this.#readEnded) {
      this.#inbox.length = 0;
      this.#inboxBytes = 0;
    }
    for (const reader of this.#readers.splice(0)) reader.reject(error);
    this.#wake?.();
    this.#owner.onEnd(this);
  }
}

/** Views of the parts where a piece lies within one, copies where it does not. */
function* piecesOf(parts: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  let left = parts.reduce((sum, { length }) => sum + length, 0);
  for (let at = 0, offset = 0; left > 0; ) {
    const lengthBytes = Math.min(left, pieceBytes);
    const first = parts[at]?.subarray(offset, offset + lengthBytes) ?? noBytes;
    let piece = first;
    offset += first.length;
    if (first.length < lengthBytes) {
      piece = new Uint8Array(lengthBytes);
      piece.set(first);
      for (let filled = first.length; filled < lengthBytes; ) {
        at += 1;
        const next = parts[at]?.subarray(0, lengthBytes - filled) ?? noBytes;
        piece.set(next, filled);
        filled += next.length;
        offset = next.length;
      }
    }
    left -= lengthBytes;
    yield piece;
  }
}

const noBytes = new Uint8Array(0);
