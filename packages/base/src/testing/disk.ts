/**
 * A disk in memory that fails the way disks fail: it fills up, reports input/output errors, and loses power.
 * `crash` gives the disk that the next process finds; the old one is dead, so that code of the "killed"
 * process cannot write any more. Invariant: what was durable when its promise resolved is on that disk.
 */
import { assert } from "../errors.ts";
import { diskErrors } from "../seams/errors.ts";
import { diskPathSegments } from "../seams/paths.ts";
import type { Disk, DiskFile } from "../seams/types.ts";
import { SimFile } from "./disk-file.ts";
import { SimTree } from "./disk-tree.ts";
import { SeededRandom } from "./random.ts";

export type DiskOperation =
  | "readFile"
  | "writeFile"
  | "open"
  | "list"
  | "remove"
  | "rename"
  | "sizeBytes"
  | "readAt"
  | "writeAt"
  | "truncate"
  | "sync";

const changing: readonly DiskOperation[] = [
  "writeFile",
  "open",
  "remove",
  "rename",
  "writeAt",
  "truncate",
  "sync",
];

export interface SimDiskOptions {
  /** Decides what a crash leaves. */
  readonly random?: SeededRandom;
  /** 2^40 if left out. */
  readonly capacityBytes?: number;
}

/** Asked before every operation; what it names happens instead. */
export type DiskFault = (operation: DiskOperation, path: string) => "io" | "full" | undefined;

export class SimDisk implements Disk {
  /** Set it to plant faults. */
  fault: DiskFault = () => undefined;
  /** May change while the disk is in use. */
  capacityBytes: number;
  readonly #random: SeededRandom;
  #tree = new SimTree();
  #usedBytes = 0;
  #changesUntilCrash = Number.POSITIVE_INFINITY;
  #survivor: SimDisk | undefined;
  /** Changes that were asked for and have not happened yet. */
  readonly #inFlight = new Set<() => void>();

  constructor(options: SimDiskOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? 2 ** 40;
    this.#random = options.random ?? new SeededRandom("disk");
  }

