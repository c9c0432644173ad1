/**
 * What the start of a storage does before anybody may use it: it undoes what a crash left half done. Nothing
 * here depends on how the last process ended, so a crash during recovery is recovered from in the same way. What it
 * looks at are sectors that are on their way or were: however many are stored, opening takes no longer. Looking at all
 * files and all sectors is the sweep's work, while the storage is in use already.
 */
import { everySector } from "../store/index.ts";
import { pathOn } from "../volumes/index.ts";
import type { Core } from "./core.ts";
import { filePath } from "./files.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { stagedEnd } from "./options.ts";
import { landedStates, workingStates } from "./states.ts";

/** Sectors of one look-up. */
const pageCount = 256;

export async function recover(core: Core, lifecycle: Lifecycle): Promise<void> {
  const { store, logger } = core;
  const undone = await store.transaction((tx) => tx.forgetUnwrittenPieces());
  await clearWork(core);
  for await (const { sectorId } of everySector(store, ["staging"])) await cutStaged(core, sectorId);
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const page = await store.volumes.passing(after, pageCount, !core.limits.keepUnsealed);
    for (const row of await store.sectorsById(page)) {
      if (!landedStates.includes(row.state)) continue;
      await core.locks.run(row.sectorId, () => lifecycle.settle(row.sectorId));
    }
    after = page.at(-1) ?? after;
    if (page.length < pageCount) break;
  }
  if (undone > 0) logger.info("storage: recovered", { undonePieces: undone });
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

/** Cuts a staged file behind its last piece, of a half-written one behind what of it is kept for later. */
export async function cutStaged(core: Core, sectorId: number): Promise<void> {
  const { store, disk } = core;
  const recorded = await store.volumes.file(sectorId, "staged");
  if (recorded === undefined) return;
  const path = filePath(recorded);
  const sizeBytes = await disk.sizeBytes(path);
  const halves = new Map<number, number>();
  for (const { stage, offsetPaddedBytes, durableBytes } of await store.piecesOf(sectorId))
    if (stage === "writing") halves.set(offsetPaddedBytes, durableBytes);
  const end = stagedEnd(
    (await store.slots(sectorId)).map(({ offsetPaddedBytes, userBytes }) => ({
      offsetPaddedBytes,
      userBytes: halves.get(offsetPaddedBytes) ?? userBytes,
    })),
  );
  if (sizeBytes !== undefined && sizeBytes > end) {
    await using file = await disk.open(path, "write");
    await file.truncate(end);
    await file.sync();
  }
  if (recorded.sizeBytes <= end) return;
  await store.transaction(async (tx) => {
    const now = await tx.volumes.file(sectorId, "staged");
    if (now?.path === recorded.path && now.volumeId === recorded.volumeId)
      await tx.volumes.putFile({ ...now, sizeBytes: end });
  });
}
