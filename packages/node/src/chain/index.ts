/**
 * The chain of one node: executed tipsets, the head, and the index of the current chain. It stores and
 * answers; what is valid is decided in `sync` by the rules of `consensus`.
 */
export { Beginning } from "./beginning.ts";
export { type Belief, watchBelief } from "./belief.ts";
export { type Checkpoint, checkpointText, type PlacedTipset, parseCheckpoint } from "./checkpoint.ts";
export { openLevelDatabase } from "./database.ts";
export { chainErrors } from "./errors.ts";
export { exchangeChainFolder, nextChainFolder, settleChainFolder } from "./folder.ts";
export { type Inventory, takeInventory } from "./inventory.ts";
export { memoryDatabase } from "./memory-database.ts";
export type { ChainDatabase } from "./needs.ts";
export { type ChainGenesis, type ChainOptions, openChain } from "./open.ts";
export type { PruneResult } from "./prune.ts";
export { openPruner, type PrunePolicy, type Pruner } from "./pruner.ts";
export type { Horizon, MessageResult } from "./record.ts";
export { planSnapshot, type SnapshotPlan, type SnapshotRequest, snapshotBytes } from "./snapshot.ts";
export { type ImportedSnapshot, importSnapshot, type SnapshotImport } from "./snapshot-import.ts";
export type { StoredChain } from "./stored-chain.ts";
export type { Chain, HeadChange, ValidatedTipset } from "./types.ts";
