/** The rows of the table of limits about pinned content; the table is `limits.ts`. */
export const pinLimits = {
  /** Distinct blocks of one pin. */
  pinBlocks: 4_194_304,
  /** Links of one block of dag-cbor. */
  pinLinksPerBlock: 65_536,
  /** Blocks of one pin that are looked for at the same time. */
  pinBlocksAtOnce: 16,
  /** Pins that are fetched at the same time. */
  pinsAtOnce: 8,
  /** Pins that wait or are fetched; more are refused. */
  pinsWaiting: 1_048_576,
  /** Rows of a pin's tables that one step takes. */
  pinRowsAtOnce: 256,
  /** Peers that are said to have it. */
  pinOrigins: 20,
  /** The pause after a failed try; it doubles up to `pinRetryMaxMs`. */
  pinRetryMs: 10_000,
  /** See `pinRetryMs`. */
  pinRetryMaxMs: 3_600_000,
  /** Tries of a pin that has no end; one with an end is tried until then. */
  pinAttempts: 10,
  /** The queue looks at least so often whether something is due or over. */
  pinLookMs: 60_000,
  /** And at most so often. */
  pinPauseMs: 20,
  /** Keys of what a pin is labelled with. */
  pinMetaKeys: 100,
  /** One of its keys or values. */
  pinTextLength: 1_024,
  /** CIDs in one question of the pinning service. */
  psaCids: 10,
  /** Pins on one page of the pinning service. */
  psaResults: 1_000,
  /** Connections to the pinning service. */
  psaConnections: 256,
  /** The body of one request to it. */
  psaBodyBytes: 262_144,
  /** One answer of another pinning service. */
  psaAnswerBytes: 8_388_608,
  /** A short answer of a Kubo daemon. */
  kuboAnswerBytes: 1_048_576,
  /** A block of a Kubo daemon (2 MiB is what bitswap passes on). */
  kuboBlockBytes: 2_097_152,
  /** A call of a Kubo daemon that is no fetch. */
  kuboCallMs: 60_000,
  /** A fetch of a Kubo daemon that makes no progress for this time is called off. */
  kuboSilenceMs: 300_000,
  /** A signed report of a pinning node. */
  pinReportBytes: 65_536,
  /** Reports that were heard before the head that they stand on. */
  pinReportsWaiting: 256,
  /** Slots of which reports are kept. */
  pinReportSlots: 4_320,
  /** A question to a pinning node, or its answer. */
  pinMessageBytes: 1_024,
  /** Questions about one node that are passed on, and answered, in one slot. */
  pinQuestionsPerSlot: 16,
  /** Of these, that came by one neighbour: whoever asks all the time shuts nobody else out. */
  pinQuestionsPerPeer: 4,
  /** How long an answer is waited for. */
  pinQuestionMs: 15_000,
  /** Reports of the past that one request asks for. */
  pinReportsAsked: 64,
  /** Slots of the past that are looked at with one head. */
  pinReportSlotsAtOnce: 8,
  /** Heads at which reports that miss are asked for, until they are given up. */
  pinReportTries: 4,
  /** Peers that are asked for the reports that miss, one after the other. */
  pinReportPeers: 3,
  /** What one peer, and all of them, get of this node's reports. */
  pinReportShares: { served: 8, servedPerPeer: 2, bytesPerSecond: 1_048_576, requestsPerSecond: 4 },
  /** The request of reports of the past. */
  pinReportsRequestBytes: 2_048,
  /** A question for the blocks of a walk. */
  pinWalkRequestBytes: 64,
  /** CIDs that are remembered while the longest walk over an order's content is looked for, before it is confirmed. */
  pinLongestWalkBytes: 67_108_864,
  /** Blocks of it that are read without letting others run. */
  pinLongestWalkAtOnce: 64,
  /** Open challenges that one answer of the API shows; of a node there are 16 at most. */
  pinDisputesShown: 1_000,
  /** Orders or challenges of the chain that are looked at without letting others run. */
  pinOrdersAtOnce: 256,
  /** Looks for own orders to go back to in a reorganisation; one that goes deeper has all orders looked at anew. */
  pinMarksKept: 64,
  /** Asks of the chain that are answered at one head, those with the largest pay first. */
  pinAnswersAtOnce: 16,
  /** Looks at own orders in one slot; more take turns. */
  pinLooksPerSlot: 1_024,
  /** Of these, at the same time. */
  pinLooksAtOnce: 4,
  /** Parts of own orders of which is remembered when they were shown last, for people; misses are written down. */
  pinLooksKept: 4_096,
  /** Slots in a row in which a node shows nothing right until the chain asks it; after an answer twice as many. */
  pinLooksMissed: 3,
  /** Slots in a row in which a node shows all, after which half as many misses are enough for the next ask. */
  pinLooksForgiven: 16,
  /** Asks that a node puts on the chain by itself in one slot. */
  pinAsksPerSlot: 4,
  /** What one peer, and all of them, get of looks at what this node holds. */
  pinLookShares: { served: 8, servedPerPeer: 4, bytesPerSecond: 2_097_152, requestsPerSecond: 16 },
  /** Walks of samples that a node shows to others at the same time. */
  pinWalksServed: 16,
  /** Of these, to one peer. */
  pinWalksPerPeer: 4,
  /** The blocks of one walk. */
  pinWalkBytes: 16_777_216,
  /** A node that does not show the blocks of a walk in this time is silent. */
  pinWalkMs: 20_000,
  /** Reports of others of which a sample waits to be looked at. */
  pinChecksWaiting: 256,
  /** Disagreements that wait until the chain has taken the report that they are about. */
  pinDisputesWaiting: 64,
  /** Messages about one report: each but the first follows one that the chain has refused. */
  pinMessageTries: 4,
  /** Silent nodes that are challenged on the chain in one slot. */
  pinChallengesPerSlot: 2,
  /** Reports of others that a node looks at in a slot, on the average: as many look at each one of its own. */
  pinChecksPerSlot: 64,
  /** Samples of one report that a peer looks at. */
  pinChecksPerReport: 2,
} as const;
