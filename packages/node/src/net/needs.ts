/** What the wire needs of its surroundings. */
import type { Clock, Logger } from "@holdfast/base";

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
}

export interface NetNeeds {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: NetLimits;
}
