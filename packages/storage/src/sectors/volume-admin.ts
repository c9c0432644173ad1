/**
 * Volumes as an operator changes them while everything runs: attaching, settings, draining, detaching. A volume is
 * recorded before its marker is written, so that what was cut off is done again by the same word.
 */
import { blake2b256, type Disk, HoldfastError, toHex, utf8Bytes } from "@holdfast/base";
import type { StorageReader, StorageWriter, VolumeRow, VolumeSettings } from "../store/index.ts";
import {
  homeVolumeId,
  markerFile,
  parsePlace,
  placeText,
  readMarker,
  type VolumePlace,
  volumeErrors,
  volumeLimits,
  volumeRoles,
  writeMarker,
} from "../volumes/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { fileName, storageFolders } from "./files.ts";
import type { FileRole } from "./roles.ts";
import type { Condition } from "./volume-keeper.ts";

export interface VolumeInfo extends Omit<VolumeRow, "place" | "marker">, Condition {
  readonly place: string;
  readonly kind: VolumePlace["kind"];
}

export interface NewVolume extends Partial<VolumeSettings> {
  /** A folder by its full path, or `s3://bucket/prefix?endpoint=…`. */
  readonly place: string;
}

export interface VolumeAdminParts {
  readonly openPlace: (place: VolumePlace) => Disk;
  /** Throws storage/volume-taken where a folder is not there. */
  readonly checkPlace: (place: VolumePlace) => Promise<void>;
  readonly drain: () => void;
  /** Resolves when what is being moved now has left nothing where it was. */
  readonly moved: () => Promise<void>;
}

/** What a fresh file system has of its own. */
const usualNames = new Set(["lost+found", ".Trashes", "System Volume Information"]);

export class VolumeAdmin {
  readonly #core: Core;
  readonly #parts: VolumeAdminParts;

  constructor(core: Core, parts: VolumeAdminParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** As they are now: every disk is looked at. */
  async list(): Promise<VolumeInfo[]> {
    ensureOpen(this.#core);
    await this.#core.volumes.look();
    return (await this.#core.store.volumes.all()).map((row) => this.#infoOf(row));
  }

  /** By number or place. Throws storage/unknown-volume. */
  async find(volume: string | number, store: StorageReader = this.#core.store): Promise<VolumeRow> {
    const rows = await store.volumes.all();
    const place = (): string | undefined => {
      try {
        return placeText(parsePlace(String(volume), process.env));
      } catch (error) {
        if (error instanceof HoldfastError) return undefined;
        throw error;
      }
    };
    const text = place();
    const found = rows.find(
      (row) => String(row.volumeId) === String(volume) || placeText(row.place) === text,
    );
    if (found === undefined) throw volumeErrors.unknownVolume({ volume: String(volume) });
    return found;
  }

  /**
   * Attaches a place, or says where an attached disk is mounted now.
   * Throws storage/bad-volume-place, volume-taken, volume-keys-missing, volume-refused; disk/….
   */
  async attach(request: NewVolume): Promise<VolumeInfo> {
    ensureOpen(this.#core);
    const place = parsePlace(request.place, process.env);
    await this.#parts.checkPlace(place);
    const disk = this.#parts.openPlace(place);
    const marker = await readMarker(disk, placeText(place));
    const row = await this.#core.store.transaction(async (tx) => {
      const rows = await tx.volumes.all();
      const known = rows.find((one) => one.marker === marker && one.volumeId !== homeVolumeId);
      if (known !== undefined) {
        await tx.volumes.replace(known.volumeId, place);
        return { ...(await tx.volumes.change(known.volumeId, settingsOf(request))), place };
      }
      const same = rows.find((volume) => placeText(volume.place) === placeText(place));
      if (same !== undefined && same.fileCount === 0 && marker === undefined) return same; // cut off before its marker
      this.#checkFree(place, rows, marker);
      const attachedMs = this.#core.clock.nowMs();
      const name = utf8Bytes(`${this.#core.store.place} ${placeText(place)} ${attachedMs}`);
      const settings = {
        roles: volumeRoles,
        mode: "open",
        weight: 1,
        maxBytes: null,
        ...settingsOf(request),
      } as const;
      return await tx.volumes.attach({
        ...settings,
        place,
        marker: toHex(blake2b256(name)).slice(0, 32),
        attachedMs,
      });
    });
    if (marker === undefined) await this.#mark(disk, row);
    this.#core.volumes.unmount(row.volumeId);
    this.#core.volumes.mount(row);
    await this.#core.volumes.look(row.volumeId);
    return this.#infoOf(row);
  }

  /** Throws storage/unknown-volume. */
  async change(volume: string | number, settings: Partial<VolumeSettings>): Promise<VolumeInfo> {
    ensureOpen(this.#core);
    const row = await this.#core.store.transaction(async (tx) => {
      const { volumeId } = await this.find(volume, tx);
      return await tx.volumes.change(volumeId, settings);
    });
    if (settings.mode === "draining") this.#parts.drain();
    return this.#infoOf(row);
  }

  /**
   * Forgets a volume: one that holds nothing, or, with `isLost`, one that will never come back; what lay there is then
   * missing, to be repaired or given up. Throws storage/unknown-volume, volume-in-use, volume-home.
   */
  async detach(volume: string | number, { isLost = false } = {}): Promise<void> {
    ensureOpen(this.#core);
    const row = await this.find(volume);
    const { volumeId } = row;
    const place = placeText(row.place);
    if (volumeId === homeVolumeId) throw volumeErrors.volumeHome({ place });
    await this.#core.store.transaction(async (tx) => {
      const now = await this.find(volumeId, tx);
      const isEmpty = now.fileCount === 0 && now.reservedBytes === 0;
      if (!isEmpty && !isLost) {
        throw volumeErrors.volumeInUse({ place, files: now.fileCount, bytes: now.usedBytes });
      }
      for (
        let page = await tx.volumes.on(volumeId, -1, 256);
        page.length > 0;
        page = await tx.volumes.on(volumeId, -1, 256)
      ) {
        for (const sectorId of page) await this.#forget(tx, sectorId, volumeId);
      }
      await tx.volumes.detach(volumeId);
    });
    const { disk, logger } = this.#core;
    if (!isLost) await this.#parts.moved(); // a file that was recorded elsewhere may still lie here
    try {
      if (disk.specOf(volumeId) !== undefined && !isLost) await leave(disk.diskOf(volumeId));
    } catch (error) {
      logger.warn("storage: the marker of a detached volume stays", { volumeId, detail: String(error) });
    }
    this.#core.volumes.unmount(volumeId);
  }

