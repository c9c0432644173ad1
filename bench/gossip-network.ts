/**
 * Nodes that gossip in virtual time: the product's own gossip on the real gossipsub, over links in memory. A frame
 * arrives after the delay of its link, in order; bandwidth is without bound. Timers and dates are node:test's mocks
 * and all that is drawn comes from one seed, so a run is the same each time.
 */
import { mock } from "node:test";
import { SeededRandom } from "@holdfast/base/testing";
import { GossipPeer } from "../packages/node/test/net/gossip-peer.ts";

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
const tickMs = 5;
const startMs = 1_600_000_000_000;

export class GossipNetwork implements AsyncDisposable {
  /** Delay of each link (milliseconds), by the numbers of its ends. */
  readonly links: readonly ReadonlyMap<number, number>[];
  readonly random: SeededRandom;
  frames = 0;
  readonly #links: Map<number, number>[];
  readonly #peers: readonly GossipPeer[];
  readonly #due = new Map<number, { from: string; to: string; frame: Uint8Array }[]>();
  readonly #heard = new Map<string, Map<number, number>>();
  readonly #examineMs: number;
  #published = 0;

  private constructor(options: GossipNetworkOptions) {
    this.random = new SeededRandom(options.seed);
    this.#examineMs = options.examineMs;
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: startMs });
    mock.method(Math, "random", () => this.random.below(2 ** 32) / 2 ** 32);
    this.#peers = Array.from({ length: options.nodes }, (_, at) => {
      return new GossipPeer({
        ...{ id: `node${at}`, topic },
        ipOf: (peer) => `10.0.0.${numberOf(peer) + 1}`,
        send: (from, to, frame) => this.#sent(from, to, frame),
        onBad: () => undefined,
      });
    });
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
