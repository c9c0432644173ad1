/** Idle space beside sectors: who needs room for a sector gets what idle space gives back. */
import { HoldfastError } from "@holdfast/base";
import type { Storage } from "@holdfast/storage";
import type { Idle } from "./idle/index.ts";

/** The storage, whose new sectors take room from idle space where there is no other. */
export function makingRoom(storage: Storage, idle: Pick<Idle, "hold" | "makeRoom">): Storage {
  return {
    ...storage,
    addPiece: (piece, signal) => withRoom(idle, () => storage.addPiece(piece, signal), signal),
    addCommittedCapacity: (sectorBytes) => withRoom(idle, () => storage.addCommittedCapacity(sectorBytes)),
  };
}

/** Tries again as long as idle space has what is missing. Errors of `work`. */
async function withRoom<Result>(
  idle: Pick<Idle, "hold" | "makeRoom">,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  let release: (() => void) | undefined;
  try {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const missing = missingBytes(error);
        if (missing === undefined) throw error;
        release ??= idle.hold(); // what becomes free is not filled before the sector has it
        if (!(await isFreed(idle, missing, signal))) throw error;
      }
    }
  } finally {
    release?.();
  }
}

async function isFreed(idle: Pick<Idle, "makeRoom">, bytes: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await idle.makeRoom(bytes, signal);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code.startsWith("idle/")) return false;
    throw error;
  }
}

/** What a sector that was refused would need; undefined: that was not the reason. */
function missingBytes(error: unknown): number | undefined {
  if (!(error instanceof HoldfastError)) return undefined;
  const { neededBytes, availableBytes = 0 } = error.data;
  const isRoom = error.code === "storage/full" || error.code === "storage/no-volume";
  if (!isRoom || typeof neededBytes !== "number") return undefined;
  return Math.max(1, neededBytes - Number(availableBytes));
}
