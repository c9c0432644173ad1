/**
 * The door of `storage`: sectors and pieces on a disk, and the worker pools that seal and verify. It knows no
 * chain.
 */

export { type Silence, SilenceWatch } from "./db/index.ts";
export {
  type DirectHandle,
  makeFolder,
  type NodeDisk,
  type NodeDiskOptions,
  type OpenDirect,
  openNodeDisk,
} from "./disk/index.ts";
export { isDatabaseSilent, storageErrors } from "./errors.ts";
export * from "./jobs/index.ts";
export {
  createInlineSealer,
  createSealingPool,
  createVerifierPool,
  type JobOptions,
  type Sealer,
  type SealingPool,
  type SealingPoolOptions,
  type VerifierPool,
  type VerifierPoolOptions,
} from "./pool/index.ts";
export * from "./sectors/index.ts";
export {
  checkRecords,
  type MigrationReport,
  type SealCommitments,
  type SectorFailure,
  type SectorOrigin,
} from "./store/index.ts";
export * from "./volumes/index.ts";
