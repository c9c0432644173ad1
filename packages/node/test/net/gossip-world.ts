/**
 * A gossip network in virtual time: twenty honest nodes that are the product's own gossip (settings, scores, shares
 * and bans included) on the real gossipsub, and sixty sybils that speak its wire format and break its rules. What
 * stands below gossipsub is memory: frames arrive 50 to 150 ms after they were sent, in order. Timers, dates and
 * Math.random are vitest's, driven from one seed, so that a run is the same each time.
 */
import { encodeVarint, type PeerId } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import type { GossipsubOpts } from "@libp2p/gossipsub";
import { RPC } from "@libp2p/gossipsub/message";
import { vi } from "vitest";
import { GossipPeer } from "./gossip-peer.ts";
import { type Acts, Sybil, theTopic } from "./sybil.ts";

export const topic = theTopic;
const honestCount = 20;
const sybilCount = 60;
/** Rounds of a network of our kind are at least this long; three of them are the time to deliver. */
export const epochMs = 5_000;
const tickMs = 50;
const startMs = 1_600_000_000_000;
/** Honest connections that each honest node has dialled. */
const dials = 4;

/** What is changed for a canary. */
export type Weakness = (settings: Partial<GossipsubOpts>) => Partial<GossipsubOpts>;

const none: Weakness = (settings) => settings;
export const scoringOff: Weakness = (settings) => ({
  ...settings,
  scoreParams: {
    topics: {},
    appSpecificWeight: 0,
    IPColocationFactorWeight: 0,
    behaviourPenaltyWeight: 0,
  },
});
/** Own messages go to the mesh only. */
export const noFloodPublish: Weakness = (settings) => ({ ...settings, floodPublish: false });
/** No word of what there is to those outside of the mesh. */
export const noGossip: Weakness = (settings) => ({ ...settings, Dlazy: 0, gossipFactor: 0 });
export const noOutboundQuota: Weakness = (settings) => ({ ...settings, Dout: 0 });
export const all =
  (...weaknesses: readonly Weakness[]): Weakness =>
  (settings) =>
    weaknesses.reduce((changed, weaken) => weaken(changed), settings);

export interface Endpoint {
  readonly id: string;
  readonly ip: string;
  opened(peer: string, outbound: boolean): void;
  closed(peer: string): void;
  receive(from: string, frame: Uint8Array): void;
}

export class Honest extends GossipPeer implements Endpoint {
  readonly ip: string;
  readonly heardAtMs = new Map<string, number>();

  constructor(world: GossipWorld, id: string, ip: string, weaken: Weakness) {
    super({
      ...{ id, topic, weaken },
      ipOf: (peer) => world.ipOf(peer),
      send: (from, to, frame) => world.send(from, to, frame),
      onBad: (peer) => world.cut(id, peer),
    });
    this.ip = ip;
  }

  override async start(): Promise<void> {
    await super.start();
    this.gossip.subscribe(topic, (bytes) => {
      if (bytes[0] !== 1) return "reject";
      const key = Buffer.from(bytes).toString();
      if (!this.heardAtMs.has(key)) this.heardAtMs.set(key, Date.now());
      return "accept";
    });
  }
}

/** What a run measured. */
export interface Figures {
  /** Of all deliveries to honest nodes, those within three epochs. */
  readonly delivered: number;
  /** After the beginning of the attack, until every victim has enough honest peers in its mesh and keeps them. */
  readonly remeshMs: number;
}

interface Published {
  readonly key: string;
  readonly by: string;
  readonly atMs: number;
}

export class GossipWorld {
  readonly honest: readonly Honest[];
  readonly sybils: readonly Sybil[];
  readonly random: SeededRandom;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #links = new Set<string>();
  readonly #queue = new Map<number, { from: string; to: string; frame: Uint8Array }[]>();
  readonly #published: Published[] = [];
  readonly #poorMs = new Map<string, number>();
  #attackMs = Number.POSITIVE_INFINITY;
  #count = 0;

  /** `machines`: how many the sybils have. */
  constructor(seed: string, weaken: Weakness = none, machines = sybilCount) {
    this.random = new SeededRandom(seed);
    vi.useFakeTimers({
      now: startMs,
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
    });
    vi.spyOn(Math, "random").mockImplementation(() => this.random.below(2 ** 32) / 2 ** 32);
    this.honest = Array.from({ length: honestCount }, (_, i) => {
      return new Honest(this, `honest${i}`, `10.0.0.${i + 1}`, weaken);
    });
    this.sybils = Array.from({ length: sybilCount }, (_, i) => {
      return new Sybil(this, `sybil${i}`, `10.1.0.${(i % machines) + 1}`);
    });
    for (const one of [...this.honest, ...this.sybils]) this.#endpoints.set(one.id, one);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.honest) await one.stop();
    vi.useRealTimers();
    vi.restoreAllMocks();
  }

