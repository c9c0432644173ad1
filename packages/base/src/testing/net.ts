/**
 * A network in memory: as many wires as a test wants, with delays in virtual time, lost connections and
 * partitions, all drawn from one seed, so that a failure repeats exactly.
 */
import { assert } from "../errors.ts";
import { wireErrors } from "../seams/errors.ts";
import type { Clock, PeerId } from "../seams/types.ts";
import { SimConnection } from "./net-connection.ts";
import { SimGossip } from "./net-gossip.ts";
import type { LinkConditions } from "./net-link.ts";
import { SimWire } from "./net-wire.ts";
import { SeededRandom } from "./random.ts";

/** A line as TCP makes of it: what is lost on the way is sent again, and everything behind it waits. */
export interface LinkRate {
  readonly bytesPerSecond: number;
  /** Of packets; default: none. */
  readonly packetLossRatio?: number;
  /** Until the loss of a packet is noticed (200). */
  readonly resendMs?: number;
}

/** What a packet of TCP carries on an Ethernet. */
const packetBytes = 1_460;

export interface SimNetOptions {
  readonly seed: string | number;
  readonly clock: Clock;
  /** One way, in milliseconds; 0 (the default) is a microtask. */
  readonly delayMs?: number | ((from: PeerId, to: PeerId) => number);
  /** Up to this much more delay, drawn for every item; the order stays. */
  readonly jitterMs?: number;
  /** Probability that a connection breaks at an item (a chunk, a gossip message, an answer). */
  readonly lossRatio?: number;
  /** How much each direction of a connection carries; unbounded if left out. */
  readonly rate?: LinkRate;
  /** Bytes of one stream that may be under way in one direction (65,536). */
  readonly windowBytes?: number;
  /** 1 MiB if left out. */
  readonly maxGossipBytes?: number;
  /** How long a gossip message is remembered (two minutes). */
  readonly seenTtlMs?: number;
  /** Told of everything that arrives, for logs and counts. */
  readonly onItem?: (from: PeerId, to: PeerId) => void;
}

/** What may change while the network runs; what is left out stays. */
export interface SimWeather extends Pick<SimNetOptions, "delayMs" | "jitterMs" | "lossRatio" | "rate"> {
  /** Probability that one neighbour does not get a gossip message, though the connection holds. */
  readonly gossipLossRatio?: number;
  /** Probability that a neighbour gets it twice, long after it was forgotten as it were. */
  readonly gossipRepeatRatio?: number;
  /** Up to this much later (milliseconds), drawn for every copy: gossip overtakes gossip. */
  readonly gossipSpreadMs?: number;
}

export class SimNet {
  readonly #options: SimNetOptions;
  readonly #random: SeededRandom;
  readonly #wires = new Map<PeerId, SimWire>();
  /** Group of each peer that a partition names; all others form one more group. */
  #groups = new Map<PeerId, number>();
  /** Directions in which nothing arrives until they are opened again. */
  readonly #clogs = new Map<string, { readonly opened: Promise<void>; readonly open: () => void }>();
  #weather: SimWeather;
  #stalled: { readonly healed: Promise<void>; readonly heal: () => void } | undefined;
  #connectionsMade = 0;

