/**
 * What a person sees and does about the network: peers with all that is known of them, scores, bans, reachability,
 * latency. The other rooms report peers' deeds here.
 */
import { type Cancel, type CID, type PeerId, wireErrors } from "@holdfast/base";
import type { Connection, IdentifyResult } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import { type Ban, type Bans, subjectOf } from "./bans.ts";
import type { DialBack, DialBacks } from "./dial-back.ts";
import { netErrors } from "./errors.ts";
import { type Gate, machineOf } from "./gate.ts";
import type { Gossip } from "./gossip.ts";
import type { Host } from "./host.ts";
import type { ByteMeter, Traffic } from "./meter.ts";
import type { NetNeeds } from "./needs.ts";
import type { Deed, Score, Scores } from "./scores.ts";

/** What a peer has said of itself, and of us, when it introduced itself. */
export interface Introduction {
  readonly agent: string;
  readonly protocols: readonly string[];
  /** Our address as it sees it. */
  readonly seesUsAt: string | undefined;
}

export interface PeerFacts extends Traffic {
  readonly id: PeerId;
  readonly direction: "inbound" | "outbound";
  readonly remote: string;
  readonly score: number;
  readonly latencyMs: number | undefined;
  readonly sinceMs: number;
  readonly agent: string;
  readonly protocols: readonly string[];
}

export interface NetCounts extends Traffic {
  readonly inbound: number;
  readonly outbound: number;
  readonly halfOpen: number;
}

export interface NetControl {
  peers(): readonly PeerFacts[];
  /** Where a peer is connected from, as a multiaddr. */
  remoteOf(peer: PeerId): string | undefined;
  counts(): NetCounts;
  /** Of connected peers and of those who left, worst first. */
  scores(): readonly Score[];
  /** What a peer has done; below the lowest mark it is banned. */
  report(peer: PeerId, deed: Deed): void;
  bans(): readonly Ban[];
  /** Errors: `net/bad-subject`, `net/too-many-bans`. */
  ban(
    subject: string,
    options: { readonly reason: string; readonly forMs: number | undefined },
  ): Promise<Ban>;
  /** Errors: `net/bad-subject`, `net/not-banned`. */
  unban(subject: string): void;
  /** Round trip in milliseconds. Errors: `net/not-connected`, `wire/unreachable`. */
  ping(peer: string, signal?: Cancel): Promise<number>;
  /** Addresses at which peers see this node, and how many of them do; most first. */
  observed(): readonly { readonly address: string; readonly peers: number }[];
  /** What peers found that were asked to dial this node. */
  dialBacks(): readonly DialBack[];
  /** The distributed table of who has what, where this node takes part in it. */
  readonly routing?: ContentTable;
}

/** Errors: of libp2p, or the signal's reason. */
export interface ContentTable {
  provide(cid: CID, signal: Cancel): Promise<void>;
  find(cid: CID, signal: Cancel): AsyncIterable<PeerId>;
}

export interface ControlParts {
  readonly needs: NetNeeds;
  readonly host: Host;
  readonly dialBacks: DialBacks;
  readonly gossip: Gossip;
  readonly gate: Gate;
  readonly bans: Bans;
  readonly scores: Scores;
  readonly meter: ByteMeter;
  readonly introductions: ReadonlyMap<PeerId, Introduction>;
  /** It takes part in the table of peers. */
  readonly hasTable: boolean;
  /** Ends all connections with a peer. */
  disconnect(peer: PeerId): Promise<void>;
}

