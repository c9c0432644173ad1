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
import { createTopicScoreParams } from "@libp2p/gossipsub/score";
import { ownMachine } from "./gate.ts";
import { MeshCare, type MeshCounts } from "./mesh-care.ts";
import type { NetNeeds } from "./needs.ts";
import { GossipShares } from "./rate.ts";
import type { Scores } from "./scores.ts";

export type GossipHandler = (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>;

/** For as long the same message is not delivered again. */
export const defaultSeenMs = 120_000;
/** Messages that one packet of gossip carries. */
const messagesPerPacket = 4;

const results = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const satisfies Record<GossipVerdict, TopicValidatorResult>;

/**
 * Marks of a topic (gossipsub v1.1, "Peer Scoring"), weighed as Lotus does it: time in the mesh and first deliveries
 * count a little. Too few deliveries do not count against anybody, since topics of ours are often silent, and what
 * is invalid is counted by `Scores`, which outlive the connection.
 */
const topicScore = {
  topicWeight: 0.1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.999, // an hour
  firstMessageDeliveriesCap: 100,
  // Counted for `MeshCare`, and nothing else: whatever a member brings, also what is known already.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.999_999,
  meshMessageDeliveriesCap: 1_000_000_000,
  meshMessageDeliveriesWindow: 10_000,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: 0,
};

/** What gossip can earn a peer is less than what one rejected message costs it. */
const topicScoreCap = 10;

/** Upkeep of the mesh, all that an idle node computes: 0.2 % of a core for five nodes at once. */
export const defaultHeartbeatMs = 1_000;

/** Members of a mesh at which nobody is taken in any more (D_high of the specification). */
const fullMesh = 12;
/** Heartbeats between two looks at who fills a mesh. */
const looksApart = 5;
/**
 * Shorter than the usual minute: whom a full mesh has sent away comes back when there is room again. Gossipsub looks
 * every 15 heartbeats whose time is over, and grants one more: with 15 s that would be every 30 of them.
 */
const pruneBackoffMs = 12_000;

export function meshCare(): MeshCare {
  return new MeshCare(fullMesh);
}

export interface GossipOptions {
  readonly scores: Scores;
  readonly care: MeshCare;
  readonly heartbeatMs: number;
  /** For as long the same message is not delivered again. */
  readonly seenMs: number;
  /** Topics in which deliveries count. */
  readonly topics: readonly string[];
}

export function gossipService(needs: NetNeeds, options: GossipOptions): ReturnType<typeof gossipsub> {
  return gossipsub(gossipSettings(needs, options));
}

export function gossipSettings(
  { limits }: NetNeeds,
  { scores, care, heartbeatMs, seenMs, topics }: GossipOptions,
): Partial<GossipsubOpts> {
  return {
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
    Dhi: fullMesh,
    pruneBackoff: pruneBackoffMs,
    heartbeatInterval: heartbeatMs,
    seenTTL: seenMs,
    maxInboundStreams: 2, // one and its successor after a reconnection
    maxOutboundStreams: 2,
    maxInboundDataLength: messagesPerPacket * limits.gossipMessageBytes,
    maxOutboundBufferSize: limits.gossipBacklogBytes,
    scoreParams: {
      topics: Object.fromEntries(topics.map((topic) => [topic, createTopicScoreParams(topicScore)])),
      topicScoreCap,
      appSpecificScore: (peer) => scores.of(peer) + care.scoreOf(peer),
      appSpecificWeight: 1,
      decayInterval: 10_000,
      retainScore: 21_600_000, // 6 h, as in Lotus
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.98,
      // Several nodes of one test network share this address; elsewhere it marks a swarm of one owner.
      IPColocationFactorThreshold: 5,
      IPColocationFactorWhitelist: new Set(ownMachine),
    },
  };
}

function messageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash("sha256").update(utf8Bytes(topic)).update("\0").update(data).digest();
}

/** Subscriptions of one node. */
export class Gossip {
  readonly #needs: NetNeeds;
  readonly #pubsub: GossipSub;
  readonly #scores: Scores;
  readonly #care: MeshCare;
  readonly #shares: GossipShares;
  readonly #handlers = new Map<string, Set<GossipHandler>>();

  #heartbeats = 0;

  constructor(needs: NetNeeds, pubsub: GossipSub, { scores, care }: Pick<GossipOptions, "scores" | "care">) {
    this.#needs = needs;
    this.#pubsub = pubsub;
    this.#scores = scores;
    this.#care = care;
    pubsub.addEventListener("gossipsub:heartbeat", () => this.#look());
    this.#shares = new GossipShares(needs.clock, needs.limits);
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
      return results[await this.#examine(topic, handlers, data, peer.toString() as PeerId)];
    });
    this.#pubsub.subscribe(topic);
    return handlers;
  }
  #leave(topic: string): void {
    this.#handlers.delete(topic);
    this.#pubsub.topicValidators.delete(topic);
    this.#pubsub.unsubscribe(topic);
  }

  /** A neighbour that sends more than its share is not examined, and loses by it. */
  async #examine(
    topic: string,
    handlers: ReadonlySet<GossipHandler>,
    bytes: Uint8Array,
    from: PeerId,
  ): Promise<GossipVerdict> {
    const entered = this.#shares.enter(from);
    if (entered === "over") this.#scores.note(from, "flood");
    if (entered !== "in") return "ignore";
    try {
      const verdict = await this.#judge(topic, handlers, bytes, from);
      if (verdict === "reject") this.#scores.note(from, "invalid");
      if (verdict === "accept") this.#care.note();
      return verdict;
    } finally {
      this.#shares.leave(from);
    }
  }
  #look(): void {
    this.#heartbeats += 1;
    if (this.#heartbeats % looksApart !== 0 || !isWhole(this.#pubsub)) return;
    this.#care.look(meshesOf(this.#pubsub, [...this.#handlers.keys()]), this.#needs.clock.nowMs());
  }
  /** When a neighbour has left. */
  forget(peer: PeerId): void {
    this.#shares.forget(peer);
  }
  /** Gossipsub's own sum, its view of topics, machine and behaviour included. */
  scoreOf(peer: PeerId): number {
    return isWhole(this.#pubsub) ? this.#pubsub.getScore(peer) : this.#scores.of(peer);
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

/** The class has more than the interface under which it is given out. */
interface WholeGossipSub {
  getScore(peer: string): number;
  getMeshPeers(topic: string): readonly string[];
  dumpPeerScoreStats(): Readonly<Record<string, PeerStats>>;
}
function isWhole(pubsub: object): pubsub is WholeGossipSub {
  return "getScore" in pubsub && "getMeshPeers" in pubsub && "dumpPeerScoreStats" in pubsub;
}
interface PeerStats {
  readonly topics: Readonly<Record<string, { readonly meshMessageDeliveries: number }>>;
}
function meshesOf(pubsub: WholeGossipSub, topics: readonly string[]): ReadonlyMap<string, MeshCounts> {
  const stats = pubsub.dumpPeerScoreStats();
  const countOf = (peer: string, topic: string): number =>
    stats[peer]?.topics[topic]?.meshMessageDeliveries ?? 0;
  return new Map(
    topics.map((topic) => [
      topic,
      new Map(pubsub.getMeshPeers(topic).map((peer) => [peer, countOf(peer, topic)])),
    ]),
  );
}
