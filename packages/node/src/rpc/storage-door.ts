/** What the API needs of a miner's volumes: the methods of the noun, as they are. */
import type { ApiHandlers } from "@holdfast/api";

export type StorageDoor = Pick<
  ApiHandlers,
  | "storage.ls"
  | "storage.attach"
  | "storage.set"
  | "storage.drain"
  | "storage.detach"
  | "storage.move"
  | "storage.check"
  | "storage.repair"
  | "storage.clean"
>;
