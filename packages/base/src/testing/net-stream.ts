/**
 * One end of a simulated stream. Back-pressure is a window: a writer may have so many bytes under way that
 * the reader has not taken; each read gives its bytes back. Both ends live in this process, but they touch
 * each other only through the link, so delays and losses apply to everything.
 */
import { concatBytes } from "../bytes.ts";
import { abortable } from "../seams/cancel.ts";
import { wireErrors } from "../seams/errors.ts";
import type { Cancel, PeerId, WireStream } from "../seams/types.ts";

/** What an end needs of its connection. */
export interface StreamCarrier {
  /** Runs on the side of the other end, after the delay, and after what so many bytes take on the line. */
  toRemote(arrive: () => void, bytes: number): void;
  /** This end is done with the connection. */
  finished(end: SimStreamEnd): void;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export class SimStreamEnd implements WireStream {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly #carrier: StreamCarrier;
  #remote: SimStreamEnd | undefined;
  /** Bytes that may still be sent. */
  #credit: number;
  #creditWaiter: Waiter<void> | undefined;
  /** The writes so far; each waits for the one before. */
  #writes: Promise<void> = Promise.resolve();
  readonly #inbox: Uint8Array[] = [];
  readonly #readers: Waiter<Uint8Array | undefined>[] = [];
  #writeClosed = false;
  #readEnded = false;
  #aborted: Error | undefined;

  constructor(peer: PeerId, protocol: string, windowBytes: number, carrier: StreamCarrier) {
    this.peer = peer;
    this.protocol = protocol;
    this.#credit = windowBytes;
    this.#carrier = carrier;
  }

  /** Makes two ends one stream. */
  static join(a: SimStreamEnd, b: SimStreamEnd): void {
    a.#remote = b;
    b.#remote = a;
  }

  write(parts: Uint8Array | readonly Uint8Array[], signal?: Cancel): Promise<void> {
    const bytes = parts instanceof Uint8Array ? parts : concatBytes(...parts);
    if (this.#aborted !== undefined) return Promise.reject(this.#aborted);
    if (this.#writeClosed) return Promise.reject(wireErrors.closed({ what: "stream" }));
    const before = this.#writes;
    const write = before.then(() => this.#send(bytes, signal));
    this.#writes = write.catch(() => undefined); // a write that was called off does not hinder the next
    return write;
  }

  async read(signal?: Cancel): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    const ready = this.#inbox.shift();
    if (ready !== undefined) {
      this.#giveBack(ready.length);
      return ready;
    }
    if (this.#readEnded) return undefined;
    if (this.#aborted !== undefined) throw this.#aborted;
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
    const forget = (): void => signal?.removeEventListener("abort", leave);
    promise.then(forget, forget);
    return promise;
  }

  async closeWrite(): Promise<void> {
    if (this.#writeClosed || this.#aborted !== undefined) return;
    this.#writeClosed = true;
    await this.#writes;
    if (this.#aborted !== undefined) return;
    this.#toRemote((remote) => remote.#receiveEnd());
    this.#finishIfDone();
  }

  abort(reason: Error): void {
    if (this.#aborted !== undefined || this.#isDone()) return;
    this.#toRemote((remote) => remote.#cut(undefined, false));
    this.#cut(reason, true);
  }

  /** The connection is gone. */
  lose(): void {
    if (!this.#isDone()) this.#cut(undefined, false);
  }

  async #send(bytes: Uint8Array, signal: Cancel | undefined): Promise<void> {
    let sent = 0;
    while (sent < bytes.length) {
      if (this.#aborted !== undefined) throw this.#aborted;
      if (signal?.aborted === true) {
        if (sent > 0) this.abort(wireErrors.streamAborted({ peer: this.peer, protocol: this.protocol }));
        throw signal.reason;
      }
      if (this.#credit === 0) {
        await this.#moreCredit(signal).catch(() => undefined); // the loop looks at the cause
        continue;
      }
      const part = bytes.slice(sent, sent + this.#credit);
      this.#credit -= part.length;
      sent += part.length;
      this.#toRemote((remote) => remote.#receive(part), part.length);
    }
  }
  #moreCredit(signal: Cancel | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#creditWaiter = { resolve, reject };
    return abortable(signal, promise);
  }
  #giveBack(bytes: number): void {
    this.#toRemote((remote) => {
      remote.#credit += bytes;
      remote.#creditWaiter?.resolve();
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#aborted !== undefined) return;
    const reader = this.#readers.shift();
    if (reader === undefined) {
      this.#inbox.push(bytes);
      return;
    }
    this.#giveBack(bytes.length);
    reader.resolve(bytes);
  }
  #receiveEnd(): void {
    this.#readEnded = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
    this.#finishIfDone();
  }

  /** Ends both directions; what has fully arrived before a cut from outside can still be read. */
  #cut(cause: Error | undefined, here: boolean): void {
    if (this.#aborted !== undefined) return;
    const error = wireErrors.streamAborted({ peer: this.peer, protocol: this.protocol }, cause);
    this.#aborted = error;
    if (here || !this.#readEnded) {
      this.#readEnded = false;
      this.#inbox.length = 0;
    }
    for (const reader of this.#readers.splice(0)) reader.reject(error);
    this.#creditWaiter?.reject(error);
    this.#carrier.finished(this);
  }
  #isDone(): boolean {
    return this.#writeClosed && this.#readEnded;
  }
  #finishIfDone(): void {
    if (this.#isDone()) this.#carrier.finished(this);
  }
  #toRemote(arrive: (remote: SimStreamEnd) => void, bytes = 0): void {
    const remote = this.#remote;
    if (remote !== undefined) this.#carrier.toRemote(() => arrive(remote), bytes);
  }
}
