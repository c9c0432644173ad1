/**
 * Every limit of a node on one page. A queue, stream, cache, retry or decoded length without a row
 * here does not exist; operators read this table with `holdfast status --limits` and in the docs.
 */
export const limits = {
  /** One frame of a request/response protocol (2019 protocols: 256 KiB). */
  frameBytes: 262_144,
  /** One gossiped block or message. */
  gossipMessageBytes: 1_048_576,
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
} as const;
