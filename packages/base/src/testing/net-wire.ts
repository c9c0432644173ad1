/**
 * The simulated twin of the node's wire: the same promises and the same errors as over libp2p, without a
 * socket. Addresses look like /sim/<peer id>.
 */
import { assert } from "../errors.ts";
import { abortable } from "../seams/cancel.ts";
import { wireErrors } from "../seams/errors.ts";
import type { Cancel, GossipVerdict, PeerId, Wire, WirePeer, WireStream } from "../seams/types.ts";
import type { SimConnection, SimEndpoint, StreamHandler } from "./net-connection.ts";
import type { SimGossip } from "./net-gossip.ts";
import type { SimStreamEnd } from "./net-stream.ts";

/** What a wire needs of its network. */
export interface SimSurroundings {
  readonly gossip: SimGossip;
  readonly maxGossipBytes: number;
  readonly windowBytes: number;
  /** The wire at the other end of a fresh connection, after a round trip. `wire/unreachable`. */
  dial(self: SimWire, peer: PeerId): Promise<void>;
  closed(self: SimWire): void;
  /** When each copy of a gossip message leaves for one neighbour (milliseconds from now). */
  gossipFate(): readonly number[];
}

type PeerListener = (event: "connect" | "disconnect", peer: PeerId) => void;

const addressPrefix = "/sim/";

export class SimWire implements Wire, SimEndpoint {
  readonly self: PeerId;
  readonly #around: SimSurroundings;
  readonly #connections = new Map<PeerId, SimConnection>();
  readonly #dials = new Map<PeerId, Promise<void>>();
  /** Peers whose address this node has learnt. */
  readonly #known = new Set<PeerId>();
  readonly #handlers = new Map<string, StreamHandler>();
  readonly #listeners = new Set<PeerListener>();
  #closed = false;

  constructor(self: PeerId, around: (wire: SimWire) => SimSurroundings) {
    this.self = self;
    this.#around = around(this);
  }