  /** What a sector had there it has no more, and what it was promised there it is promised at home. */
  async #forget(tx: StorageWriter, sectorId: number, volumeId: number): Promise<void> {
    for (const [role, file] of await tx.volumes.filesOf(sectorId)) {
      if (file.volumeId === volumeId) await tx.volumes.dropFile(sectorId, role);
    }
    const place = await tx.volumes.placeOf(sectorId);
    if (place === undefined) return;
    const atHome = (share: { volumeId: number; bytes: number }) =>
      share.volumeId === volumeId ? { ...share, volumeId: homeVolumeId } : share;
    await tx.volumes.setPlace({
      sectorId,
      stage: atHome(place.stage),
      seal: atHome(place.seal),
      store: atHome(place.store),
    });
    if ((await tx.sector(sectorId))?.state !== "staging") return;
    const path = fileName({ sectorId, attempt: 0 }, "staged", this.#core.store.generation);
    await tx.volumes.putFile({ sectorId, role: "staged", volumeId: homeVolumeId, path, sizeBytes: 0 });
  }

  #checkFree(place: VolumePlace, rows: readonly VolumeRow[], marker: string | undefined): void {
    const text = placeText(place);
    const refuse = (reason: string) => volumeErrors.volumeTaken({ place: text, reason });
    if (rows.length >= volumeLimits.maxVolumes) throw refuse(`there are ${rows.length} volumes already`);
    for (const row of rows) {
      if (overlaps(row.place, place))
        throw refuse(`it overlaps volume ${row.volumeId} (${placeText(row.place)})`);
    }
    if (marker !== undefined) throw refuse("it is a volume of another storage");
  }

  /** A folder with files of somebody else is none of ours. */
  async #mark(disk: Disk, row: VolumeRow): Promise<void> {
    const names = (await disk.list("")).filter((name) => !usualNames.has(name));
    if (names.length > 0) {
      await this.#core.store.transaction((tx) => tx.volumes.detach(row.volumeId));
      throw volumeErrors.volumeTaken({ place: placeText(row.place), reason: `it holds ${names[0]}` });
    }
    await writeMarker(disk, row.marker);
  }

  #infoOf({ marker: _, place, ...row }: VolumeRow): VolumeInfo {
    return {
      ...row,
      place: placeText(place),
      kind: place.kind,
      ...this.#core.volumes.conditionOf(row.volumeId),
    };
  }
}

export type RoleTotal = { readonly role: FileRole; readonly fileCount: number; readonly sizeBytes: number };

/** Takes our empty folders and, last, the marker from a disk. */
async function leave(disk: Disk): Promise<void> {
  for (const folder of storageFolders) if (await hasNoFile(disk, folder)) await disk.remove(folder);
  await disk.remove(markerFile);
}

async function hasNoFile(disk: Disk, folder: string): Promise<boolean> {
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if ((await disk.sizeBytes(path)) !== undefined || !(await hasNoFile(disk, path))) return false;
  }
  return true;
}

function settingsOf({ place: _, ...settings }: NewVolume): Partial<VolumeSettings> {
  return settings;
}

function overlaps(a: VolumePlace, b: VolumePlace): boolean {
  const inside = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer.replace(/\/$/, "")}/`);
  if (a.kind === "folder" && b.kind === "folder") return inside(a.path, b.path) || inside(b.path, a.path);
  if (a.kind !== "s3" || b.kind !== "s3") return false;
  if (a.endpoint !== b.endpoint || a.bucket !== b.bucket) return false;
  return a.prefix === "" || b.prefix === "" || inside(a.prefix, b.prefix) || inside(b.prefix, a.prefix);
}
