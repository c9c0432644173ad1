/** The storage under a model test with what surrounds it, so that it can die and come back. */
import { assert } from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type Storage } from "@holdfast/storage";
import { maxStagedSectors } from "./model.ts";
import { mortal } from "./mortal.ts";
import { prover, sectorBytes } from "./support.ts";

/** A planted fault: gives a storage that does one thing wrong. */
export type Sabotage = (storage: Storage, world: World) => Storage;

export class World {
  disk: SimDisk;
  readonly #dbPath: string;
  readonly #sabotage: Sabotage;
  #storage: Storage | undefined;
  #death = Promise.withResolvers<"dead">();

  constructor(dbPath: string, seed: number, sabotage: Sabotage) {
    this.#dbPath = dbPath;
    this.disk = new SimDisk({ random: new SeededRandom(seed) });
    this.#sabotage = sabotage;
  }
  get storage(): Storage {
    assert(this.#storage !== undefined, "the storage is open");
    return this.#storage;
  }
  async open(): Promise<void> {
    const death = Promise.withResolvers<"dead">(); // of this life: a dead process may still try to write
    this.#death = death;
    const disk = mortal(this.disk, () => death.resolve("dead"));
    const options = {
      disk,
      dbPath: this.#dbPath,
      prover,
      clock: new SimClock(),
      sectorBytes,
      maxStagedSectors,
      partBytes: 32,
    };
    this.#storage = this.#sabotage(await openStorage(options), this);
  }
  /** Runs `work` with the power going off at the n-th change; false when the work was done before that. */
  async dieDuring(changes: number, work: () => Promise<unknown>): Promise<boolean> {
    this.disk.crashAtChange(changes);
    await Promise.race([work(), this.#death.promise]);
    const died = this.disk.crashed;
    await this.crash();
    return died;
  }
  async crash(): Promise<void> {
    this.disk = this.disk.crash();
    await this.open();
  }
}
