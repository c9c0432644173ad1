/** The store room: the metadata of sectors and pieces behind one port. */

export type { MigrationReport } from "./migrate.ts";
export {
  emptyFill,
  type PieceRow,
  type SealCommitments,
  type SealEvent,
  type SealTicket,
  type SectorFailure,
  type SectorFill,
  type SectorOrigin,
  type SectorRow,
  type SectorTotal,
  type SlotRow,
} from "./rows.ts";
export { checkOpenable, checkRecords, openStore } from "./store.ts";
export {
  everySector,
  type SectorChange,
  type SectorQuery,
  type StorageReader,
  type StorageStore,
  type StorageWriter,
} from "./types.ts";
export type { FileRow, SectorPlace, Share, VolumeRow, VolumeSettings } from "./volume-rows.ts";
