/**
 * The buyer's own look, `/fil/pin/look/1.0.0`: each slot every node that holds an order of this node's accounts is
 * asked, off the chain and for nothing, for a walk by this node's own randomness. Who keeps silent, or shows other
 * blocks, some slots in a row is asked on the chain, if the owner allows the deposit. The walk is drawn from a hash of
 * the asker's bytes, so that nobody has one of its choice shown, and read from local blocks alone.
 */
import {
  bigEndian,
  blake2b256,
  type Cancel,
  type Clock,
  c,
  concatBytes,
  encode,
  type PeerId,
  utf8Bytes,
  type Wire,
} from "@holdfast/base";
import { methods, pinSlotAt, walkBlocks } from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { ServingGate } from "../serving-gate.ts";
import { poscErrors } from "./errors.ts";
import type { NumberedPin, PoscNeeds, PoscView } from "./needs.ts";
import { sendOrTell } from "./sending.ts";
import { askBlocks } from "./walks.ts";

export const lookProtocol = "/fil/pin/look/1.0.0";

const nonceBytes = 32;
const requestCodec = c.tuple("PinLookRequest", { pin: c.uint(), nonce: c.fixedBytes(nonceBytes) });
export type LookRequest = ReturnType<typeof requestCodec.fromCbor>;
const lookDomain = utf8Bytes("holdfast pin look\n");

/** The seed of the walk that a look is for. */
export function lookSeed(networkId: Uint8Array, { pin, nonce }: LookRequest): Uint8Array {
  return blake2b256(concatBytes(lookDomain, networkId, bigEndian(pin, 8), nonce));
}

/** What this node found when it looked at a part of its own order last. */
export interface Look {
  readonly slot: number;
  readonly found: "shown" | "silent" | "wrong";
  /** Slots in a row in which nothing right was shown. */
  readonly missed: number;
}

/** With the misses at which the chain asks next: a node that answers there and not here costs ever less. */
interface Counted extends Look {
  readonly asksAt: number;
  /** Slots in a row in which it was shown: one alone, after each ask, would have the chain asked again and again. */
  readonly shown: number;
}

/** The blocks of a walk; undefined for what this node does not hold. */
export type Shown = readonly Uint8Array[] | undefined;

/** Returns what ends it. `walk` says which bytes it has read: they are what a look costs, shown or not. */
export function serveLooks(
  { wire, clock }: { readonly wire: Pick<Wire, "handle">; readonly clock: Clock },
  walk: (request: LookRequest, spend: (bytes: number) => void) => Promise<readonly Uint8Array[] | undefined>,
): () => void {
  const stop = new AbortController();
  const gate = new ServingGate(clock, limits.pinLookShares);
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: lookProtocol, outer: stop.signal };
  const end = wire.handle(lookProtocol, async (stream) => {
    if (!gate.enter(stream.peer)) return stream.abort(poscErrors.stopped({}));
    try {
      await withDeadline(clock, options, async (signal) => {
        const reader = new FrameReader(stream, limits.pinWalkRequestBytes);
        const request = await reader.readMessage(requestCodec, signal);
        const spend = (bytes: number): void => gate.spend(stream.peer, bytes);
        const blocks = request && (await walk(request, spend));
        for (const block of blocks ?? []) await sendFrame(stream, block, signal);
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : poscErrors.stopped({}, error));
    } finally {
      gate.leave(stream.peer);
    }
  });
  return () => {
    end();
    stop.abort(poscErrors.stopped({}));
  };
}

interface Part {
  readonly order: NumberedPin;
  readonly node: number;
  readonly peer: PeerId;
  readonly isAsked: boolean;
}

type LooksNeeds = Pick<PoscNeeds, "chain" | "wire" | "clock" | "random" | "sender" | "logger" | "askDeposit">;

export class Looks {
  readonly #needs: LooksNeeds;
  readonly #found = new Bounded<Counted>(limits.pinLooksKept);
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** Where the next slot's looks begin, if one slot has not room for all. */
  #from = 0;

  constructor(needs: LooksNeeds) {
    this.#needs = needs;
  }

  of(pin: number, node: number): Look | undefined {
    return this.#found.get(`${pin}:${node}`);
  }

