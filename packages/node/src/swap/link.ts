/**
 * What goes to one peer: our wants, and what we give for its own, in one stream that is opened when there is
 * something to say and ends when there has been nothing for a while. Invariants: one message is under way at a time
 * while a few blocks are read for the next, so a slow reader costs so much memory and no more; wants that wait are
 * bounded; so many of them are looked up a second.
 */
import type { CID, Clock, PeerId, Wire, WireStream } from "@holdfast/base";
import { notNeeded, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import {
  blockKey,
  emptyMessage,
  type SwapBlock,
  type SwapMessage,
  swapBlock,
  swapParts,
  swapProtocol,
  type Want,
} from "./codec.ts";
import { swapErrors } from "./errors.ts";

export interface LinkNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  find(cid: CID, peer: PeerId): Promise<Uint8Array | undefined>;
  has(cid: CID, peer: PeerId): Promise<boolean>;
  /** What the peer was given. */
  onServed(blocks: number, bytes: number): void;
  /** The link has ended; with an error what was asked over it gets no answer. */
  onEnd(link: PeerLink, error: Error | undefined): void;
}

type Asked = { readonly cid: CID; readonly have: boolean; readonly cancel: boolean };
type Answer =
  | { readonly block: SwapBlock }
  | { readonly presence: { readonly cid: CID; readonly has: boolean } }
  | undefined;

export class PeerLink {
  readonly peer: PeerId;
  readonly #needs: LinkNeeds;
  /** What we want of the peer, not sent yet; a cancellation takes the place of its want. */
  readonly #asks = new Map<string, Asked>();
  /** What the peer wants of us, in its order. */
  readonly #wanted = new Map<string, Want>();
  /** What is looked up for it, in its order. */
  readonly #ahead = new Map<string, Promise<Answer>>();
  /** Wants that found no room. */
  #refused: CID[] = [];
  #wake: (() => void) | undefined;
  #finds: number = limits.swapFindsPerSecond;
  #filledAtMs: number;
  #ended = false;
  readonly #unheard = new WeakSet<WireStream>();

  constructor(needs: LinkNeeds, peer: PeerId) {
    this.#needs = needs;
    this.peer = peer;
    this.#filledAtMs = needs.clock.nowMs();
    void this.#run();
  }

