/**
 * What the parts of one storage share: its seams, its metadata, its limits and its end. The parts do not know
 * each other; the builder introduces them.
 */
import { type Clock, HoldfastError, type Logger } from "@holdfast/base";
import type { SectorClass } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { Sealer } from "../pool/index.ts";
import type { SectorRow, StorageReader, StorageStore } from "../store/index.ts";
import type { VolumeDisk } from "../volumes/index.ts";
import type { Doubts } from "./doubts.ts";
import type { KeyedLocks } from "./locks.ts";
import type { StorageLimits } from "./options.ts";
import type { SectorState } from "./states.ts";
import type { FileUses } from "./uses.ts";
import type { VolumeKeeper } from "./volume-keeper.ts";
import type { WorkFolders } from "./work.ts";

export interface Core {
  /** All volumes as one disk. */
  readonly disk: VolumeDisk;
  readonly volumes: VolumeKeeper;
  readonly store: StorageStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: StorageLimits;
  /** The sizes of the network. */
  readonly classes: readonly SectorClass[];
  readonly sealer: Sealer;
  /** Per sector: held while final files of a sector are installed or deleted. */
  readonly locks: KeyedLocks;
  readonly work: WorkFolders;
  /** Who reads files of which sector now: nobody deletes an old copy under a reader. */
  readonly uses: FileUses;
  /** Sectors whose plain copy is not believed. */
  readonly doubts: Doubts;
  /** Aborts when the storage closes; its reason is storage/closed. */
  readonly end: AbortSignal;
}

/** Throws storage/closed. */
export function ensureOpen(core: Core): void {
  if (core.end.aborted) throw storageErrors.closed({});
}

/** Throws storage/unknown-sector. */
export async function sectorOrThrow(store: StorageReader, sectorId: number): Promise<SectorRow> {
  const row = await store.sector(sectorId);
  if (row === undefined) throw storageErrors.unknownSector({ sectorId });
  return row;
}

/** Throws storage/unknown-sector, storage/wrong-state. */
export async function sectorIn(
  store: StorageReader,
  sectorId: number,
  states: readonly SectorState[],
): Promise<SectorRow> {
  const row = await sectorOrThrow(store, sectorId);
  if (states.includes(row.state)) return row;
  throw storageErrors.wrongState({ sectorId, state: row.state, wanted: states.join(" or ") });
}

/** Between two tries while the server of the database does not answer. */
const unreachableRetryMs = 5_000;

/**
 * Tries again while the server of the database does not answer, until the signal aborts: work of hours is not given
 * up for its record. What a lost connection had committed all the same is noticed by the states.
 */
export async function patiently<T>(core: Core, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "storage/database-unreachable") throw error;
      core.logger.warn("storage: the database does not answer", { detail: error.message });
    }
    await core.clock.sleep(unreachableRetryMs, signal);
  }
}
