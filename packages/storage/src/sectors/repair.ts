/**
 * Making lost or damaged files of a sector anew from what is left of it. A sector is several times redundant: the tree
 * has the replica as its leaves, the replica gives the pieces, and pieces and ticket give replica and tree again, bit
 * for bit. Nothing is put in place before its commitment is that of the sector.
 */
import { type Address, equalBytes, HoldfastError, sectorId as sectorIdOf } from "@holdfast/base";
import { CommPStream, layerTreeLength, maxUserBytes, resolveClass, vanillaClass } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { FileRow, PieceRow, SectorRow } from "../store/index.ts";
import { copyFile, homeVolumeId, pathOn } from "../volumes/index.ts";
import type { Collector } from "./collector.ts";
import { type Core, ensureOpen, sectorIn } from "./core.ts";
import { fileName, filePath } from "./files.ts";
import { KeyedLocks } from "./locks.ts";
import { stagedEnd, userOffset } from "./options.ts";
import { commDOf, commPAtSize } from "./packing.ts";
import type { Reading } from "./reading.ts";
import type { FileRole } from "./roles.ts";
import { identityOf } from "./sealing.ts";
import type { Space } from "./space.ts";
import { landedStates } from "./states.ts";

const chunkBytes = 4 * 2 ** 20;
/** Any seed does: it chooses which nodes a check opens. */
const checkSeed = new Uint8Array(32).fill(0xa5);

export interface FileTrouble {
  readonly role: FileRole;
  readonly problem: string;
}
export interface SectorCheck {
  readonly sectorId: number;
  readonly troubles: readonly FileTrouble[];
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

