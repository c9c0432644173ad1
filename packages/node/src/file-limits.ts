/** The rows of the table of limits about files and folders, and about those that are kept; the table is `limits.ts`. */
export const fileLimits = {
  /** One block of a file (what IPFS programs pass on). */
  fileBlockBytes: 1_048_576,
  /** One file: 16 TiB. */
  fileBytes: 17_592_186_044_416,
  /** Distinct blocks of one file: 1 TiB in chunks of 256 KiB. */
  dagBlocks: 4_194_304,
  /** Levels of a tree (a balanced file of 16 TiB has 5, a folder one for each name of its paths). */
  dagDepth: 96,
  /** Files, folders and links in one folder that is imported. */
  folderEntries: 262_144,
  /** One name in a folder (disks take 255). */
  entryNameBytes: 255,
  /** Where a symbolic link leads to, as it says. */
  linkTargetBytes: 65_536,
  /** The list of what is in an encrypted folder. */
  folderIndexBytes: 67_108_864,
  /** Others, beside its owner, who can open an encrypted file. */
  fileRecipients: 16,
  /** Written blocks that are made durable together. */
  settledAtOnce: 32,
  /** Links that wait to be followed while a tree is walked. */
  dagPendingLinks: 262_144,
  /** Rounds between two looks at a stored file that is to be renewed or repaired; a failed try waits twice as long. */
  keepLookRounds: 10,
  /** A random part of a kept copy is asked for once in a proving period, and no more often than that. */
  auditPauseMs: 60_000,
  /** For one block of it and those above. */
  auditMs: 120_000,
  /** At the same time. */
  runningAudits: 4,
  /** Deals of one copy that go on being paid though another has taken their place. */
  keepSpareDeals: 2,
  /** The longest pause after a copy could not be made again: an hour. */
  keepRetryMaxMs: 3_600_000,
  /** Times that a miner is asked to extend a deal before another copy is made. */
  renewAttempts: 2,
} as const;
