/** What the API needs of a miner's idle space: the methods of the noun, as they are. */
import type { ApiHandlers } from "@holdfast/api";

export type IdleDoor = Pick<ApiHandlers, "idle.status" | "idle.fill" | "idle.drain">;
