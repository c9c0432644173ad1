/**
 * `/fil/pin/walk/1.0.0`: a peer asks for the blocks of one sample that this node has reported, and checks them. Only
 * samples of the node's own reports are answered, a bounded number at a time and of each peer. What comes is believed
 * only as far as it hashes.
 */
import {
  type Cancel,
  type Clock,
  type Codec,
  c,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import { maxWalkBlocks } from "@holdfast/consensus";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { poscErrors } from "./errors.ts";

export const walkProtocol = "/fil/pin/walk/1.0.0";

const requestCodec = c.tuple("PinWalkRequest", { node: c.uint(), slot: c.uint(), sample: c.uint(255) });
export type WalkRequest = ReturnType<typeof requestCodec.fromCbor>;

/** Returns what ends it. `walk` gives undefined for what this node has not reported or has not. */
export function serveWalks(
  { wire, clock }: { readonly wire: Pick<Wire, "handle">; readonly clock: Clock },
  walk: (request: WalkRequest) => Promise<readonly Uint8Array[] | undefined>,
): () => void {
  const stop = new AbortController();
  const asking = new Map<PeerId, number>();
  let serving = 0;
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: walkProtocol, outer: stop.signal };
  const answer = async (stream: WireStream, signal: Cancel): Promise<void> => {
    const request = await new FrameReader(stream, limits.pinWalkRequestBytes).readMessage(
      requestCodec,
      signal,
    );
    const blocks = request === undefined ? undefined : await walk(request);
    for (const block of blocks ?? []) await sendFrame(stream, block, signal);
    await stream.closeWrite();
  };
  const end = wire.handle(walkProtocol, async (stream) => {
    const own = asking.get(stream.peer) ?? 0;
    if (serving >= limits.pinWalksServed || own >= limits.pinWalksPerPeer)
      return stream.abort(poscErrors.stopped({}));
    serving += 1;
    asking.set(stream.peer, own + 1);
    try {
      await withDeadline(clock, options, (signal) => answer(stream, signal));
    } catch (error) {
      stream.abort(error instanceof Error ? error : poscErrors.stopped({}, error));
    } finally {
      serving -= 1;
      const left = (asking.get(stream.peer) ?? 1) - 1;
      if (left > 0) asking.set(stream.peer, left);
      else asking.delete(stream.peer);
    }
  });
  return () => {
    end();
    stop.abort(poscErrors.stopped({}));
  };
}

interface Asking {
  readonly wire: Pick<Wire, "open">;
  readonly clock: Clock;
}

/** The blocks as they came, unchecked; none if it has none. `posc/no-walk`, `wire/…`, `net/…`, the signal's reason. */
export function askWalk(
  needs: Asking,
  peer: PeerId,
  request: WalkRequest,
  outer: Cancel,
): Promise<readonly Uint8Array[]> {
  return askBlocks(needs, peer, { protocol: walkProtocol, codec: requestCodec, request }, outer);
}

/** The same for any question whose answer is the blocks of a walk. */
export function askBlocks<Request>(
  { wire, clock }: Asking,
  peer: PeerId,
  {
    protocol,
    codec,
    request,
  }: { readonly protocol: string; readonly codec: Codec<Request>; readonly request: Request },
  outer: Cancel,
): Promise<readonly Uint8Array[]> {
  const options = { timeoutMs: limits.pinWalkMs, protocol, outer };
  return withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, protocol, signal);
    try {
      await sendMessage(stream, codec, request, signal);
      await stream.closeWrite();
      const reader = new FrameReader(stream, limits.fileBlockBytes);
      const blocks: Uint8Array[] = [];
      let length = 0;
      for (;;) {
        const block = await reader.read(signal);
        if (block === undefined) return blocks;
        length += block.length;
        if (blocks.length >= maxWalkBlocks || length > limits.pinWalkBytes)
          throw poscErrors.walkTooLong({ peer });
        blocks.push(block);
      }
    } finally {
      stream.abort(poscErrors.stopped({}));
    }
  });
}
