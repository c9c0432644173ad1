/**
 * Which volumes there are and how each is. A volume is looked at when somebody asks, after something on it has failed,
 * and every now and then: one that went away is said to be away, and one that came back serves again by itself.
 */
import {
  blake2b256,
  type Clock,
  type Disk,
  HoldfastError,
  type Logger,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import { isDatabaseSilent } from "../errors.ts";
import type { StorageReader, StorageStore, VolumeRow } from "../store/index.ts";
import {
  homeVolumeId,
  markedDisk,
  pathOn,
  placeOfVolume,
  readMarker,
  type VolumeDisk,
  type VolumePlace,
  type VolumeRoom,
  type VolumeSpec,
  volumeErrors,
  volumeLimits,
  volumeRoles,
  whyAway,
  writeMarker,
} from "../volumes/index.ts";

export interface Condition {
  /** Whether what lies there can be read. */
  readonly isHere: boolean;
  /** Whether it took the last write that was tried. */
  readonly isWritable: boolean;
  /** Why it is away, or takes no writes; null: nothing is wrong. */
  readonly reason: string | null;
  readonly freeBytes: number;
  readonly checkedMs: number;
}

export interface KeeperParts {
  readonly disk: VolumeDisk;
  readonly store: StorageStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openPlace: (place: VolumePlace) => Disk;
  readonly maxHomeBytes: number | undefined;
  readonly end: AbortSignal;
}

/** How the own folder is called where it has no path: on a simulated disk. */
const unnamedHome = "/simulated";

/** Stands in the row of the own folder until it has a marker of its own. */
const unmarked = "home";

const probeName = "work/.probe.part";

export class VolumeKeeper {
  readonly #parts: KeeperParts;
  readonly #conditions = new Map<number, Condition>();
  /** Volumes that have refused a write: they are asked to take one before they are believed again. */
  readonly #suspects = new Set<number>();
  #watching: Promise<void> | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Mounts what is attached; a volume that is away is said to be so and holds nothing up. */
  async open(): Promise<void> {
    const { store, disk, clock } = this.#parts;
    const home: VolumePlace = { kind: "folder", path: disk.nativePath("") ?? unnamedHome };
    const maxBytes = this.#parts.maxHomeBytes ?? null;
    await store.transaction(async ({ volumes }) => {
      const known = await volumes.get(homeVolumeId);
      if (known === undefined) {
        const settings = { roles: volumeRoles, mode: "open", weight: 1, maxBytes } as const;
        await volumes.attach(
          { ...settings, place: home, marker: unmarked, attachedMs: clock.nowMs() },
          homeVolumeId,
        );
        return;
      }
      if (known.maxBytes !== maxBytes) await volumes.change(homeVolumeId, { maxBytes });
      await volumes.replace(homeVolumeId, home);
    });
    await this.#markHome();
    for (const row of await store.volumes.all()) this.mount(row);
    await this.look();
  }

  /** So that who works elsewhere tells it from a folder of the same name there. */
  async #markHome(): Promise<void> {
    const { store, disk, clock, logger } = this.#parts;
    const path = disk.nativePath("");
    if (path === undefined) return;
    const name = utf8Bytes(`${store.place} ${path} ${clock.nowMs()}`);
    const marker = await store.transaction(async ({ volumes }) => {
      const row = await volumes.get(homeVolumeId);
      if (row !== undefined && row.marker !== unmarked) return row.marker;
      const fresh = toHex(blake2b256(name)).slice(0, 32);
      await volumes.mark(homeVolumeId, fresh);
      return fresh;
    });
    try {
      const home = disk.diskOf(homeVolumeId);
      const found = await readMarker(home, path).catch(() => undefined);
      if (found !== marker) await writeMarker(home, marker);
      disk.markHome(marker);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      logger.warn("storage: the own folder takes no marker: no worker elsewhere uses it", {
        detail: error.message,
      });
    }
  }

  mount(row: VolumeRow): void {
    if (row.volumeId === homeVolumeId) return;
    const { disk, openPlace } = this.#parts;
    const spec: VolumeSpec = { volumeId: row.volumeId, place: row.place, marker: row.marker };
    try {
      disk.mount(spec, markedDisk(openPlace(row.place), spec));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#set(row.volumeId, this.#away(error.message));
    }
    this.#watch();
  }
  unmount(volumeId: number): void {
    this.#parts.disk.unmount(volumeId);
    this.#conditions.delete(volumeId);
    this.#suspects.delete(volumeId);
  }

  conditionOf(volumeId: number): Condition {
    return this.#conditions.get(volumeId) ?? this.#away("nobody has looked yet");
  }

  /** Something failed there: it is looked at before it is used for more. */
  suspect(volumeId: number): void {
    this.#suspects.add(volumeId);
  }

  /** Looks at every volume, or at one. */
  async look(only?: number): Promise<void> {
    const rows = await this.#parts.store.volumes.all();
    const wanted = rows.filter(({ volumeId }) => only === undefined || volumeId === only);
    await Promise.all(wanted.map((row) => this.#lookAt(row)));
  }

  /** What a new sector may be put on; of rows as the transaction sees them, and disks as they were looked at last. */
  async rooms(store: StorageReader): Promise<(VolumeRow & VolumeRoom)[]> {
    return (await store.volumes.all()).map((row) => {
      const { isHere, isWritable, freeBytes } = this.conditionOf(row.volumeId);
      return { ...row, isWritable: isHere && isWritable, freeBytes };
    });
  }

  async settled(): Promise<void> {
    await this.#watching;
  }

  async #lookAt(row: VolumeRow): Promise<void> {
    const { disk } = this.#parts;
    const { volumeId } = row;
    if (volumeId !== homeVolumeId && disk.specOf(volumeId) === undefined) {
      this.mount(row);
      if (disk.specOf(volumeId) === undefined) return; // it said why
    }
    try {
      const on = disk.diskOf(volumeId);
      const spec = disk.specOf(volumeId);
      const away = spec === undefined ? undefined : await whyAway(on, spec);
      if (away !== undefined) return this.#set(volumeId, this.#away(away));
      const freeBytes = await on.freeBytes();
      const refused = await this.#whyNotWritable(volumeId);
      this.#set(volumeId, {
        isHere: true,
        isWritable: refused === undefined,
        reason: refused ?? null,
        freeBytes,
        checkedMs: this.#parts.clock.nowMs(),
      });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#set(volumeId, this.#away(error.message));
    }
  }

  /** Only asked of who has refused before: nobody's disk is written to for curiosity. */
  async #whyNotWritable(volumeId: number): Promise<string | undefined> {
    if (!this.#suspects.has(volumeId)) return undefined;
    const { disk } = this.#parts;
    const path = pathOn(volumeId, probeName);
    try {
      await disk.writeFile(path, new Uint8Array(1));
      await disk.remove(path);
      this.#suspects.delete(volumeId);
      return undefined;
    } catch (error) {
      if (error instanceof HoldfastError) return error.message;
      throw error;
    }
  }

  #away(reason: string): Condition {
    const checkedMs = this.#parts.clock.nowMs();
    return { isHere: false, isWritable: false, reason, freeBytes: 0, checkedMs };
  }

  #set(volumeId: number, condition: Condition): void {
    const { logger, disk } = this.#parts;
    const before = this.#conditions.get(volumeId);
    this.#conditions.set(volumeId, condition);
    if (before?.reason === condition.reason) return;
    const place = placeOfVolume(disk, volumeId);
    const { reason } = condition;
    if (reason !== null) logger.error("storage: a volume is in trouble", { volumeId, place, reason });
    else if (before !== undefined) logger.info("storage: a volume is back", { volumeId, place });
  }

  /** Runs while there are other volumes than the storage's own folder. */
  #watch(): void {
    this.#watching ??= this.#everyNowAndThen();
  }
  async #everyNowAndThen(): Promise<void> {
    const { clock, end, logger } = this.#parts;
    while (!end.aborted) {
      try {
        await clock.sleep(volumeLimits.probeMs, end);
        await this.look();
      } catch (error) {
        if (end.aborted) return;
        if (!isDatabaseSilent(error))
          logger.error("storage: volumes could not be looked at", { detail: String(error) });
      }
    }
  }
}

/** Throws storage/unknown-volume. */
export async function volumeOrThrow(store: StorageReader, volumeId: number): Promise<VolumeRow> {
  const row = await store.volumes.get(volumeId);
  if (row === undefined) throw volumeErrors.unknownVolume({ volume: String(volumeId) });
  return row;
}
