/** What the wire needs of its surroundings. */
import type { Clock, Logger } from "@holdfast/base";
import type { BanStore } from "./bans.ts";

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
  readonly gossipMessageBytes: number;
  /** Gossip bytes that wait for one slow peer. */
  readonly gossipBacklogBytes: number;
  readonly dialTimeoutMs: number;
  /** Of all connections, those that came in; the others are free for those that this node chooses. */
  readonly inboundConnections: number;
  readonly connectionsPerMachine: number;
  readonly pendingConnectionsPerMachine: number;
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
  /** Where bans are kept over a restart. */
  readonly bans?: BanStore;
}
