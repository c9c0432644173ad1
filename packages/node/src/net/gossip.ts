/**
 * Gossip over gossipsub 1.2 (libp2p specifications, pubsub/gossipsub). Messages carry no libp2p signature
 * (StrictNoSign): what we gossip is signed by itself, and a second signature would cost more than all the
 * rest. A message is known by the hash of topic and bytes. The handler's verdict is the validator: only what
 * it accepts is forwarded, and rejects lower the score of the neighbour that passed it on until nothing is
 * taken from it.
 */
import { createHash } from "node:crypto";
import { type GossipVerdict, type PeerId, utf8Bytes } from "@holdfast/base";
import { type GossipSub, type GossipsubOpts, gossipsub, TopicValidatorResult } from "@libp2p/gossipsub";
import type { NetNeeds } from "./needs.ts";

export type GossipHandler = (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>;

/** Gossipsub's thresholds: no gossip below -10, no own messages below -50, nothing at all below -80. */
const scorePerReject = -20;
const rejectHalfLifeMs = 600_000; // 10 minutes
const maxRememberedRejects = 1024;
/** For as long the same message is not delivered again. */
const seenMs = 120_000;
/** Messages that one packet of gossip carries. */
const messagesPerPacket = 4;

const results = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const satisfies Record<GossipVerdict, TopicValidatorResult>;

/** Neighbours' rejected messages, forgotten by halves. */
export class Rejects {
  readonly #needs: Pick<NetNeeds, "clock">;
  readonly #counts = new Map<string, { count: number; atMs: number }>();

  constructor(needs: Pick<NetNeeds, "clock">) {
    this.#needs = needs;
  }
  add(peer: string): void {
    const count = this.#countOf(peer) + 1;
    this.#counts.delete(peer);
    this.#counts.set(peer, { count, atMs: this.#needs.clock.nowMs() });
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > maxRememberedRejects && oldest !== undefined) this.#counts.delete(oldest);
  }
  /** 0 or less; what gossipsub adds to the score. */
  scoreOf(peer: string): number {
    return scorePerReject * this.#countOf(peer);
  }
  #countOf(peer: string): number {
    const known = this.#counts.get(peer);
    if (known === undefined) return 0;
    return known.count * 2 ** ((known.atMs - this.#needs.clock.nowMs()) / rejectHalfLifeMs);
  }
}

/** Upkeep of the mesh, all that an idle node computes: 0.2 % of a core for five nodes at once. */
export const defaultHeartbeatMs = 1_000;

export function gossipService(
  { limits }: NetNeeds,
  rejects: Rejects,
  heartbeatMs: number,
): ReturnType<typeof gossipsub> {
  const options: Partial<GossipsubOpts> = {
    globalSignaturePolicy: "StrictNoSign",
    msgIdFn: ({ topic, data }) => messageId(topic, data),
    msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("base64"),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    floodPublish: true,
    batchPublish: true,
    emitSelf: false,
    doPX: false,
    heartbeatInterval: heartbeatMs,
    seenTTL: seenMs,
    maxInboundStreams: 2, // one and its successor after a reconnection
    maxOutboundStreams: 2,
    maxInboundDataLength: messagesPerPacket * limits.gossipMessageBytes,
    maxOutboundBufferSize: limits.gossipBacklogBytes,
    scoreParams: {
      appSpecificScore: (peer) => rejects.scoreOf(peer),
      appSpecificWeight: 1,
      decayInterval: 10_000,
      // Several nodes of one test network share this address; elsewhere it marks a swarm of one owner.
      IPColocationFactorWhitelist: new Set(["127.0.0.1", "::1"]),
    },
  };
  return gossipsub(options);
}

function messageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash("sha256").update(utf8Bytes(topic)).update("\0").update(data).digest();
}

/** Subscriptions of one node. */
export class Gossip {
  readonly #needs: NetNeeds;
  readonly #pubsub: GossipSub;
  readonly #rejects: Rejects;
  readonly #handlers = new Map<string, Set<GossipHandler>>();

  constructor(needs: NetNeeds, pubsub: GossipSub, rejects: Rejects) {
    this.#needs = needs;
    this.#pubsub = pubsub;
    this.#rejects = rejects;
  }

  subscribe(topic: string, handler: GossipHandler): () => void {
    const handlers = this.#handlers.get(topic) ?? this.#join(topic);
    const entry: GossipHandler = (bytes, from) => handler(bytes, from); // one handler may subscribe twice
    handlers.add(entry);
    return () => {
      handlers.delete(entry);
      if (handlers.size === 0 && this.#handlers.get(topic) === handlers) this.#leave(topic);
    };
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    await this.#pubsub.publish(topic, bytes.slice()); // gossipsub keeps it for those who ask later
  }

  #join(topic: string): Set<GossipHandler> {
    const handlers = new Set<GossipHandler>();
    this.#handlers.set(topic, handlers);
    this.#pubsub.topicValidators.set(topic, async (peer, { data }) => {
      const from = peer.toString() as PeerId;
      const verdict = await this.#judge(topic, handlers, data, from);
      if (verdict === "reject") this.#rejects.add(from);
      return results[verdict];
    });
    this.#pubsub.subscribe(topic);
    return handlers;
  }
  #leave(topic: string): void {
    this.#handlers.delete(topic);
    this.#pubsub.topicValidators.delete(topic);
    this.#pubsub.unsubscribe(topic);
  }

  /** What nobody rejects and everybody accepts is accepted. */
  async #judge(
    topic: string,
    handlers: ReadonlySet<GossipHandler>,
    bytes: Uint8Array,
    from: PeerId,
  ): Promise<GossipVerdict> {
    if (bytes.length > this.#needs.limits.gossipMessageBytes) return "reject";
    const verdicts = await Promise.all(
      [...handlers].map((handler) => this.#ask(topic, handler, bytes, from)),
    );
    if (verdicts.includes("reject")) return "reject";
    return verdicts.length > 0 && verdicts.every((verdict) => verdict === "accept") ? "accept" : "ignore";
  }
  async #ask(topic: string, handler: GossipHandler, bytes: Uint8Array, from: PeerId): Promise<GossipVerdict> {
    try {
      return await handler(bytes, from);
    } catch (error) {
      // A fault of ours is no fault of the sender.
      this.#needs.logger.warn("a gossip handler failed", { topic, from, detail: String(error) });
      return "ignore";
    }
  }
}
