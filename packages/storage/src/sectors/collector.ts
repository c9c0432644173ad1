/**
 * Files and their owners. The audit walks our folders on every volume that is here and names for each file the sector
 * or the job that it belongs to; what we could have written and nobody owns is an orphan, what we could not have
 * written is foreign and stays. A file is a sector's if the metadata says that it lies there. The collector deletes
 * orphans, each after a second look under the lock of its sector, in a transaction: who was taken over deletes nothing.
 * Whoever puts a final file in place holds that lock and records it before letting go: nothing alive can be among them.
 */
import { HoldfastError } from "@holdfast/base";
import { isPartName } from "../disk/index.ts";
import { everySector, type FileRow, type SectorRow } from "../store/index.ts";
import { locate, namesIn, pathOn } from "../volumes/index.ts";
import type { Core } from "./core.ts";
import {
  bareName,
  claimedRoles,
  type FileClaim,
  type FileRole,
  fileName,
  filePath,
  storageFolders,
} from "./files.ts";
import { fileRoles } from "./roles.ts";
import { idleFolder } from "./tenant.ts";

export type FileOwner =
  | { readonly kind: "sector"; readonly sectorId: number; readonly role: FileRole }
  | { readonly kind: "job"; readonly sectorId: number }
  /** On its way to a bucket. */
  | { readonly kind: "transfer" }
  /** Of idle space, which looks after its own. */
  | { readonly kind: "idle" }
  | { readonly kind: "orphan" }
  | { readonly kind: "foreign" };

export interface AuditedFile {
  /** In the namespace of all volumes. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly owner: FileOwner;
}
/** Of what is listed the first `namedFiles`; the counts are of all. */
export interface StorageAudit {
  readonly fileCount: number;
  readonly totalBytes: number;
  readonly orphanCount: number;
  readonly orphans: readonly AuditedFile[];
  /** Files that a sector needs and does not have; those on volumes that are away are not among them. */
  readonly missingCount: number;
  readonly missing: readonly FileClaim[];
}
export interface CollectedGarbage {
  /** The first `namedFiles` of them. */
  readonly removed: readonly string[];
  readonly removedCount: number;
  readonly freedBytes: number;
}
/** Files that a report names. */
export const namedFiles = 1_000;
/** Files that a line of the log names. */
const loggedFiles = 20;

type FoundFile = Pick<AuditedFile, "path" | "sizeBytes">;

/** Levels of folders below ours; nothing of us is deeper. */
const maxDepth = 4;
/** With up to two numbers behind that of the sector (files.ts), by whatever version. */
const sectorFile = /^(?:staged|unsealed|sealed)\/(\d+)(?:-\d+){0,2}$/;
const cacheFile = /^cache\/(\d+)(?:-\d+){0,2}\/(?:aux|tree|proof)$/;
/** Of a job, or of one of its claims by a worker. */
const workFile = /^(work\/\d+-\d+(?:-(?:move|repair))?(?:-\d+)?)\/[^/]+$/;
/** On its way from a worker that unseals; goes when it has been read, or at the next start. */
const readFile = /^work\/(\d+)-read-\d+-\d+\/[^/]+$/;
/** Jobs' folders that may be left empty. */
const workName = /^\d+-(?:read-)?\d+(?:-(?:move|repair))?(?:-\d+)?$/;
const spoolFile = /^work\/spool\/[^/]+$/;

export class Collector {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Jobs may go on meanwhile: what looks wrong is looked at again before it is told. */
  async audit(): Promise<StorageAudit> {
    let [fileCount, totalBytes, orphanCount, missingCount] = [0, 0, 0, 0];
    const orphans: AuditedFile[] = [];
    const missing: FileClaim[] = [];
    for await (const file of this.files()) {
      fileCount += 1;
      totalBytes += file.sizeBytes;
      if (file.owner.kind !== "orphan") continue;
      orphanCount += 1;
      if (orphans.length < namedFiles) orphans.push(file);
    }
    for await (const claim of this.missing()) {
      missingCount += 1;
      if (missing.length < namedFiles) missing.push(claim);
    }
    return { fileCount, totalBytes, orphanCount, orphans, missingCount, missing };
  }

