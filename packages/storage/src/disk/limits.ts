/** What is bounded of files that are written past the system's cache, with its unit. */
export const uncachedLimits = {
  /** The largest block that disks have; places in the file, lengths and memory are whole numbers of it. */
  blockBytes: 4096,
  /** Of one read or write, and so of the memory that it goes through. */
  roomBytes: 2 ** 22,
  /** Rooms that a thread keeps for the next read or write. */
  keptRooms: 2,
  /** What has fewer whole blocks goes the ordinary way: each call waits for the disk. */
  leastBytes: 2 ** 16,
} as const;
