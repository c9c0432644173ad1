/** What the wire needs of its surroundings. */
import type { Clock, Logger, PeerId } from "@holdfast/base";
import type { BanStore } from "./bans.ts";
import type { ScoreStore } from "./scores.ts";

/** Rows of the node's table of limits. */
export interface NetLimits {
  readonly connections: number;
  /** Incoming connections that have not proved who they are yet. */
  readonly pendingConnections: number;
  /** New connections from one host in a second. */
  readonly connectionsPerHostPerSecond: number;
  readonly parallelDials: number;
  readonly queuedDials: number;
  readonly streamsPerConnection: number;
  /** In each direction of one connection. */
  readonly streamsPerProtocol: number;
  /** Bytes that a peer may send on a stream before anybody reads them. */
  readonly streamWindowBytes: number;
  /** Bytes that wait for the system on one connection, before its streams are told to wait. */
  readonly socketBacklogBytes: number;
  readonly gossipMessageBytes: number;
  /** Gossip bytes that wait for one slow peer. */
  readonly gossipBacklogBytes: number;
  readonly dialTimeoutMs: number;
  /** Of all connections, those that came in; the others are free for those that this node chooses. */
  readonly inboundConnections: number;
  readonly connectionsPerMachine: number;
  readonly pendingConnectionsPerMachine: number;
  /** Peers that are known, connected or not. */
  readonly knownPeers: number;
  /** After a new connection, before its peer is asked to dial back. */
  readonly dialBackAfterMs: number;
  /** A machine that asked to be dialled back is not dialled again for this time. */
  readonly dialBackPauseMs: number;
  /** Machines that are dialled back in that time, and peers at the same time. */
  readonly dialBackMachines: number;
  readonly dialBacksServed: number;
  /** Answers that are enough, how long one tells of now, and between two looks. */
  readonly dialBackAnswers: number;
  readonly dialBackFreshMs: number;
  readonly dialBackEveryMs: number;
  /** Messages of one neighbour in a second, on average, and at once. */
  readonly gossipMessagesPerSecond: number;
  readonly gossipBurst: number;
  /** Messages under examination, and those of one neighbour. */
  readonly gossipValidations: number;
  readonly gossipValidationsPerPeer: number;
  readonly bans: number;
  /** A ban by score. */
  readonly banMs: number;
  /** Peers whose deeds are remembered. */
  readonly rememberedScores: number;
}

export interface NetNeeds {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: NetLimits;
  /** Where a peer may be dialled that is not connected. */
  readonly addressesOf?: (peer: PeerId) => readonly string[];
  /** Where bans are kept over a restart. */
  readonly bans?: BanStore;
  /** Where the deeds of peers are. */
  readonly scores?: ScoreStore;
}
