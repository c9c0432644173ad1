/**
 * One node of the product's own gossip on the real gossipsub, whose links are memory: what it sends is handed to
 * whoever made it, what it hears is pushed in. Timers, dates and Math.random are those of the process: a network of
 * these puts virtual ones in their place.
 */
import { type Clock, silentLogger } from "@holdfast/base";
import { type GossipSub, type GossipsubOpts, gossipsub } from "@libp2p/gossipsub";
import { multiaddr } from "@multiformats/multiaddr";
import { limits } from "../../src/limits.ts";
import { defaultHeartbeatMs, defaultSeenMs, Gossip, gossipSettings, meshCare } from "../../src/net/gossip.ts";
import { Scores } from "../../src/net/scores.ts";

const protocol = "/meshsub/1.2.0";

export interface GossipPeerOptions {
  readonly id: string;
  readonly topic: string;
  /** The address of a peer, for the shares of a machine. */
  ipOf(peer: string): string;
  send(from: string, to: string, frame: Uint8Array): void;
  /** Its scores want a peer gone. */
  onBad(peer: string): void;
  /** What is changed for a canary. */
  readonly weaken?: (settings: Partial<GossipsubOpts>) => Partial<GossipsubOpts>;
}

interface Bytes {
  subarray(): Uint8Array;
}

/** The side of a stream that gossipsub reads. */
class Inbound {
  readonly #waiting: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  push(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#wake?.();
  }
  async close(): Promise<void> {
    this.#ended = true;
    this.#wake?.();
  }
  abort(): void {
    void this.close();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#ended) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

interface Topology {
  onConnect(peer: object, connection: object): void;
  onDisconnect(peer: object): void;
}
type OnStream = (stream: object, connection: object) => void;

const idOf = (id: string): object => ({
  toString: () => id,
  equals: (other: object) => String(other) === id,
});

export class GossipPeer {
  readonly id: string;
  readonly pubsub: GossipSub & { getMeshPeers(topic: string): string[] };
  readonly gossip: Gossip;
  readonly #options: GossipPeerOptions;
  readonly #streams = new Map<string, Inbound>();
  #onStream: OnStream = () => undefined;
  #topology: Topology | undefined;

  constructor(options: GossipPeerOptions) {
    this.#options = options;
    this.id = options.id;
    const { topic, onBad, weaken = (settings) => settings } = options;
    const clock: Clock = { nowMs: () => Date.now(), sleep: async () => undefined };
    const needs = { clock, logger: silentLogger, limits };
    const scores = new Scores({ clock, most: limits.rememberedScores, onBad: (peer) => onBad(peer) });
    const care = meshCare();
    const settings = {
      scores,
      care,
      heartbeatMs: defaultHeartbeatMs,
      seenMs: defaultSeenMs,
      topics: [topic],
    };
    const create = gossipsub(weaken(gossipSettings(needs, settings))) as unknown as (parts: object) => never;
    this.pubsub = create(this.#components());
    this.gossip = new Gossip(needs, this.pubsub, { scores, care });
  }

  async start(): Promise<void> {
    await (this.pubsub as unknown as { start(): Promise<void> }).start();
  }
  async stop(): Promise<void> {
    await (this.pubsub as unknown as { stop(): Promise<void> }).stop();
  }
  opened(peer: string, outbound: boolean): void {
    const connection = this.#connection(peer, outbound);
    this.#topology?.onConnect(idOf(peer), connection);
    const stream = new Inbound();
    this.#streams.set(peer, stream);
    this.#onStream(stream, connection);
  }
  closed(peer: string): void {
    this.#streams.delete(peer);
    this.#topology?.onDisconnect(idOf(peer));
  }
  receive(from: string, frame: Uint8Array): void {
    this.#streams.get(from)?.push(frame);
  }

  #connection(peer: string, outbound: boolean): object {
    return {
      status: "open",
      direction: outbound ? "outbound" : "inbound",
      remotePeer: idOf(peer),
      remoteAddr: multiaddr(`/ip4/${this.#options.ipOf(peer)}/tcp/1347`),
      newStream: async () => ({
        protocol,
        addEventListener: () => undefined,
        send: (frame: Uint8Array | Bytes) => {
          this.#options.send(this.id, peer, "subarray" in frame ? frame.subarray().slice() : frame);
          return true;
        },
        close: async () => undefined,
        abort: () => undefined,
      }),
    };
  }
  #components(): object {
    const log = Object.assign(() => undefined, { enabled: false, error: () => undefined });
    return {
      peerId: idOf(this.id),
      logger: { forComponent: () => log },
      peerStore: { merge: async () => undefined },
      connectionManager: {},
      registrar: {
        handle: async (name: string, handler: OnStream) => {
          if (name === protocol) this.#onStream = handler;
        },
        register: async (name: string, topology: Topology) => {
          if (name === protocol) this.#topology = topology;
          return name;
        },
        unhandle: async () => undefined,
        unregister: () => undefined,
      },
    };
  }
}
