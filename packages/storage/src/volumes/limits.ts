/** Everything about volumes that is bounded, with its unit. */
export const volumeLimits = {
  /** Volumes of one storage. */
  maxVolumes: 256,
  /** Between two looks at whether every volume is there. */
  probeMs: 15_000,
  /** A file of a bucket is sent in parts of at least this size, and of more where it would be too many parts. */
  partBytes: 16 * 2 ** 20,
  /** What servers for buckets take (docs.aws.amazon.com, "Multipart upload limits"). */
  maxParts: 10_000,
  /** The largest object that is copied by one request there. */
  maxCopyBytes: 5 * 2 ** 30,
  /** Parts of one file that are on their way at the same time. */
  partsAtOnce: 3,
  /** Reads below this size fetch a block of it, which is kept for the next one. */
  blockBytes: 64 * 2 ** 10,
  /** Such blocks of all files of a bucket. */
  maxBlocks: 256,
  /** How long the size of an object is believed when it is opened for reading. */
  headMs: 10_000,
  maxHeads: 4_096,
  /** A file that is read as a whole (proofs, markers). */
  maxWholeBytes: 256 * 2 ** 20,
  /** An answer in XML. */
  maxXmlBytes: 4 * 2 ** 20,
  /** Tries of a request that the server or the way to it has failed. */
  attempts: 5,
  /** Before the second try; doubled before each further one. */
  retryMs: 200,
  /** Between the server's clock and ours, before that is taken for the reason of a refusal without words. */
  clockSkewMs: 300_000,
  /** For a request, and for each MiB that it carries on top. */
  requestMs: 20_000,
  perMibMs: 2_000,
} as const;
