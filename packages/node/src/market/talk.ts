/**
 * Questions and answers on a stream of their own, with a deadline on both sides. A served protocol has a
 * bounded number of streams, and no peer may hold them all; one more is cut at once.
 */
import type { Clock, Codec, Logger, PeerId, Wire, WireStream } from "@holdfast/base";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { marketErrors } from "./errors.ts";
import { dealRefusals } from "./refusals.ts";

export interface Question<Q, A> {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly question: Codec<Q>;
  readonly answer: Codec<A>;
  readonly timeoutMs: number;
}

/** One question, one answer. `net/…`, `wire/…`, `codec/…`, `market/bad-answer` when the stream just ends. */
export async function ask<Q, A>(
  needs: { readonly wire: Pick<Wire, "open">; readonly clock: Clock },
  to: Question<Q, A>,
  value: Q,
  outer: AbortSignal,
): Promise<A> {
  const { peer, protocol, timeoutMs } = to;
  return await withDeadline(needs.clock, { timeoutMs, protocol, outer }, async (signal) => {
    const stream = await needs.wire.open(peer, protocol, signal);
    try {
      await sendMessage(stream, to.question, value, signal);
      await stream.closeWrite();
      const answer = await new FrameReader(stream).readMessage(to.answer, signal);
      if (answer === undefined) throw marketErrors.badAnswer({ miner: peer, detail: "it ended the stream" });
      return answer;
    } finally {
      stream.abort(marketErrors.closed({})); // nothing more is wanted; also fine when it is done
    }
  });
}

export interface Served {
  readonly protocol: string;
  /** Undefined: the handler sees to its own deadlines. */
  readonly timeoutMs: number | undefined;
  readonly handler: (stream: WireStream, signal: AbortSignal) => Promise<void>;
}

/** Serves until disposed of; then running handlers are stopped and awaited. */
export function serve(
  needs: { readonly wire: Pick<Wire, "handle">; readonly clock: Clock; readonly logger: Logger },
  { protocol, timeoutMs, handler }: Served,
): AsyncDisposable {
  const stop = new AbortController();
  const running = new Map<Promise<void>, PeerId>();
  const run = async (stream: WireStream): Promise<void> => {
    try {
      if (timeoutMs === undefined) await handler(stream, stop.signal);
      else {
        const options = { timeoutMs, protocol, outer: stop.signal };
        await withDeadline(needs.clock, options, (signal) => handler(stream, signal));
      }
    } catch (error) {
      needs.logger.debug("market: a stream failed", { protocol, peer: stream.peer, detail: String(error) });
      stream.abort(error instanceof Error ? error : marketErrors.closed({}));
    }
  };
  const end = needs.wire.handle(protocol, async (stream) => {
    if (stop.signal.aborted) return stream.abort(marketErrors.closed({}));
    const ofPeer = [...running.values()].filter((peer) => peer === stream.peer).length;
    if (running.size >= limits.marketStreams || ofPeer >= limits.marketStreamsPerPeer)
      return stream.abort(dealRefusals.busy({ waiting: running.size }));
    const work = run(stream).finally(() => running.delete(work));
    running.set(work, stream.peer);
    await work;
  });
  return {
    async [Symbol.asyncDispose]() {
      end();
      stop.abort(marketErrors.closed({}));
      await Promise.all(running.keys());
    },
  };
}
