/**
 * What the start of a storage does before anybody may use it: it undoes what a crash left half done. Nothing
 * here depends on how the last process ended, so a crash during recovery is recovered from in the same way.
 */
import { everySector, type SectorRow } from "../store/index.ts";
import { pathOn } from "../volumes/index.ts";
import type { Collector } from "./collector.ts";
import type { Core } from "./core.ts";
import { claimedRoles, filePath } from "./files.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { stagedEnd } from "./options.ts";
import { landedStates, workingStates } from "./states.ts";

export async function recover(core: Core, lifecycle: Lifecycle, collector: Collector): Promise<void> {
  const { store, logger } = core;
  const undone = await store.transaction((tx) => tx.forgetUnwrittenPieces());
  await clearWork(core);
  for await (const { sectorId } of everySector(store, ["staging"])) await cutStaged(core, sectorId);
  for await (const row of everySector(store, landedStates)) {
    const { sectorId } = row;
    if (await isUnsettled(core, row)) await core.locks.run(sectorId, () => lifecycle.settle(sectorId));
  }
  const { removed } = await collector.collect();
  for await (const claim of collector.missing()) logger.error("storage: a sector lacks a file", { ...claim });
  if (undone > 0 || removed.length > 0) {
    logger.info("storage: recovered", { undonePieces: undone, removedFiles: removed.length });
  }
}

/** Empties the room of jobs but for those that go on, here or at a worker that has not even noticed. */
async function clearWork({ store, disk, work, volumes }: Core): Promise<void> {
  for await (const { sectorId, attempt } of everySector(store, workingStates)) {
    const place = await store.volumes.placeOf(sectorId);
    if (place !== undefined) work.open(sectorId, attempt, place.seal.volumeId);
  }
  for (const { volumeId } of await store.volumes.all()) {
    if (!volumes.conditionOf(volumeId).isHere) continue;
    for (const name of await disk.list(pathOn(volumeId, "work"))) {
      const folder = pathOn(volumeId, `work/${name}`);
      if (work.sectorOf(folder) === undefined) await disk.remove(folder);
    }
  }
}

/** Whether a sector on the chain still has what only its seal needed, or what it claims no more. */
async function isUnsettled({ store, limits }: Core, row: SectorRow): Promise<boolean> {
  const place = await store.volumes.placeOf(row.sectorId);
  if (place !== undefined && place.stage.bytes + place.seal.bytes > 0) return true;
  const roles = claimedRoles(row, await store.fill(row.sectorId), limits);
  const files = await store.volumes.filesOf(row.sectorId);
  return [...files.keys()].some((role) => !roles.has(role));
}

/** Cuts a staged file behind its last kept piece: bytes of a half-written one are gone. */
export async function cutStaged(core: Core, sectorId: number): Promise<void> {
  const { store, disk } = core;
  const recorded = await store.volumes.file(sectorId, "staged");
  if (recorded === undefined) return;
  const path = filePath(recorded);
  const sizeBytes = await disk.sizeBytes(path);
  const end = stagedEnd(await store.slots(sectorId));
  if (sizeBytes === undefined || sizeBytes <= end) return;
  await using file = await disk.open(path, "write");
  await file.truncate(end);
  await file.sync();
}
