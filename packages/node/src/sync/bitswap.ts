/**
 * Single blocks by their CIDs, from anyone: headers, messages, nodes of states and of Merkle trees. The protocol is
 * bitswap, so that any node of the field can ask for a part of the chain. A question is a list of wants on a stream;
 * what is had and what is not comes back on streams of the other side. Invariants: what is taken in has the CID that
 * was asked for; who serves is bounded by the peer's share, who asks by what it has asked for; nothing is kept of
 * what nobody asked for.
 */
import {
  type Cancel,
  type CID,
  type Clock,
  cidOfCbor,
  HoldfastError,
  type Logger,
  type PeerId,
  type Wire,
} from "@holdfast/base";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import type { ServingGate } from "../serving-gate.ts";
import type { Asker } from "./ask.ts";
import { bitswapProtocol, decodeSwap, encodeSwap, type Want } from "./bitswap-codec.ts";
import { syncErrors } from "./errors.ts";
import type { PeerScores } from "./scores.ts";

export interface BlockSwapNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gate: ServingGate;
  readonly scores: PeerScores;
  readonly asker: Asker;
  readonly signal: AbortSignal;
  /** What this node serves. */
  find(cid: CID): Uint8Array | undefined;
}

interface Waiting {
  /** Of those that were asked, how many have not said that they do not have it. */
  readonly asked: Set<PeerId>;
  done(bytes: Uint8Array | undefined): void;
}

/** Room for a block of the greatest size with what names it. */
const frameBytes = limits.gossipMessageBytes + 65_536;

export class BlockSwap {
  readonly #needs: BlockSwapNeeds;
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #endHandler: () => void;

  constructor(needs: BlockSwapNeeds) {
    this.#needs = needs;
    const { wire, clock } = needs;
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: bitswapProtocol };
    this.#endHandler = wire.handle(bitswapProtocol, async (stream) => {
      try {
        await withDeadline(clock, options, async (signal) => {
          const reader = new FrameReader(stream, frameBytes);
          for (;;) {
            const bytes = await reader.read(signal);
            if (bytes === undefined) break;
            await this.#received(stream.peer, bytes, signal);
          }
          await stream.closeWrite();
        });
      } catch (error) {
        const isLie = error instanceof HoldfastError && error.code === "sync/bad-answer";
        if (isLie) needs.asker.lied(stream.peer, error.message);
        stream.abort(error instanceof Error ? error : syncErrors.stopped({}, error));
      }
    });
  }

  end(): void {
    this.#endHandler();
  }

  /**
   * Blocks by their CIDs; those that nobody has are left out. At most `swapEntries` at a time. Peers are asked one
   * after the other, from the n-th best on, so that who asks for much at a time spreads it.
   */
  async fetch(cids: readonly CID[], signal: Cancel, first = 0): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const { wire, scores } = this.#needs;
    const ranked = scores.rank(wire.peers().map(({ id }) => id));
    const at = ranked.length === 0 ? 0 : first % ranked.length;
    for (const peer of [...ranked.slice(at), ...ranked.slice(0, at)]) {
      const missing = cids.slice(0, limits.swapEntries).filter((cid) => !found.has(cid.toString()));
      if (missing.length === 0) break;
      for (const [name, bytes] of await this.#fetchFrom(peer, missing, signal)) found.set(name, bytes);
    }
    return found;
  }

  async #fetchFrom(
    peer: PeerId,
    cids: readonly CID[],
    outer: Cancel,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const { clock, wire, asker, logger } = this.#needs;
    const found = new Map<string, Uint8Array>();
    const waits = cids.map((cid) => this.#wait(cid, peer));
    const startedMs = clock.nowMs();
    try {
      const options = { timeoutMs: limits.exchangeProbeMs, protocol: bitswapProtocol, outer };
      await withDeadline(clock, options, async (signal) => {
        const stream = await wire.open(peer, bitswapProtocol, signal);
        const wants = cids.map((cid) => ({ cid, cancel: false, have: false, sendDontHave: true }));
        await sendFrame(stream, encodeSwap({ wants, blocks: [], presences: [] }), signal);
        await stream.closeWrite();
        const stopped = new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
        await Promise.race([stopped, Promise.all(waits.map(({ block }) => block))]);
      });
    } catch (error) {
      outer.throwIfAborted();
      logger.debug("blocks not received", { peer, detail: String(error) });
    }
    for (const wait of waits) {
      wait.end();
      const bytes = await wait.block;
      if (bytes !== undefined) found.set(wait.name, bytes);
    }
    const tookMs = clock.nowMs() - startedMs;
    asker.judge(peer, found.size > 0 ? "useful" : "useless", { detail: `${found.size} blocks`, tookMs });
    return found;
  }

  #wait(cid: CID, peer: PeerId) {
    const name = cid.toString();
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const waiting: Waiting = { asked: new Set([peer]), done: resolve };
    const all = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, all.add(waiting));
    const end = (): void => {
      resolve(undefined);
      all.delete(waiting);
      if (all.size === 0 && this.#waiting.get(name) === all) this.#waiting.delete(name);
    };
    return { name, block: promise, end };
  }

  async #received(peer: PeerId, bytes: Uint8Array, signal: Cancel): Promise<void> {
    const { wants, blocks, presences } = decodeSwap(bytes, peer);
    for (const block of blocks) {
      for (const { done } of this.#waiting.get(cidOfCbor(block).toString()) ?? []) done(block.slice());
    }
    for (const { cid, has } of presences) {
      if (has) continue;
      for (const { asked, done } of this.#waiting.get(cid.toString()) ?? [])
        if (asked.has(peer)) done(undefined);
    }
    if (wants.length > 0) await this.#serve(peer, wants, signal);
  }

  async #serve(peer: PeerId, wants: readonly Want[], signal: Cancel): Promise<void> {
    const { wire, gate, find } = this.#needs;
    if (!gate.enter(peer)) return;
    try {
      const stream = await wire.open(peer, bitswapProtocol, signal);
      for (const { cid, cancel, have, sendDontHave } of wants) {
        if (cancel) continue;
        const bytes = find(cid);
        if (bytes === undefined && !sendDontHave) continue;
        const isSent = bytes !== undefined && !have;
        const presences = isSent ? [] : [{ cid, has: bytes !== undefined }];
        const message = encodeSwap({ wants: [], blocks: isSent ? [bytes] : [], presences });
        gate.spend(peer, message.length);
        await sendFrame(stream, message, signal);
      }
      await stream.closeWrite();
    } finally {
      gate.leave(peer);
    }
  }
}
