/** Typed readers of the state, by its root. */
export { codeNameOfCid, listActors, readActor, readNetworkParams, readProtocol } from "./actors.ts";
export { listChannels, readChannel, searchChannels } from "./broker.ts";
export { allDeals, readDeal, readDealLoss, readDealTerms, readEscrow } from "./deals.ts";
export {
  type IdleMinerView,
  type IdleTask,
  idleFreeAt,
  idleTaskOf,
  listIdleMiners,
  readIdleMiner,
  readIdleVerifiers,
} from "./idle.ts";
export {
  type DeadlineView,
  type ElectionFacts,
  listMiners,
  type MinerView,
  type PartitionView,
  type ProvableSector,
  type ProvingPeriodView,
  provingPeriodAt,
  readDeadline,
  readDeadlines,
  readElectionFacts,
  readMinerHead,
  readMinerState,
  readPower,
  readPowerOf,
  readPowerTable,
  readPreCommit,
  readSector,
  readSectors,
  readStandstill,
} from "./miner.ts";
export { type MoneyReport, moneyInvariant } from "./money.ts";
export { type MultisigView, type OpenTransaction, readMultisig } from "./multisig.ts";
export {
  assignedPins,
  findPinNode,
  listPinChallenges,
  listPinNodes,
  listPinPrograms,
  listPins,
  type PageAt,
  type PinPage,
  pinMarkBefore,
  pinMarkOf,
  pinMarks,
  pinOwed,
  pinReportFacts,
  pinReportSummary,
  readGapEnd,
  readPin,
  readPinNode,
  readPinsState,
} from "./pins.ts";
