/** The rows of the table of limits about making evidence; `attestLimits` of proofs has those of reading it. */
export const attestationLimits = {
  /** Files of the program, when it measures itself. */
  programFiles: 16_384,
  /** Times that a report is asked for again because another program has written to the device. */
  deviceTries: 8,
  /** Programs whose sealed keys are looked at in a node's folder. */
  sealedIdentities: 64,
  /** One document of collateral: TCB info is 13 kB, a revocation list some kilobytes. */
  collateralFetchBytes: 1_048_576,
  /** To fetch one. */
  collateralFetchMs: 20_000,
  /** How long a fetched document is taken without asking for a newer one: half a day. */
  collateralFreshMs: 43_200_000,
  /** Fetched documents that are kept. */
  collateralKept: 256,
} as const;