  /** A slot has begun; while the last one's looks run it is left out. */
  look(view: PoscView, own: readonly NumberedPin[]): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    // Who reaches nobody learns nothing of anybody.
    if (this.#needs.wire.peers().length === 0) return;
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    const parts = this.#turn(own.flatMap((order) => this.#partsOf(view, order, slot)));
    if (parts.length === 0) return;
    this.#running = this.#run(parts, slot).finally(() => {
      this.#running = undefined;
    });
  }
  async settled(): Promise<void> {
    await this.#running;
  }
  async stop(): Promise<void> {
    this.#stop.abort(poscErrors.stopped({}));
    await this.#running;
  }

  #partsOf(view: PoscView, order: NumberedPin, slot: number): readonly Part[] {
    if (slot >= order.endSlot) return [];
    return order.replicas.flatMap(({ node, fromSlot, ask }) => {
      const found = view.node(node);
      const isHeld = fromSlot !== null && fromSlot <= slot && found?.status !== "expelled";
      if (!isHeld || found === undefined || found.peerId === this.#needs.wire.self) return [];
      return [{ order, node, peer: found.peerId as PeerId, isAsked: ask !== null }];
    });
  }

  #turn(parts: readonly Part[]): readonly Part[] {
    const first = this.#from % Math.max(1, parts.length);
    this.#from = first + limits.pinLooksPerSlot;
    return [...parts.slice(first), ...parts.slice(0, first)].slice(0, limits.pinLooksPerSlot);
  }

  async #run(parts: readonly Part[], slot: number): Promise<void> {
    const left = [...parts];
    let asked = 0;
    const worker = async (): Promise<void> => {
      for (let part = left.shift(); part !== undefined; part = left.shift()) {
        if (this.#stop.signal.aborted) return;
        const look = await this.#lookAt(part, slot);
        if (look.missed < look.asksAt || part.isAsked || asked >= limits.pinAsksPerSlot) continue;
        asked += 1;
        if (await this.#ask(part, slot)) this.#note(part, { ...look, asksAt: 2 * look.missed });
      }
    };
    await Promise.all(Array.from({ length: limits.pinLooksAtOnce }, worker));
  }

  #note({ order, node }: Part, look: Counted): void {
    this.#found.set(`${order.number}:${node}`, look);
  }

  async #lookAt(part: Part, slot: number): Promise<Counted> {
    const { order, node, peer } = part;
    const { chain, random, logger } = this.#needs;
    const request = { pin: order.number, nonce: random.bytes(nonceBytes) };
    const before = this.#found.get(`${order.number}:${node}`);
    const { pinLooksMissed: first } = limits;
    const blocks = await this.#blocks(peer, request);
    if (this.#stop.signal.aborted) return { slot, found: "shown", missed: 0, asksAt: first, shown: 0 };
    const isShown = walkBlocks(lookSeed(chain.networkId, request), order.cid, blocks) !== undefined;
    const found = isShown ? "shown" : blocks.length === 0 ? "silent" : "wrong";
    const missed = isShown ? 0 : (before?.missed ?? 0) + 1;
    const shown = isShown ? (before?.shown ?? 0) + 1 : 0;
    const isForgiven = shown > 0 && shown % limits.pinLooksForgiven === 0;
    const asksAt = Math.max(first, (before?.asksAt ?? first) / (isForgiven ? 2 : 1));
    const look: Counted = { slot, found, missed, asksAt, shown };
    this.#note(part, look);
    if (!isShown) logger.warn("a node does not show an order of ours", { order: order.number, node, found });
    return look;
  }

  async #blocks(peer: PeerId, request: LookRequest): Promise<readonly Uint8Array[]> {
    const signal: Cancel = this.#stop.signal;
    const asking = { protocol: lookProtocol, codec: requestCodec, request };
    try {
      return await askBlocks(this.#needs, peer, asking, signal);
    } catch (error) {
      this.#needs.logger.debug("a pinning node shows no blocks", { peer, detail: String(error) });
      return [];
    }
  }

  async #ask({ order: { number: pin, buyer }, node }: Part, slot: number): Promise<boolean> {
    const value = this.#needs.askDeposit();
    if (value === undefined) return false;
    const params = encode(methods.pins.askOrder.params, { pin, node });
    const key = `pin ask:${pin}:${node}:${slot}`;
    const isSent = await sendOrTell(this.#needs, { method: "askOrder", key, params, value, from: buyer });
    if (isSent) this.#needs.logger.warn("a node is asked on the chain about an order of ours", { pin, node });
    return isSent;
  }
}
