/** What finding peers, and being found, needs. */
import type { CID, Clock, Logger, PeerId, Random, Wire } from "@holdfast/base";
import type { PeerStore } from "./store.ts";

/** The genesis that a node gives to those who were invited. */
export interface GenesisNeeds {
  readonly cid: CID;
  /** The bytes of the network's genesis file. */
  file(): Promise<Uint8Array>;
}

export interface DiscoveryNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Peers to keep a connection to, as multiaddrs with their peer id. */
  readonly bootstrap: readonly string[];
  /** For the choice of peers and the spread of pauses. */
  readonly random: Random;
  readonly genesis?: GenesisNeeds;
  /** Where peers are kept over a restart. */
  readonly store?: PeerStore;
  /** The longest pause before a lost peer is dialled again; networks with short rounds are in more of a hurry. */
  readonly redialMaxMs?: number;
  /** Where a peer is connected from, as a multiaddr; of a wire over sockets. */
  readonly remoteOf?: (peer: PeerId) => string | undefined;
}

/** What somebody who was invited needs. */
export interface JoinNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  /** Checks every block of a genesis file and says which network it makes. */
  check(file: Uint8Array): Promise<{ readonly cid: CID; readonly network: string }>;
}
