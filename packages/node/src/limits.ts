/**
 * Every limit of a node on one page. A queue, stream, cache, retry or decoded length without a row
 * here does not exist; this is the table that operators read.
 */
import { attestationLimits } from "./attest-limits.ts";
import { dealLimits } from "./deal-limits.ts";
import { fileLimits } from "./file-limits.ts";
import { idleLimits } from "./idle-limits.ts";
import { ipfsLimits } from "./ipfs-limits.ts";
import { ledgerLimits } from "./ledger-limits.ts";
import { peerLimits } from "./peer-limits.ts";
import { pinLimits } from "./pin-limits.ts";
export const limits = {
  ...attestationLimits,
  ...dealLimits,
  ...ledgerLimits,
  ...fileLimits,
  ...idleLimits,
  ...ipfsLimits,
  ...peerLimits,
  ...pinLimits,
  /** One frame of a request/response protocol (2019 protocols: 256 KiB). */
  frameBytes: 262_144,
  /** One gossiped block or message. */
  gossipMessageBytes: 1_048_576,
  /** Messages of one block, encoded: with its header a block stays below `gossipMessageBytes`. */
  blockBodyBytes: 786_432,
  /** Gossip that waits for one slow peer; more, and it is cut off. */
  gossipBacklogBytes: 8_388_608,
  /** Connections to peers, in and out. */
  connections: 128,
  /** Incoming connections that have not proved who they are yet. */
  pendingConnections: 32,
  /** Connections that came in; the rest is for those that the node chooses itself. */
  inboundConnections: 96,
  /** Connections with one other machine, in and out. */
  connectionsPerMachine: 16,
  /** Of one other machine, those that have not proved who they are yet. */
  pendingConnectionsPerMachine: 8,
  /** Peers and machines that are not talked to. */
  bans: 4_096,
  /** How long a peer is banned for its score: 6 h. */
  banMs: 21_600_000,
  /** Peers whose deeds are remembered, also after they have left. */
  rememberedScores: 2_048,
  /** A new connection has other things to say first: then a peer is asked to dial back. */
  dialBackAfterMs: 3_000,
  /** A machine that asked to be dialled back is not dialled again for this time. */
  dialBackPauseMs: 60_000,
  /** Machines that are dialled back in that time. */
  dialBackMachines: 64,
  /** Peers that are dialled back at the same time. */
  dialBacksServed: 4,
  /** Answers that are enough to know whether this node can be dialled. */
  dialBackAnswers: 3,
  /** An answer tells of now for so long, and a peer that refused is asked again after it. */
  dialBackFreshMs: 1_800_000,
  /** Between two looks whether answers have aged. */
  dialBackEveryMs: 300_000,
  /** Gossip messages of one neighbour in a second, on average. */
  gossipMessagesPerSecond: 200,
  /** Gossip messages of one neighbour at once. */
  gossipBurst: 2_000,
  /** Gossip messages that are being examined. */
  gossipValidations: 1_024,
  /** Of these, those of one neighbour. */
  gossipValidationsPerPeer: 256,
  /** New connections from one host in a second. */
  connectionsPerHostPerSecond: 32,
  /** Peers dialled at the same time. */
  parallelDials: 16,
  /** Peers that wait to be dialled. */
  queuedDials: 128,
  /** Streams of one connection, all protocols together. */
  streamsPerConnection: 256,
  /** Streams of one protocol on one connection, in each direction. */
  streamsPerProtocol: 32,
  /** What a peer may send on a stream before anybody reads it. */
  streamWindowBytes: 2_097_152,
  /** Bytes that wait for the system to take them on one connection, before its streams are told to wait. */
  socketBacklogBytes: 1_048_576,
  /** To connect, prove who one is and agree on a protocol. */
  dialTimeoutMs: 10_000,
  /** A request that gets no answer in this time has failed. */
  requestTimeoutMs: 20_000,
  /** Bytes of file data in one frame of a retrieval (2019: 64 KiB). */
  retrievalChunkBytes: 65_536,
  /** Tipsets that one chain-exchange answer may carry. */
  exchangeTipsets: 64,
  /** Blocks of one chain-exchange answer after which it ends with the tipset that it is in. */
  exchangeBytes: 8_388_608,
  /** Chain requests that a node serves at the same time. */
  exchangeServed: 32,
  /** Of these, those of one peer. */
  exchangeServedPerPeer: 4,
  /** Bytes that one peer is served of the chain in a second; it may save up four seconds of them. */
  exchangeBytesPerSecond: 16_777_216,
  /** Chain requests that one peer may make in a second; it may save up four seconds of them. */
  exchangeRequestsPerSecond: 64,
  /** Questions of light clients that a node answers at the same time. */
  lightServed: 16,
  /** Of these, those of one peer. */
  lightServedPerPeer: 2,
  /** Bytes of headers and proofs that one light client is served in a second; it may save up four seconds of them. */
  lightBytesPerSecond: 4_194_304,
  /** Questions that one light client may ask in a second; it may save up four seconds of them. */
  lightRequestsPerSecond: 32,
  /** Times that a light client asks a busy provider again. */
  lightRetries: 4,
  /** The file that a light client keeps between two runs. */
  lightFileBytes: 16_777_216,
  /** Providers that a light client asks. */
  lightProviders: 16,
  /** A peer that has not been of use yet has this long to answer a chain request. */
  exchangeProbeMs: 5_000,
  /** Requests for objects of a state that a node has under way while it begins at a checkpoint. */
  stateRequests: 4,
  /** Tries in a row in which nobody gives a part of it, with pauses as of `syncRetryMs`, before it is given up. */
  stateTries: 12,
  /** Chains that are followed down to a known tipset at the same time. */
  routes: 4,
  /** Tipsets of such a chain whose names are kept; of a longer one the lowest, and it is followed again. */
  routeTipsets: 65_536,
  /** Headers of such a chain that are kept until its bodies come; others are fetched again with them. */
  routeHeaderBytes: 16_777_216,
  /** Headers of chains that one peer told of and did not give, after which it is a liar. */
  vainTipsets: 2_048,
  /** Such chains, or tries of one, that it has in any case. */
  vainTries: 3,
  /** Rounds after which nobody waits any longer for one who gave nothing of such chains, not even the head. */
  vainRounds: 60,
  /** Answers with bodies that one chain waits for at the same time. */
  bodyRequests: 4,
  /** Bytes of bodies that one answer is asked for, judged by those before it. */
  bodySpanBytes: 2_097_152,
  /** The pause before a chain that could not be fetched is tried again; it doubles up to `syncRetryMaxMs`. */
  syncRetryMs: 1_000,
  /** See `syncRetryMs`. */
  syncRetryMaxMs: 60_000,
  /** Peers whose usefulness for fetching the chain is remembered. */
  peerScores: 1_024,
  /** A peer that lied about the chain is not asked for this long; it doubles up to `syncBanMaxMs`. */
  syncBanMs: 600_000,
  /** See `syncBanMs`. */
  syncBanMaxMs: 86_400_000,
  /** The text of an invitation. */
  invitationBytes: 4_096,
  /** Peers that an invitation names. */
  invitedPeers: 8,
  /** The file of a network, or of the draft of one. */
  networkFileBytes: 96_000_000,
  /** The proof of one founder's sector in such a file; the chain would not take a longer one either. */
  founderSealBytes: 1_048_576,
  /** The file of a network's genesis. */
  genesisBytes: 67_108_864,
  /** Genesis files that a node sends at the same time. */
  genesisServed: 4,
  /** To fetch a genesis file. */
  genesisFetchMs: 120_000,
  /** Messages in the pool, all senders together. */
  poolMessages: 10_000,
  /** Their encoded sizes together. */
  poolBytes: 33_554_432,
  /** Messages in the pool from one sender. */
  poolMessagesPerSender: 200,
  /** Their encoded sizes together. */
  poolBytesPerSender: 4_194_304,
  /** Rounds after which a message that nobody has mined leaves the pool (a day of 30 s rounds). */
  poolAgeRounds: 2_880,
  /** A message may be this far ahead of its sender's nonce. */
  poolNonceGap: 100,
  /** Remembered messages that left the pool by age or for better paid ones, so that it can say so. */
  poolFates: 1_024,
  /** attoFIL for a unit of gas that a node offers by itself at most when blocks are full. */
  gasPriceAtto: 1_000_000_000,
  /** Full blocks that pass a message over before it is offered more. */
  fullBlocksBeforeRaise: 3,
  /** Received blocks that wait to be validated. */
  queuedBlocks: 512,
  /** Blocks of unknown parents kept while their ancestors are fetched. */
  orphanBlocks: 512,
  /** A helper thread of the kernels that had nothing to do for this time ends. */
  helperIdleMs: 30_000,
  /** Parents of a large sector's graph that a seal or an extraction keeps, of each direction, if memory is there. */
  keptParentsBytes: 536_870_912,
  /** Threads that compute at the same time, at most, whatever the processor has. */
  computeThreads: 64,
  /** Proving keys of SNARKs that a worker thread keeps in memory; each has some megabytes. */
  provingKeys: 6,
  /** Headers of recent blocks that are compared with new ones of the same miners for consensus faults. */
  watchedHeaders: 8_192,
  /** Remembered bad blocks and tipsets. */
  badBlocks: 1024,
  /** Blocks whose parents are being fetched, all together. */
  orphanBytes: 33_554_432,
  /** Objects of states that one walk remembers (24 bytes each, at most 48 while it grows). */
  walkedObjects: 33_554_432,
  /** Links of a snapshot's objects that wait to be followed. */
  snapshotPendingLinks: 262_144,
  /** Bytes of a snapshot after which what has come is written to the disk. */
  snapshotCommitBytes: 4_194_304,
  /** Objects that pruning marks or looks at before it lets the node do its work. */
  pruneSliceObjects: 256,
  /** How long it rests then. */
  prunePauseMs: 2,
  /** Runs of a block that only find out what it wants verified; then its proofs are verified in line. */
  trialRuns: 6,
  /** Decoded tipsets in memory: more than finality, below which only single heights are looked up. */
  cachedTipsets: 256,
  /** Decoded bodies of blocks in memory: every room looks at the newest tipset. */
  cachedBodies: 16,
  /** Messages whose signatures are known to hold, so that a block that takes one is not verified anew. */
  verifiedMessages: 65_536,
  /** Executions of tipsets that nodes of one process can take from one another. */
  sharedExecutions: 16,
  /** Remembered verdicts of proof and signature checks. */
  verdicts: 16_384,
  /** Body of one API request, file uploads apart. */
  apiBodyBytes: 1_048_576,
  /** Concurrent `watch` streams of the API. */
  apiStreams: 64,
  /** Put jobs that run at the same time. */
  runningPuts: 32,
  /** Pieces in one deal: what one voucher's condition can name. */
  piecesPerDeal: 1024,
  /** Vouchers in one deal. */
  vouchersPerDeal: 64,
  /** A voucher as text: the largest condition in base64, and what is around it. */
  voucherTextBytes: 131_072,
  /** Vouchers that a node keeps, received or given, all channels together. */
  keptVouchers: 10_000,
  /** Of one channel. */
  vouchersPerChannel: 64,
  /** Rounds before a channel's end at which its best voucher is redeemed by itself. */
  redeemMarginRounds: 60,
  /** Rounds between two tries of a redemption that the chain would refuse now. */
  redeemRetryRounds: 3,
  /** Channels in one answer about channels, and those that are looked through for it. */
  listedChannels: 1_000,
  /** See `listedChannels`. */
  searchedChannels: 100_000,
  /** Blocks of all remembered CAR layouts together (about 50 bytes each). */
  carPlanBlocks: 1_048_576,
  /** Retrievals that a node serves at the same time. */
  retrievalServed: 64,
  /** Retrievals that a node serves to one peer at the same time. */
  retrievalServedPerPeer: 8,
  /** Remembered sizes of files that are served from sectors. */
  retrievalSizes: 1_024,
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
  readAheadBlocks: 16,
  /** Blocks that one provider may be asked for before they have come. */
  retrievalWants: 64,
  /** Of these, those that a fetch asks one provider for: 2 MiB in usual chunks. */
  retrievalWindow: 8,
  /** Providers that give blocks of one file at the same time. */
  retrievalSeats: 4,
  /** A block that one provider has owed for this time is asked of another, if one has nothing to do. */
  retrievalLateMs: 3_000,
  /** A stream of blocks on which nothing is asked for this time is closed. */
  retrievalSessionIdleMs: 60_000,
  /** So long a free provider is waited for when one that wants money has answered. */
  retrievalFreeWaitMs: 1_000,
  /** Bytes that a provider sends before they are paid, at most: neither side can lose more. */
  retrievalCreditBytes: 2_097_152,
  /** Received bytes after which a voucher is sent. */
  retrievalPayBytes: 1_048_576,
  /** Channels that pay this node for blocks and are remembered in memory. */
  payingChannels: 1_024,
  /** A channel that ends within so many rounds is not taken: what it pays must be redeemed before. */
  retrievalChannelLeastRounds: 120,
  /** Rounds for which a channel that pays for retrievals is opened. */
  retrievalChannelRounds: 2_880,
  /** Roots that a node fetches from others for others at the same time. */
  pulledRoots: 32,
  /** Bytes of one root that it pays others for in one go. */
  pulledBytesPerRoot: 1_073_741_824,
  /** Bytes that it has paid others for beyond what blocks have earned since its start. */
  pulledRiskBytes: 2_147_483_648,
  /** Channels that this node has open to pay for blocks. */
  retrievalOwnChannels: 256,
  /** Providers that a search names. */
  foundProviders: 64,
  /** Roots that a node tells the network of. */
  announcedRoots: 4_096,
  /** Between the first two times that it does; four times as long each time, up to `announceEveryMs`. */
  announceFirstMs: 60_000,
  /** See `announceFirstMs`. */
  announceEveryMs: 21_600_000,
  /** A search in the table of peers takes no longer. */
  routingMs: 20_000,
  /** Blocks of pieces that are written into the index at once. */
  indexBatch: 1_000,
  /** Payloads whose CAR stream is held open to read single blocks. */
  indexedOpen: 64,
  /** Copies of one file in one put. */
  copiesPerPut: 20,
  /** The operator's program has so long to judge a deal. */
  policyHookMs: 10_000,
  /** Characters that it may print. */
  policyHookBytes: 65_536,
  /** Runs of it at the same time, for proposals, which are signed and paid for. */
  policyHooks: 4,
  /** Clients in one list of a deal policy. */
  policyClients: 1_000,
  /** Streams of one protocol of the market that are served at the same time. */
  marketStreams: 64,
  marketStreamsPerPeer: 16,
  /** Places of pieces in one answer about a deal (at most 700 bytes each). */
  dealLocations: 256,
  /** The text of one reason in an answer about a deal. */
  dealReasonBytes: 1024,
  /** A put waits this long for miners to show up, and at least `dealWaitRounds`. */
  askWaitMs: 30_000,
  /** A miner that does not answer a first question in this time counts as unreachable. */
  dealProbeMs: 5_000,
  /** Rounds that one side waits for what the other has seen on the chain already. */
  dealWaitRounds: 10,
  /** A deal whose other side is silent for this time, and for `dealSilenceRounds`, is given up. */
  dealSilenceMs: 60_000,
  /** See `dealSilenceMs`. */
  dealSilenceRounds: 20,
  /** The pause before the other side of a deal is tried again; it doubles up to `dealRetryMaxMs`. */
  dealRetryMs: 1_000,
  /** See `dealRetryMs`. */
  dealRetryMaxMs: 60_000,
  /** Times that a stored file is read back before its copy counts as unreadable. */
  readBackAttempts: 8,
  /** Times that a payment channel is cancelled; a miner that goes on proving then gets its money. */
  channelCancels: 3,
  /** Times that a pre-commitment or commitment of a sector is sent when it failed on the chain. */
  sectorMessageAttempts: 8,
  /** Times that a proof of spacetime is sent in one window when it failed on the chain. */
  postAttempts: 3,
  /** Sectors in one proof of spacetime. */
  postSectors: 4_096,
  /** Rounds that a miner waits whose record of signed blocks is missing or behind the chain. */
  twinRounds: 10,
  /** So old is the chain of a node that was away (rounds): it signs nothing before it follows, or finds no peer. */
  twinStaleRounds: 20,
  /** Wins that it gives up meanwhile, to see whether another node signs them. */
  twinWins: 1,
  /** Rounds after which a win that nobody has signed shows that nobody will. */
  twinSilenceRounds: 3,
  /** Deals that are read at once where all of them are wanted. */
  dealsPerPage: 100,
  /** Times that a message of a deal is sent anew when it failed on the chain. */
  dealMessageAttempts: 8,
  /** The time within which a faucet's payments are counted: a day. */
  faucetWindowMs: 86_400_000,
  /** Payments of a faucet to one address in that time. */
  faucetPerAddress: 1,
  /** To one peer. */
  faucetPerPeer: 4,
  /** To peers on one machine: an IPv4 address, or a /64 of IPv6. */
  faucetPerMachine: 16,
  /** To all. */
  faucetInAll: 1_000,
  /** To all in a minute: what they leave in the outbox is sent before more comes. */
  faucetPerMinute: 20,
  /** How long it is known who was paid for which key: seven days. */
  faucetMemoryMs: 604_800_000,
  /** Requests that wait for a faucet's turn. */
  faucetQueue: 64,
  /** Of these, those of one peer. */
  faucetQueuePerPeer: 4,
  /** Connected peers that are asked for money one after the other. */
  faucetAsked: 32,
} as const;
