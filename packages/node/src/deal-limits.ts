/** Rows of the table of limits about deals, and how data travels that somebody pays for; the table is `limits.ts`. */
export const dealLimits = {
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