export function createControl(parts: ControlParts): NetControl {
  const { needs, host, gate, bans, scores, meter } = parts;
  const dropBanned = async (): Promise<void> => {
    const banned = host
      .getConnections()
      .filter(
        ({ remotePeer, remoteAddr }) =>
          bans.ofPeer(String(remotePeer)) !== undefined || bans.isBannedMachine(machineOf(remoteAddr) ?? ""),
      );
    const peers = new Set(banned.map(({ remotePeer }) => String(remotePeer) as PeerId));
    await Promise.all([...peers].map((peer) => parts.disconnect(peer)));
  };
  return {
    peers: () => uniquePeers(host).map((connection) => factsOf(parts, connection)),
    remoteOf: (peer) => {
      const open = host.getConnections(peerIdFromString(peer)).find(({ status }) => status === "open");
      return open === undefined ? undefined : String(open.remoteAddr);
    },
    counts: () => {
      const all = uniquePeers(host);
      const inbound = all.filter(({ direction }) => direction === "inbound").length;
      return { inbound, outbound: all.length - inbound, halfOpen: gate.halfOpen, ...meter.total };
    },
    scores: () => scores.list(),
    report: (peer, deed) => scores.note(peer, deed),
    bans: () => bans.list(),
    async ban(subject, { reason, forMs }) {
      const untilMs = forMs === undefined ? undefined : needs.clock.nowMs() + forMs;
      const ban = bans.add({ subject, reason, by: "person", untilMs });
      await dropBanned();
      return ban;
    },
    unban(text) {
      const { subject } = subjectOf(text);
      if (!bans.lift(text)) throw netErrors.notBanned({ subject });
      scores.clear(subject);
    },
    async ping(text, signal) {
      const { kind, subject } = subjectOf(text);
      if (kind !== "peer") throw netErrors.badSubject({ subject });
      const peer = peerIdFromString(subject);
      if (host.getConnections(peer).length === 0) throw netErrors.notConnected({ peer: subject });
      const inTime = AbortSignal.timeout(needs.limits.dialTimeoutMs);
      try {
        return await host.services.ping.ping(peer, { signal: inTime });
      } catch (error) {
        signal?.throwIfAborted();
        throw wireErrors.unreachable({ peer: subject }, error);
      }
    },
    observed: () => observedBy(parts.introductions),
    dialBacks: () => parts.dialBacks.found(),
    ...(parts.hasTable ? { routing: tableOf(parts) } : {}),
  };
}

function tableOf({ host, gate }: ControlParts): ContentTable {
  const inTime = async <T>(signal: Cancel, work: (inTime: AbortSignal) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work(stop.signal);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
  return {
    provide: (cid, signal) => inTime(signal, (stop) => host.contentRouting.provide(cid, { signal: stop })),
    async *find(cid, signal) {
      const stop = new AbortController();
      const onAbort = (): void => stop.abort(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        for await (const { id, multiaddrs } of host.contentRouting.findProviders(cid, {
          signal: stop.signal,
        })) {
          if (id.equals(host.peerId)) continue;
          for (const address of multiaddrs) gate.remember(address);
          await host.peerStore.merge(id, { multiaddrs });
          yield String(id) as PeerId;
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        stop.abort();
      }
    },
  };
}

/** Of several connections with a peer the first one stands for it. */
function uniquePeers(host: Host): readonly Connection[] {
  const first = new Map<string, Connection>();
  for (const connection of host.getConnections()) {
    const id = String(connection.remotePeer);
    if (connection.status === "open" && !first.has(id)) first.set(id, connection);
  }
  return [...first.values()];
}

function factsOf({ gossip, meter, introductions }: ControlParts, connection: Connection): PeerFacts {
  const id = String(connection.remotePeer) as PeerId;
  const { agent = "", protocols = [] } = introductions.get(id) ?? {};
  return {
    id,
    direction: connection.direction,
    remote: String(connection.remoteAddr),
    score: Math.round(gossip.scoreOf(id) * 100) / 100,
    latencyMs: connection.rtt,
    sinceMs: connection.timeline.open,
    agent,
    protocols,
    ...meter.of(id),
  };
}

/** Without the port, which says nothing for connections that this node dialled. */
function observedBy(introductions: ReadonlyMap<PeerId, Introduction>) {
  const counts = new Map<string, number>();
  for (const { seesUsAt } of introductions.values()) {
    const machine = seesUsAt === undefined ? undefined : machineOf(multiaddr(seesUsAt));
    if (machine !== undefined) counts.set(machine, (counts.get(machine) ?? 0) + 1);
  }
  return [...counts].map(([address, peers]) => ({ address, peers })).sort((a, b) => b.peers - a.peers);
}

export function introductionOf({ agentVersion, protocols, observedAddr }: IdentifyResult): Introduction {
  return {
    agent: (agentVersion ?? "").slice(0, agentLettersMax),
    protocols: protocols.slice(0, protocolsMax),
    seesUsAt: observedAddr === undefined ? undefined : String(observedAddr),
  };
}
const agentLettersMax = 128;
const protocolsMax = 64;
