/**
 * The real twin of the wire seam: libp2p 3 over TCP. Invariants: errors speak the codes of the seam; every
 * wait ends by a deadline or a signal; disposal cuts all streams and leaves no socket or timer behind.
 */

import type { PeerId, Wire, WirePeer, WireStream } from "@holdfast/base";
import { assert, type Cancel, type GossipVerdict, HoldfastError, wireErrors } from "@holdfast/base";
import type { Connection, PeerInfo, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import { parseAddress, textOf, withPeer } from "./addresses.ts";
import { Bans } from "./bans.ts";
import { closeConnection, reach } from "./connections.ts";
import { createControl, type Introduction, introductionOf, type NetControl } from "./control.ts";
import { DialBacks } from "./dial-back.ts";
import { netErrors } from "./errors.ts";
import { chooseEviction } from "./eviction.ts";
import { Gate, machineOf } from "./gate.ts";
import { defaultHeartbeatMs, defaultSeenMs, Gossip, meshCare } from "./gossip.ts";
import { defaultKeepAliveMs, type Host, openHost } from "./host.ts";
import type { MeshCare } from "./mesh-care.ts";
import { ByteMeter } from "./meter.ts";
import type { NetNeeds } from "./needs.ts";
import { banBelow, type Deed, Scores } from "./scores.ts";
import { Libp2pStream } from "./stream.ts";

export interface Libp2pWireOptions {
  /** Seed of the node's Ed25519 identity, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Multiaddrs; port 0 takes a free one. Empty: this node only dials. */
  readonly listen: readonly string[];
  /** Multiaddrs at which others reach this node, where they differ from what it listens on. */
  readonly announce?: readonly string[];
  /** Finds peers on the local network; off by default. */
  readonly mdns?: boolean;
  /** Finds peers through peers; off by default. */
  readonly kad?: boolean;
  /** A connection that is silent for as long is tried; one that does not answer is gone. A minute if left out. */
  readonly keepAliveMs?: number;
  /** Topics in whose gossip peers earn something. */
  readonly topics?: readonly string[];
  /** Names the network to neighbours on a LAN; some letters and digits. */
  readonly mdnsTag?: string;
  /** What this program is, for others to see. */
  readonly agent?: string;
  /**
   * For as long gossip is not delivered again; two minutes if left out. What one side of a partition has said, the
   * other hears only when it is said anew after this.
   */
  readonly gossipSeenMs?: number;
  /** Upkeep of the gossip mesh. */
  readonly gossipHeartbeatMs?: number;
}

/** A wire over sockets, and what a person may see and do about it. */
export interface NetWire extends Wire {
  readonly control: NetControl;
}

/** Errors: `net/bad-key`, `net/port-in-use`, `net/cannot-listen`. */
export async function openLibp2pWire(needs: NetNeeds, options: Libp2pWireOptions): Promise<NetWire> {
  const { clock, limits } = needs;
  let wire: Libp2pWire | undefined;
  const bans = new Bans({ clock, store: needs.bans, most: limits.bans });
  const care = meshCare();
  const scores = new Scores({
    ...{ clock, most: limits.rememberedScores, store: needs.scores },
    onBad: (peer, worst) => wire?.onBad(peer as PeerId, worst),
  });
  const meter = new ByteMeter();
  const gate = new Gate({
    bans,
    meter,
    limits,
    connectionsWith: (machine) => wire?.connectionsWith(machine) ?? 0,
    makeRoom: async () => (await wire?.makeRoom()) ?? true,
  });
  const host = await openHost(
    needs,
    {
      privateKey: options.privateKey,
      listen: options.listen,
      announce: options.announce ?? [],
      keepAliveMs: options.keepAliveMs ?? defaultKeepAliveMs,
      heartbeatMs: options.gossipHeartbeatMs ?? defaultHeartbeatMs,
      seenMs: options.gossipSeenMs ?? defaultSeenMs,
      kad: options.kad === true,
      topics: options.topics ?? [],
      mdnsTag: options.mdnsTag ?? "holdfast",
      agent: options.agent ?? "holdfast",
      ...(options.mdns === true ? { onMdnsPeer: (peer) => wire?.onFound(peer) } : {}),
    },
    { gate, scores, care },
  );
  wire = new Libp2pWire(needs, host, { bans, scores, care, meter, gate, hasTable: options.kad === true });
  return wire;
}

interface WireParts {
  readonly bans: Bans;
  readonly scores: Scores;
  readonly care: MeshCare;
  readonly meter: ByteMeter;
  readonly gate: Gate;
  readonly hasTable: boolean;
}
type PeerListener = (event: "connect" | "disconnect", peer: PeerId) => void;

class Libp2pWire implements NetWire {
  readonly self: PeerId;
  readonly control: NetControl;
  readonly #parts: WireParts;
  readonly #needs: NetNeeds;
  readonly #host: Host;
  readonly #gossip: Gossip;
  readonly #streams = new Set<Libp2pStream>();
  readonly #handlers = new Set<string>();
  readonly #listeners = new Set<PeerListener>();
  readonly #introductions = new Map<PeerId, Introduction>();
  /** Where identified peers listen. */
  readonly #addresses = new Map<PeerId, readonly string[]>();
  readonly #stop = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(needs: NetNeeds, host: Host, parts: WireParts) {
    this.#needs = needs;
    this.#host = host;
    this.self = textOf(host.peerId);
    this.#parts = parts;
    this.#gossip = new Gossip(needs, host.services.pubsub, parts);
    const dialBacks = new DialBacks({
      ...{ needs, host, signal: this.#stop.signal },
      open: (peer, protocol, signal) => this.open(peer, protocol, signal),
      handle: (protocol, handler) => void this.handle(protocol, handler),
    });
    this.control = createControl({
      ...parts,
      ...{ needs, host, dialBacks, gossip: this.#gossip, introductions: this.#introductions },
      disconnect: (peer) => this.disconnect(peer),
    });
    host.addEventListener("peer:connect", ({ detail }) => this.#tell("connect", textOf(detail)));
    host.addEventListener("peer:disconnect", ({ detail }) => {
      this.#forget(textOf(detail));
      this.#tell("disconnect", textOf(detail));
    });
    host.addEventListener("peer:identify", ({ detail }) => {
      if (host.getConnections(detail.peerId).length === 0) return;
      const id = textOf(detail.peerId);
      this.#addresses.set(
        id,
        detail.listenAddrs.map((address) => withPeer(String(address), id)),
      );
      this.#introductions.set(id, introductionOf(detail));
    });
  }

  addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map(String);
  }
  peers(): readonly WirePeer[] {
    const peers = new Map<PeerId, WirePeer>();
    for (const connection of this.#host.getConnections()) {
      const id = textOf(connection.remotePeer);
      if (connection.status !== "open" || peers.has(id)) continue;
      // The far end of an inbound connection is no address: nobody listens there.
      const dialled =
        connection.direction === "outbound" ? [withPeer(String(connection.remoteAddr), id)] : [];
      peers.set(id, { id, addresses: this.#addresses.get(id) ?? dialled, direction: connection.direction });
    }
    return [...peers.values()];
  }

  async connect(address: string, signal?: Cancel): Promise<PeerId> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const parsed = parseAddress(address);
    try {
      const connection = await this.#parts.gate.named(parsed, () =>
        this.#inTime(signal, (inTime) => this.#host.dial(parsed, { signal: inTime })),
      );
      return textOf(connection.remotePeer);
    } catch (error) {
      signal?.throwIfAborted();
      this.#assertOpen();
      throw wireErrors.unreachable({ peer: address }, error);
    }
  }
  async disconnect(peer: PeerId): Promise<void> {
    this.#cutStreams((stream) => stream.peer === peer, wireErrors.closed({ what: "connection" }));
    const connections = this.#host.getConnections().filter(({ remotePeer }) => textOf(remotePeer) === peer);
    await Promise.all(connections.map((connection) => closeConnection(connection)));
  }

  async open(peer: PeerId, protocol: string, signal?: Cancel): Promise<WireStream> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const limit = this.#needs.limits.streamsPerProtocol;
    if (this.#openStreams(peer, protocol, "outbound") >= limit)
      throw netErrors.tooManyStreams({ peer, protocol, limit });
    const stream = this.#adopt(await this.#negotiate(peer, protocol, signal), peer);
    if (stream.isOver) throw wireErrors.streamAborted({ peer, protocol }); // cut while we agreed on it
    return stream;
  }
  async #negotiate(peer: PeerId, protocol: string, signal?: Cancel): Promise<Stream> {
    const limit = this.#needs.limits.streamsPerProtocol;
    try {
      const addresses = this.#needs.addressesOf?.(peer) ?? [];
      return await this.#inTime(signal, async (inTime) => {
        await reach(this.#host, this.#parts.gate, { peer, addresses }, inTime);
        const options = { signal: inTime, maxOutboundStreams: limit };
        return await this.#host.dialProtocol(peerIdFromString(peer), protocol, options);
      });
    } catch (error) {
      signal?.throwIfAborted();
      this.#assertOpen();
      const { name = "" } = error instanceof Error ? error : {};
      if (name === "UnsupportedProtocolError")
        throw wireErrors.protocolUnsupported({ peer, protocol }, error);
      if (name === "TooManyOutboundProtocolStreamsError") {
        throw netErrors.tooManyStreams({ peer, protocol, limit }, error);
      }
      throw wireErrors.unreachable({ peer }, error);
    }
  }
  handle(protocol: string, handler: (stream: WireStream) => Promise<void>): () => void {
    this.#assertOpen();
    assert(!this.#handlers.has(protocol), `${protocol} has one handler`);
    this.#handlers.add(protocol);
    const limit = this.#needs.limits.streamsPerProtocol;
    // Some more than the limit reach us, so that we learn who asks for them; libp2p refuses the rest.
    const options = { maxInboundStreams: limit + streamsToNotice, maxOutboundStreams: limit };
    const serve = (stream: Stream, connection: Connection): void => {
      const peer = textOf(connection.remotePeer);
      if (this.#openStreams(peer, protocol, "inbound") >= limit) {
        this.#parts.scores.note(peer, "streams");
        stream.abort(netErrors.tooManyStreams({ peer, protocol, limit }));
        return;
      }
      void this.#serve(handler, this.#adopt(stream, peer));
    };
    this.#host.handle(protocol, serve, options).catch((error) => this.#onHostError(error));
    return () => {
      if (this.#closing === undefined && this.#handlers.delete(protocol)) {
        this.#host.unhandle(protocol).catch((error) => this.#onHostError(error));
      }
    };
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    const maxBytes = this.#needs.limits.gossipMessageBytes;
    if (bytes.length > maxBytes) throw wireErrors.messageTooLong({ lengthBytes: bytes.length, maxBytes });
    await this.#gossip.publish(topic, bytes);
  }
  subscribe(
    topic: string,
    handler: (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void {
    this.#assertOpen();
    return this.#gossip.subscribe(topic, handler);
  }
  onPeer(listener: PeerListener): () => void {
    this.#assertOpen();
    const entry: PeerListener = (event, peer) => listener(event, peer);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#parts.scores.save();
    const reason = wireErrors.closed({ what: "wire" });
    this.#stop.abort(reason);
    this.#cutStreams(() => true, reason);
    await Promise.all(this.#host.getConnections().map((connection) => closeConnection(connection)));
    await this.#host.stop();
  }
  #assertOpen(): void {
    if (this.#closing !== undefined) throw wireErrors.closed({ what: "wire" });
  }
  #tell(event: "connect" | "disconnect", peer: PeerId): void {
    for (const listener of [...this.#listeners]) listener(event, peer);
  }
  #openStreams(peer: PeerId, protocol: string, direction: "inbound" | "outbound"): number {
    let count = 0;
    for (const stream of this.#streams) {
      if (stream.peer === peer && stream.protocol === protocol && stream.direction === direction) count++;
    }
    return count;
  }
  #adopt(stream: Stream, peer: PeerId): Libp2pStream {
    const adopted = new Libp2pStream(stream, peer, {
      onEnd: (ended) => this.#streams.delete(ended),
      onAbort: (reason) => this.#onAbort(peer, reason),
    });
    if (!adopted.isOver) this.#streams.add(adopted);
    return adopted;
  }
  /** Handlers abort a stream with what was wrong with it. */
  #onAbort(peer: PeerId, reason: Error): void {
    if (reason instanceof HoldfastError && reason.code === "net/frame-too-large") {
      this.#parts.scores.note(peer, "oversized");
    }
  }
  #cutStreams(which: (stream: Libp2pStream) => boolean, reason: HoldfastError): void {
    for (const stream of [...this.#streams]) if (which(stream)) stream.abort(reason);
  }
  async #serve(handler: (stream: WireStream) => Promise<void>, stream: Libp2pStream): Promise<void> {
    try {
      await handler(stream);
    } catch (error) {
      const { peer, protocol } = stream;
      this.#needs.logger.debug("a stream's handler failed", { peer, protocol, detail: String(error) });
      stream.abort(error instanceof Error ? error : wireErrors.streamAborted({ peer, protocol }, error));
    }
  }
  /** Runs with a signal that aborts with `signal`, at the deadline, and when the wire closes. */
  async #inTime<T>(signal: Cancel | undefined, work: (inTime: AbortSignal) => Promise<T>): Promise<T> {
    const local = new AbortController();
    const onAbort = (): void => local.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#stop.signal.addEventListener("abort", onAbort, { once: true });
    const done = new AbortController();
    this.#needs.clock.sleep(this.#needs.limits.dialTimeoutMs, done.signal).then(onAbort, () => undefined);
    try {
      return await work(local.signal);
    } finally {
      done.abort();
      signal?.removeEventListener("abort", onAbort);
      this.#stop.signal.removeEventListener("abort", onAbort);
    }
  }
  /** Dials a neighbour of the local network. */
  onFound({ id, multiaddrs }: PeerInfo): void {
    const peers = this.peers();
    const known = peers.some((peer) => peer.id === textOf(id));
    if (this.#closing !== undefined || known || peers.length >= enoughPeers) return;
    for (const address of multiaddrs) this.#parts.gate.remember(address);
    this.#inTime(undefined, (signal) => this.#host.dial(multiaddrs, { signal })).catch((error) =>
      this.#needs.logger.debug("a found peer was not reached", { peer: String(id), detail: String(error) }),
    );
  }
  connectionsWith(machine: string): number {
    return this.#host.getConnections().filter(({ remoteAddr }) => machineOf(remoteAddr) === machine).length;
  }
  /** A place for one more that comes in: free, or taken from somebody worse. */
  async makeRoom(): Promise<boolean> {
    const inbound = this.control.peers().filter(({ direction }) => direction === "inbound");
    if (inbound.length < this.#needs.limits.inboundConnections) return true;
    const victim = chooseEviction(
      inbound.map((peer) => ({ ...peer, group: machineOf(multiaddr(peer.remote)) ?? "" })),
    );
    if (victim === undefined) return false;
    await this.disconnect(victim.id as PeerId);
    return true;
  }
  /** A score below the lowest mark. */
  onBad(peer: PeerId, worst: Deed): void {
    const { bans, scores } = this.#parts;
    const { clock, limits, logger } = this.#needs;
    const reason = `its score fell to ${banBelow}, at last by: ${worst}`;
    try {
      bans.add({ subject: peer, reason, by: "score", untilMs: clock.nowMs() + limits.banMs });
      scores.clear(peer);
      logger.warn("peer banned", { peer, reason });
    } catch (error) {
      // People's bans fill the list: it keeps its score, and is cut off all the same.
      logger.warn("peer not banned", { peer, reason, detail: String(error) });
    }
    this.disconnect(peer).catch((error) => this.#onHostError(error));
  }
  #forget(peer: PeerId): void {
    this.#addresses.delete(peer);
    this.#introductions.delete(peer);
    this.#parts.meter.forget(peer);
    this.#gossip.forget(peer);
  }
  #onHostError(error: unknown): void {
    if (this.#closing === undefined) this.#needs.logger.warn("libp2p", { detail: String(error) });
  }
}

/** Streams over the limit of a protocol that are counted against who opened them. */
const streamsToNotice = 32;

/** With so many peers the neighbours that mDNS finds are left alone. */
const enoughPeers = 16;
