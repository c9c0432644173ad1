/**
 * Gossip of one simulated node: flooding with memory. A message is known by its topic and bytes; the first
 * copy is judged by the subscribers, what they accept goes to every neighbour but the one it came from, and
 * a neighbour that passes on rejected messages loses its voice.
 */
import { concatBytes, toHex, utf8Bytes } from "../bytes.ts";
import { blake2b256 } from "../crypto/hash.ts";
import type { Clock, GossipVerdict, PeerId } from "../seams/types.ts";

export type GossipHandler = (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>;

/** Rejected messages after which a neighbour is not listened to any more. */
const rejectsUntilMuted = 16;

export class SimGossip {
  readonly #clock: Clock;
  readonly #seenTtlMs: number;
  readonly #forward: (topic: string, bytes: Uint8Array, except: PeerId | undefined) => void;
  readonly #handlers = new Map<string, Set<GossipHandler>>();
  /** Message id → when it is forgotten; oldest first. */
  readonly #seen = new Map<string, number>();
  readonly #rejects = new Map<PeerId, number>();

  constructor(
    clock: Clock,
    seenTtlMs: number,
    forward: (topic: string, bytes: Uint8Array, except: PeerId | undefined) => void,
  ) {
    this.#clock = clock;
    this.#seenTtlMs = seenTtlMs;
    this.#forward = forward;
  }

  subscribe(topic: string, handler: GossipHandler): () => void {
    const handlers = this.#handlers.get(topic) ?? new Set();
    const entry: GossipHandler = (bytes, from) => handler(bytes, from); // one handler may subscribe twice
    this.#handlers.set(topic, handlers.add(entry));
    return () => {
      handlers.delete(entry);
      if (handlers.size === 0 && this.#handlers.get(topic) === handlers) this.#handlers.delete(topic);
    };
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (this.#isNew(topic, bytes)) this.#forward(topic, bytes, undefined);
  }

  async after(ms: number, send: () => void): Promise<void> {
    await this.#clock.sleep(ms);
    send();
  }

  /** A repeated copy comes as if it had been forgotten here: it is judged again, and goes no further. */
  async receive(topic: string, bytes: Uint8Array, from: PeerId, isRepeated = false): Promise<void> {
    const handlers = this.#handlers.get(topic);
    if (handlers === undefined || this.rejectsOf(from) >= rejectsUntilMuted) return;
    const isNew = this.#isNew(topic, bytes);
    if (!isNew && !isRepeated) return;
    const verdicts = await Promise.all([...handlers].map((handler) => judge(handler, bytes, from)));
    if (!isNew) return;
    if (verdicts.includes("reject")) this.#rejects.set(from, this.rejectsOf(from) + 1);
    else if (verdicts.every((verdict) => verdict === "accept")) this.#forward(topic, bytes, from);
  }

  /** How many messages of this neighbour were rejected. */
  rejectsOf(peer: PeerId): number {
    return this.#rejects.get(peer) ?? 0;
  }

  #isNew(topic: string, bytes: Uint8Array): boolean {
    const nowMs = this.#clock.nowMs();
    for (const [id, untilMs] of this.#seen) {
      if (untilMs > nowMs) break;
      this.#seen.delete(id);
    }
    const id = toHex(blake2b256(concatBytes(utf8Bytes(topic), new Uint8Array(1), bytes)));
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, nowMs + this.#seenTtlMs);
    return true;
  }
}

async function judge(handler: GossipHandler, bytes: Uint8Array, from: PeerId): Promise<GossipVerdict> {
  try {
    return await handler(bytes.slice(), from);
  } catch {
    return "ignore"; // a fault of ours is no fault of the sender
  }
}
