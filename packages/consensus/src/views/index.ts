/** Typed readers of the state, by its root. */
export { codeNameOfCid, listActors, readActor, readNetworkParams } from "./actors.ts";
export { listChannels, readChannel } from "./broker.ts";
export {
  type ElectionFacts,
  listMiners,
  type MinerView,
  type ProvableSector,
  type ProvingPeriodView,
  provingPeriodAt,
  readElectionFacts,
  readMinerHead,
  readMinerState,
  readPower,
  readPowerTable,
  readPreCommit,
  readSector,
  readSectors,
} from "./miner.ts";
export { type MoneyReport, moneyInvariant } from "./money.ts";
