/**
 * The buyer's own look, `/fil/pin/look/1.0.0`: each slot every node that holds an order of this node's accounts is
 * asked, off the chain and for nothing, for a walk by this node's own randomness. Who keeps silent, or shows other
 * blocks, some slots in a row is asked on the chain, if the owner allows the deposit. The walk is drawn from a hash of
 * the asker's bytes, so that nobody has one of its choice shown, and read from local blocks alone. What was missed is
 * written down, however much that is; what is shown is not.
 */
import {
  bigEndian,
  blake2b256,
  type Cancel,
  type CID,
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
import type { LookStore, MissedLook } from "./store.ts";
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

interface Found {
  readonly part: Part;
  readonly found: Look["found"];
}

const keyOf = (pin: number, node: number): string => `${pin}:${node}`;

export class Looks {
  readonly #needs: LooksNeeds;
  readonly #store: LookStore;
  /** The slot of the last look at what is shown. */
  readonly #shown = new Bounded<number>(limits.pinLooksKept);
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** Asks that are sent and not in the chain yet, by their parts. */
  readonly #sent = new Map<string, { readonly node: number; readonly arrival: Promise<void> }>();
  /** Where the next slot's looks begin, if one slot has not room for all. */
  #from = 0;

  constructor(needs: LooksNeeds, store: LookStore) {
    this.#needs = needs;
    this.#store = store;
  }

  of(pin: number, node: number): Look | undefined {
    const row = this.#store.missed(pin, node);
    if (row !== undefined) return { slot: row.slot, found: row.found, missed: row.missed };
    const slot = this.#shown.get(keyOf(pin, node));
    return slot === undefined ? undefined : { slot, found: "shown", missed: 0 };
  }

  /** A slot has begun; while the last one's looks run it is left out. */
  look(view: PoscView, own: readonly NumberedPin[]): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    // Who reaches nobody learns nothing of anybody.
    if (this.#needs.wire.peers().length === 0) return;
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    const parts = own.flatMap((order) => this.#partsOf(view, order, slot));
    this.#forget(parts);
    if (parts.length === 0) return;
    const asked = new Set(parts.filter(({ isAsked }) => isAsked).map(({ node }) => node));
    this.#running = this.#run(this.#turn(parts), slot, asked)
      .catch((error) => this.#needs.logger.error("looks at own orders stumble", { detail: String(error) }))
      .finally(() => {
        this.#running = undefined;
      });
  }
  async settled(): Promise<void> {
    await this.#running;
  }
  async stop(): Promise<void> {
    this.#stop.abort(poscErrors.stopped({}));
    await this.#running;
    await Promise.all([...this.#sent.values()].map(({ arrival }) => arrival));
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

  /** Of parts that are no more nothing is remembered. */
  #forget(parts: readonly Part[]): void {
    const standing = new Set(parts.map(({ order, node }) => keyOf(order.number, node)));
    const gone = this.#store.all().filter(({ pin, node }) => !standing.has(keyOf(pin, node)));
    if (gone.length === 0) return;
    this.#store.together(() => {
      for (const row of gone) this.#store.dropMissed(row);
    });
  }

  #turn(parts: readonly Part[]): readonly Part[] {
    const first = this.#from % Math.max(1, parts.length);
    this.#from = first + limits.pinLooksPerSlot;
    return [...parts.slice(first), ...parts.slice(0, first)].slice(0, limits.pinLooksPerSlot);
  }

  async #run(parts: readonly Part[], slot: number, askedNodes: ReadonlySet<number>): Promise<void> {
    const left = [...parts];
    const seen: Found[] = [];
    const worker = async (): Promise<void> => {
      for (let part = left.shift(); part !== undefined; part = left.shift()) {
        const found = await this.#lookAt(part);
        if (this.#stop.signal.aborted) return;
        seen.push({ part, found });
      }
    };
    await Promise.all(Array.from({ length: limits.pinLooksAtOnce }, worker));
    if (this.#stop.signal.aborted) return;
    this.#store.together(() => this.#enter(seen, slot));
    await this.#askWho(seen, slot, askedNodes);
  }

  async #lookAt({ order, node, peer }: Part): Promise<Look["found"]> {
    const { chain, random, logger } = this.#needs;
    const request = { pin: order.number, nonce: random.bytes(nonceBytes) };
    const blocks = await this.#blocks(peer, request);
    if (walkBlocks(lookSeed(chain.networkId, request), order.cid, blocks) !== undefined) return "shown";
    const found = blocks.length === 0 ? "silent" : "wrong";
    if (!this.#stop.signal.aborted)
      logger.warn("a node does not show an order of ours", { order: order.number, node, found });
    return found;
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

  #enter(seen: readonly Found[], slot: number): void {
    const showsAll = new Map<number, boolean>();
    for (const { part, found } of seen) {
      const { node, isAsked } = part;
      const pin = part.order.number;
      const before = this.#store.missed(pin, node);
      // Who did not answer has lost the part; here it was answered, and the deposit is the node's.
      const isAnswered = before !== undefined && before.askedAt !== null && !isAsked;
      if (isAnswered) this.#slower(node, 2 * (before.askedAt ?? 0));
      // One that a stop has come before, or that people have put.
      const standing = isAsked && before !== undefined && before.missed > 0 ? before.missed : null;
      const askedAt = isAnswered ? null : (before?.askedAt ?? standing);
      const missed = found === "shown" ? 0 : (before?.missed ?? 0) + 1;
      showsAll.set(node, missed === 0 && showsAll.get(node) !== false);
      if (missed > 0 || askedAt !== null) this.#store.setMissed({ pin, node, slot, found, missed, askedAt });
      else if (before !== undefined) this.#store.dropMissed(before);
      if (missed === 0) this.#shown.set(keyOf(pin, node), slot);
    }
    for (const [node, isAll] of showsAll) this.#forgive(node, isAll);
  }

  /** By the node and not by the order: who holds many of ours would earn some deposits by each. */
  #slower(node: number, asksAt: number): void {
    const before = this.#store.pace(node);
    const least = Math.max(before?.asksAt ?? 0, 2 * limits.pinLooksMissed);
    this.#store.setPace(node, { shown: before?.shown ?? 0, asksAt: Math.max(least, asksAt) });
  }
  #forgive(node: number, showsAll: boolean): void {
    const before = this.#store.pace(node);
    if (before === undefined) return;
    const shown = showsAll ? before.shown + 1 : 0;
    const isForgiven = shown > 0 && shown % limits.pinLooksForgiven === 0;
    const asksAt = isForgiven ? Math.floor(before.asksAt / 2) : before.asksAt;
    this.#store.setPace(node, asksAt > limits.pinLooksMissed ? { asksAt, shown } : undefined);
  }

  /**
   * Who has answered before is asked about one order at a time, and who has not about some of a slot: what is said of
   * those is waited for, whichever slot they are of.
   */
  async #askWho(seen: readonly Found[], slot: number, askedNodes: ReadonlySet<number>): Promise<void> {
    const busy = new Set([...askedNodes, ...[...this.#sent.values()].map(({ node }) => node)]);
    let asked = this.#sent.size;
    for (const { part } of seen) {
      if (asked >= limits.pinAsksPerSlot) return;
      const { order, node } = part;
      const look = this.#store.missed(order.number, node);
      const pace = this.#store.pace(node);
      const isDue = look !== undefined && look.missed >= (pace?.asksAt ?? limits.pinLooksMissed);
      if (!isDue || busy.has(node)) continue;
      asked += 1;
      if (pace !== undefined) busy.add(node);
      await this.#ask(part, slot, look);
    }
  }

  async #ask({ order: { number: pin, buyer }, node }: Part, slot: number, look: MissedLook): Promise<void> {
    const value = this.#needs.askDeposit();
    if (value === undefined) return;
    const params = encode(methods.pins.askOrder.params, { pin, node });
    const key = `pin ask:${pin}:${node}:${slot}`;
    const sent = await sendOrTell(this.#needs, { method: "askOrder", key, params, value, from: buyer });
    if (sent === undefined) return;
    this.#needs.logger.warn("a node is asked on the chain about an order of ours", { pin, node });
    const part = keyOf(pin, node);
    const arrival = this.#arrive(sent, look).finally(() => this.#sent.delete(part));
    this.#sent.set(part, { node, arrival });
  }

  /** One that never gets into the chain, or fails there, is no ask: silence about it is no answer. */
  async #arrive(ask: CID, look: MissedLook): Promise<void> {
    const { pin, node } = look;
    try {
      await this.#needs.sender.wait(ask, "askOrder", this.#stop.signal);
      const now = this.#store.missed(pin, node) ?? { ...look, missed: 0 };
      this.#store.setMissed({ ...now, askedAt: look.missed });
    } catch (error) {
      this.#needs.logger.info("an ask has come to nothing", { pin, node, detail: String(error) });
    }
  }
}
