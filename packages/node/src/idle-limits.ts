/** The part of the table of limits about idle space: what its verifiers take in and serve. */
export const idleLimits = {
  /** Proof of one kept layer, as a verifier is shown it. */
  idleProofBytes: 16_777_216,
  /** One batch of answers. */
  idleBatchBytes: 2_097_152,
  /** Batches of answers to one challenge. */
  idleBatches: 4_096,
  /** Questions that a verifier answers at the same time, and of these those of one peer. */
  verifierServed: 4,
  verifierServedPerPeer: 2,
  /** Bytes and questions that one peer may bring in a second; it may save up four seconds of them. */
  verifierBytesPerSecond: 16_777_216,
  verifierRequestsPerSecond: 8,
  /** Streams of which a verifier has not read the request yet, and how long it waits for it. */
  verifierWaiting: 64,
  verifierRequestMs: 10_000,
  /** A question to a verifier, with all that it is shown. */
  verifierTimeoutMs: 120_000,
  /** Messages of one purpose that the chain has refused, after which the next is named by its height. */
  idleAttempts: 16,
} as const;
