/** Rows of the table of limits about deals, and how data travels that somebody pays for; the table is `limits.ts`. */
export const dealLimits = {
  /** Deals that a miner fetches at the same time. */
  runningTransfers: 16,
  /** Deals that wait at a miner to be fetched, and that are being fetched. */
  waitingDeals: 256,
  /** So many places must be free for each that one client, or one peer, has of these already. */
  freePerWaitingDeal: 7,
  /** Who gives less than the floor in so much time that the miner waited for it gives its turn back and waits again. */
  transferWindowMs: 30_000,
  /** See `transferWindowMs`: a share of a sixteenth of a line of 256 kbit/s. */
  transferFloorBytesPerS: 2_048,
  /** A turn ends with its piece after this time while other clients wait. */
  transferTurnMs: 300_000,
  /** It ends within the piece if it has been slower than this as a whole. */
  transferFairBytesPerS: 65_536,
  /**
   * A deal is given up that gave so many turns back for the floor, while others waited, without a good one between.
   * Turns in which nothing came, of it or of other clients, do not count: how long it may be silent bounds those.
   */
  slowTurns: 4,
  /** How the data of a deal comes to its miner, as a proposal says it: a word or a URL. */
  deliveryBytes: 2_048,
  /** Deals whose data is to be carried to a miner and is not there yet. */
  carriedDeals: 64,
  /** Of these, those of one client. */
  carriedDealsPerClient: 16,
  /** So long is there time to carry data, at most half the deal: seven days. */
  carryMs: 604_800_000,
  /** Providers that are paid for one file at the same time, if it is large: each needs a channel. */
  paidSeats: 3,
  /** From this size on. */
  paidSpreadBytes: 16_777_216,
  /** What another may ask beyond the cheapest of them (percent of its price). */
  paidSpreadPercent: 125,
  /** A web server that sends nothing of a deal's data for this time has failed. */
  webIdleMs: 20_000,
  /** Puts that the program itself asks for at once: the newest. */
  putsAtOnce: 1_000,
  /** A miner's deal for which nothing is due is looked at once in so many rounds; earlier where channels end faster. */
  dealRestRounds: 60,
  /** Sectors on their way whose time from closing to the chain is taken. */
  pacedSectors: 1_024,
  /** Sectors on their way that are sealed in the order of their deals' starts; others come after them. */
  dueSectors: 16_384,
  /** Deals whose rest is over that are looked at at one head; the others at the next ones. */
  dealsPerLook: 5_000,
  /**
   * Runs of the operator's program at the same time for questions about terms, which anybody may ask: they wait for
   * each other and keep no proposal waiting.
   */
  policyHookQuotes: 2,
} as const;
