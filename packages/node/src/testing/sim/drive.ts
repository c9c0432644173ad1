/**
 * A disk that can be pulled out. What is open on it fails from then on, and where it was mounted an empty folder of
 * another disk is left, as the operating system leaves it: nothing may be written there.
 */
import type { Disk } from "@holdfast/base";
import type { SimDisk } from "@holdfast/base/testing";

export class Drive {
  disk: SimDisk;
  /** What the path leads to while the drive is away. */
  readonly below: SimDisk;
  isAway = false;

  constructor(disk: SimDisk, below: SimDisk) {
    this.disk = disk;
    this.below = below;
  }

  /** What the path leads to at the moment of each call. */
  readonly mountPoint: Disk = {
    readFile: (name) => this.#present.readFile(name),
    writeFile: (name, bytes) => this.#present.writeFile(name, bytes),
    open: (name, mode) => this.#present.open(name, mode),
    list: (name) => this.#present.list(name),
    remove: (name) => this.#present.remove(name),
    rename: (from, to) => this.#present.rename(from, to),
    sizeBytes: (name) => this.#present.sizeBytes(name),
    freeBytes: () => this.#present.freeBytes(),
    nativePath: () => undefined,
  };

  get #present(): SimDisk {
    return this.isAway ? this.below : this.disk;
  }
}