  /** Reads all of a sector and says what is wrong. Throws storage/unknown-sector, wrong-state. */
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
    const row = await sectorIn(this.#core.store, sectorId, landedStates);
    return await this.#core.uses.during([sectorId], async () => ({
      sectorId,
      troubles: await this.#troubles(row, signal),
    }));
  }

  /**
   * Makes anew what `check` finds damaged. Throws storage/unknown-sector, wrong-state, unrepairable (nothing is left
   * that it could be made of), no-volume, full.
   */
  async repair(sectorId: number, signal?: AbortSignal): Promise<RepairReport> {
    const stop = this.#orEnd(signal);
    try {
      return await this.#during(() => this.#repairs.run(sectorId, () => this.#repair(sectorId, stop)));
    } finally {
      // What cannot be made anew is read as it is: whoever gets it checks it.
      if (!stop.aborted) this.#core.doubts.settle(sectorId);
    }
  }

  /** By itself, for a plain copy that is doubted. */
  mend(sectorId: number): void {
    const { logger, end } = this.#core;
    this.repair(sectorId).catch((error: unknown) => {
      if (!end.aborted)
        logger.error("storage: a damaged sector cannot be repaired", { sectorId, detail: String(error) });
    });
  }

  async #repair(sectorId: number, signal: AbortSignal): Promise<RepairReport> {
    const { troubles } = await this.#check(sectorId, signal);
    const row = await sectorIn(this.#core.store, sectorId, landedStates);
    const bad = new Set(troubles.map(({ role }) => role));
    if (bad.size === 0) return { sectorId, troubles, repaired: [] };
    await this.#core.volumes.look();
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

  async #troubles(row: SectorRow, signal: AbortSignal): Promise<FileTrouble[]> {
    const { store, limits } = this.#core;
    const { keepTrees, keepUnsealed } = limits;
    const files = await store.volumes.filesOf(row.sectorId);
    const { profile } = resolveClass(this.#core.classes, row.sectorBytes);
    const troubles: FileTrouble[] = [];
    const say = (role: FileRole, problem: string | undefined) => {
      if (problem !== undefined) troubles.push({ role, problem });
    };
    say("sealed", await this.#sizeTrouble(files.get("sealed"), row.sectorBytes));
    const has = (role: FileRole) => !troubles.some((trouble) => trouble.role === role);
    if (keepTrees) {
      say("tree", await this.#sizeTrouble(files.get("tree"), layerTreeLength(profile)));
      if (has("tree")) say("tree", await this.#proofTrouble(row, { tree: files.get("tree") }, signal));
    } else if (has("sealed")) {
      // All of the replica is under the root that this compares.
      say("sealed", await this.#proofTrouble(row, { sealed: files.get("sealed") }, signal));
    }
    if (keepTrees && has("tree") && has("sealed"))
      say("sealed", await this.#leafTrouble(files.get("sealed"), files.get("tree"), signal));
    const pieces = await store.piecesOf(row.sectorId);
    if (keepUnsealed && pieces.length > 0) {
      say("unsealed", await this.#plainTrouble(files.get("unsealed"), pieces, signal));
    }
    return troubles;
  }

  async #sizeTrouble(file: FileRow | undefined, wantedBytes: number): Promise<string | undefined> {
    if (file === undefined) return "it is on no volume";
    try {
      const sizeBytes = await this.#core.disk.sizeBytes(filePath(file));
      if (sizeBytes === undefined) return "it is missing";
      return sizeBytes === wantedBytes ? undefined : `it has ${sizeBytes} bytes, not ${wantedBytes}`;
    } catch (error) {
      if (error instanceof HoldfastError) return error.message;
      throw error;
    }
  }

  /** Whether what a proof of spacetime opens can be read and belongs to the commitment. */
  async #proofTrouble(
    row: SectorRow,
    { tree, sealed }: { readonly tree?: FileRow | undefined; readonly sealed?: FileRow | undefined },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { classes, sealer } = this.#core;
    const { sectorId, sectorBytes, commitments, ticket } = row;
    const file = tree ?? sealed;
    if (file === undefined || commitments === null || ticket === null) return "nothing is known of it";
    const { profile } = resolveClass(classes, sectorBytes);
    const sector = {
      sectorId: sectorIdOf(sectorId),
      sectorBytes,
      commR: commitments.commR,
      treePath: tree === undefined ? null : filePath(tree),
      replicaPath: filePath(file),
    };
    const miner = ticket.miner as Address;
    const job = {
      classes: [vanillaClass(profile)],
      postKind: "window",
      seed: checkSeed,
      miner,
      sectors: [sector],
    } as const;
    const { proof, faults } = await sealer.post(job, { signal });
    return proof === null ? (faults[0]?.message ?? "it cannot be proven") : undefined;
  }

  /** The tree's leaves are the replica: where they differ, one of both has rotted. */
  async #leafTrouble(
    sealed: FileRow | undefined,
    tree: FileRow | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { disk } = this.#core;
    if (sealed === undefined || tree === undefined) return undefined;
    try {
      await using replica = await disk.open(filePath(sealed), "read");
      await using leaves = await disk.open(filePath(tree), "read");
      for (let at = 0; at < sealed.sizeBytes; at += chunkBytes) {
        signal.throwIfAborted();
        const length = Math.min(chunkBytes, sealed.sizeBytes - at);
        const [a, b] = await Promise.all([replica.readAt(at, length), leaves.readAt(at, length)]);
        if (!equalBytes(a, b))
          return `it differs from the leaves of its tree between ${at} and ${at + length}`;
      }
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError) return error.message;
      throw error;
    }
  }

  async #plainTrouble(
    file: FileRow | undefined,
    pieces: readonly PieceRow[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const size = await this.#sizeTrouble(file, file?.sizeBytes ?? 0);
    if (size !== undefined || file === undefined) return size;
    try {
      await using plain = await this.#core.disk.open(filePath(file), "read");
      for (const piece of pieces) {
        const stream = new CommPStream();
        const start = userOffset(piece.offsetPaddedBytes);
        for (let at = 0; at < piece.userBytes; at += chunkBytes) {
          signal.throwIfAborted();
          stream.write(await plain.readAt(start + at, Math.min(chunkBytes, piece.userBytes - at)));
        }
        if (stream.userBytes !== piece.userBytes) return `piece ${piece.pieceKey} is cut off`;
        if (!equalBytes(commPAtSize(stream.finish(), piece.paddedBytes), piece.commP)) {
          return `piece ${piece.pieceKey} has rotted`;
        }
      }
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError) return error.message;
      throw error;
    }
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
        const path = fileName(row, role, volume?.place);
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