  addresses(): readonly string[] {
    return [`${addressPrefix}${this.self}`];
  }
  peers(): readonly WirePeer[] {
    return [...this.#connections].map(([id, connection]) => ({
      id,
      addresses: [`${addressPrefix}${id}`],
      direction: connection.dialledBy(this.self) ? "outbound" : "inbound",
    }));
  }

  async connect(address: string, signal?: Cancel): Promise<PeerId> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const id = address.slice(addressPrefix.length);
    if (!address.startsWith(addressPrefix) || !/^[\w-]+$/.test(id)) throw wireErrors.badAddress({ address });
    const peer = id as PeerId;
    await abortable(signal, this.#reach(peer));
    this.#known.add(peer);
    return peer;
  }
  async disconnect(peer: PeerId): Promise<void> {
    this.#connections.get(peer)?.close(this.self);
  }

  async open(peer: PeerId, protocol: string, signal?: Cancel): Promise<WireStream> {
    this.#assertOpen();
    signal?.throwIfAborted();
    if (!this.#connections.has(peer)) {
      if (!this.#known.has(peer)) throw wireErrors.unreachable({ peer });
      await abortable(signal, this.#reach(peer));
    }
    const connection = this.#connections.get(peer);
    if (connection === undefined) throw wireErrors.unreachable({ peer });
    const stream = this.#negotiate(connection, peer, protocol);
    try {
      return await abortable(signal, stream);
    } catch (error) {
      // Called off while the other side was answering: the stream that may still come has no owner.
      if (signal?.aborted === true)
        stream.then(
          (late) => late.abort(error as Error),
          () => undefined,
        );
      throw error;
    }
  }
  handle(protocol: string, handler: StreamHandler): () => void {
    this.#assertOpen();
    assert(!this.#handlers.has(protocol), `${protocol} has one handler`);
    this.#handlers.set(protocol, handler);
    return () => {
      if (this.#handlers.get(protocol) === handler) this.#handlers.delete(protocol);
    };
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    const { maxGossipBytes, gossip } = this.#around;
    if (bytes.length > maxGossipBytes) {
      throw wireErrors.messageTooLong({ lengthBytes: bytes.length, maxBytes: maxGossipBytes });
    }
    gossip.publish(topic, bytes);
  }
  subscribe(
    topic: string,
    handler: (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void {
    this.#assertOpen();
    return this.#around.gossip.subscribe(topic, handler);
  }
  onPeer(listener: PeerListener): () => void {
    this.#assertOpen();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.clear();
    for (const connection of [...this.#connections.values()]) connection.close(this.self);
    this.#around.closed(this);
  }

  get isClosed(): boolean {
    return this.#closed;
  }
  /** How many gossip messages of this neighbour were rejected here. */
  rejectsOf(peer: PeerId): number {
    return this.#around.gossip.rejectsOf(peer);
  }
  connectionTo(peer: PeerId): SimConnection | undefined {
    return this.#connections.get(peer);
  }

  /** The network made a connection. */
  connectionMade(connection: SimConnection): void {
    const peer = connection.otherThan(this.self);
    this.#connections.set(peer, connection);
    this.#known.add(peer);
    for (const listener of [...this.#listeners]) listener("connect", peer);
  }
  connectionEnded(connection: SimConnection): void {
    const peer = connection.otherThan(this.self);
    if (this.#connections.get(peer) !== connection) return;
    this.#connections.delete(peer);
    for (const listener of [...this.#listeners]) listener("disconnect", peer);
  }

  /** Sends a gossip message to all neighbours but one. */
  spread(topic: string, bytes: Uint8Array, except: PeerId | undefined): void {
    for (const [peer, connection] of this.#connections) {
      if (peer === except) continue;
      for (const [copy, laterMs] of this.#around.gossipFate().entries()) {
        const send = (): void =>
          connection.send(
            this.self,
            (there) => void there.receiveGossip(topic, bytes, this.self, copy > 0),
            bytes.length,
          );
        if (laterMs === 0) send();
        else void this.#around.gossip.after(laterMs, send);
      }
    }
  }
  receiveGossip(topic: string, bytes: Uint8Array, from: PeerId, isRepeated: boolean): Promise<void> {
    return this.#around.gossip.receive(topic, bytes, from, isRepeated);
  }
  handlerFor(protocol: string): StreamHandler | undefined {
    return this.#handlers.get(protocol);
  }

  #assertOpen(): void {
    if (this.#closed) throw wireErrors.closed({ what: "wire" });
  }

  /** Connects unless connected; concurrent calls share one dial. */
  #reach(peer: PeerId): Promise<void> {
    if (this.#connections.has(peer)) return Promise.resolve();
    const pending = this.#dials.get(peer);
    if (pending !== undefined) return pending;
    const dial = this.#around.dial(this, peer).finally(() => this.#dials.delete(peer));
    this.#dials.set(peer, dial);
    return dial;
  }

  /** One round trip: the other side looks for its handler and answers. */
  #negotiate(connection: SimConnection, peer: PeerId, protocol: string): Promise<WireStream> {
    const { promise, resolve, reject } = Promise.withResolvers<WireStream>();
    const lost = this.#onPeerLost(connection, () => reject(wireErrors.unreachable({ peer })));
    connection.send(this.self, (remote) => {
      const handler = remote.handlerFor(protocol);
      if (handler === undefined) {
        connection.send(peer, () => {
          lost();
          reject(wireErrors.protocolUnsupported({ peer, protocol }));
        });
        return;
      }
      const [there, here] = connection.createStream(peer, protocol, this.#around.windowBytes);
      connection.send(peer, () => {
        lost();
        resolve(here);
      });
      void serve(handler, there);
    });
    return promise;
  }

  /** Calls back when the connection ends; returns the function that forgets it. */
  #onPeerLost(connection: SimConnection, callback: () => void): () => void {
    const listener: PeerListener = (event) => {
      if (event === "disconnect" && !this.#connections.has(connection.otherThan(this.self))) {
        this.#listeners.delete(listener);
        callback();
      }
    };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

async function serve(handler: StreamHandler, stream: SimStreamEnd): Promise<void> {
  try {
    await handler(stream);
  } catch (error) {
    stream.abort(error as Error);
  }
}
