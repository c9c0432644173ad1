/**
 * Files and their owners. The audit walks our folders and names for each file the sector or the job that
 * claims it; what we could have written and nobody claims is an orphan, what we could not have written is
 * foreign and stays. The collector deletes orphans, each only after a second look at its claims under the lock
 * of its sector. Whoever puts a final file in place holds that lock, a sector's id is never used again, and no
 * state claims anew what its predecessor had given up: nothing alive can be among them.
 */
import { isPartName } from "../disk/index.ts";
import { everySector } from "../store/index.ts";
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

type FoundFile = Pick<AuditedFile, "path" | "sizeBytes">;

/** Levels of folders below ours; nothing of us is deeper. */
const maxDepth = 4;
const sectorFile = /^(?:staged|unsealed|sealed)\/(\d+)$/;
const cacheFile = /^cache\/(\d+)\/(?:aux|tree|proof)$/;
/** Of a job, or of one of its claims by a worker. */
const workFile = /^(work\/\d+-\d+(?:-\d+)?)\/[^/]+$/;
/** On its way from a worker that unseals; goes when it has been read, or at the next start. */
const readFile = /^work\/(\d+)-read-\d+-\d+\/[^/]+$/;

export class Collector {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Jobs may go on meanwhile: what looks wrong is looked at again before it is told. */
  async audit(): Promise<StorageAudit> {
    const files: AuditedFile[] = [];
    for await (const file of this.#files()) files.push(file);
    const missing: FileClaim[] = [];
    for await (const claim of this.missing()) missing.push(claim);
    return {
      files,
      orphans: files.filter((file) => file.owner.kind === "orphan"),
      missing,
      totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    };
  }

  /** Files that a sector needs and does not have, one after another. */
  async *missing(): AsyncGenerator<FileClaim, void, undefined> {
    const { store, disk } = this.#core;
    for await (const { sectorId } of everySector(store)) {
      for (const claim of await this.#claims(sectorId)) {
        if (!claim.needed || (await disk.sizeBytes(claim.path)) !== undefined) continue;
        const stillNeeded = (await this.#claims(sectorId)).some(
          (now) => now.path === claim.path && now.needed,
        );
        if (stillNeeded && (await disk.sizeBytes(claim.path)) === undefined) yield claim;
      }
    }
  }

  /** What lies on the disk, with its owner. */
  async *#files(): AsyncGenerator<AuditedFile, void, undefined> {
    for (const folder of storageFolders) {
      for await (const file of this.#walk(folder, 1)) {
        const isOwned = (await this.#ownerOf(file.path)).kind !== "orphan";
        if (!isOwned && (await this.#core.disk.sizeBytes(file.path)) === undefined) continue;
        yield { ...file, owner: await this.#ownerOf(file.path) };
      }
    }
  }

  /** Deletes the orphans and the empty folders that they leave. */
  async collect(): Promise<CollectedGarbage> {
    const removed: string[] = [];
    let freedBytes = 0;
    for await (const { path, sizeBytes, owner } of this.#files()) {
      if (owner.kind !== "orphan") continue;
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
    const claims = await this.#claims(sectorId);
    if (claims.some((claim) => claim.path.startsWith(`${paths.cache}/`))) return;
    await this.#core.disk.remove(paths.cache);
  }

  async #removeOrphan(path: string): Promise<boolean> {
    if ((await this.#ownerOf(path)).kind !== "orphan") return false;
    await this.#core.disk.remove(path);
    return true;
  }

  async #claims(sectorId: number): Promise<FileClaim[]> {
    const { store, limits } = this.#core;
    const row = await store.sector(sectorId);
    return row === undefined ? [] : claimsOf(row, await store.fill(sectorId), limits);
  }

  async #ownerOf(path: string): Promise<FileOwner> {
    const work = workFile.exec(path);
    if (work !== null) {
      const owner = this.#core.work.sectorOf(work[1] ?? "");
      return owner === undefined ? { kind: "orphan" } : { kind: "job", sectorId: owner };
    }
    const read = readFile.exec(path);
    if (read !== null) return { kind: "job", sectorId: Number(read[1]) };
    const sectorId = sectorIdOf(path);
    if (sectorId === undefined) {
      return isPartName(path.slice(path.lastIndexOf("/") + 1)) ? { kind: "orphan" } : { kind: "foreign" };
    }
    const claim = (await this.#claims(sectorId)).find((known) => known.path === path);
    return claim === undefined ? { kind: "orphan" } : { kind: "sector", sectorId, role: claim.role };
  }

  async *#walk(folder: string, depth: number): AsyncGenerator<FoundFile, void, undefined> {
    for (const name of await this.#core.disk.list(folder)) {
      const path = `${folder}/${name}`;
      const sizeBytes = await this.#core.disk.sizeBytes(path);
      if (sizeBytes !== undefined) yield { path, sizeBytes };
      else if (depth < maxDepth) yield* this.#walk(path, depth + 1);
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
      if (!/^\d+-(?:read-)?\d+(?:-\d+)?$/.test(name) || work.sectorOf(path) !== undefined) continue;
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
