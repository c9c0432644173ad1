/**
 * Single blocks by their CIDs, from anyone and to anyone: parts of the chain, and of files. The protocol is bitswap,
 * so that any node of the field can fetch what lies here, and we what lies there. A question is a list of wants on a
 * stream; what is had and what is not comes back on streams of the other side. Invariants: what is taken in has the
 * CID that was asked for; nothing is kept of what nobody asked for, and who sends much of it is cut off; what waits
 * for a peer, to ask or to give, is bounded.
 */
import {
  type Cancel,
  type CID,
  type Clock,
  HoldfastError,
  type PeerId,
  type WireStream,
} from "@holdfast/base";
import { FrameReader, framingErrors, notNeeded } from "../framing.ts";
import { limits } from "../limits.ts";
import { blockKey, decodeSwap, keyOfBlock, type SwapMessage, swapProtocol } from "./codec.ts";
import { swapErrors } from "./errors.ts";
import { PeerLink } from "./link.ts";
import type { BlockPlace, SwapNeeds } from "./needs.ts";
import { openSession, type SwapSession } from "./session.ts";

export {
  blockKey,
  decodeSwap,
  emptyMessage,
  encodeSwap,
  type SwapMessage,
  swapBlock,
  swapProtocol,
} from "./codec.ts";
export { swapErrors } from "./errors.ts";
export type { BlockPlace, SwapNeeds } from "./needs.ts";
export type { SwapSession } from "./session.ts";

export interface AskOptions {
  readonly signal: Cancel;
  /** A peer that gives nothing of it for as long is not waited for. */
  readonly idleMs: number;
  /** All together; default: as long as something comes. */
  readonly timeoutMs?: number;
  /** Whether the blocks are there, instead of the blocks: what is had is an empty array. */
  readonly have?: boolean;
}

export interface SwapCounts {
  readonly servedBlocks: number;
  readonly servedBytes: number;
  readonly receivedBlocks: number;
  readonly receivedBytes: number;
  /** Peers with which something is under way. */
  readonly links: number;
}

export interface BlockSwap extends AsyncDisposable {
  /** Gives what is in this place, from now on until the returned function is called. */
  serve(place: BlockPlace): () => void;
  /** Blocks of one peer by the text of their CIDs; those that it does not give are left out. The signal's errors. */
  ask(peer: PeerId, cids: readonly CID[], options: AskOptions): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Blocks of one tree from several peers, which it finds itself among those that are connected. */
  session(options?: { readonly peers?: readonly PeerId[] }): SwapSession;
  /** Told of a peer that does not keep to the protocol. Must not throw. */
  onLie(listener: (peer: PeerId, detail: string) => void): () => void;
  counts(): SwapCounts;
}

interface Waiting {
  readonly peer: PeerId;
  /** The news is enough. */
  readonly have: boolean;
  done(bytes: Uint8Array | undefined): void;
}

/** Room for a block of the greatest size with what names it. */
const frameBytes = limits.gossipMessageBytes + 65_536;

export function openBlockSwap(needs: SwapNeeds): BlockSwap {
  return new Swap(needs);
}

class Swap implements BlockSwap {
  readonly #needs: SwapNeeds;
  readonly #places = new Set<BlockPlace>();
  readonly #links = new Map<PeerId, PeerLink>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #listeners = new Set<(peer: PeerId, detail: string) => void>();
  /** Blocks that a connected peer sent though nobody had asked it for them. */
  readonly #unasked = new Map<PeerId, number>();
  readonly #stop = new AbortController();
  readonly #endings: (() => void)[];
  readonly #counts = { servedBlocks: 0, servedBytes: 0, receivedBlocks: 0, receivedBytes: 0 };

  constructor(needs: SwapNeeds) {
    this.#needs = needs;
    this.#endings = [
      needs.wire.handle(swapProtocol, (stream) => this.#listen(stream)),
      needs.wire.onPeer((event, peer) => {
        if (event !== "disconnect") return;
        this.#unasked.delete(peer);
        this.#giveUp(peer);
      }),
    ];
  }

