/**
 * Messages on a stream: an unsigned varint length, then that many bytes (the framing of all
 * request/response protocols of go-filecoin 2019). A length over the limit ends the stream before
 * anything is allocated for it.
 */
import {
  type Cancel,
  type Clock,
  type Codec,
  concatBytes,
  decode,
  defineErrors,
  encode,
  encodeVarint,
  VarintReader,
  type WireStream,
} from "@holdfast/base";
import { limits } from "./limits.ts";

export const framingErrors = defineErrors("net", {
  frameTooLarge: {
    exit: "refused",
    message: (data: { protocol: string; claimedBytes: number; limitBytes: number }) =>
      `a message of ${data.claimedBytes} bytes on ${data.protocol} is over the limit of ${data.limitBytes}`,
    fix: "the peer does not keep to the protocol; use another one",
  },
  truncated: {
    exit: "network",
    message: (data: { protocol: string }) =>
      `the stream of ${data.protocol} ended in the middle of a message`,
    fix: "try again; the connection broke",
  },
  timeout: {
    exit: "timeout",
    message: (data: { protocol: string; timeoutMs: number }) =>
      `no answer on ${data.protocol} within ${data.timeoutMs} ms`,
    fix: "try again, or ask another peer",
  },
});

/** Why a wait is ended that nobody needs any more; without a reason each end would make an error with its stack. */
export const notNeeded = "not needed any more";

/** One message: whole, which is copied, or in parts, which are not and are the stream's from then on. */
export async function sendFrame(
  stream: WireStream,
  message: Uint8Array | readonly Uint8Array[],
  signal?: Cancel,
): Promise<void> {
  if (message instanceof Uint8Array) {
    await stream.write(concatBytes(encodeVarint(message.length), message), signal);
    return;
  }
  const length = message.reduce((sum, part) => sum + part.length, 0);
  await stream.write([encodeVarint(length), ...message], signal);
}

export async function sendMessage<T>(
  stream: WireStream,
  codec: Codec<T>,
  value: T,
  signal?: Cancel,
): Promise<void> {
  await sendFrame(stream, encode(codec, value), signal);
}

/** Cuts the bytes of a stream into messages. One reader per stream: it keeps what was read ahead. */
export class FrameReader {
  readonly #stream: WireStream;
  readonly #limitBytes: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: WireStream, limitBytes: number = limits.frameBytes) {
    this.#stream = stream;
    this.#limitBytes = limitBytes;
  }

  /** The next message, or undefined at the end. Errors: `net/frame-too-large`, `net/truncated`. */
  async read(signal?: Cancel): Promise<Uint8Array | undefined> {
    const length = await this.#length(signal);
    if (length === undefined) return undefined;
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#refill(signal))) throw this.#truncated();
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : concatBytes(...parts);
  }

  /** The next message decoded; errors as `read`, and `codec/…`. */
  async readMessage<T>(codec: Codec<T>, signal?: Cancel): Promise<T | undefined> {
    const bytes = await this.read(signal);
    return bytes === undefined ? undefined : decode(codec, bytes, { maxBytes: this.#limitBytes });
  }

  async #length(signal?: Cancel): Promise<number | undefined> {
    const varint = new VarintReader();
    for (let first = true; ; first = false) {
      if (this.#rest.length === 0 && !(await this.#refill(signal))) {
        if (first) return undefined;
        throw this.#truncated();
      }
      const value = varint.push(this.#rest[0] ?? 0);
      this.#rest = this.#rest.subarray(1);
      if (value === undefined) continue;
      if (value > this.#limitBytes) throw this.#tooLarge(value);
      return value;
    }
  }
  async #refill(signal?: Cancel): Promise<boolean> {
    for (;;) {
      const chunk = await this.#stream.read(signal);
      if (chunk === undefined) return false;
      if (chunk.length === 0) continue;
      this.#rest = chunk;
      return true;
    }
  }
  #tooLarge(claimedBytes: number): Error {
    const error = framingErrors.frameTooLarge({
      protocol: this.#stream.protocol,
      claimedBytes,
      limitBytes: this.#limitBytes,
    });
    this.#stream.abort(error);
    return error;
  }
  #truncated(): Error {
    return framingErrors.truncated({ protocol: this.#stream.protocol });
  }
}

/**
 * Runs `work` with a signal that aborts after `timeoutMs` or with `outer`, whichever comes first.
 * Error: `net/timeout`.
 */
export async function withDeadline<Result>(
  clock: Clock,
  options: { readonly timeoutMs: number; readonly protocol: string; readonly outer?: Cancel },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { timeoutMs, protocol, outer } = options;
  outer?.throwIfAborted();
  const deadline = new AbortController();
  const done = new AbortController();
  const onOuter = (): void => deadline.abort(outer?.reason);
  outer?.addEventListener("abort", onOuter, { once: true });
  clock.sleep(timeoutMs, done.signal).then(
    () => deadline.abort(framingErrors.timeout({ protocol, timeoutMs })),
    () => undefined,
  );
  try {
    return await work(deadline.signal);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    done.abort(notNeeded);
    outer?.removeEventListener("abort", onOuter);
  }
}
