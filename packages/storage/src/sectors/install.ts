/**
 * A finished job's files go to their places: what stays to the volume where the sector stays, what only its seal needs
 * to the one where it is sealed. Nothing is there for anybody before its row is written.
 */
import { assert } from "@holdfast/base";
import type { FileRow, SectorRow, StorageWriter } from "../store/index.ts";
import { type Core, ensureOpen, patiently } from "./core.ts";
import { fileName, filePath } from "./files.ts";
import { volumeOrThrow } from "./volume-keeper.ts";

export type JobFiles = Readonly<Record<"sealed" | "tree" | "aux" | "proof", string>>;

/** Renames a job's files into place and records it, unless the job is no longer wanted. */
export async function installFiles(
  core: Core,
  row: SectorRow,
  files: JobFiles,
  roles: readonly (keyof JobFiles)[],
  signal: AbortSignal,
  record: (tx: StorageWriter) => Promise<unknown>,
): Promise<void> {
  const { disk, locks, store } = core;
  const { sectorId } = row;
  await locks.run(sectorId, async () => {
    ensureOpen(core);
    const now = await patiently(core, signal, () => store.sector(sectorId));
    if (now?.state !== row.state || now.attempt !== row.attempt) return;
    const installed: FileRow[] = [];
    for (const role of roles) {
      const sizeBytes = (await disk.sizeBytes(files[role])) ?? 0;
      const file = {
        sectorId,
        role,
        ...(await patiently(core, signal, () => targetOf(core, row, role))),
        sizeBytes,
      };
      await disk.rename(files[role], filePath(file));
      installed.push(file);
    }
    ensureOpen(core);
    const change = async (tx: StorageWriter): Promise<void> => {
      await record(tx);
      for (const file of installed) await tx.volumes.putFile(file);
    };
    await patiently(core, signal, () => store.transaction(change));
  });
}

async function targetOf(
  { store }: Core,
  row: SectorRow,
  role: keyof JobFiles,
): Promise<Pick<FileRow, "volumeId" | "path">> {
  const place = await store.volumes.placeOf(row.sectorId);
  assert(place !== undefined, "a sector that is sealed has its place");
  const { volumeId } = role === "sealed" || role === "tree" ? place.store : place.seal;
  const volume = await volumeOrThrow(store, volumeId);
  return { volumeId, path: fileName(row, role, store.generation, volume.place) };
}
