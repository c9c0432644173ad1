/** The sectors room: the state machine from pieces to proven sectors. */
export { openStorage, type StorageOptions } from "./builder.ts";
export type { FileTrouble, SectorCheck } from "./check.ts";
export type { AuditedFile, CollectedGarbage, FileOwner, StorageAudit } from "./collector.ts";
export type { FileClaim, FileRole } from "./files.ts";
export type { LackingReport, LackingSector } from "./lacking.ts";
export { defaultLimits, type StorageLimits } from "./options.ts";
export { type PresealedSector, type PresealRequest, presealSector } from "./presealed.ts";
export type { PieceCheck } from "./reading.ts";
export type { RepairReport } from "./repair.ts";
export { type Footprint, footprint, type StorageUsage } from "./space.ts";
export { landedStates, type SectorState, sectorMoves, sectorStates } from "./states.ts";
export type { Storage } from "./storage.ts";
export { idleFolder, type StorageTenant, type TenantShare } from "./tenant.ts";
export type {
  ByteRangeOptions,
  InclusionAnswer,
  NewPiece,
  PieceQuery,
  PieceSource,
  PostAnswer,
  ResumableSource,
  SealEvent,
  SealIdentity,
  SectorFault,
  SectorInfo,
  SectorListQuery,
  SectorTotal,
  StoredPiece,
  Ticket,
  UnfinishedPiece,
} from "./types.ts";
export type { NewVolume, VolumeInfo } from "./volume-admin.ts";
export type { ByteOwner, StorageVolumes, VolumeExplanation } from "./volume-door.ts";
export type { Condition } from "./volume-keeper.ts";
