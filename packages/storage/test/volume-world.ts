/** A storage with disks that come and go: each place is a simulated disk, mounted or not. */
import type { Disk } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type Storage, type StorageOptions, type VolumePlace } from "@holdfast/storage";
import { expect } from "vitest";
import { pieceOf, prover, sealTo, sectorBytes } from "./support.ts";

export class VolumeWorld implements AsyncDisposable {
  home = new SimDisk();
  readonly disks = new Map<string, SimDisk>();
  readonly clock = new SimClock();
  readonly dbPath: string;
  readonly #openPlace: (place: VolumePlace) => Disk;
  #storage: Storage | undefined;

  constructor(dbPath: string, openPlace?: (place: VolumePlace) => Disk) {
    this.dbPath = dbPath;
    this.#openPlace =
      openPlace ?? ((place) => this.#mountPoint(place.kind === "folder" ? place.path : place.bucket));
  }
  get storage(): Storage {
    if (this.#storage === undefined) throw new Error("the storage is not open");
    return this.#storage;
  }
  /** The disk that is mounted there; nothing mounted is an empty folder. */
  diskAt(path: string): SimDisk {
    const disk = this.disks.get(path) ?? new SimDisk();
    this.disks.set(path, disk);
    return disk;
  }
  /** Takes the disk out: its mount point is an empty folder of another disk. */
  unmount(path: string): SimDisk {
    const disk = this.diskAt(path);
    this.disks.set(path, new SimDisk());
    return disk;
  }
  async open(options: Partial<StorageOptions> = {}): Promise<Storage> {
    this.#storage = await openStorage({
      disk: this.home,
      dbPath: this.dbPath,
      prover,
      clock: this.clock,
      sectorBytes,
      openPlace: this.#openPlace,
      ...options,
    });
    return this.#storage;
  }
  async reopen(options: Partial<StorageOptions> = {}): Promise<Storage> {
    await this.storage.close();
    return await this.open(options);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storage?.close();
  }

  /** What the path leads to at the moment of each call. */
  #mountPoint(path: string) {
    const disk = () => this.diskAt(path);
    return {
      readFile: (name: string) => disk().readFile(name),
      writeFile: (name: string, bytes: Uint8Array) => disk().writeFile(name, bytes),
      open: (name: string, mode: "read" | "write" | "create") => disk().open(name, mode),
      list: (name: string) => disk().list(name),
      remove: (name: string) => disk().remove(name),
      rename: (from: string, to: string) => disk().rename(from, to),
      sizeBytes: (name: string) => disk().sizeBytes(name),
      freeBytes: () => disk().freeBytes(),
      nativePath: () => undefined,
    };
  }
}

/** A committed sector with one piece. */
export async function committedSector(storage: Storage, pieceKey: string, userBytes = 900): Promise<number> {
  const { sectorId } = await storage.addPiece(pieceOf(pieceKey, userBytes));
  await storage.sealStagedSector(sectorId);
  await sealTo(storage, sectorId, "committed");
  return sectorId;
}

/** At rest: what the metadata says is what the disks say, to the byte. */
export async function expectExact(storage: Storage): Promise<void> {
  const { orphans, missing } = await storage.audit();
  expect({ orphans, missing }).toEqual({ orphans: [], missing: [] });
  const explained = await storage.volumes.explain();
  for (const { recorded, found, volumeId } of explained) {
    if (found === null) continue;
    const bySize = (list: readonly { owner: string; sizeBytes: number }[]) =>
      list
        .filter((one) => one.owner !== "foreign")
        .map((one) => `${one.owner} ${one.sizeBytes}`)
        .sort();
    expect({ volumeId, found: bySize(found) }).toEqual({
      volumeId,
      found: bySize(
        recorded.filter((one) => one.sizeBytes > 0 || found.some((there) => there.owner === one.owner)),
      ),
    });
  }
  for (const { volumeId, usedBytes, fileCount } of await storage.volumes.list()) {
    const recorded = explained.find((one) => one.volumeId === volumeId)?.recorded ?? [];
    expect(usedBytes).toBe(recorded.reduce((sum, one) => sum + one.sizeBytes, 0));
    expect(fileCount).toBe(recorded.reduce((sum, one) => sum + one.fileCount, 0));
  }
}

/** On which volume a sector's file of a role lies. */
export async function volumeOf(
  storage: Storage,
  sectorId: number,
  role: string,
): Promise<number | undefined> {
  return (await storage.volumes.filesOf(sectorId)).find((file) => file.role === role)?.volumeId;
}

/** A disk that takes no writes, as the kernel makes one of a disk with errors. */
export function makeReadOnly(disk: SimDisk): void {
  disk.fault = (operation) =>
    ["writeFile", "remove", "rename", "writeAt", "truncate", "sync"].includes(operation) ? "io" : undefined;
}
