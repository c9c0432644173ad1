/**
 * `/fil/chain/xchg/2.0.0`: a range of a chain, from a tipset down, as headers, as messages, or both. Every block of
 * an answer is known before it comes, by the CIDs that were asked for or by the parents that the block above names,
 * so a peer can withhold but not invent. One frame for the state of the answer, then one for each block, the blocks
 * of a tipset in the order of their CIDs. Bounded on both sides in number and bytes: an answer ends with a whole
 * tipset. The one who serves has a share for each peer.
 */
import {
  type Cancel,
  type CID,
  type Clock,
  type Codec,
  c,
  decode,
  encode,
  HoldfastError,
  MemoryBlockstore,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockHeaderCodec,
  createTipset,
  type FullBlock,
  maxMessagesInBody,
  maxParents,
  messagesRoot,
  type SignedMessage,
  signedMessageCodec,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import type { ServingGate } from "../serving-gate.ts";
import { syncErrors } from "./errors.ts";
import type { SyncChain } from "./needs.ts";

export const exchangeProtocol = "/fil/chain/xchg/2.0.0";

/** What of each block is wanted: a sum of these. */
export const rangeParts = { headers: 1, messages: 2 } as const;

export interface RangeRequest {
  /** The tipset to begin with, and then down. */
  readonly from: readonly CID[];
  readonly count: number;
  readonly parts: number;
}

export const rangeRequestCodec: Codec<RangeRequest> = c.tuple("RangeRequest", {
  from: c.list(c.cid, maxParents),
  count: c.uint(limits.exchangeTipsets),
  parts: c.uint(rangeParts.headers + rangeParts.messages),
});

export interface RangeStart {
  readonly state: "found" | "unknown" | "busy";
}
const states = ["found", "unknown", "busy"] as const;
const startState: Codec<RangeStart["state"]> = {
  name: "RangeState",
  toCbor: (state) => states.indexOf(state),
  fromCbor: (value, path) => states[c.uint(states.length - 1).fromCbor(value, path)] ?? "unknown",
};
export const rangeStartCodec: Codec<RangeStart> = c.tuple("RangeStart", { state: startState });

export interface RangeBlock {
  readonly header: BlockHeader | null;
  readonly messages: readonly SignedMessage[] | null;
}
export const rangeBlockCodec: Codec<RangeBlock> = c.tuple("RangeBlock", {
  header: c.nullable(blockHeaderCodec),
  messages: c.nullable(c.list(signedMessageCodec, maxMessagesInBody)),
});

/** One tipset of an answer, its blocks in the order of their CIDs. */
export interface RangeTipset {
  readonly headers: readonly BlockHeader[];
  /** Of each block; undefined if only headers were asked for. */
  readonly messages: readonly (readonly SignedMessage[])[] | undefined;
}

export interface RangeAnswer {
  readonly state: RangeStart["state"];
  /** Newest first, each the parents of the one before. */
  readonly tipsets: readonly RangeTipset[];
  readonly bytes: number;
}

export const exchangeShares = {
  served: limits.exchangeServed,
  servedPerPeer: limits.exchangeServedPerPeer,
  bytesPerSecond: limits.exchangeBytesPerSecond,
  requestsPerSecond: limits.exchangeRequestsPerSecond,
};

export interface ServeNeeds {
  readonly chain: SyncChain;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly gate: ServingGate;
}

export function serveExchange(needs: ServeNeeds): () => void {
  const { wire, clock, gate } = needs;
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: exchangeProtocol };
  return wire.handle(exchangeProtocol, async (stream) => {
    const isServed = gate.enter(stream.peer);
    try {
      await withDeadline(clock, options, (signal) => answer(needs, stream, { isServed, signal }));
    } catch (error) {
      stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
    } finally {
      if (isServed) gate.leave(stream.peer);
    }
  });
}

async function answer(
  { chain, gate }: ServeNeeds,
  stream: WireStream,
  { isServed, signal }: { readonly isServed: boolean; readonly signal: Cancel },
): Promise<void> {
  const start = (state: RangeStart["state"]) => sendMessage(stream, rangeStartCodec, { state }, signal);
  if (!isServed) {
    await start("busy");
    return stream.closeWrite();
  }
  const request = await new FrameReader(stream).readMessage(rangeRequestCodec, signal);
  if (request === undefined) return stream.closeWrite();
  let tipset = chain.tipset(tipsetKey(request.from));
  await start(tipset === undefined ? "unknown" : "found");
  let sentBytes = 0;
  for (let sent = 0; tipset !== undefined && sent < request.count; sent += 1) {
    const blocks = sentBytes < limits.exchangeBytes ? partsOf(chain, tipset, request.parts) : undefined;
    if (blocks === undefined) break;
    for (const block of blocks) {
      const bytes = encode(rangeBlockCodec, block);
      sentBytes += bytes.length;
      gate.spend(stream.peer, bytes.length);
      await sendFrame(stream, bytes, signal);
    }
    tipset = chain.parentOf(tipset);
  }
  await stream.closeWrite();
}

