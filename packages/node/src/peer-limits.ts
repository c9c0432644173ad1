/** The part of the table of limits about finding peers and keeping them. */
export const peerLimits = {
  /** Addresses in one answer about peers. */
  exchangedPeers: 64,
  /** Peers that a node remembers, connected or not. */
  knownPeers: 1_024,
  /** Connections that a node wants to have chosen itself, however many come in. */
  outboundPeers: 8,
  /** Of these, those that it dials first after a restart. */
  anchorPeers: 4,
  /** The pause before a lost peer is dialled again; it doubles up to `redialMaxMs`. */
  redialMs: 500,
  /** See `redialMs`. */
  redialMaxMs: 30_000,
  /** For so long after it was lost, a peer is dialled at least every `redialMissedMs`. */
  missedMs: 600_000,
  /** See `missedMs`. */
  redialMissedMs: 4_000,
  /** Dials in a row after which a peer that others named is forgotten. */
  redialAttempts: 6,
  /** The longest pause between two questions for other peers. */
  peerQuestionMs: 30_000,
} as const;
