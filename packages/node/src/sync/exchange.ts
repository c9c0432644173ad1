/**
 * `/fil/chain/xchg/1.0.0`: the part of a chain between two tipsets, oldest first, so that whoever
 * catches up can validate as it comes and needs little memory. One frame per block; whole tipsets until
 * the count or the byte limit is reached, so that even a slow link gets on with every answer. An empty
 * answer means that the one asked does not have such a chain.
 */
import {
  type Cancel,
  type CID,
  type Clock,
  type Codec,
  c,
  decode,
  encode,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import {
  createTipset,
  type FullBlock,
  fullBlockCodec,
  maxParents,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { syncErrors } from "./errors.ts";
import type { SyncChain } from "./needs.ts";

export const exchangeProtocol = "/fil/chain/xchg/1.0.0";

interface ExchangeRequest {
  /** A tipset that the one who asks has. */
  readonly after: readonly CID[];
  /** The tipset that it wants to reach. */
  readonly to: readonly CID[];
  readonly count: number;
}

const requestCodec: Codec<ExchangeRequest> = c.tuple("ExchangeRequest", {
  after: c.list(c.cid, maxParents),
  to: c.list(c.cid, maxParents),
  count: c.uint(limits.exchangeTipsets),
});

/** A tipset that is not on the server's current chain is looked for this far below `to`. */
const forkWalk = 512;

export function serveExchange(chain: SyncChain, wire: Wire, clock: Clock): () => void {
  return wire.handle(exchangeProtocol, async (stream) => {
    try {
      await withDeadline(
        clock,
        { timeoutMs: limits.requestTimeoutMs, protocol: exchangeProtocol },
        (signal) => answer(chain, stream, signal),
      );
    } catch (error) {
      stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
    }
  });
}

async function answer(chain: SyncChain, stream: WireStream, signal: Cancel): Promise<void> {
  const request = await new FrameReader(stream).readMessage(requestCodec, signal);
  if (request === undefined) return stream.closeWrite();
  let sentBytes = 0;
  for (const tipset of pathTo(chain, request)) {
    if (sentBytes >= limits.exchangeBytes) break;
    for (const block of chain.fullBlocks(tipset.key) ?? []) {
      const bytes = encode(fullBlockCodec, block);
      sentBytes += bytes.length;
      await sendFrame(stream, bytes, signal);
    }
  }
  await stream.closeWrite();
}

/** Tipsets after `after` on the way to `to`, oldest first, at most `count`. */
function pathTo(chain: SyncChain, request: ExchangeRequest): readonly Tipset[] {
  const after = chain.tipset(tipsetKey(request.after));
  const to = chain.tipset(tipsetKey(request.to));
  if (after === undefined || to === undefined || after.height >= to.height) return [];
  return onCurrentChain(chain, after) && onCurrentChain(chain, to)
    ? climb(chain, after, to, request.count)
    : descend(chain, after, to, request.count);
}

function onCurrentChain(chain: SyncChain, tipset: Tipset): boolean {
  return chain.tipsetAt(tipset.height).key === tipset.key;
}

function climb(chain: SyncChain, after: Tipset, to: Tipset, count: number): Tipset[] {
  const path: Tipset[] = [];
  for (let height = after.height + 1; height <= to.height && path.length < count; height += 1) {
    const tipset = chain.tipsetAt(height);
    if (tipset.height === height) path.push(tipset);
  }
  return path;
}

function descend(chain: SyncChain, after: Tipset, to: Tipset, count: number): Tipset[] {
  const path: Tipset[] = [];
  let at: Tipset | undefined = to;
  while (at !== undefined && at.key !== after.key) {
    if (path.length >= forkWalk || at.height <= after.height) return [];
    path.unshift(at);
    at = chain.parentOf(at);
  }
  return path.slice(0, count);
}

/**
 * Asks one peer; the blocks come grouped into tipsets, each on the one before. Empty if the peer has no
 * such chain. Errors: `sync/bad-answer`, `net/…`, `wire/…`.
 */
export async function requestChain(
  wire: Wire,
  clock: Clock,
  peer: PeerId,
  request: ExchangeRequest,
  outer: Cancel,
): Promise<readonly (readonly FullBlock[])[]> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: exchangeProtocol, outer };
  return withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, exchangeProtocol, signal);
    try {
      await sendMessage(stream, requestCodec, request, signal);
      await stream.closeWrite();
      return await readTipsets(stream, peer, request, signal);
    } catch (error) {
      stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
      throw error;
    }
  });
}

async function readTipsets(
  stream: WireStream,
  peer: PeerId,
  request: ExchangeRequest,
  signal: Cancel,
): Promise<FullBlock[][]> {
  const reader = new FrameReader(stream, limits.gossipMessageBytes);
  const tipsets: FullBlock[][] = [];
  let expectedParent = tipsetKey(request.after);
  let readBytes = 0;
  for (;;) {
    const bytes = await reader.read(signal);
    if (bytes === undefined) return tipsets;
    const block = decode(fullBlockCodec, bytes, { maxBytes: limits.gossipMessageBytes });
    const isFull = readBytes >= limits.exchangeBytes;
    readBytes += bytes.length;
    const last = tipsets.at(-1);
    const sameTipset = last?.[0]?.header.height === block.header.height;
    if (sameTipset && last !== undefined) {
      if (last.length >= maxParents)
        throw syncErrors.badAnswer({ peer, detail: "a tipset has too many blocks" });
      last.push(block);
      continue;
    }
    if (last !== undefined) expectedParent = createTipset(last.map(({ header }) => header)).key;
    if (tipsetKey(block.header.parents) !== expectedParent) {
      throw syncErrors.badAnswer({ peer, detail: "the blocks do not follow each other" });
    }
    if (tipsets.length >= request.count || isFull)
      throw syncErrors.badAnswer({ peer, detail: "it is longer than was asked" });
    tipsets.push([block]);
  }
}
