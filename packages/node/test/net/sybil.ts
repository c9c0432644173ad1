/**
 * A peer that speaks gossipsub's wire format and lives by rules of its own: what it does is a set of switches that a
 * test turns while the network runs. It never answers what it is asked unless it is told to be good.
 */
import { RPC } from "@libp2p/gossipsub/message";
import type { Endpoint, GossipWorld } from "./gossip-world.ts";

export interface Acts {
  /** Messages that it passes on. */
  forwards: (text: string) => boolean;
  /** Asks into every mesh when a connection opens. */
  grafts: boolean;
  /** Seconds after which it asks again; below twenty it does so while it is told to stay away. */
  asksEachS: number;
  /** Messages that it says it has, and has not, each second to each. */
  liesPerSecond: number;
  /** Invalid messages each second to each. */
  invalidPerSecond: number;
}

export class Sybil implements Endpoint {
  readonly id: string;
  readonly ip: string;
  readonly acts: Acts = {
    forwards: () => false,
    grafts: true,
    asksEachS: 25,
    liesPerSecond: 0,
    invalidPerSecond: 0,
  };
  readonly #world: GossipWorld;
  readonly #peers = new Set<string>();
  readonly #mesh = new Set<string>();
  readonly #seen = new Set<string>();
  #count = 0;
  #seconds = 0;

  constructor(world: GossipWorld, id: string, ip: string) {
    this.#world = world;
    this.id = id;
    this.ip = ip;
  }
  opened(peer: string): void {
    this.#peers.add(peer);
    this.#send(peer, { subscriptions: [{ subscribe: true, topic: theTopic }] });
    if (this.acts.grafts) this.#graft(peer);
  }
  closed(peer: string): void {
    this.#peers.delete(peer);
    this.#mesh.delete(peer);
  }
  receive(from: string, frame: Uint8Array): void {
    let start = 0;
    while ((frame[start] ?? 0) >= 0x80) start += 1;
    const rpc = RPC.decode(frame.subarray(start + 1));
    if ((rpc.control?.graft.length ?? 0) > 0) this.#mesh.add(from);
    if ((rpc.control?.prune.length ?? 0) > 0) this.#mesh.delete(from);
    for (const message of rpc.messages) {
      const text = Buffer.from(message.data ?? []).toString();
      if (this.#seen.has(text)) continue;
      this.#seen.add(text);
      if (!this.acts.forwards(text)) continue;
      for (const peer of this.#mesh) if (peer !== from) this.#send(peer, { messages: [message] });
    }
  }
  heartbeat(): void {
    const { asksEachS, liesPerSecond, invalidPerSecond } = this.acts;
    this.#seconds += 1;
    for (const peer of this.#peers) {
      if (this.acts.grafts && this.#seconds % asksEachS === 0) this.#graft(peer);
      const messageIDs = Array.from({ length: liesPerSecond }, () => Buffer.from(this.#fresh().padEnd(32)));
      if (liesPerSecond > 0)
        this.#send(peer, { control: control({ ihave: [{ topicID: theTopic, messageIDs }] }) });
      for (let i = 0; i < invalidPerSecond; i += 1) {
        this.#send(peer, { messages: [{ topic: theTopic, data: Buffer.from(`\u0000${this.#fresh()}`) }] });
      }
    }
  }

  #graft(peer: string): void {
    this.#mesh.add(peer);
    this.#send(peer, { control: control({ graft: [{ topicID: theTopic }] }) });
  }
  #fresh(): string {
    this.#count += 1;
    return `${this.id} ${this.#count}`;
  }
  #send(peer: string, rpc: Partial<RPC>): void {
    this.#world.sendRpc(this.id, peer, rpc);
  }
}

type Control = NonNullable<RPC["control"]>;
const control = (given: Partial<Control>): Control => ({
  ihave: [],
  iwant: [],
  graft: [],
  prune: [],
  idontwant: [],
  ...given,
});

export const theTopic = "/holdfast/test/blocks";
