/**
 * Moving files of sectors from one volume to another. A file is copied, compared and durable before the metadata says
 * that it lies there, and deleted where it was only when nobody reads it there any more: whatever is cut off leaves
 * the sector whole and at most an orphan. A volume that is being drained stays so over restarts until it is empty.
 */
import { equalBytes, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import type { FileRow, SectorPlace, SectorRow, StorageWriter } from "../store/index.ts";
import { chooseVolume, copyFile, pathOn, roomBytes, volumeErrors } from "../volumes/index.ts";
import type { Collector } from "./collector.ts";
import { type Core, ensureOpen, sectorOrThrow } from "./core.ts";
import { fileName, filePath } from "./files.ts";
import { KeyedLocks } from "./locks.ts";
import type { Staging } from "./staging.ts";
import { volumeOrThrow } from "./volume-keeper.ts";

/** Between two looks at a volume that could not be emptied yet. */
const pauseMs = 10_000;
/** Sectors of one look-up. */
const pageCount = 256;
const chunkBytes = 4 * 2 ** 20;

export interface MovingParts {
  readonly collector: Collector;
  readonly staging: Staging;
  readonly whenIdle: (sectorId: number) => Promise<void>;
}

type Part = "stage" | "seal" | "store";

interface Way {
  readonly from?: number;
  readonly to?: number;
}
export interface DrainOptions {
  readonly signal: AbortSignal;
  /** Told of the bytes of sectors that are left there. */
  readonly onLeft?: (bytes: number) => void;
}

export class Moving {
  readonly #core: Core;
  readonly #parts: MovingParts;
  /** Per sector: two moves would write to the same folder. */
  readonly #moves = new KeyedLocks();
  readonly #underWay = new Set<Promise<void>>();
  #draining: Promise<void> | undefined;

  constructor(core: Core, parts: MovingParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** Goes on with volumes that are being drained, where no queue does it. */
  resume(): void {
    if (this.#core.limits.isDrainedByJobs) return;
    this.#draining ??= this.#drainAll()
      .catch((error: unknown) => {
        if (this.#core.end.aborted) return;
        this.#core.logger.error("storage: draining has stopped", { detail: String(error) });
      })
      .finally(() => {
        this.#draining = undefined;
      });
  }
  async settled(): Promise<void> {
    await this.#draining;
    await this.moved();
  }

  /**
   * Moves what a sector has on one volume, or everything of it, to another one that is named or chosen.
   * Throws storage/unknown-sector, sector-busy, no-volume, volume-away, and what the disks throw.
   */
  async move(sectorId: number, way: Way, signal: AbortSignal = this.#core.end): Promise<void> {
    ensureOpen(this.#core);
    const stop = signal === this.#core.end ? signal : AbortSignal.any([this.#core.end, signal]);
    const moving = this.#moves.run(sectorId, async () => {
      stop.throwIfAborted();
      await this.#parts.whenIdle(sectorId);
      stop.throwIfAborted();
      await this.#parts.staging.still(sectorId, () => this.#move(sectorId, way, stop));
    });
    this.#underWay.add(moving);
    await moving.finally(() => this.#underWay.delete(moving));
  }

  /** Resolves when what is being moved now has left nothing where it was. */
  async moved(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #move(sectorId: number, { from, to }: Way, signal: AbortSignal): Promise<void> {
    await this.#core.volumes.look();
    const row = await this.#core.store.transaction(async (tx) => {
      const found = await sectorOrThrow(tx, sectorId);
      if (found.state === "staging" && to === undefined) throw storageErrors.sectorBusy({ sectorId });
      await this.#replace(tx, found, from, to);
      return found;
    });
    for (const file of (await this.#core.store.volumes.filesOf(sectorId)).values()) {
      if (from === undefined || file.volumeId === from) await this.#moveFile(row, file, signal);
    }
  }

  /** Promises the sector its space where it goes. */
  async #replace(tx: StorageWriter, { sectorId }: SectorRow, from?: number, to?: number): Promise<void> {
    const place = await tx.volumes.placeOf(sectorId);
    if (place === undefined) return;
    const rooms = await this.#core.volumes.rooms(tx);
    await tx.volumes.dropPlace(sectorId);
    const next = { ...place };
    for (const part of ["store", "seal", "stage"] as const) {
      const share = place[part];
      if (from !== undefined && share.volumeId !== from) continue;
      if (part !== "store" && share.bytes === 0) {
        next[part] = { volumeId: next.store.volumeId, bytes: 0 };
        continue;
      }
      next[part] = {
        volumeId: to ?? this.#choose(rooms, part, share.bytes, share.volumeId),
        bytes: share.bytes,
      };
    }
    if (to !== undefined) this.#check(rooms, next, place, to);
    await tx.volumes.setPlace(next);
  }

  #choose(
    rooms: Awaited<ReturnType<Core["volumes"]["rooms"]>>,
    part: Part,
    bytes: number,
    not: number,
  ): number {
    const able = rooms.filter(({ volumeId, place }) => {
      return volumeId !== not && (part !== "stage" || place.kind === "folder");
    });
    const choice = chooseVolume(able, part === "store" ? "store" : "seal", bytes);
    if ("volumeId" in choice) return choice.volumeId;
    const reasons = [...choice.reasons].map(([id, why]) => `${id} ${why}`).join(", ");
    throw volumeErrors.noVolume({ neededBytes: bytes, role: part === "store" ? "store" : "seal", reasons });
  }

  /** Whoever names a volume may put there what it was not made for, but not more than it has room for. */
  #check(
    rooms: Awaited<ReturnType<Core["volumes"]["rooms"]>>,
    next: SectorPlace,
    before: SectorPlace,
    to: number,
  ): void {
    const room = rooms.find(({ volumeId }) => volumeId === to);
    if (room === undefined) throw volumeErrors.unknownVolume({ volume: String(to) });
    const bytesOn = (place: SectorPlace) =>
      [place.stage, place.seal, place.store].reduce(
        (sum, share) => sum + (share.volumeId === to ? share.bytes : 0),
        0,
      );
    const neededBytes = bytesOn(next) - bytesOn(before);
    const isFree = room.isWritable && room.mode === "open" && roomBytes(room) >= neededBytes;
    if (isFree) return;
    const reasons =
      room.isWritable && room.mode === "open"
        ? `${to} has ${roomBytes(room)} bytes left`
        : `${to} takes no files`;
    throw volumeErrors.noVolume({ neededBytes, role: "store", reasons });
  }

  async #moveFile(row: SectorRow, file: FileRow, signal: AbortSignal): Promise<void> {
    const { store, disk, work, locks } = this.#core;
    const place = await store.volumes.placeOf(row.sectorId);
    if (place === undefined) return;
    const volumeId = place[partOf(file)].volumeId;
    if (volumeId === file.volumeId) return;
    const target = await volumeOrThrow(store, volumeId);
    const from = filePath(file);
    if (file.sizeBytes === 0 && (await disk.sizeBytes(from)) === undefined) {
      await store.transaction((tx) => tx.volumes.putFile({ ...file, volumeId }));
      return;
    }
    const folder = work.open(row.sectorId, row.attempt, volumeId, "move");
    try {
      const copy = `${folder}/${file.role}`;
      const sizeBytes = await this.#core.uses.during([row.sectorId], async () => {
        const copied = await copyFile(disk, from, copy, signal);
        await this.#compare(from, copy, copied, signal);
        return copied;
      });
      const path = fileName(row, file.role, store.generation, target.place);
      await locks.run(row.sectorId, async () => {
        const now = await store.volumes.file(row.sectorId, file.role);
        const isSame =
          now?.volumeId === file.volumeId && now.path === file.path && now.sizeBytes === file.sizeBytes;
        if (!isSame) return; // it was dropped or made anew meanwhile
        await disk.rename(copy, pathOn(volumeId, path));
        ensureOpen(this.#core);
        await store.transaction((tx) => tx.volumes.putFile({ ...file, volumeId, path, sizeBytes }));
      });
      await this.#core.uses.settled(row.sectorId);
      await locks.run(row.sectorId, () => this.#parts.collector.discard(from));
    } finally {
      await disk.remove(folder).catch(() => undefined); // the collector does it later
      work.close(folder);
    }
  }

  async #compare(from: string, to: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    const { disk } = this.#core;
    await using source = await disk.open(from, "read");
    await using copy = await disk.open(to, "read");
    for (let at = 0; at < sizeBytes; at += chunkBytes) {
      signal.throwIfAborted();
      const length = Math.min(chunkBytes, sizeBytes - at);
      const [wanted, found] = await Promise.all([source.readAt(at, length), copy.readAt(at, length)]);
      if (!equalBytes(wanted, found)) throw volumeErrors.badCopy({ from, to });
    }
  }

  /**
   * Empties a volume, however long that takes; false: it takes files again. Rejects with the signal's reason, or with
   * storage/unknown-volume.
   */
  async drain(volumeId: number, { signal, onLeft = () => undefined }: DrainOptions): Promise<boolean> {
    ensureOpen(this.#core);
    const stop = AbortSignal.any([this.#core.end, signal]);
    for (;;) {
      const left = await this.#pass(volumeId, { signal: stop, onLeft });
      if (left === undefined) return false;
      if (left === 0) return true;
      await this.#core.clock.sleep(pauseMs, stop);
    }
  }

  /** What sectors have there, by the counters: it is asked for after each sector. */
  async bytesOn(volumeId: number): Promise<number> {
    const { volumes } = this.#core.store;
    const volume = await volumes.get(volumeId);
    return volume === undefined ? 0 : volume.usedBytes - (await volumes.tenant(volumeId)).usedBytes;
  }

  async #drainAll(): Promise<void> {
    const { store, end, clock } = this.#core;
    while (!end.aborted) {
      const draining = (await store.volumes.all()).filter(({ mode }) => mode === "draining");
      let left = 0;
      for (const { volumeId } of draining)
        left += (await this.#pass(volumeId, { signal: end, onLeft: () => undefined })) ?? 0;
      if (left === 0) return;
      await clock.sleep(pauseMs, end).catch(() => undefined);
    }
  }

  /** One pass over a volume; how many sectors are left on it, or undefined where it is drained no more. */
  async #pass(volumeId: number, { signal, onLeft }: Required<DrainOptions>): Promise<number | undefined> {
    const { store, logger } = this.#core;
    let left = 0;
    let after = -1;
    for (;;) {
      const page = await store.volumes.on(volumeId, after, pageCount);
      for (const sectorId of page) {
        signal.throwIfAborted();
        if ((await volumeOrThrow(store, volumeId)).mode !== "draining") return undefined;
        try {
          await this.move(sectorId, { from: volumeId }, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof HoldfastError)) throw error;
          left += 1;
          logger.warn("storage: a sector cannot be moved yet", { sectorId, volumeId, reason: error.message });
        }
        onLeft(await this.bytesOn(volumeId));
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last;
    }
    if (left === 0) logger.info("storage: a volume is empty and can be detached", { volumeId });
    return left;
  }
}

function partOf({ role }: FileRow): Part {
  if (role === "staged") return "stage";
  return role === "aux" || role === "proof" ? "seal" : "store";
}