  serve(place: BlockPlace): () => void {
    this.#places.add(place);
    return () => this.#places.delete(place);
  }
  onLie(listener: (peer: PeerId, detail: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  counts(): SwapCounts {
    return { ...this.#counts, links: this.#links.size };
  }
  session(options: { readonly peers?: readonly PeerId[] } = {}): SwapSession {
    return openSession(this.#needs, (peer, cids, asked) => this.ask(peer, cids, asked), options.peers);
  }

  async ask(
    peer: PeerId,
    cids: readonly CID[],
    { signal, idleMs, timeoutMs = Number.POSITIVE_INFINITY, have = false }: AskOptions,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    signal.throwIfAborted();
    const { clock } = this.#needs;
    const found = new Map<string, Uint8Array>();
    let heardMs = clock.nowMs();
    const untilMs = heardMs + timeoutMs;
    const waits = cids.map((cid) => this.#wait(cid, { peer, have }, () => (heardMs = clock.nowMs())));
    const over = new AbortController();
    const onAbort = (): void => over.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const leftMs = (): number => Math.min(heardMs + idleMs, untilMs) - clock.nowMs();
    const patience = async (): Promise<void> => {
      for (let left = leftMs(); left > 0; left = leftMs()) await clock.sleep(left, over.signal);
    };
    this.#linkTo(peer, (link) => link.ask(cids, have ? "have" : "block"));
    const missing: CID[] = [];
    try {
      await Promise.race([patience(), Promise.all(waits.map(({ block }) => block))]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      over.abort(notNeeded);
      for (const wait of waits) if (wait.end()) missing.push(wait.cid);
      if (missing.length > 0 && !this.#stop.signal.aborted) this.#links.get(peer)?.ask(missing, "cancel");
    }
    signal.throwIfAborted();
    for (const { cid, block } of waits) {
      const bytes = await block;
      if (bytes !== undefined) found.set(cid.toString(), bytes);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(swapErrors.stopped({}));
    for (const end of this.#endings.splice(0)) end();
    for (const peer of [...this.#links.keys()]) this.#giveUp(peer);
  }

  /** `end` says whether there was no answer. */
  #wait(cid: CID, { peer, have }: Pick<Waiting, "peer" | "have">, heard: () => void) {
    const key = blockKey(cid);
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const all = this.#waiting.get(key) ?? new Set<Waiting>();
    let isOpen = true;
    const end = (bytes?: Uint8Array): boolean => {
      if (!isOpen) return false;
      isOpen = false;
      all.delete(waiting);
      if (all.size === 0 && this.#waiting.get(key) === all) this.#waiting.delete(key);
      resolve(bytes);
      return true;
    };
    const waiting: Waiting = {
      ...{ peer, have },
      done: (bytes) => {
        heard();
        end(bytes);
      },
    };
    this.#waiting.set(key, all.add(waiting));
    return { cid, block: promise, end: () => end() };
  }

  /** Over the link that there is, or a new one if it has ended. */
  #linkTo(peer: PeerId, say: (link: PeerLink) => boolean): void {
    const there = this.#links.get(peer);
    if (this.#stop.signal.aborted || (there !== undefined && say(there))) return;
    const { wire, clock, logger } = this.#needs;
    const link = new PeerLink(
      {
        ...{ wire, clock, signal: this.#stop.signal },
        find: (cid, asking) => this.#find(cid, asking),
        has: (cid, asking) => this.#has(cid, asking),
        onServed: (blocks, bytes) => {
          this.#counts.servedBlocks += blocks;
          this.#counts.servedBytes += bytes;
        },
        onEnd: (ended, error) => {
          if (this.#links.get(peer) !== ended) return;
          this.#links.delete(peer);
          if (error === undefined) return;
          logger.debug("blocks are not exchanged any more", { peer, detail: String(error) });
          this.#giveUp(peer);
        },
      },
      peer,
    );
    this.#links.set(peer, link);
    say(link);
  }

  /** The peer is gone: it will not answer. */
  #giveUp(peer: PeerId): void {
    for (const all of [...this.#waiting.values()]) {
      for (const waiting of [...all]) if (waiting.peer === peer) waiting.done(undefined);
    }
  }

  async #find(cid: CID, peer: PeerId): Promise<Uint8Array | undefined> {
    for (const place of this.#places) {
      const bytes = await place.find(cid, peer);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }
  async #has(cid: CID, peer: PeerId): Promise<boolean> {
    for (const place of this.#places) {
      if (place.has === undefined ? (await place.find(cid, peer)) !== undefined : await place.has(cid))
        return true;
    }
    return false;
  }

  /** A peer keeps its stream open between messages; one that is silent for long is ended. */
  async #listen(stream: WireStream): Promise<void> {
    using silence = new Silence(this.#needs.clock, this.#stop.signal);
    try {
      const reader = new FrameReader(stream, frameBytes);
      for (;;) {
        const bytes = await reader.read(silence.signal);
        if (bytes === undefined) break;
        silence.broken();
        this.#received(stream.peer, decodeSwap(bytes, stream.peer));
      }
      await stream.closeWrite();
    } catch (error) {
      const isLie = error instanceof HoldfastError && lies.has(error.code);
      if (isLie) for (const listener of [...this.#listeners]) listener(stream.peer, error.message);
      stream.abort(error instanceof Error ? error : swapErrors.stopped({}, error));
    }
  }

  #received(peer: PeerId, { wants, isFull, blocks, presences }: SwapMessage): void {
    for (const block of blocks) {
      // Not hashed for a peer that was asked for nothing.
      const key = this.#isAsked(peer) ? keyOfBlock(block) : undefined;
      const waiting = key === undefined ? undefined : this.#waiting.get(key);
      if (waiting === undefined) this.#countUnasked(peer);
      else {
        this.#counts.receivedBlocks += 1;
        this.#counts.receivedBytes += block.bytes.length;
        this.#forgive(peer);
        const isMost = 2 * block.bytes.length >= block.bytes.buffer.byteLength;
        const bytes = isMost ? block.bytes : block.bytes.slice(); // no view that keeps a whole message
        for (const { done } of [...waiting]) done(bytes);
      }
    }
    for (const { cid, has } of presences) {
      for (const waiting of [...(this.#waiting.get(blockKey(cid)) ?? [])]) {
        if (waiting.peer !== peer || (has && !waiting.have)) continue; // of a block the bytes are waited for
        waiting.done(has ? noBytes : undefined);
      }
    }
    if (wants.length > 0 || isFull) this.#linkTo(peer, (link) => link.want(wants, isFull));
  }

  #isAsked(peer: PeerId): boolean {
    for (const all of this.#waiting.values())
      for (const waiting of all) if (waiting.peer === peer) return true;
    return false;
  }
  /** Some cross with a cancellation, or came from somebody else meanwhile. */
  #countUnasked(peer: PeerId): void {
    const blocks = (this.#unasked.get(peer) ?? 0) + 1;
    this.#unasked.set(peer, blocks);
    if (blocks > limits.swapUnasked) throw swapErrors.unasked({ peer, blocks });
  }
  #forgive(peer: PeerId): void {
    const blocks = (this.#unasked.get(peer) ?? 0) - 1;
    if (blocks > 0) this.#unasked.set(peer, blocks);
    else this.#unasked.delete(peer);
  }
}

const noBytes = new Uint8Array(0);
/** Codes of what no honest peer sends. */
const lies: ReadonlySet<string> = new Set(["swap/malformed", "swap/unasked", "net/frame-too-large"]);

/** Aborts its signal when nothing was said for long, or when all ends. One sleep a period, however much is said. */
class Silence implements Disposable {
  readonly #over = new AbortController();
  readonly #done = new AbortController();
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  #heardMs: number;

  constructor(clock: Clock, stop: AbortSignal) {
    this.#clock = clock;
    this.#stop = stop;
    this.#heardMs = clock.nowMs();
    stop.addEventListener("abort", this.#onStop, { once: true });
    if (stop.aborted) this.#onStop();
    this.#watch().catch(() => undefined); // ends by the abort of its sleep
  }
  get signal(): AbortSignal {
    return this.#over.signal;
  }
  broken(): void {
    this.#heardMs = this.#clock.nowMs();
  }
  [Symbol.dispose](): void {
    this.#stop.removeEventListener("abort", this.#onStop);
    this.#done.abort(notNeeded);
  }

  readonly #onStop = (): void => this.#over.abort(swapErrors.stopped({}));
  async #watch(): Promise<void> {
    const timeoutMs = limits.swapIdleMs;
    const leftMs = (): number => this.#heardMs + timeoutMs - this.#clock.nowMs();
    for (let left = leftMs(); left > 0; left = leftMs()) await this.#clock.sleep(left, this.#done.signal);
    this.#over.abort(framingErrors.timeout({ protocol: swapProtocol, timeoutMs }));
  }
}
