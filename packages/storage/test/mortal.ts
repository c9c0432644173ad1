/**
 * A process that dies with its disk: after the power cut of a simulated disk no operation ever answers, so
 * the code above it stands still, as killed code does. A planted lie breaks a promise of the disk.
 */
import { type Disk, type DiskFile, HoldfastError } from "@holdfast/base";
import type { SimDisk } from "@holdfast/base/testing";

export interface Lies {
  /** `sync` answers and does nothing. */
  readonly sync?: boolean;
  /** What is removed instead of what was asked for. */
  readonly remove?: (path: string) => string;
}

export function mortal(disk: SimDisk, onDeath: () => void, lies: Lies = {}): Disk {
  const alive = async <T>(operation: Promise<T>): Promise<T> => {
    try {
      return await operation;
    } catch (error) {
      if (!disk.crashed || !(error instanceof HoldfastError)) throw error;
      onDeath();
      return await new Promise<never>(() => undefined);
    }
  };
  const mortalFile = (file: DiskFile): DiskFile => ({
    readAt: (offset, length) => alive(file.readAt(offset, length)),
    writeAt: (offset, bytes) => alive(file.writeAt(offset, bytes)),
    sizeBytes: () => alive(file.sizeBytes()),
    truncate: (length) => alive(file.truncate(length)),
    sync: () => alive(lies.sync === true ? Promise.resolve() : file.sync()),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  });
  return {
    readFile: (path) => alive(disk.readFile(path)),
    writeFile: (path, bytes) => alive(disk.writeFile(path, bytes)),
    open: async (path, mode) => mortalFile(await alive(disk.open(path, mode))),
    list: (path) => alive(disk.list(path)),
    remove: (path) => alive(disk.remove(lies.remove?.(path) ?? path)),
    rename: (from, to) => alive(disk.rename(from, to)),
    sizeBytes: (path) => alive(disk.sizeBytes(path)),
    freeBytes: () => alive(disk.freeBytes()),
    nativePath: (path) => disk.nativePath(path),
  };
}