  /** Files that a sector needs and does not have, one after another. */
  async *missing(): AsyncGenerator<FileClaim, void, undefined> {
    for await (const { sectorId } of everySector(this.#core.store)) yield* this.missingOf(sectorId);
  }

  async *missingOf(sectorId: number): AsyncGenerator<FileClaim, void, undefined> {
    for (const claim of await this.claims(sectorId)) {
      if (!claim.needed || (await this.#isThere(claim.path))) continue;
      const stillNeeded = (await this.claims(sectorId)).some((now) => now.path === claim.path && now.needed);
      if (stillNeeded && !(await this.#isThere(claim.path))) yield claim;
    }
  }

  /** What lies on the volumes that are here, or on one, with its owner. */
  async *files(only?: number): AsyncGenerator<AuditedFile, void, undefined> {
    for (const { volumeId } of await this.#core.store.volumes.all()) {
      if (only !== undefined && volumeId !== only) continue;
      if (!this.#core.volumes.conditionOf(volumeId).isHere) continue;
      for (const folder of storageFolders) {
        for await (const file of this.#walk(pathOn(volumeId, folder), 1)) {
          const owner = await this.#ownerOf(file.path);
          if (owner.kind !== "orphan") yield { ...file, owner };
          else yield* this.#lookAgain(file);
        }
      }
    }
  }

  /** What looks like an orphan may be on its way into place: a second look, under the lock of its sector. */
  async *#lookAgain(file: FoundFile): AsyncGenerator<AuditedFile, void, undefined> {
    const owner = await this.#core.locks.run(sectorIdOf(locate(file.path).path) ?? -1, async () => {
      const isThere = (await this.#core.disk.sizeBytes(file.path)) !== undefined;
      return isThere ? await this.#ownerOf(file.path) : undefined;
    });
    if (owner !== undefined) yield { ...file, owner };
  }

  /** Deletes the orphans and the empty folders that they leave. */
  async collect(): Promise<CollectedGarbage> {
    const removed: string[] = [];
    let [removedCount, freedBytes] = [0, 0];
    for await (const { path, sizeBytes, owner } of this.files()) {
      if (owner.kind !== "orphan" || !(await this.#collectOne(path))) continue;
      removedCount += 1;
      freedBytes += sizeBytes;
      if (removed.length < namedFiles) removed.push(path);
    }
    for (const { volumeId } of await this.#core.store.volumes.all()) {
      if (this.#core.volumes.conditionOf(volumeId).isHere) await this.#removeEmptyFolders(volumeId);
    }
    const shown = removed.slice(0, loggedFiles);
    if (removedCount > 0)
      this.#core.logger.info("storage: garbage removed", { removed: shown, removedCount, freedBytes });
    return { removed, removedCount, freedBytes };
  }

  /**
   * Forgets and deletes what a sector does not claim in its present state, and what lies under its names on its
   * volumes unrecorded; the caller holds its lock.
   */
  async sweep(sectorId: number): Promise<void> {
    const { store } = this.#core;
    const {
      dropped,
      place,
      row: now,
    } = await store.transaction(async (tx) => {
      const row = await tx.sector(sectorId);
      const roles =
        row === undefined ? new Map() : claimedRoles(row, await tx.fill(sectorId), this.#core.limits);
      const unclaimed: FileRow[] = [];
      for (const [role, file] of await tx.volumes.filesOf(sectorId)) {
        if (roles.has(role)) continue;
        await tx.volumes.dropFile(sectorId, role);
        unclaimed.push(file);
      }
      const at = await tx.volumes.placeOf(sectorId);
      if (row === undefined || row.state === "removed") await tx.volumes.dropPlace(sectorId);
      return { dropped: unclaimed, place: at, row };
    });
    for (const file of dropped) await this.#discardFile(filePath(file));
    const volumeIds = [place?.stage, place?.seal, place?.store].flatMap((share) => share?.volumeId ?? []);
    for (const volumeId of new Set(volumeIds))
      await this.#sweepNames(now ?? { sectorId, attempt: 0 }, volumeId);
  }

  /** With the folder that it leaves empty. */
  async #discardFile(path: string): Promise<void> {
    const isGone = await this.discard(path);
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (isGone && cacheFile.test(locate(path).path)) await this.#removeIfEmpty(folder);
  }

  /** What a sector should have, with where it is, or would be. */
  async claims(sectorId: number): Promise<FileClaim[]> {
    const { store, limits } = this.#core;
    const row = await store.sector(sectorId);
    if (row === undefined) return [];
    const files = await store.volumes.filesOf(sectorId);
    return [...claimedRoles(row, await store.fill(sectorId), limits)].map(([role, needed]) => {
      const file = files.get(role);
      return { path: file === undefined ? bareName(row, role) : filePath(file), sectorId, role, needed };
    });
  }

  /** Deletes a file that nobody owns; the caller holds the lock of its sector. What is away goes when it is back. */
  async discard(path: string): Promise<boolean> {
    try {
      if (!(await this.#isOrphan(path))) return false;
      await this.#core.disk.remove(path);
      return true;
    } catch (error) {
      if (!isAway(error)) throw error;
      this.#core.logger.warn("storage: a file stays until its volume is back", { path });
      return false;
    }
  }

  /**
   * Under the names of the present generation and the bare ones. What an earlier one has left goes with the next sweep:
   * an earlier process, or this one before its records went to another database.
   */
  async #sweepNames(row: Pick<SectorRow, "sectorId" | "attempt">, volumeId: number): Promise<void> {
    const { volumes, store, disk } = this.#core;
    if (!volumes.conditionOf(volumeId).isHere) return;
    const kind = (await store.volumes.get(volumeId))?.place;
    for (const role of fileRoles) {
      for (const name of [bareName(row, role), fileName(row, role, store.generation, kind)]) {
        const path = pathOn(volumeId, name);
        if ((await disk.sizeBytes(path)) !== undefined) await this.#discardFile(path);
      }
    }
  }

  async #collectOne(path: string): Promise<boolean> {
    const sectorId = sectorIdOf(locate(path).path) ?? -1;
    return await this.#core.locks.run(sectorId, () => this.discard(path));
  }

  /** As the transaction sees it: whoever was taken over learns it here, and deletes nothing. */
  async #isOrphan(path: string): Promise<boolean> {
    const to = locate(path);
    const owner = await this.#core.store.transaction((tx) => tx.volumes.ownerOf(to.volumeId, to.path));
    return owner === undefined && (await this.#ownerOf(path)).kind === "orphan";
  }

  async #isThere(path: string): Promise<boolean> {
    try {
      return (await this.#core.disk.sizeBytes(path)) !== undefined;
    } catch (error) {
      if (isAway(error)) return true; // nobody knows: it is not called missing
      throw error;
    }
  }

  async #ownerOf(path: string): Promise<FileOwner> {
    const to = locate(path);
    if (to.path.startsWith(`${idleFolder}/`)) return { kind: "idle" };
    const work = workFile.exec(to.path)?.[1];
    if (work !== undefined) {
      const owner = this.#core.work.sectorOf(pathOn(to.volumeId, work));
      return owner === undefined ? { kind: "orphan" } : { kind: "job", sectorId: owner };
    }
    const read = readFile.exec(to.path);
    if (read !== null) return { kind: "job", sectorId: Number(read[1]) };
    if (spoolFile.test(to.path)) return { kind: "transfer" };
    const file = await this.#core.store.volumes.ownerOf(to.volumeId, to.path);
    if (file !== undefined) return { kind: "sector", sectorId: file.sectorId, role: file.role };
    const isOurs =
      sectorIdOf(to.path) !== undefined || isPartName(to.path.slice(to.path.lastIndexOf("/") + 1));
    return isOurs ? { kind: "orphan" } : { kind: "foreign" };
  }

  async *#walk(folder: string, depth: number): AsyncGenerator<FoundFile, void, undefined> {
    for await (const name of namesIn(this.#core.disk, folder)) {
      this.#core.end.throwIfAborted();
      const path = `${folder}/${name}`;
      const sizeBytes = await this.#core.disk.sizeBytes(path);
      if (sizeBytes !== undefined) yield { path, sizeBytes };
      else if (depth < maxDepth) yield* this.#walk(path, depth + 1);
    }
  }

  async #removeEmptyFolders(volumeId: number): Promise<void> {
    const { disk, locks, work } = this.#core;
    for await (const name of namesIn(disk, pathOn(volumeId, "cache"))) {
      const sectorId = /^(\d+)(?:-\d+){0,2}$/.exec(name)?.[1];
      if (sectorId === undefined) continue;
      await locks.run(Number(sectorId), () => this.#removeIfEmpty(pathOn(volumeId, `cache/${name}`)));
    }
    for await (const name of namesIn(disk, pathOn(volumeId, "work"))) {
      const path = pathOn(volumeId, `work/${name}`);
      if (!workName.test(name) || work.sectorOf(path) !== undefined) continue;
      await this.#removeIfEmpty(path);
    }
  }

  async #removeIfEmpty(folder: string): Promise<void> {
    const { disk } = this.#core;
    if ((await disk.sizeBytes(folder)) === undefined && (await disk.list(folder)).length === 0) {
      await disk.remove(folder);
    }
  }
}

function sectorIdOf(path: string): number | undefined {
  const found = sectorFile.exec(path)?.[1] ?? cacheFile.exec(path)?.[1];
  return found === undefined ? undefined : Number(found);
}

export function isAway(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === "storage/volume-away";
}