  /** False if the link has ended: another is needed. */
  ask(cids: readonly CID[], kind: "block" | "have" | "cancel"): boolean {
    if (this.#ended) return false;
    for (const cid of cids) {
      this.#asks.set(blockKey(cid), { cid, have: kind === "have", cancel: kind === "cancel" });
    }
    this.#wake?.();
    return true;
  }
  /** See `ask`. */
  want(wants: readonly Want[], isFull: boolean): boolean {
    if (this.#ended) return false;
    if (isFull) this.#forget();
    for (const want of wants) {
      const key = blockKey(want.cid);
      if (want.cancel) this.#forget(key);
      else if (this.#wanted.size < limits.swapQueued || this.#wanted.has(key)) this.#wanted.set(key, want);
      else if (want.sendDontHave && this.#refused.length < limits.swapQueued) this.#refused.push(want.cid);
    }
    this.#wake?.();
    return true;
  }

  /** What the peer does not want any more; without a key all of it. */
  #forget(key?: string): void {
    for (const map of [this.#wanted, this.#ahead]) {
      if (key === undefined) map.clear();
      else map.delete(key);
    }
  }
  get #isIdle(): boolean {
    const given = this.#wanted.size + this.#ahead.size + this.#refused.length;
    return this.#asks.size + given === 0;
  }

  async #run(): Promise<void> {
    const { wire, clock, signal } = this.#needs;
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: swapProtocol, outer: signal };
    let failure: Error | undefined;
    let stream: WireStream | undefined;
    try {
      await Promise.resolve(); // whoever made the link has something to say
      while (!this.#isIdle || (await this.#more())) {
        const message = await this.#next();
        if (message === undefined) continue;
        await withDeadline(clock, options, async (inTime) => {
          if (stream === undefined || this.#unheard.has(stream)) {
            await stream?.closeWrite();
            stream = await wire.open(this.peer, swapProtocol, inTime);
            this.#watch(stream);
          }
          await sendFrame(stream, swapParts(message), inTime);
        });
      }
      this.#ended = true;
      await stream?.closeWrite();
    } catch (error) {
      failure = error instanceof Error ? error : swapErrors.stopped({}, error);
      stream?.abort(failure);
    }
    this.#ended = true;
    this.#needs.onEnd(this, failure);
  }

  /** Nothing is said to us on this stream; when the other side has closed it, it does not listen there any more. */
  #watch(stream: WireStream): void {
    const read = async (): Promise<void> => {
      while ((await stream.read(this.#needs.signal)) !== undefined);
    };
    const unheard = (): unknown => this.#unheard.add(stream);
    read().then(unheard, unheard);
  }

  /** Waits for something to say; false if there is nothing for a while. */
  async #more(): Promise<boolean> {
    const { clock, signal } = this.#needs;
    const over = new AbortController();
    const onStop = (): void => over.abort(signal.reason);
    signal.addEventListener("abort", onStop, { once: true });
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    try {
      await Promise.race([woken, clock.sleep(limits.swapLingerMs, over.signal)]);
      signal.throwIfAborted();
      return !this.#isIdle;
    } finally {
      this.#wake = undefined;
      signal.removeEventListener("abort", onStop);
      over.abort(notNeeded);
    }
  }

  /** Wants first: what we wait for is sooner on its way. */
  async #next(): Promise<SwapMessage | undefined> {
    const wants: Want[] = [];
    for (const [key, asked] of this.#asks) {
      if (wants.length === limits.swapEntries) break;
      this.#asks.delete(key);
      wants.push({ ...asked, sendDontHave: !asked.cancel });
    }
    const blocks: SwapBlock[] = [];
    const presences = this.#refused.splice(0, limits.swapEntries).map((cid) => ({ cid, has: false }));
    let bytes = 0;
    // What we want is not kept waiting by what we give.
    for (let looked = 0; wants.length === 0 && bytes < limits.swapMessageBytes; looked += 1) {
      if (looked === limits.swapEntries) break;
      if (!this.#lookAhead()) await this.#pause();
      const [first] = this.#ahead;
      if (first === undefined) {
        if (this.#wanted.size > 0) continue;
        break;
      }
      const [key, found] = first;
      const answer = await found;
      if (this.#ahead.get(key) !== found) continue; // called off meanwhile
      this.#ahead.delete(key);
      if (answer === undefined) continue;
      if ("block" in answer) {
        blocks.push(answer.block);
        bytes += answer.block.bytes.length;
      } else presences.push(answer.presence);
    }
    if (wants.length === 0) this.#lookAhead(); // while the message leaves
    if (blocks.length > 0) this.#needs.onServed(blocks.length, bytes);
    if (wants.length + blocks.length + presences.length === 0) return undefined;
    return { ...emptyMessage, wants, blocks, presences };
  }

  /** Begins with the next wants; false if there is nothing to give because this second's share is used up. */
  #lookAhead(): boolean {
    for (const [key, want] of this.#wanted) {
      if (this.#ahead.size >= limits.swapFindsAhead || this.#ahead.has(key)) return true;
      if (!this.#mayFind()) return this.#ahead.size > 0;
      this.#wanted.delete(key);
      const answer = this.#answer(want);
      answer.catch(() => undefined); // looked at when its turn comes
      this.#ahead.set(key, answer);
    }
    return true;
  }
  #pause(): Promise<void> {
    return this.#needs.clock.sleep(pacePauseMs, this.#needs.signal);
  }

  async #answer({ cid, have, sendDontHave }: Want): Promise<Answer> {
    if (have) {
      const has = await this.#needs.has(cid, this.peer);
      return has || sendDontHave ? { presence: { cid, has } } : undefined;
    }
    const bytes = await this.#needs.find(cid, this.peer);
    if (bytes !== undefined) return { block: swapBlock(cid, bytes) };
    return sendDontHave ? { presence: { cid, has: false } } : undefined;
  }

  /** So many lookups a second; a second's share may be saved up. */
  #mayFind(): boolean {
    const most: number = limits.swapFindsPerSecond;
    const nowMs = this.#needs.clock.nowMs();
    this.#finds = Math.min(most, this.#finds + (Math.max(0, nowMs - this.#filledAtMs) / 1000) * most);
    this.#filledAtMs = nowMs;
    if (this.#finds < 1) return false;
    this.#finds -= 1;
    return true;
  }
}

/** A tenth of the share of a second comes in at a time. */
const pacePauseMs = 100;
