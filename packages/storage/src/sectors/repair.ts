/**
 * Making lost or damaged files of a sector anew from what is left of it. A sector is several times redundant: the tree
 * has the replica as its leaves, the replica gives the pieces, and pieces and ticket give replica and tree again, bit
 * for bit. Nothing is put in place before its commitment is that of the sector.
 */
import { equalBytes, HoldfastError } from "@holdfast/base";
import { maxUserBytes } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { FileRow, SectorRow } from "../store/index.ts";
import { copyFile, homeVolumeId, pathOn } from "../volumes/index.ts";
import { type SectorCheck, troublesOf } from "./check.ts";
import type { Collector } from "./collector.ts";
import { type Core, ensureOpen, sectorIn, sectorOrThrow } from "./core.ts";
import { fileName, filePath } from "./files.ts";
import { KeyedLocks } from "./locks.ts";
import { stagedEnd, userOffset } from "./options.ts";
import { commDOf } from "./packing.ts";
import type { Reading } from "./reading.ts";
import type { FileRole } from "./roles.ts";
import { identityOf } from "./sealing.ts";
import type { Space } from "./space.ts";
import { landedStates } from "./states.ts";

export interface RepairOptions {
  /** Nothing is made anew while the sector has files on a volume that is away. */
  readonly sparesAway?: boolean;
}
export interface RepairReport extends SectorCheck {
  readonly repaired: readonly FileRole[];
}