  constructor(options: SimNetOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed).fork("net");
    this.#weather = options;
  }

  /** A new node on the network. Once it is disposed of, its name can come back. */
  createWire(peer: string): SimWire {
    const self = peer as PeerId;
    assert(!this.#wires.has(self), `there is one live wire with the name ${peer}`);
    const { clock, seenTtlMs = 120_000, maxGossipBytes = 1_048_576, windowBytes = 65_536 } = this.#options;
    const wire = new SimWire(self, (around) => ({
      gossip: new SimGossip(clock, seenTtlMs, (topic, bytes, except) => around.spread(topic, bytes, except)),
      maxGossipBytes,
      windowBytes,
      dial: (from, to) => this.#dial(from, to),
      closed: (closed) => this.#wires.delete(closed.self),
      gossipFate: () => this.#gossipFate(),
    }));
    this.#wires.set(self, wire);
    return wire;
  }

  /**
   * Splits the network; peers that no group names form one more. "cut" breaks the connections between
   * groups at once; "stall" keeps them, but nothing arrives until the network heals.
   */
  partition(groups: readonly (readonly string[])[], mode: "cut" | "stall" = "cut"): void {
    this.heal();
    this.#groups = new Map(groups.flatMap((group, index) => group.map((peer) => [peer as PeerId, index])));
    if (mode === "stall") {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stalled = { healed: promise, heal: resolve };
      return;
    }
    for (const wire of this.#wires.values()) {
      for (const { id } of wire.peers()) {
        if (!this.#sameGroup(wire.self, id)) wire.connectionTo(id)?.break();
      }
    }
  }
  /** Nothing arrives in this direction until `unclog` or `heal`; what is under way waits. */
  clog(from: string, to: string): void {
    const key = `${from}>${to}`;
    if (this.#clogs.has(key)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clogs.set(key, { opened: promise, open: resolve });
  }
  unclog(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#clogs.get(key)?.open();
    this.#clogs.delete(key);
  }
  /** From now on; what is under way keeps the delay that it was sent with. */
  setWeather(weather: SimWeather): void {
    this.#weather = { ...this.#weather, ...weather };
  }
  /** The node is dead from one instant to the next: whoever talks to it finds the connection broken. */
  kill(peer: string): void {
    const wire = this.#wires.get(peer as PeerId);
    if (wire === undefined) return;
    for (const { id } of wire.peers()) wire.connectionTo(id)?.break();
    void wire[Symbol.asyncDispose]();
  }
  /** Everybody can reach everybody again; broken connections stay broken until somebody dials. */
  heal(): void {
    this.#groups = new Map();
    this.#stalled?.heal();
    this.#stalled = undefined;
    for (const { open } of this.#clogs.values()) open();
    this.#clogs.clear();
  }
  /** Breaks the connection between two peers, if there is one. */
  disconnect(a: string, b: string): void {
    this.#wires
      .get(a as PeerId)
      ?.connectionTo(b as PeerId)
      ?.break();
  }

  async #dial(from: SimWire, peer: PeerId): Promise<void> {
    const roundTripMs = this.#delayMs(from.self, peer) + this.#delayMs(peer, from.self);
    if (roundTripMs > 0) await this.#options.clock.sleep(roundTripMs);
    else await undefined;
    if (from.isClosed) throw wireErrors.closed({ what: "wire" });
    if (from.connectionTo(peer) !== undefined) return; // the other side was quicker
    const target = this.#wires.get(peer);
    if (target === undefined || target === from || !this.#canTalk(from.self, peer)) {
      throw wireErrors.unreachable({ peer });
    }
    const random = this.#random.fork(`connection ${this.#connectionsMade++}`);
    const connection = new SimConnection(from, target, (a, b) => this.#conditions(a, b, random));
    from.connectionMade(connection);
    target.connectionMade(connection);
  }

  #conditions(from: PeerId, to: PeerId, connection: SeededRandom): LinkConditions {
    const { clock, onItem = () => undefined } = this.#options;
    const random = connection.fork(`from ${from}`);
    return {
      clock,
      delayMs: () => {
        const { jitterMs = 0 } = this.#weather;
        return this.#delayMs(from, to) + (jitterMs > 0 ? random.between(0, jitterMs) : 0);
      },
      busyMs: (bytes) => busyMs(this.#weather.rate, bytes, random),
      breaks: () => {
        const { lossRatio = 0 } = this.#weather;
        return lossRatio > 0 && random.chance(lossRatio);
      },
      passable: () =>
        this.#sameGroup(from, to) ? this.#clogs.get(`${from}>${to}`)?.opened : this.#stalled?.healed,
      arrived: () => onItem(from, to),
    };
  }
  /** When each copy of a gossip message leaves, in milliseconds from now; the second one is a repetition. */
  #gossipFate(): readonly number[] {
    const { gossipLossRatio = 0, gossipRepeatRatio = 0, gossipSpreadMs = 0 } = this.#weather;
    const later = (): number => (gossipSpreadMs > 0 ? this.#random.between(0, gossipSpreadMs) : 0);
    if (gossipLossRatio > 0 && this.#random.chance(gossipLossRatio)) return [];
    if (gossipRepeatRatio > 0 && this.#random.chance(gossipRepeatRatio)) return [later(), later()];
    return [later()];
  }
  #delayMs(from: PeerId, to: PeerId): number {
    const { delayMs = 0 } = this.#weather;
    return typeof delayMs === "number" ? delayMs : delayMs(from, to);
  }
  /** A new connection needs both directions. */
  #canTalk(a: PeerId, b: PeerId): boolean {
    return this.#sameGroup(a, b) && !this.#clogs.has(`${a}>${b}`) && !this.#clogs.has(`${b}>${a}`);
  }
  #sameGroup(a: PeerId, b: PeerId): boolean {
    return this.#groups.get(a) === this.#groups.get(b);
  }
}

function busyMs(rate: LinkRate | undefined, bytes: number, random: SeededRandom): number {
  if (rate === undefined || bytes === 0) return 0;
  const { bytesPerSecond, packetLossRatio = 0, resendMs = 200 } = rate;
  let ms = (bytes * 1_000) / bytesPerSecond;
  for (let sent = 0; sent < bytes; sent += packetBytes) {
    // A packet that is sent again can be lost again.
    while (packetLossRatio > 0 && random.chance(packetLossRatio))
      ms += resendMs + (packetBytes * 1_000) / bytesPerSecond;
  }
  return Math.ceil(ms);
}
