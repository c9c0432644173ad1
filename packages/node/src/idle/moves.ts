/**
 * Kept layers leave a volume that is drained: copied where there is room, read there and compared with their roots, and
 * only then deleted where they were. While that goes on a layer counts on both volumes. What is cut off leaves it where
 * it was. A layer that is damaged, or gone, is made again on another volume. What fits nowhere stays until it is
 * released or another volume has room.
 */
import type { Holdings } from "./holdings.ts";
import type { IdleNeeds } from "./needs.ts";
import { releasedOf, rowBytes } from "./plan.ts";
import type { IdleStore, LayerRow } from "./store.ts";

export interface MovesNeeds extends Pick<IdleNeeds, "profile" | "volumes" | "maker" | "network"> {
  readonly store: IdleStore;
  readonly holdings: Holdings;
  /** Whether its files are needed to make or prove another layer, or are being made. */
  readonly isInUse: (row: LayerRow) => boolean;
}

const chunkBytes = 2 ** 22;

/** One pass over all volumes that are drained. */
export async function moveAway(needs: MovesNeeds, signal: AbortSignal): Promise<void> {
  for (const volumeId of await needs.volumes.leaving()) {
    for (let from = 0; ; ) {
      signal.throwIfAborted();
      const row = needs.store.nextOn(volumeId, from);
      if (row === undefined) break;
      from = row.layer + 1;
      if (isMovable(needs, row) && !(await moveLayer(needs, row, signal))) return;
    }
  }
}

function isMovable({ profile, network, isInUse }: MovesNeeds, row: LayerRow): boolean {
  const { front = 0 } = network.view().state ?? {};
  const isWhole = row.state === "certified" || row.state === "lost";
  return isWhole && row.scratch === "none" && releasedOf(profile, row.layer, front) === 0 && !isInUse(row);
}

/** False: there is no room for it. */
async function moveLayer(needs: MovesNeeds, row: LayerRow, signal: AbortSignal): Promise<boolean> {
  const { volumes, store, holdings, profile } = needs;
  const bytes = rowBytes(profile, row);
  const to = (await volumes.rooms()).find(
    (room) => room.volumeId !== row.volumeId && room.roomBytes >= bytes,
  )?.volumeId;
  if (to === undefined) return false;
  const old = holdings.folder(row);
  if (row.state === "lost") {
    store.setVolume(row.layer, to);
    await holdings.account();
    await volumes.disk.remove(old);
    return true;
  }
  store.setMovingTo(row.layer, to);
  const folder = holdings.folder({ layer: row.layer, volumeId: to });
  try {
    await holdings.account();
    const isGood = await isCopied(needs, row, { old, folder }, signal);
    store.setVolume(row.layer, to);
    const moved = store.find(row.layer);
    if (!isGood && moved !== undefined) holdings.lose(moved);
  } catch (error) {
    await volumes.disk.remove(folder);
    store.setMovingTo(row.layer, null);
    await holdings.account();
    throw error;
  }
  await volumes.disk.remove(old);
  await holdings.account();
  return true;
}

/** False: it is not what was made. Its disk may be full, or gone: that is thrown. */
async function isCopied(
  { volumes: { disk }, maker, profile }: MovesNeeds,
  { made, firstKept }: LayerRow,
  { old, folder }: { readonly old: string; readonly folder: string },
  signal: AbortSignal,
): Promise<boolean> {
  for (let file = firstKept; file < profile.files; file += 1) {
    for (const name of [`${file}`, `${file}.aux`]) {
      signal.throwIfAborted();
      const sizeBytes = await disk.sizeBytes(`${old}/${name}`);
      if (sizeBytes === undefined) return false;
      await using source = await disk.open(`${old}/${name}`, "read");
      await using copy = await disk.open(`${folder}/${name}`, "create");
      for (let at = 0; at < sizeBytes; at += chunkBytes) {
        await copy.writeAt(at, await source.readAt(at, Math.min(chunkBytes, sizeBytes - at)));
      }
      await copy.sync();
    }
  }
  if (made === undefined) return false;
  const damaged = await maker.check({ profile, folder, roots: made.roots.fileRoots }, signal);
  return damaged.every((file) => file < firstKept);
}
