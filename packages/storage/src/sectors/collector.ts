/**
 * Files and their owners. The audit walks our folders and names for each file the sector or the job that
 * claims it; what we could have written and nobody claims is an orphan, what we could not have written is
 * foreign and stays. The collector deletes orphans, each only after a second look at its claims, in the same
 * turn as the deletion starts and under the lock of its sector: nothing alive can be among them.
 */
import { isPartName } from "../disk/index.ts";
import type { Core } from "./core.ts";
import { claimsOf, type FileClaim, type FileRole, sectorPaths, storageFolders } from "./files.ts";

export type FileOwner =
  | { readonly kind: "sector"; readonly sectorId: number; readonly role: FileRole }
  | { readonly kind: "job"; readonly sectorId: number }
  | { readonly kind: "orphan" }
  | { readonly kind: "foreign" };

export interface AuditedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly owner: FileOwner;
}
export interface StorageAudit {
  /** Every file below our folders, by path. */
  readonly files: readonly AuditedFile[];
  readonly orphans: readonly AuditedFile[];
  /** Files that a sector needs and does not have. */
  readonly missing: readonly FileClaim[];
  readonly totalBytes: number;
}
export interface CollectedGarbage {
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** Levels of folders below ours; nothing of us is deeper. */
const maxDepth = 4;
const sectorFile = /^(?:staged|unsealed|sealed)\/(\d+)$/;
const cacheFile = /^cache\/(\d+)\/(?:aux|tree|proof)$/;
const workFile = /^(work\/(\d+)-\d+-\d+)\/[^/]+$/;

export class Collector {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Jobs may go on meanwhile: what looks wrong is looked at again before it is told. */
  async audit(): Promise<StorageAudit> {
    const found: { path: string; sizeBytes: number }[] = [];
    for (const folder of storageFolders) await this.#walk(folder, 1, found);
    const files: AuditedFile[] = [];
    for (const file of found) {
      const gone =
        this.#ownerOf(file.path).kind === "orphan" &&
        (await this.#core.disk.sizeBytes(file.path)) === undefined;
      if (!gone) files.push({ ...file, owner: this.#ownerOf(file.path) });
    }
    return {
      files,
      orphans: files.filter((file) => file.owner.kind === "orphan"),
      missing: await this.#missing(new Set(found.map((file) => file.path))),
      totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    };
  }

  async #missing(present: ReadonlySet<string>): Promise<FileClaim[]> {
    const missing: FileClaim[] = [];
    for (const { sectorId } of this.#core.store.sectors()) {
      for (const claim of this.#claims(sectorId)) {
        if (!claim.needed || present.has(claim.path)) continue;
        const there = (await this.#core.disk.sizeBytes(claim.path)) !== undefined;
        const stillNeeded = this.#claims(sectorId).some((now) => now.path === claim.path && now.needed);
        if (!there && stillNeeded) missing.push(claim);
      }
    }
    return missing;
  }

  /** Deletes the orphans and the empty folders that they leave. */
  async collect(): Promise<CollectedGarbage> {
    const removed: string[] = [];
    let freedBytes = 0;
    for (const { path, sizeBytes } of (await this.audit()).orphans) {
      const gone = await this.#core.locks.run(sectorIdOf(path) ?? -1, () => this.#removeOrphan(path));
      if (!gone) continue;
      removed.push(path);
      freedBytes += sizeBytes;
    }
    await this.#removeEmptyFolders();
    if (removed.length > 0) this.#core.logger.info("storage: garbage removed", { removed, freedBytes });
    return { removed, freedBytes };
  }

  /** Deletes what a sector does not claim in its present state; the caller holds its lock. */
  async sweep(sectorId: number): Promise<void> {
    const paths = sectorPaths(sectorId);
    for (const role of ["staged", "unsealed", "sealed", "aux", "tree", "proof"] as const) {
      await this.#removeOrphan(paths[role]);
    }
    if (this.#claims(sectorId).some((claim) => claim.path.startsWith(`${paths.cache}/`))) return;
    await this.#core.disk.remove(paths.cache);
  }

  async #removeOrphan(path: string): Promise<boolean> {
    if (this.#ownerOf(path).kind !== "orphan") return false;
    await this.#core.disk.remove(path);
    return true;
  }

  #claims(sectorId: number): FileClaim[] {
    const { store, limits } = this.#core;
    const row = store.sector(sectorId);
    return row === undefined ? [] : claimsOf(row, store.slots(sectorId), limits);
  }

  #ownerOf(path: string): FileOwner {
    const work = workFile.exec(path);
    if (work !== null) {
      const owner = this.#core.work.sectorOf(work[1] ?? "");
      return owner === undefined ? { kind: "orphan" } : { kind: "job", sectorId: owner };
    }
    const sectorId = sectorIdOf(path);
    if (sectorId === undefined) {
      return isPartName(path.slice(path.lastIndexOf("/") + 1)) ? { kind: "orphan" } : { kind: "foreign" };
    }
    const claim = this.#claims(sectorId).find((known) => known.path === path);
    return claim === undefined ? { kind: "orphan" } : { kind: "sector", sectorId, role: claim.role };
  }

  async #walk(folder: string, depth: number, found: { path: string; sizeBytes: number }[]): Promise<void> {
    for (const name of await this.#core.disk.list(folder)) {
      const path = `${folder}/${name}`;
      const sizeBytes = await this.#core.disk.sizeBytes(path);
      if (sizeBytes !== undefined) found.push({ path, sizeBytes });
      else if (depth < maxDepth) await this.#walk(path, depth + 1, found);
    }
  }

  async #removeEmptyFolders(): Promise<void> {
    const { disk, locks, work } = this.#core;
    for (const name of await disk.list("cache")) {
      const sectorId = /^\d+$/.test(name) ? Number(name) : undefined;
      if (sectorId === undefined) continue;
      await locks.run(sectorId, async () => {
        const path = sectorPaths(sectorId).cache;
        if ((await disk.sizeBytes(path)) !== undefined || (await disk.list(path)).length > 0) return;
        await disk.remove(path);
      });
    }
    for (const name of await disk.list("work")) {
      const path = `work/${name}`;
      if (!/^\d+-\d+-\d+$/.test(name) || work.sectorOf(path) !== undefined) continue;
      if ((await disk.sizeBytes(path)) === undefined && (await disk.list(path)).length === 0) {
        await disk.remove(path);
      }
    }
  }
}

function sectorIdOf(path: string): number | undefined {
  const found = sectorFile.exec(path)?.[1] ?? cacheFile.exec(path)?.[1];
  return found === undefined ? undefined : Number(found);
}
