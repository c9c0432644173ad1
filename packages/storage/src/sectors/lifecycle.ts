/**
 * What the caller tells a sector after its proof: it is on the chain, it is faulty, its time is over. Rows
 * move first, files follow: after a crash in between, the next start finishes with the files.
 */
import { storageErrors } from "../errors.ts";
import type { SectorRow } from "../store/index.ts";
import { copyFile } from "../volumes/index.ts";
import type { Collector } from "./collector.ts";
import { type Core, ensureOpen, sectorOrThrow } from "./core.ts";
import { fileName, filePath, plainName } from "./files.ts";
import type { Reading } from "./reading.ts";
import type { Sealing } from "./sealing.ts";
import type { Space } from "./space.ts";
import type { Staging } from "./staging.ts";
import { landedStates, type SectorState } from "./states.ts";

export interface LifecycleParts {
  readonly staging: Staging;
  readonly sealing: Sealing;
  readonly reading: Reading;
  readonly collector: Collector;
  readonly space: Space;
}

export class Lifecycle {
  readonly #core: Core;
  readonly #parts: LifecycleParts;

  constructor(core: Core, parts: LifecycleParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** proved → committed; the same word again is no error. */
  async confirmCommitted(sectorId: number): Promise<void> {
    await this.#moveOnce(sectorId, ["proved"], "committed", null);
    this.#parts.sealing.dues.forget(sectorId);
    await this.#core.locks.run(sectorId, () => this.settle(sectorId));
  }

  async markFaulty(sectorId: number, reason: string): Promise<void> {
    await this.#moveOnce(sectorId, ["committed"], "faulty", reason);
  }
  async markRecovered(sectorId: number): Promise<void> {
    await this.#moveOnce(sectorId, ["faulty"], "committed", "recovered");
  }
  async markExpired(sectorId: number): Promise<void> {
    await this.#moveOnce(sectorId, ["committed", "faulty"], "expired", null);
  }

  /** Forgets a sector with all its pieces and deletes its files. */
  async dropSector(sectorId: number, reason: string): Promise<void> {
    ensureOpen(this.#core);
    const { store } = this.#core;
    if ((await sectorOrThrow(store, sectorId)).state === "removed") return;
    await this.#parts.sealing.callOff(sectorId, async (tx) => {
      const { state } = await sectorOrThrow(tx, sectorId);
      if (state === "removed") return;
      if (this.#parts.staging.hasWriters(sectorId)) throw storageErrors.sectorBusy({ sectorId });
      await tx.forgetPiecesOf(sectorId);
      await tx.move(sectorId, { from: [state] }, "removed", this.#core.clock.nowMs(), {}, reason);
    });
    this.#parts.sealing.dues.forget(sectorId);
  }

  /**
   * Forgets a piece. Before a seal its slot is free again; in a sealed sector its bytes stay part of the
   * replica until the sector goes, but nobody can read them here any more.
   */
  async dropPiece(pieceKey: string): Promise<void> {
    ensureOpen(this.#core);
    const { store, locks } = this.#core;
    const row = await store.transaction(async (tx) => {
      const { sectorId } = await this.#parts.reading.piece(pieceKey, tx);
      const sector = await sectorOrThrow(tx, sectorId);
      await tx.forgetPiece(pieceKey, isPartOfSeal(sector));
      return sector;
    });
    const { sectorId } = row;
    if (landedStates.includes(row.state)) await locks.run(sectorId, () => this.settle(sectorId));
  }

  /** Brings the files of a sector to what its state says; idempotent. The caller holds its lock. */
  async settle(sectorId: number): Promise<void> {
    const { store, limits } = this.#core;
    const row = await store.sector(sectorId);
    if (row !== undefined && landedStates.includes(row.state)) {
      if (limits.keepUnsealed && (await store.fill(sectorId)).pieceCount > 0) await this.#keepPlainCopy(row);
      await store.transaction((tx) => this.#parts.space.settlePlace(tx, sectorId, row.sectorBytes));
    }
    await this.#parts.collector.sweep(sectorId);
  }

  /** The staged file becomes the plain copy, on the volume where the sector stays. */
  async #keepPlainCopy(row: SectorRow): Promise<void> {
    const { store, disk } = this.#core;
    const { sectorId } = row;
    const staged = await store.volumes.file(sectorId, "staged");
    const place = await store.volumes.placeOf(sectorId);
    const target = place === undefined ? undefined : await store.volumes.get(place.store.volumeId);
    if (staged === undefined || target === undefined) return;
    const { volumeId } = target;
    const isNear = staged.volumeId === volumeId;
    // After a crash it may have its other name already, unrecorded: then somebody may take it for garbage still.
    const isRenamed = (await disk.sizeBytes(filePath(staged))) === undefined;
    const source = filePath(isRenamed ? { ...staged, path: plainName(staged) } : staged);
    const path =
      isNear && !isRenamed ? plainName(staged) : fileName(row, "unsealed", store.generation, target.place);
    const file = { sectorId, role: "unsealed", volumeId, path } as const;
    if ((await disk.sizeBytes(source)) !== undefined) {
      if (isNear) await disk.rename(source, filePath(file));
      else await copyFile(disk, source, filePath(file));
    }
    const sizeBytes = await disk.sizeBytes(filePath(file));
    await store.transaction(async (tx) => {
      await tx.volumes.dropFile(sectorId, "staged");
      if (sizeBytes !== undefined) await tx.volumes.putFile({ ...file, sizeBytes });
    });
    if (!isNear) await this.#parts.collector.discard(source);
  }

  /** The same word again is no error. */
  async #moveOnce(
    sectorId: number,
    from: readonly SectorState[],
    to: SectorState,
    reason: string | null,
  ): Promise<void> {
    ensureOpen(this.#core);
    await this.#core.store.transaction(async (tx) => {
      if ((await sectorOrThrow(tx, sectorId)).state === to) return;
      await tx.move(sectorId, { from }, to, this.#core.clock.nowMs(), {}, reason);
    });
  }
}

/** Whether the slots of the sector are bound by a seal (or by one that is being made). */
function isPartOfSeal(row: SectorRow): boolean {
  if (row.state === "staging" || row.state === "closing") return false;
  return !(row.state === "failed" && row.failure?.during === "sealing");
}