/** Undefined if a block is not here (any more). */
function partsOf(chain: SyncChain, tipset: Tipset, parts: number): readonly RangeBlock[] | undefined {
  const wantsHeaders = (parts & rangeParts.headers) !== 0;
  const wantsMessages = (parts & rangeParts.messages) !== 0;
  const headers = new Map(tipset.blocks.map((header) => [blockCid(header).toString(), header]));
  const blocks: RangeBlock[] = [];
  for (const cid of tipset.cids) {
    const messages = wantsMessages ? chain.fullBlock(cid)?.messages : null;
    const header = wantsHeaders ? headers.get(cid.toString()) : null;
    if (messages === undefined || header === undefined) return undefined;
    blocks.push({ header, messages });
  }
  return blocks;
}

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal: Cancel;
  /** The headers of the tipsets asked for, newest first, if only their messages are wanted. */
  readonly headers?: readonly (readonly BlockHeader[])[];
}

/**
 * Asks one peer. What it gives is what was asked for, whoever the peer is: every header has the CID that names it,
 * all messages are those of their header. That headers keep to the rules is not looked at. Errors: `sync/bad-answer`
 * (the peer does not keep to the protocol), `sync/cut-off`, `tipset/…` (the CIDs name no tipset), `net/…`, `wire/…`.
 */
export async function requestRange(
  { wire, clock }: { readonly wire: Wire; readonly clock: Clock },
  peer: PeerId,
  request: RangeRequest,
  { timeoutMs, signal: outer, headers }: AskOptions,
): Promise<RangeAnswer> {
  return withDeadline(clock, { timeoutMs, protocol: exchangeProtocol, outer }, async (signal) => {
    const stream = await wire.open(peer, exchangeProtocol, signal);
    try {
      await sendMessage(stream, rangeRequestCodec, request, signal);
      await stream.closeWrite();
      return await new RangeReader(stream, request, headers).read(signal);
    } catch (error) {
      stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
      throw error;
    }
  });
}

class RangeReader {
  readonly #stream: WireStream;
  readonly #request: RangeRequest;
  readonly #headers: readonly (readonly BlockHeader[])[] | undefined;
  readonly #reader: FrameReader;
  #bytes = 0;

  constructor(stream: WireStream, request: RangeRequest, headers?: readonly (readonly BlockHeader[])[]) {
    this.#stream = stream;
    this.#request = request;
    this.#headers = headers;
    this.#reader = new FrameReader(stream, limits.gossipMessageBytes);
  }

  async read(signal: Cancel): Promise<RangeAnswer> {
    const first = await this.#reader.read(signal);
    if (first === undefined) throw syncErrors.cutOff({ peer: this.#stream.peer });
    const { state } = this.#decoded(rangeStartCodec, first);
    const tipsets: RangeTipset[] = [];
    let cids: readonly CID[] = this.#request.from;
    while (state === "found" && tipsets.length < this.#request.count && cids.length > 0) {
      if (this.#bytes >= limits.exchangeBytes) break;
      const tipset = await this.#readTipset(cids, tipsets.length, signal);
      if (tipset === undefined) break;
      tipsets.push(tipset);
      cids = createTipset(tipset.headers).parents;
    }
    if ((await this.#reader.read(signal)) !== undefined) throw this.#wrong("it is longer than was asked");
    return { state, tipsets, bytes: this.#bytes };
  }

  /** Undefined at the end of the answer. */
  async #readTipset(cids: readonly CID[], index: number, signal: Cancel): Promise<RangeTipset | undefined> {
    const headers: BlockHeader[] = [];
    const bodies: (readonly SignedMessage[])[] = [];
    for (const [at, cid] of cids.entries()) {
      const bytes = await this.#reader.read(signal);
      if (bytes === undefined && at === 0) return undefined;
      if (bytes === undefined) throw syncErrors.cutOff({ peer: this.#stream.peer });
      this.#bytes += bytes.length;
      const block = this.#decoded(rangeBlockCodec, bytes);
      const known = this.#headers?.[index]?.find((header) => blockCid(header).equals(cid));
      const header = block.header ?? known;
      if (header === undefined || !blockCid(header).equals(cid))
        throw this.#wrong("a block is not the one that was asked for");
      headers.push(header);
      if ((this.#request.parts & rangeParts.messages) === 0) continue;
      if (block.messages === null || !isBodyOf(header, block.messages))
        throw this.#wrong(`the messages of ${cid} are not those that its header names`);
      bodies.push(block.messages);
    }
    const hasBodies = (this.#request.parts & rangeParts.messages) !== 0;
    return { headers, messages: hasBodies ? bodies : undefined };
  }

  #decoded<T>(codec: Codec<T>, bytes: Uint8Array): T {
    try {
      return decode(codec, bytes, { maxBytes: limits.gossipMessageBytes });
    } catch (error) {
      if (error instanceof HoldfastError) throw this.#wrong(error.message, error);
      throw error;
    }
  }
  #wrong(detail: string, cause?: unknown): Error {
    return syncErrors.badAnswer({ peer: this.#stream.peer, detail }, cause);
  }
}

/** Whether these are the messages that the header names. */
export function isBodyOf(header: BlockHeader, messages: FullBlock["messages"]): boolean {
  return messagesRoot(new MemoryBlockstore(), messages).equals(header.messages);
}
