/**
 * What the start of a storage does before anybody may use it: it undoes what a crash left half done. Nothing
 * here depends on how the last process ended, so a crash during recovery is recovered from in the same way.
 */
import { everySector } from "../store/index.ts";
import type { Collector } from "./collector.ts";
import type { Core } from "./core.ts";
import { sectorPaths } from "./files.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { userOffset } from "./options.ts";
import { landedStates, workingStates } from "./states.ts";

export async function recover(core: Core, lifecycle: Lifecycle, collector: Collector): Promise<void> {
  const { store, logger } = core;
  const undone = await store.transaction((tx) => tx.forgetUnwrittenPieces());
  await clearWork(core);
  for await (const { sectorId } of everySector(store, ["staging"])) await cutStaged(core, sectorId);
  for await (const { sectorId } of everySector(store, landedStates)) await lifecycle.settle(sectorId);
  const { removed } = await collector.collect();
  for await (const claim of collector.missing()) logger.error("storage: a sector lacks a file", { ...claim });
  if (undone > 0 || removed.length > 0) {
    logger.info("storage: recovered", { undonePieces: undone, removedFiles: removed.length });
  }
}

/** Empties the room of jobs but for those that go on, here or at a worker that has not even noticed. */
async function clearWork({ store, disk, work }: Core): Promise<void> {
  for await (const { sectorId, attempt } of everySector(store, workingStates)) work.open(sectorId, attempt);
  for (const name of await disk.list("work")) {
    const folder = `work/${name}`;
    if (work.sectorOf(folder) === undefined) await disk.remove(folder);
  }
}

/** Cuts a staged file behind its last kept piece: bytes of a half-written one are gone. */
async function cutStaged(core: Core, sectorId: number): Promise<void> {
  const { store, disk } = core;
  const path = sectorPaths(sectorId).staged;
  const sizeBytes = await disk.sizeBytes(path);
  const slots = await store.slots(sectorId);
  const end = Math.max(0, ...slots.map((slot) => userOffset(slot.offsetPaddedBytes) + slot.userBytes));
  if (sizeBytes === undefined || sizeBytes <= end) return;
  await using file = await disk.open(path, "write");
  await file.truncate(end);
  await file.sync();
}
