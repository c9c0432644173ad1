/**
 * Kept layers leave a volume that is drained: copied where there is room, read there and compared with their roots, and
 * only then deleted where they were. While that goes on a layer counts on both volumes. What is cut off leaves it where
 * it was. A layer that is damaged, or gone, is made again on another volume. What fits nowhere stays until it is
 * released or another volume has room.
 * Invariant: a row changes its volume, and its old folder goes, only in the turn in which the row still says so: while
 * files are copied an audit may lose the layer, and a maker begin to write where it was.
 */
import { HoldfastError } from "@holdfast/base";
import { idleErrors, isUnreadable } from "./errors.ts";
import type { Holdings } from "./holdings.ts";
import type { IdleNeeds } from "./needs.ts";
import { releasedOf, rowBytes } from "./plan.ts";
import type { IdleStore, LayerRow } from "./store.ts";

export interface MovesNeeds extends Pick<IdleNeeds, "profile" | "volumes" | "maker" | "network" | "logger"> {
  readonly store: IdleStore;
  readonly holdings: Holdings;
  /** Whether its files are needed to make or prove another layer, or are being made. */
  readonly isInUse: (row: LayerRow) => boolean;
  /** Codes that were said: the next pass, with each round, says them no more until a layer could be moved. */
  readonly told: Set<string>;
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
      if (isMovable(needs, row) && !(await isTried(needs, row, signal))) return;
    }
  }
}

/** False: there is no room for it. One that fails does not keep the others where they are. */
async function isTried(needs: MovesNeeds, row: LayerRow, signal: AbortSignal): Promise<boolean> {
  try {
    const isMoved = await moveLayer(needs, row, signal);
    if (isMoved) needs.told.clear();
    return isMoved;
  } catch (error) {
    const { code = "internal", message: detail } =
      error instanceof HoldfastError ? error : { message: String(error) };
    if (signal.aborted || code === "disk/full" || code === "storage/full") throw error;
    if (!needs.told.has(code)) {
      needs.told.add(code);
      needs.logger.warn("idle: a layer cannot be moved now", { layer: row.layer, code, detail });
    }
    return true;
  }
}

function isMovable({ profile, network, isInUse }: MovesNeeds, row: LayerRow): boolean {
  const { front = 0 } = network.view().state ?? {};
  const isWhole = row.state === "certified" || row.state === "lost";
  return isWhole && row.scratch === "none" && releasedOf(profile, row.layer, front) === 0 && !isInUse(row);
}

/** False: there is no room for it. */
async function moveLayer(needs: MovesNeeds, seen: LayerRow, signal: AbortSignal): Promise<boolean> {
  const { volumes, store, holdings, profile } = needs;
  const rooms = await volumes.rooms();
  const row = store.find(seen.layer); // it may have been released, or lost, or begun to be made
  if (row === undefined || row.volumeId !== seen.volumeId || !isMovable(needs, row)) return true;
  const bytes = rowBytes(profile, row);
  const to = rooms.find((room) => room.volumeId !== row.volumeId && room.roomBytes >= bytes)?.volumeId;
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
    const isGood = await isMoved(needs, row, { old, folder }, signal);
    const now = store.find(row.layer);
    if (now?.movingTo !== to) {
      if (now?.volumeId !== to) await volumes.disk.remove(folder);
      await holdings.account();
      return true;
    }
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

interface Places {
  readonly old: string;
  readonly folder: string;
}

/** False: it is not what was made, or cannot be read. A disk that is full, or gone, is thrown. */
async function isMoved(
  needs: MovesNeeds,
  row: LayerRow,
  places: Places,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await isCopied(needs, row, places, signal);
  } catch (error) {
    const isDamaged = error instanceof HoldfastError && error.code === "idle/damaged";
    if (!isDamaged || !(await needs.volumes.present()).includes(row.volumeId)) throw error;
    return false;
  }
}

/** Throws `idle/damaged` if the source cannot be read. */
async function isCopied(
  { volumes: { disk }, maker, profile }: MovesNeeds,
  { made, firstKept }: LayerRow,
  { old, folder }: Places,
  signal: AbortSignal,
): Promise<boolean> {
  for (let file = firstKept; file < profile.files; file += 1) {
    for (const name of [`${file}`, `${file}.aux`]) {
      signal.throwIfAborted();
      const path = `${old}/${name}`;
      const sizeBytes = await ofSource(path, disk.sizeBytes(path));
      if (sizeBytes === undefined) return false;
      await using source = await ofSource(path, disk.open(path, "read"));
      await using copy = await disk.open(`${folder}/${name}`, "create");
      for (let at = 0; at < sizeBytes; at += chunkBytes) {
        const length = Math.min(chunkBytes, sizeBytes - at);
        await copy.writeAt(at, await ofSource(path, source.readAt(at, length)));
      }
      await copy.sync();
    }
  }
  if (made === undefined) return false;
  const damaged = await maker.check({ profile, folder, roots: made.roots.fileRoots }, signal);
  return damaged.every((file) => file < firstKept);
}

async function ofSource<Result>(path: string, reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    throw isUnreadable(error) ? idleErrors.damaged({ path }, error) : error;
  }
}