export class Repair {
  readonly #core: Core;
  readonly #reading: Reading;
  readonly #space: Space;
  readonly #collector: Collector;
  /** Per sector: two repairs would write to the same folder. */
  readonly #repairs = new KeyedLocks();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(
    core: Core,
    {
      reading,
      space,
      collector,
    }: { readonly reading: Reading; readonly space: Space; readonly collector: Collector },
  ) {
    this.#collector = collector;
    this.#core = core;
    this.#reading = reading;
    this.#space = space;
  }

  /** Reads all of a sector and says what is wrong. Throws storage/unknown-sector, not-final, wrong-state. */
  async check(sectorId: number, signal?: AbortSignal): Promise<SectorCheck> {
    const found = await this.#during(() => this.#check(sectorId, this.#orEnd(signal)));
    if (!found.troubles.some(({ role }) => role === "unsealed")) this.#core.doubts.settle(sectorId);
    return found;
  }

  /** Resolves when no file is read or made any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
  async #during<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#underWay.add(running);
    return await running.finally(() => this.#underWay.delete(running));
  }

  #orEnd(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#core.end : AbortSignal.any([this.#core.end, signal]);
  }

  async #check(sectorId: number, signal: AbortSignal): Promise<SectorCheck> {
    ensureOpen(this.#core);
    const { state } = await sectorOrThrow(this.#core.store, sectorId);
    if (state === "proved") throw storageErrors.notFinal({ sectorId });
    const row = await sectorIn(this.#core.store, sectorId, landedStates);
    return await this.#core.uses.during([sectorId], async () => ({
      sectorId,
      troubles: await troublesOf(this.#core, row, signal),
    }));
  }

  /**
   * Makes anew what `check` finds damaged. Throws storage/unknown-sector, not-final, wrong-state, unrepairable
   * (nothing is left that it could be made of), no-volume, full.
   */
  async repair(
    sectorId: number,
    signal?: AbortSignal,
    { sparesAway = false }: RepairOptions = {},
  ): Promise<RepairReport> {
    const stop = this.#orEnd(signal);
    try {
      return await this.#during(() =>
        this.#repairs.run(sectorId, () => this.#repair(sectorId, stop, sparesAway)),
      );
    } finally {
      // What cannot be made anew is read as it is: whoever gets it checks it.
      if (!stop.aborted) this.#core.doubts.settle(sectorId);
    }
  }

  /** By itself, for a plain copy that is doubted. */
  mend(sectorId: number): void {
    const { logger, end } = this.#core;
    this.repair(sectorId, undefined, { sparesAway: true }).catch((error: unknown) => {
      if (!end.aborted)
        logger.error("storage: a damaged sector cannot be repaired", { sectorId, detail: String(error) });
    });
  }

  async #repair(sectorId: number, signal: AbortSignal, sparesAway: boolean): Promise<RepairReport> {
    const { troubles } = await this.#check(sectorId, signal);
    const row = await sectorIn(this.#core.store, sectorId, landedStates);
    const bad = new Set(troubles.map(({ role }) => role));
    if (bad.size === 0) return { sectorId, troubles, repaired: [] };
    await this.#core.volumes.look();
    if (sparesAway && (await this.#isPartlyAway(sectorId))) return { sectorId, troubles, repaired: [] };
    await this.#core.store.transaction((tx) => this.#space.placeAnew(tx, row));
    const folder = this.#core.work.open(sectorId, row.attempt, await this.#volumeOf(sectorId), "repair");
    try {
      if (bad.has("sealed") || bad.has("tree")) await this.#remakeSealed(row, bad, folder);
      if (bad.has("unsealed")) await this.#remakePlain(row, folder);
      await this.#core.store.transaction((tx) => this.#space.settlePlace(tx, sectorId, row.sectorBytes));
    } finally {
      await this.#core.disk.remove(folder).catch(() => undefined); // the collector does it later
      this.#core.work.close(folder);
    }
    return { sectorId, troubles, repaired: [...bad] };
  }

  /** A disk that is away comes back, and everything on it is as it was. */
  async #isPartlyAway(sectorId: number): Promise<boolean> {
    const { store, volumes } = this.#core;
    const files = await store.volumes.filesOf(sectorId);
    return [...files.values()].some(({ volumeId }) => !volumes.conditionOf(volumeId).isHere);
  }

  /** From the other of both where that alone is damaged, else by sealing the pieces again with their ticket. */
  async #remakeSealed(row: SectorRow, bad: ReadonlySet<FileRole>, folder: string): Promise<void> {
    const { disk, store } = this.#core;
    const tree = await store.volumes.file(row.sectorId, "tree");
    const replica = `${folder}/sealed`;
    if (!bad.has("tree") && tree !== undefined && (await this.#isReplica(row, filePath(tree), replica))) {
      return await this.#install(row, [["sealed", replica]]);
    }
    const staged = await this.#plainOrExtracted(row, bad, folder);
    const slots = await store.slots(row.sectorId);
    const { commitments } = row;
    if (commitments === null) throw storageErrors.notSealed({ sectorId: row.sectorId, state: row.state });
    const files = { replicaPath: replica, treePath: `${folder}/tree`, auxPath: `${folder}/aux` };
    const { commR } = await this.#core.sealer.replicate(
      {
        classes: this.#core.classes,
        sectorBytes: row.sectorBytes,
        identity: identityOf(row, commDOf(slots, row.sectorBytes)),
        stagedPath: slots.length === 0 ? null : staged,
        ranges: slots.map(({ offsetPaddedBytes, userBytes }) => ({
          startUserBytes: userOffset(offsetPaddedBytes),
          userBytes,
        })),
        ...files,
        resumePath: null,
      },
      { signal: this.#core.end, isOnce: true },
    );
    if (!equalBytes(commR, commitments.commR))
      throw this.#unrepairable(row, "sealing it again gives another replica");
    await disk.remove(files.auxPath);
    const made = [["sealed", replica] as const, ["tree", files.treePath] as const];
    await this.#install(row, made.slice(0, this.#core.limits.keepTrees ? 2 : 1));
  }

  /** Takes the leaves of a tree for the replica, if all that comes out of it is what was sealed. */
  async #isReplica(row: SectorRow, treePath: string, to: string): Promise<boolean> {
    const { disk, end } = this.#core;
    const { sectorId, sectorBytes, commitments } = row;
    if (commitments === null) return false;
    await copyFile(disk, treePath, to, end);
    {
      await using file = await disk.open(to, "write");
      await file.truncate(sectorBytes);
      await file.sync();
    }
    // As one piece: what lies between the pieces, or in a sector without any, is part of the seal too.
    const all = { sectorId, pieceKey: "", commP: commitments.commD, offsetPaddedBytes: 0 };
    const size = { paddedBytes: sectorBytes, userBytes: maxUserBytes(sectorBytes) };
    try {
      await this.#reading.unsealFrom({ ...all, ...size }, to, end);
      return true;
    } catch (error) {
      if (error instanceof HoldfastError) return false;
      throw error;
    }
  }

  /** The file with all that was sealed: the plain copy, or one that is made of the replica. */
  async #plainOrExtracted(row: SectorRow, bad: ReadonlySet<FileRole>, folder: string): Promise<string> {
    const plain = await this.#core.store.volumes.file(row.sectorId, "unsealed");
    const slots = await this.#core.store.slots(row.sectorId);
    if (slots.length === 0) return "";
    // A piece that was dropped is part of the seal and not of what was checked.
    if (plain !== undefined && !bad.has("unsealed")) return filePath(plain);
    const sealed = await this.#core.store.volumes.file(row.sectorId, "sealed");
    const why = "neither its pieces nor its replica are whole";
    if (sealed === undefined || bad.has("sealed")) throw this.#unrepairable(row, why);
    const path = `${folder}/plain`;
    await this.#extractTo(row, path, filePath(sealed));
    return path;
  }

  async #remakePlain(row: SectorRow, folder: string): Promise<void> {
    const path = `${folder}/plain`;
    const sealed = await this.#core.store.volumes.file(row.sectorId, "sealed");
    if (sealed === undefined) throw this.#unrepairable(row, "its replica is lost");
    await this.#extractTo(row, path, filePath(sealed));
    await this.#install(row, [["unsealed", path]]);
  }

  async #extractTo(row: SectorRow, path: string, replicaPath: string): Promise<void> {
    const { disk, store, end } = this.#core;
    const slots = await store.slots(row.sectorId);
    await using file = await disk.open(path, "create");
    for (const slot of slots) {
      const bytes = await this.#reading.unsealFrom(
        { ...slot, pieceKey: slot.pieceKey ?? "" },
        replicaPath,
        end,
      );
      await file.writeAt(userOffset(slot.offsetPaddedBytes), bytes);
    }
    await file.truncate(stagedEnd(slots));
    await file.sync();
  }

  async #install(row: SectorRow, made: readonly (readonly [FileRole, string])[]): Promise<void> {
    const { store, disk, locks } = this.#core;
    const volumeId = await this.#volumeOf(row.sectorId);
    const volume = await store.volumes.get(volumeId);
    const replaced: string[] = [];
    await locks.run(row.sectorId, async () => {
      await sectorIn(store, row.sectorId, landedStates);
      const files: FileRow[] = [];
      for (const [role, from] of made) {
        const path = fileName(row, role, store.generation, volume?.place);
        const sizeBytes = (await disk.sizeBytes(from)) ?? 0;
        await disk.rename(from, pathOn(volumeId, path));
        files.push({ sectorId: row.sectorId, role, volumeId, path, sizeBytes });
      }
      ensureOpen(this.#core);
      await store.transaction(async (tx) => {
        for (const file of files) {
          const before = await tx.volumes.file(file.sectorId, file.role);
          if (before !== undefined && filePath(before) !== filePath(file)) replaced.push(filePath(before));
          await tx.volumes.putFile(file);
        }
      });
    });
    await this.#core.uses.settled(row.sectorId);
    await locks.run(row.sectorId, async () => {
      for (const path of replaced) await this.#collector.discard(path);
    });
    this.#core.logger.info("storage: files were made anew", {
      sectorId: row.sectorId,
      roles: made.map(([role]) => role),
    });
  }

  async #volumeOf(sectorId: number): Promise<number> {
    return (await this.#core.store.volumes.placeOf(sectorId))?.store.volumeId ?? homeVolumeId;
  }

  #unrepairable({ sectorId }: SectorRow, reason: string): HoldfastError {
    return storageErrors.unrepairable({ sectorId, reason });
  }
}
