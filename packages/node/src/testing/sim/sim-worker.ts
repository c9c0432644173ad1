/**
 * A worker beside a simulated node: a process that takes jobs from the node's queue, over the same disks. Each of its
 * lives is the production runner on seams that can kill it.
 */
import { type Disk, silentLogger } from "@holdfast/base";
import { markedDisk, mountVolumes, sealHandlers, startRunner, type VolumeTable } from "@holdfast/storage";
import type { EngineParts, EngineRoom } from "./engine.ts";
import { clockOf, diskOf, Life } from "./life.ts";

export interface SimWorkerParts
  extends Pick<EngineParts, "name" | "machine" | "troubles" | "clock" | "history" | "random"> {
  readonly room: Pick<EngineRoom, "openQueue" | "sealerOf" | "drive">;
}

const memoryBytes = 2 ** 40;

export class SimWorker {
  readonly name: string;
  readonly #parts: SimWorkerParts;
  #life: Life | undefined;
  #lives = 0;

  constructor(parts: SimWorkerParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  get life(): Life | undefined {
    return this.#life?.alive === true ? this.#life : undefined;
  }

  start(): void {
    if (this.life !== undefined) return;
    const { name, troubles, clock, history, random, room } = this.#parts;
    this.#lives += 1;
    const drawn = random.fork(`${name} ${this.#lives}`);
    const life = new Life({
      ...{ name, troubles },
      chance: (probability) => drawn.chance(probability),
      onEffect: (what) => history.tick("effect", `${name} ${what}`),
      onDeath: (where) => history.record(name, "killed", { where }),
    });
    this.#life = life;
    history.record(name, "start", { life: this.#lives });
    const queue = room.openQueue(name, life);
    const handlers = sealHandlers(({ table }) => {
      const disk = this.#open(life, table);
      return { disk, sealer: room.sealerOf(life, disk) };
    });
    startRunner({
      ...{ queue, handlers, clock: clockOf(life, clock), logger: silentLogger },
      workerId: `${name}-${this.#lives}`,
      place: name,
      capacity: { cpus: 1, memoryBytes },
    });
  }

  kill(where: string): void {
    this.life?.kill(where);
  }

  /** The same volumes as the node's, by its own calls. */
  #open(life: Life, table: VolumeTable): Disk {
    const disk = mountVolumes(diskOf(life, this.#parts.machine.disk));
    for (const spec of table.volumes)
      disk.mount(spec, markedDisk(diskOf(life, this.#parts.room.drive.mountPoint), spec));
    return disk;
  }
}
