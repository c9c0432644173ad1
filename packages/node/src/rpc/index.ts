/** The API of a node on loopback HTTP. */
export { rpcErrors } from "./errors.ts";
export { createHandlers } from "./handlers/index.ts";
export { believedFix, believedText } from "./handlers/sync.ts";
export type { IdleDoor, VerifierDoorView } from "./idle-door.ts";
export type { JobsDoor, WatchFrom } from "./jobs-door.ts";
export type { LocalSector, MinerDoor, MoveRecords } from "./miner-needs.ts";
export type {
  CarDoor,
  FileDoor,
  HandlerNeeds,
  MarketDoor,
  MetricsDoor,
  PageFile,
} from "./needs.ts";
export type { PinDoor } from "./pin-needs.ts";
export type { PoscDoor } from "./posc-needs.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
export type { StorageDoor } from "./storage-door.ts";