  /** Cuts the power: gives what the next process finds; every operation here fails from now on. */
  crash(): SimDisk {
    this.#survivor ??= this.#die();
    return this.#survivor;
  }
  /** Cuts the power by itself in the midst of the n-th change (1 is the next) from now. */
  crashAtChange(n: number): void {
    assert(n >= 1, "changes are counted from 1");
    this.#changesUntilCrash = n;
  }
  get usedBytes(): number {
    return this.#usedBytes;
  }
  get crashed(): boolean {
    return this.#survivor !== undefined;
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.#operate("readFile", path, () => {
      if (this.#tree.isFolder(path)) throw diskErrors.notAFile({ path });
      const file = this.#tree.file(path);
      return file?.read(0, file.length);
    });
  }
  writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const durable = new SimFile(bytes.slice()); // the caller may change its array as soon as the call returns
    return this.#operate("writeFile", path, () => {
      const before = this.#tree.file(path);
      this.#claim(durable.length - (before?.length ?? 0), path);
      this.#tree.put(path, durable);
      this.#unlink(before);
      this.#usedBytes += durable.length;
      this.#tree.seal();
    });
  }
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    return this.#operate("open", path, () => {
      if (this.#tree.isFolder(path)) throw diskErrors.notAFile({ path });
      let file = this.#tree.file(path);
      if (mode === "create") {
        if (file === undefined) {
          file = new SimFile();
          this.#tree.put(path, file);
        } else {
          this.#setLength(file, 0, path);
        }
      }
      if (file === undefined) throw diskErrors.notFound({ path });
      return this.#handle(path, file, mode !== "read");
    });
  }
  list(folder: string): Promise<string[]> {
    return this.#operate("list", folder, () => this.#tree.list(folder));
  }
  remove(path: string): Promise<void> {
    return this.#operate("remove", path, () => {
      const node = this.#tree.take(path);
      if (node !== undefined) for (const file of this.#tree.files(node)) this.#unlink(file);
    });
  }
  rename(from: string, to: string): Promise<void> {
    return this.#operate("rename", from, () => {
      const target = this.#tree.file(to);
      const source = this.#tree.file(from);
      this.#tree.move(from, to);
      if (target !== source) this.#unlink(target);
      this.#tree.seal();
    });
  }
  sizeBytes(path: string): Promise<number | undefined> {
    return this.#operate("sizeBytes", path, () => this.#tree.file(path)?.length);
  }
  async freeBytes(): Promise<number> {
    this.#assertAlive("");
    return Math.max(0, this.capacityBytes - this.#usedBytes);
  }
  nativePath(path: string): undefined {
    diskPathSegments(path, { folder: true });
    return undefined;
  }

  #handle(path: string, file: SimFile, writable: boolean): DiskFile {
    let closed = false;
    const operate = <T>(operation: DiskOperation, apply: () => T): Promise<T> => {
      if (closed) return Promise.reject(diskErrors.closed({ path }));
      if (!writable && changing.includes(operation)) return Promise.reject(diskErrors.readOnly({ path }));
      return this.#operate(operation, path, apply);
    };
    return {
      readAt: (offset, length) => {
        assertRange(offset, length);
        return operate("readAt", () => file.read(offset, length));
      },
      writeAt: (offset, bytes) => {
        assertRange(offset, bytes.length);
        const copy = bytes.slice();
        return operate("writeAt", () => {
          if (copy.length === 0) return;
          this.#grow(file, Math.max(0, offset + copy.length - file.length), path);
          file.write(offset, copy);
        });
      },
      sizeBytes: () => operate("sizeBytes", () => file.length),
      truncate: (length) => {
        assertRange(0, length);
        return operate("truncate", () => this.#setLength(file, length, path));
      },
      sync: () =>
        operate("sync", () => {
          file.sync();
          this.#tree.seal();
        }),
      [Symbol.asyncDispose]: async () => {
        closed = true;
      },
    };
  }

  /** Every operation starts now and happens a microtask later: what is in between may or may not survive. */
  async #operate<T>(operation: DiskOperation, path: string, apply: () => T): Promise<T> {
    diskPathSegments(path, { folder: operation === "list" });
    this.#assertAlive(path);
    const fault = this.fault(operation, path);
    if (fault === "io") throw diskErrors.io({ path, operation });
    if (fault === "full") throw diskErrors.full({ path });
    if (!changing.includes(operation)) {
      await undefined;
      this.#assertAlive(path);
      return apply();
    }
    this.#inFlight.add(apply);
    if (--this.#changesUntilCrash <= 0) this.crash();
    await undefined;
    this.#assertAlive(path);
    this.#inFlight.delete(apply);
    return apply();
  }

  #die(): SimDisk {
    for (const apply of this.#inFlight) {
      if (this.#random.chance(0.5)) ignoreRefusal(apply);
    }
    this.#inFlight.clear();
    const survivor = new SimDisk({ capacityBytes: this.capacityBytes, random: this.#random.fork("next") });
    survivor.#tree = this.#tree.survive(this.#random);
    for (const file of survivor.#tree.files()) survivor.#usedBytes += file.length;
    return survivor;
  }
  #assertAlive(path: string): void {
    if (this.#survivor !== undefined) throw diskErrors.closed({ path });
  }

  #setLength(file: SimFile, length: number, path: string): void {
    this.#grow(file, length - file.length, path);
    file.truncate(length);
  }
  #grow(file: SimFile, bytes: number, path: string): void {
    if (!file.linked) return;
    this.#claim(bytes, path);
    this.#usedBytes += bytes;
  }
  #claim(bytes: number, path: string): void {
    if (bytes > 0 && this.#usedBytes + bytes > this.capacityBytes) throw diskErrors.full({ path });
  }
  #unlink(file: SimFile | undefined): void {
    if (file === undefined) return;
    file.linked = false;
    this.#usedBytes -= file.length;
  }
}

function assertRange(offset: number, length: number): void {
  assert(Number.isSafeInteger(offset) && offset >= 0, "an offset is a whole number ≥ 0");
  assert(Number.isSafeInteger(length) && length >= 0, "a length is a whole number ≥ 0");
}

/** A change that would have been refused (no space, a folder in the way) just did not happen. */
function ignoreRefusal(apply: () => void): void {
  try {
    apply();
  } catch {
    return;
  }
}
