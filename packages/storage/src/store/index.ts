/** The store room: metadata in SQLite. */
export type {
  PieceRow,
  SealCommitments,
  SealEvent,
  SealTicket,
  SectorFailure,
  SectorOrigin,
  SectorRow,
  SlotRow,
} from "./rows.ts";
export { type SectorChange, StorageStore } from "./store.ts";
