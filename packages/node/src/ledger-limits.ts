/** The rows of the table of limits about contracts of other chains. */
export const ledgerLimits = {
  /** Pairs of account and CID that are kept of one contract; further ones are counted. */
  ledgerWishes: 1_000_000,
  /** Blocks that are asked for at once; fewer where the chain's node refuses. */
  ledgerRangeBlocks: 10_000,
  /** Logs of one range; of more, the range is halved. */
  ledgerLogsPerRange: 20_000,
  /** Data of one log. */
  ledgerLogBytes: 8_192,
  /** One answer of the chain's node. */
  ledgerAnswerBytes: 67_108_864,
  /** To answer. */
  ledgerCallMs: 30_000,
} as const;
