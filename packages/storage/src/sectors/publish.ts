/**
 * Pieces that are to be sealed on a bucket go there first: whoever seals them may be on another machine, which cannot
 * reach the disk that they came in on.
 */
import type { FileRow, SectorRow } from "../store/index.ts";
import { copyFile } from "../volumes/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { fileName, filePath } from "./files.ts";

/** The staged file where a sealer finds it; undefined if the sector has none. `discard` deletes what nobody owns. */
export async function publishStaged(
  core: Core,
  row: SectorRow,
  discard: (path: string) => Promise<unknown>,
): Promise<FileRow | undefined> {
  const { store, disk, locks, end } = core;
  const { sectorId } = row;
  const staged = await store.volumes.file(sectorId, "staged");
  const place = await store.volumes.placeOf(sectorId);
  const volume = place === undefined ? undefined : await store.volumes.get(place.seal.volumeId);
  if (staged === undefined || place === undefined || volume?.place.kind !== "s3") return staged;
  if (staged.volumeId === volume.volumeId || staged.sizeBytes === 0) return staged;
  const { volumeId } = volume;
  const target = { ...staged, volumeId, path: fileName(row, "staged", store.generation, volume.place) };
  const sizeBytes = await copyFile(disk, filePath(staged), filePath(target), end);
  await locks.run(sectorId, async () => {
    ensureOpen(core);
    const isWanted = await store.transaction(async (tx) => {
      const now = await tx.sector(sectorId);
      if (now?.state !== row.state || now.attempt !== row.attempt) return false;
      await tx.volumes.putFile({ ...target, sizeBytes });
      await tx.volumes.setPlace({ ...place, stage: { ...place.stage, volumeId } });
      return true;
    });
    await discard(filePath(isWanted ? staged : target));
  });
  return { ...target, sizeBytes };
}
