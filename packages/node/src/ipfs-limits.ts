/** The part of the table of limits about other programs of IPFS: bitswap, CAR files, gateways. */
export const ipfsLimits = {
  /** Blocks that are asked for in one message of bitswap. */
  swapEntries: 256,
  /** Blocks that a message of bitswap that is taken in names or brings. */
  swapEntriesTaken: 4_096,
  /** Blocks that one peer wants and has not been given yet. */
  swapQueued: 1_024,
  /** Blocks of one peer's wants that are looked up in a second; it may save up those of one. */
  swapFindsPerSecond: 4_096,
  /** Of these, those that are read before it is their turn. */
  swapFindsAhead: 4,
  /** Content of blocks in one message of bitswap that we send, but for the last of them. */
  swapMessageBytes: 262_144,
  /** A peer that has said nothing on a stream of bitswap for this time is not listened to there any more. */
  swapIdleMs: 120_000,
  /** A stream of bitswap on which we have nothing to say for this time is ended. */
  swapLingerMs: 5_000,
  /** A peer that gives none of the blocks that were asked of it in this time is not waited for. */
  swapBlockMs: 20_000,
  /** Blocks of a peer that nobody asked it for, after which it is a liar. */
  swapUnasked: 256,
  /** Peers that are asked for one block. */
  swapPeers: 16,
  /** Blocks of a tree that is pulled that are under way or wait for their turn. */
  pullBlocks: 64,
  /** Roots of one CAR file. */
  carRoots: 64,
  /** Requests that the gateway serves at the same time. */
  gatewayRequests: 64,
  /** Blocks that another gateway is asked for at the same time. */
  gatewayAsked: 16,
  /** Connections to the gateway, idle ones among them. */
  gatewayConnections: 512,
  /** The URL of one request. */
  gatewayUrlBytes: 8_192,
  /** A reader of the gateway that takes nothing for this time is cut off. */
  gatewayStallMs: 60_000,
  /** Ranges of bytes in one request; of one with more the whole is sent. */
  gatewayRanges: 32,
  /** Characters of a node's value on one page. */
  gatewayShownNode: 262_144,
  /** Entries of a folder on one page. */
  gatewayListed: 10_000,
} as const;
