/**
 * Every limit of a node on one page. A queue, stream, cache, retry or decoded length without a row
 * here does not exist; operators read this table with `holdfast status --limits` and in the docs.
 */
export const limits = {
  /** One frame of a request/response protocol (2019 protocols: 256 KiB). */
  frameBytes: 262_144,
  /** One gossiped block or message. */
  gossipMessageBytes: 1_048_576,
  /** Messages of one block, encoded: with its header a block stays below `gossipMessageBytes`. */
  blockBodyBytes: 786_432,
  /** A request that gets no answer in this time has failed. */
  requestTimeoutMs: 20_000,
  /** Bytes of file data in one frame of a retrieval (2019: 64 KiB). */
  retrievalChunkBytes: 65_536,
  /** Tipsets that one chain-exchange answer may carry. */
  exchangeTipsets: 64,
  /** Messages in the pool, all senders together. */
  poolMessages: 10_000,
  /** Messages in the pool from one sender. */
  poolMessagesPerSender: 200,
  /** A message may be this far ahead of its sender's nonce. */
  poolNonceGap: 100,
  /** Blocks of unknown parents kept while their ancestors are fetched. */
  orphanBlocks: 512,
  /** Remembered bad blocks. */
  badBlocks: 1024,
  /** Remembered verdicts of proof and signature checks. */
  verdicts: 16_384,
  /** Body of one API request, file uploads apart. */
  apiBodyBytes: 1_048_576,
  /** Concurrent `watch` streams of the API. */
  apiStreams: 64,
  /** Put jobs that run at the same time. */
  runningPuts: 32,
  /** Deals that a miner takes in at the same time. */
  runningTransfers: 16,
  /** Pieces in one deal. */
  piecesPerDeal: 4096,
  /** Vouchers in one deal. */
  vouchersPerDeal: 64,
  /** One block of a file (what IPFS programs pass on). */
  fileBlockBytes: 1_048_576,
  /** One file: 16 TiB. */
  fileBytes: 17_592_186_044_416,
  /** Distinct blocks of one file: 1 TiB in chunks of 256 KiB. */
  dagBlocks: 4_194_304,
  /** Levels of a file's tree (a balanced one of 16 TiB has 5). */
  dagDepth: 32,
  /** Links that wait to be followed while a tree is walked. */
  dagPendingLinks: 262_144,
  /** Blocks of all remembered CAR layouts together (about 50 bytes each). */
  carPlanBlocks: 1_048_576,
  /** Retrievals that a node serves at the same time. */
  retrievalServed: 64,
  /** Retrievals that a node serves to one peer at the same time. */
  retrievalServedPerPeer: 8,
  /** Providers of one file that are considered. */
  retrievalProviders: 64,
  /** Providers that are asked at the same time. */
  retrievalQuestions: 8,
  /** Failures in a row after which a provider is given up for this file. */
  retrievalAttempts: 3,
  /** The pause before a provider is tried again; it doubles with every failure. */
  retrievalRetryMs: 1_000,
  /** A retrieval on which nothing moves for this time has failed. */
  retrievalIdleMs: 20_000,
  /** A provider that does not complete one block in this time has failed. */
  retrievalBlockMs: 120_000,
  /** Bytes already here that are rather received again than skipped by a new request. */
  retrievalGapBytes: 1_048_576,
  /** Received blocks that wait for the disk. */
  retrievalPendingWrites: 32,
  /** Blocks that are read ahead of the reader of a file. */
  readAheadBlocks: 8,
} as const;