  ipOf(id: string): string {
    return this.#endpoints.get(id)?.ip ?? "10.9.9.9";
  }
  connect(from: Endpoint, to: Endpoint): void {
    if (from.id === to.id || this.#links.has(`${from.id} ${to.id}`)) return;
    this.#links.add(`${from.id} ${to.id}`).add(`${to.id} ${from.id}`);
    from.opened(to.id, true);
    to.opened(from.id, false);
  }
  /** Loses all its connections, and has those with sybils again before those with honest nodes. */
  restart(victim: Honest): void {
    for (const link of [...this.#links]) {
      const [from = "", to = ""] = link.split(" ");
      if (from === victim.id) this.cut(from, to);
    }
    this.connectSybils([victim]);
    this.connectHonest(victim);
  }
  cut(by: string, peer: string): void {
    if (!this.#links.delete(`${by} ${peer}`)) return;
    this.#links.delete(`${peer} ${by}`);
    this.#endpoints.get(by)?.closed(peer);
    this.#endpoints.get(peer)?.closed(by);
  }
  connectHonest(node: Honest, among: readonly Honest[] = this.honest): void {
    const others = among.filter((other) => other !== node);
    for (let i = 0; i < dials && others.length > 0; i += 1) {
      const [other] = others.splice(this.random.below(others.length), 1);
      if (other !== undefined) this.connect(node, other);
    }
  }
  connectSybils(victims: readonly Honest[] = this.honest): void {
    for (const sybil of this.sybils) for (const victim of victims) this.connect(sybil, victim);
  }
  setActs(acts: Partial<Acts>): void {
    for (const sybil of this.sybils) Object.assign(sybil.acts, acts);
  }

  send(from: string, to: string, frame: Uint8Array): void {
    // A pair has always the same delay: frames of a stream stay in their order.
    const spread = (from.length * 7 + Number(from.at(-1) ?? 0) + Number(to.at(-1) ?? 0)) % 3;
    const atMs = Date.now() + tickMs * (1 + spread);
    const due = this.#queue.get(atMs) ?? [];
    due.push({ from, to, frame });
    this.#queue.set(atMs, due);
  }
  sendRpc(from: string, to: string, rpc: Partial<RPC>): void {
    const bytes = RPC.encode({ subscriptions: [], messages: [], ...rpc });
    this.send(from, to, Buffer.concat([encodeVarint(bytes.length), bytes]));
  }

  /** From now on the figures count. */
  beginAttack(): void {
    this.#attackMs = Date.now();
  }
  async publish(by: Honest): Promise<void> {
    this.#count += 1;
    const bytes = Buffer.from(`\u0001message ${this.#count} of ${by.id}`);
    this.#published.push({ key: bytes.toString(), by: by.id, atMs: Date.now() });
    await by.gossip.publish(topic, bytes);
  }
  /** Virtual time; each second one honest node says something. */
  async run(
    ms: number,
    { publishers = this.honest }: { publishers?: readonly Honest[] } = {},
  ): Promise<void> {
    for (let passed = 0; passed < ms; passed += tickMs) {
      vi.advanceTimersByTime(tickMs);
      const due = this.#queue.get(Date.now()) ?? [];
      this.#queue.delete(Date.now());
      for (const { from, to, frame } of due) {
        if (this.#links.has(`${from} ${to}`)) this.#endpoints.get(to)?.receive(from, frame);
      }
      const second = Date.now() % 1_000;
      if (second === 0) for (const sybil of this.sybils) sybil.heartbeat();
      if (second === 500 && publishers.length > 0) {
        const publisher = publishers[this.random.below(publishers.length)];
        if (publisher !== undefined) await this.publish(publisher);
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (second === 0) this.#sample();
    }
  }
  /** Lets what was said arrive, in silence. */
  async settle(): Promise<void> {
    await this.run(3 * epochMs, { publishers: [] });
  }

  /** `victims`: whose meshes and ears count; of one publisher alone, all ears. */
  figures(victims: readonly Honest[] = this.honest, publishers: readonly Honest[] = this.honest): Figures {
    const names = new Set(publishers.map(({ id }) => id));
    const counted = this.#published.filter(({ atMs, by }) => atMs >= this.#attackMs && names.has(by));
    let [expected, came] = [0, 0];
    for (const { key, by, atMs } of counted) {
      for (const node of names.size === 1 ? this.honest : victims) {
        if (node.id === by) continue;
        expected += 1;
        const heard = node.heardAtMs.get(key);
        if (heard !== undefined && heard - atMs <= 3 * epochMs) came += 1;
      }
    }
    const worst = Math.max(...victims.map(({ id }) => this.#poorMs.get(id) ?? this.#attackMs));
    return { delivered: expected === 0 ? 0 : came / expected, remeshMs: worst - this.#attackMs };
  }
  honestInMesh(node: Honest): number {
    return node.pubsub.getMeshPeers(topic).filter((peer) => peer.startsWith("honest")).length;
  }

  /** Two honest neighbours in the mesh are enough to hear everything and to be heard. */
  #sample(): void {
    if (Date.now() < this.#attackMs) return;
    for (const node of this.honest) {
      if (this.#links.size > 0 && this.honestInMesh(node) < 2) this.#poorMs.set(node.id, Date.now());
    }
  }
}

export const meets = ({ delivered, remeshMs }: Figures): boolean => delivered >= 0.99 && remeshMs <= 60_000;
export const peerIdOf = (id: string): PeerId => id as PeerId;
