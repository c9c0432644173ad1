/**
 * Nodes that gossip in virtual time: the product's own gossip on the real gossipsub, over links in memory. A frame
 * arrives after the delay of its link, in order; bandwidth is without bound. Timers and dates are node:test's mocks
 * and all that is drawn comes from one seed, so a run is the same each time.
 */
import { mock } from "node:test";
import { type Clock, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { limits } from "@holdfast/node";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { multiaddr } from "@multiformats/multiaddr";
import {
  defaultHeartbeatMs,
  defaultSeenMs,
  Gossip,
  gossipSettings,
  meshCare,
} from "../packages/node/src/net/gossip.ts";
import { Scores } from "../packages/node/src/net/scores.ts";

export interface GossipNetworkOptions {
  readonly seed: string;
  readonly nodes: number;
  /** Connections that each node dials. */
  readonly dials: number;
  /** One way, drawn for each link (milliseconds). */
  readonly delayMs: { readonly least: number; readonly most: number };
  /** A node looks at what it hears for this long before it passes it on. */
  readonly examineMs: number;
}

export interface Publication {
  readonly by: number;
  readonly atMs: number;
  /** When each other node accepted it. */
  readonly heardAtMs: ReadonlyMap<number, number>;
}

const topic = "/fil/blocks/bench";
const protocol = "/meshsub/1.2.0";
const tickMs = 5;
const startMs = 1_600_000_000_000;

interface Bytes {
  subarray(): Uint8Array;
}
interface Topology {
  onConnect(peer: object, connection: object): void;
}
type OnStream = (stream: object, connection: object) => void;

const idOf = (id: string): object => ({
  toString: () => id,
  equals: (other: object) => String(other) === id,
});

/** The side of a stream that gossipsub reads. */
class Inbound {
  readonly #waiting: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  push(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#wake?.();
  }
  async close(): Promise<void> {
    this.#isEnded = true;
    this.#wake?.();
  }
  abort(): void {
    void this.close();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#isEnded) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

type Send = (from: string, to: string, frame: Uint8Array) => void;

class Peer {
  readonly id: string;
  readonly gossip: Gossip;
  readonly #pubsub: GossipSub;
  readonly #send: Send;
  readonly #streams = new Map<string, Inbound>();
  #onStream: OnStream = () => undefined;
  #topology: Topology | undefined;

  constructor(id: string, send: Send) {
    this.id = id;
    this.#send = send;
    const clock: Clock = { nowMs: () => Date.now(), sleep: async () => undefined };
    const needs = { clock, logger: silentLogger, limits };
    const scores = new Scores({ clock, most: limits.rememberedScores, onBad: () => undefined });
    const care = meshCare();
    const options = { scores, care, heartbeatMs: defaultHeartbeatMs, seenMs: defaultSeenMs, topics: [topic] };
    const create = gossipsub(gossipSettings(needs, options)) as unknown as (parts: object) => GossipSub;
    this.#pubsub = create(this.#components());
    this.gossip = new Gossip(needs, this.#pubsub, { scores, care });
  }

  async start(): Promise<void> {
    await (this.#pubsub as unknown as { start(): Promise<void> }).start();
  }
  async stop(): Promise<void> {
    await (this.#pubsub as unknown as { stop(): Promise<void> }).stop();
  }
  opened(peer: string, isOutbound: boolean): void {
    const connection = this.#connection(peer, isOutbound);
    this.#topology?.onConnect(idOf(peer), connection);
    const stream = new Inbound();
    this.#streams.set(peer, stream);
    this.#onStream(stream, connection);
  }
  receive(from: string, frame: Uint8Array): void {
    this.#streams.get(from)?.push(frame);
  }

  #connection(peer: string, isOutbound: boolean): object {
    return {
      status: "open",
      direction: isOutbound ? "outbound" : "inbound",
      remotePeer: idOf(peer),
      remoteAddr: multiaddr(`/ip4/10.0.${peer.length}.${Number(peer.slice(4)) + 1}/tcp/1347`),
      newStream: async () => ({
        protocol,
        addEventListener: () => undefined,
        send: (frame: Uint8Array | Bytes) => {
          this.#send(this.id, peer, frame instanceof Uint8Array ? frame : frame.subarray().slice());
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

export class GossipNetwork implements AsyncDisposable {
  /** Delay of each link (milliseconds), by the numbers of its ends. */
  readonly links: readonly ReadonlyMap<number, number>[];
  readonly random: SeededRandom;
  frames = 0;
  readonly #links: Map<number, number>[];
  readonly #peers: readonly Peer[];
  readonly #due = new Map<number, { from: string; to: string; frame: Uint8Array }[]>();
  readonly #heard = new Map<string, Map<number, number>>();
  readonly #examineMs: number;
  #published = 0;

  private constructor(options: GossipNetworkOptions) {
    this.random = new SeededRandom(options.seed);
    this.#examineMs = options.examineMs;
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: startMs });
    mock.method(Math, "random", () => this.random.below(2 ** 32) / 2 ** 32);
    const send: Send = (from, to, frame) => this.#sent(from, to, frame);
    this.#peers = Array.from({ length: options.nodes }, (_, at) => new Peer(`node${at}`, send));
    this.#links = this.#peers.map(() => new Map());
    this.links = this.#links;
  }

  static async open(options: GossipNetworkOptions): Promise<GossipNetwork> {
    const network = new GossipNetwork(options);
    for (const [at, peer] of network.#peers.entries()) {
      await peer.start();
      peer.gossip.subscribe(topic, (bytes) => network.#examine(at, bytes));
    }
    network.#connect(options);
    return network;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) await peer.stop();
    mock.timers.reset();
    mock.restoreAll();
  }

  #connect({ dials, delayMs: { least, most } }: GossipNetworkOptions): void {
    for (const [at, peer] of this.#peers.entries()) {
      const others = this.#peers.map((_, other) => other).filter((other) => other !== at);
      for (let dialled = 0; dialled < dials; dialled += 1) {
        const [other = 0] = others.splice(this.random.below(others.length), 1);
        const target = this.#peers[other];
        if (target === undefined || this.#links[at]?.has(other) === true) continue;
        const delay = Math.round((least + this.random.below(most - least + 1)) / tickMs) * tickMs;
        this.#links[at]?.set(other, delay);
        this.#links[other]?.set(at, delay);
        peer.opened(target.id, true);
        target.opened(peer.id, false);
      }
    }
  }

  async #examine(at: number, bytes: Uint8Array): Promise<"accept"> {
    await new Promise((done) => setTimeout(done, this.#examineMs));
    const heard = this.#heard.get(nameOf(bytes));
    if (heard?.has(at) === false) heard.set(at, Date.now());
    return "accept";
  }

  #sent(from: string, to: string, frame: Uint8Array): void {
    const delay = this.#links[numberOf(from)]?.get(numberOf(to)) ?? 0;
    this.frames += 1;
    const atMs = Date.now() + delay;
    this.#due.set(atMs, [...(this.#due.get(atMs) ?? []), { from, to, frame }]);
  }

  /** A block of so many bytes by one node; who has heard of it is seen when time has passed. */
  async publish(by: number, bytes: number): Promise<Publication> {
    this.#published += 1;
    const block = new Uint8Array(bytes);
    new DataView(block.buffer).setUint32(0, this.#published);
    const heardAtMs = new Map<number, number>();
    this.#heard.set(nameOf(block), heardAtMs);
    const atMs = Date.now();
    await this.#peers[by]?.gossip.publish(topic, block);
    return { by, atMs, heardAtMs };
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += tickMs) {
      mock.timers.tick(tickMs);
      const due = this.#due.get(Date.now()) ?? [];
      this.#due.delete(Date.now());
      for (const { from, to, frame } of due) this.#peers[numberOf(to)]?.receive(from, frame);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

const numberOf = (id: string): number => Number(id.slice(4));
const nameOf = (block: Uint8Array): string =>
  String(new DataView(block.buffer, block.byteOffset).getUint32(0));
