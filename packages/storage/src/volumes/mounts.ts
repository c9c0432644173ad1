/**
 * All volumes of a storage as one disk. A path below `volumes/<id>/` leads to that volume, every other one to the
 * storage's own folder. Volumes come and go while it is in use; a path to one that is not mounted fails with
 * storage/volume-away and is never taken for a missing file.
 */
import { type Disk, type DiskFile, diskErrors, type OpenHints } from "@holdfast/base";
import { volumeErrors } from "./errors.ts";
import { placeText } from "./place.ts";
import { homeVolumeId, locate, type VolumeSpec, type VolumeTable } from "./types.ts";

/** Bytes of one step when a file goes from one volume to another. */
const copyChunkBytes = 4 * 2 ** 20;

export interface VolumeDisk extends Disk {
  /** What another process needs to open the same files. */
  table(): VolumeTable;
  /** The storage's own folder has a marker from now on. */
  markHome(marker: string): void;
  mount(spec: VolumeSpec, disk: Disk): void;
  unmount(volumeId: number): void;
  /** Throws storage/volume-away. */
  diskOf(volumeId: number): Disk;
  specOf(volumeId: number): VolumeSpec | undefined;
}

export function mountVolumes(home: Disk, homePath: string | null = home.nativePath("") ?? null): VolumeDisk {
  return new MountedDisk(home, homePath);
}

class MountedDisk implements VolumeDisk {
  readonly #home: Disk;
  readonly #homePath: string | null;
  #homeMarker: string | undefined;
  readonly #mounts = new Map<number, { readonly spec: VolumeSpec; readonly disk: Disk }>();

  constructor(home: Disk, homePath: string | null) {
    this.#home = home;
    this.#homePath = homePath;
  }

  table(): VolumeTable {
    return {
      home: this.#homePath,
      ...(this.#homeMarker === undefined ? {} : { homeMarker: this.#homeMarker }),
      volumes: [...this.#mounts.values()].map(({ spec }) => spec),
    };
  }
  markHome(marker: string): void {
    this.#homeMarker = marker;
  }
  mount(spec: VolumeSpec, disk: Disk): void {
    this.#mounts.set(spec.volumeId, { spec, disk });
  }
  unmount(volumeId: number): void {
    this.#mounts.delete(volumeId);
  }
  specOf(volumeId: number): VolumeSpec | undefined {
    return this.#mounts.get(volumeId)?.spec;
  }
  diskOf(volumeId: number): Disk {
    if (volumeId === homeVolumeId) return this.#home;
    const mount = this.#mounts.get(volumeId);
    if (mount !== undefined) return mount.disk;
    throw volumeErrors.volumeAway({
      volumeId,
      place: `volume ${volumeId}`,
      reason: "it is not attached here",
    });
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.#at(path, (disk, inner) => disk.readFile(inner));
  }
  writeFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#at(path, (disk, inner) => disk.writeFile(inner, bytes));
  }
  open(path: string, mode: "read" | "write" | "create", hints?: OpenHints): Promise<DiskFile> {
    return this.#at(path, (disk, inner) => disk.open(inner, mode, hints));
  }
  list(folder: string): Promise<string[]> {
    const root = /^volumes\/(\d{1,9})$/.exec(folder);
    if (root !== null) return this.#in(Number(root[1]), (disk) => disk.list(""));
    return this.#at(folder, (disk, inner) => disk.list(inner));
  }
  names(folder: string): AsyncIterable<string> {
    const to = locate(folder);
    return namesIn(this.diskOf(to.volumeId), to.path);
  }
  remove(path: string): Promise<void> {
    return this.#at(path, (disk, inner) => disk.remove(inner));
  }
  sizeBytes(path: string): Promise<number | undefined> {
    return this.#at(path, (disk, inner) => disk.sizeBytes(inner));
  }
  freeBytes(): Promise<number> {
    return this.#home.freeBytes();
  }
  nativePath(path: string): string | undefined {
    const to = locate(path);
    return this.diskOf(to.volumeId).nativePath(to.path);
  }

  /** Within a volume it is the volume's own; between two, the bytes are copied and durable before they go. */
  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [locate(from), locate(to)];
    if (source.volumeId === target.volumeId) {
      return await this.diskOf(source.volumeId).rename(source.path, target.path);
    }
    await copyFile(this, from, to);
    await this.remove(from);
  }

  async #at<T>(path: string, run: (disk: Disk, inner: string) => Promise<T>): Promise<T> {
    const to = locate(path);
    return await run(this.diskOf(to.volumeId), to.path);
  }
  async #in<T>(volumeId: number, run: (disk: Disk) => Promise<T>): Promise<T> {
    return await run(this.diskOf(volumeId));
  }
}

/** The names in a folder, one after another; where the disk can, in constant memory. */
export async function* namesIn(disk: Disk, folder: string): AsyncGenerator<string, void, undefined> {
  yield* disk.names?.(folder) ?? (await disk.list(folder));
}

/**
 * Copies a file, durably; what was at `to` before is lost also when it fails. Throws disk/not-found and what either
 * disk throws, and the signal's reason.
 */
export async function copyFile(disk: Disk, from: string, to: string, signal?: AbortSignal): Promise<number> {
  await using source = await disk.open(from, "read");
  const sizeBytes = await source.sizeBytes();
  await using target = await disk.open(to, "create");
  for (let at = 0; at < sizeBytes; ) {
    signal?.throwIfAborted();
    const bytes = await source.readAt(at, Math.min(copyChunkBytes, sizeBytes - at));
    if (bytes.length === 0) throw diskErrors.io({ path: from, operation: "reading (it became shorter)" });
    await target.writeAt(at, bytes);
    at += bytes.length;
  }
  await target.sync();
  return sizeBytes;
}

/** The text of a volume's place, for messages. */
export function placeOfVolume(disk: VolumeDisk, volumeId: number): string {
  const spec = disk.specOf(volumeId);
  if (spec !== undefined) return placeText(spec.place);
  return volumeId === homeVolumeId ? (disk.nativePath("") ?? "home") : `volume ${volumeId}`;
}
