/** What callers may ask and do about volumes, and what each byte on them is for. */
import type { FileRow, VolumeSettings } from "../store/index.ts";
import type { SectorCheck } from "./check.ts";
import type { Collector, FileOwner } from "./collector.ts";
import type { Core } from "./core.ts";
import { type LackingLook, type LackingReport, lackingSectors } from "./lacking.ts";
import type { DrainOptions, Moving } from "./moving.ts";
import { pageCounts } from "./options.ts";
import type { Repair, RepairOptions, RepairReport } from "./repair.ts";
import type { FileRole } from "./roles.ts";
import { type StorageTenant, tenantOf } from "./tenant.ts";
import type { NewVolume, VolumeAdmin, VolumeInfo } from "./volume-admin.ts";

/** What bytes are for: the role of a sector's file, or whoever else owns them. */
export type ByteOwner = FileRole | Exclude<FileOwner["kind"], "sector">;

export interface VolumeExplanation {
  readonly volumeId: number;
  /** What the metadata says, by role. */
  readonly recorded: readonly {
    readonly owner: FileRole | "idle";
    readonly fileCount: number;
    readonly sizeBytes: number;
  }[];
  /** What of the staged bytes is of pieces that did not come whole yet: they go on behind it, or are given up. */
  readonly unfinished: { readonly pieceCount: number; readonly durableBytes: number };
  /** What lies there, by owner; null while the volume is away. */
  readonly found:
    | readonly { readonly owner: ByteOwner; readonly fileCount: number; readonly sizeBytes: number }[]
    | null;
}

export interface StorageVolumes {
  /** Room for idle space. */
  readonly idle: StorageTenant;
  /** As they are now: every disk is looked at. */
  list(): Promise<VolumeInfo[]>;
  /** Reads the folders of every volume that is here. */
  explain(): Promise<VolumeExplanation[]>;
  /** Which of the first sectors lack a file that is recorded; of volumes that are here. Throws the signal's reason. */
  lacking(look: LackingLook): Promise<LackingReport>;
  /**
   * Attaches a place, or says where an attached disk is mounted now. Throws storage/bad-volume-place, volume-taken,
   * volume-keys-missing, volume-refused; disk/….
   */
  attach(volume: NewVolume): Promise<VolumeInfo>;
  /** By number or place; `mode: "draining"` has its files moved away. Throws storage/unknown-volume. */
  change(volume: string | number, settings: Partial<VolumeSettings>): Promise<VolumeInfo>;
  /** Throws storage/unknown-volume, volume-in-use, volume-taken (the storage's own folder). */
  detach(volume: string | number, options?: { readonly isLost?: boolean }): Promise<void>;
  /** Moves a sector to a volume. Throws storage/unknown-volume, unknown-sector, sector-busy, no-volume. */
  move(sectorId: number, to: string | number, signal?: AbortSignal): Promise<void>;
  /**
   * Moves everything away from a volume that is being drained; resolves when nothing is left, with false when it takes
   * files again. Rejects with the signal's reason. Throws storage/unknown-volume.
   */
  drain(volumeId: number, options: DrainOptions): Promise<boolean>;
  /** What sectors have there. */
  sectorBytesOn(volumeId: number): Promise<number>;
  /** Where the files of a sector lie. */
  filesOf(sectorId: number): Promise<FileRow[]>;
  /** Reads all of a sector and says what is wrong. Throws storage/unknown-sector, wrong-state. */
  check(sectorId: number, signal?: AbortSignal): Promise<SectorCheck>;
  /** Makes anew what is damaged. Throws storage/unknown-sector, wrong-state, unrepairable, no-volume. */
  repair(sectorId: number, signal?: AbortSignal, options?: RepairOptions): Promise<RepairReport>;
}

export function volumesOf(
  core: Core,
  parts: {
    readonly admin: VolumeAdmin;
    readonly moving: Moving;
    readonly repair: Repair;
    readonly collector: Collector;
  },
): StorageVolumes {
  const { admin, moving, repair, collector } = parts;
  return {
    idle: tenantOf(core),
    list: () => admin.list(),
    explain: async () => {
      await core.volumes.look();
      const volumes = await core.store.volumes.all();
      return await Promise.all(volumes.map(({ volumeId }) => explain(core, collector, volumeId)));
    },
    lacking: async (look) => {
      await core.volumes.look();
      return await lackingSectors(core, look);
    },
    attach: (volume) => admin.attach(volume),
    change: (volume, settings) => admin.change(volume, settings),
    detach: (volume, options) => admin.detach(volume, options),
    move: async (sectorId, to, signal) => {
      const { volumeId } = await admin.find(to);
      await moving.move(sectorId, { to: volumeId }, signal);
    },
    drain: (volumeId, options) => moving.drain(volumeId, options),
    sectorBytesOn: (volumeId) => moving.bytesOn(volumeId),
    filesOf: async (sectorId) => [...(await core.store.volumes.filesOf(sectorId)).values()],
    check: (sectorId, signal) => repair.check(sectorId, signal),
    repair: (sectorId, signal, options) => repair.repair(sectorId, signal, options),
  };
}

async function explain(core: Core, collector: Collector, volumeId: number): Promise<VolumeExplanation> {
  const byRole = await core.store.volumes.byRole(volumeId);
  const { fileCount, usedBytes } = await core.store.volumes.tenant(volumeId);
  const recorded: { owner: FileRole | "idle"; fileCount: number; sizeBytes: number }[] = byRole.map(
    ({ role, ...total }) => ({ owner: role, ...total }),
  );
  if (fileCount > 0) recorded.push({ owner: "idle", fileCount, sizeBytes: usedBytes });
  const unfinished = await unfinishedOn(core, volumeId);
  if (!core.volumes.conditionOf(volumeId).isHere) return { volumeId, recorded, unfinished, found: null };
  const totals = new Map<ByteOwner, { fileCount: number; sizeBytes: number }>();
  for await (const { owner, sizeBytes } of collector.files(volumeId)) {
    const name = owner.kind === "sector" ? owner.role : owner.kind;
    const total = totals.get(name) ?? { fileCount: 0, sizeBytes: 0 };
    totals.set(name, { fileCount: total.fileCount + 1, sizeBytes: total.sizeBytes + sizeBytes });
  }
  return {
    volumeId,
    recorded,
    unfinished,
    found: [...totals].map(([owner, total]) => ({ owner, ...total })),
  };
}

async function unfinishedOn(
  { store }: Core,
  volumeId: number,
): Promise<{ pieceCount: number; durableBytes: number }> {
  const sum = { pieceCount: 0, durableBytes: 0 };
  for (const { sectorId, durableBytes } of await store.unfinished(pageCounts.most)) {
    if (durableBytes === 0 || (await store.volumes.file(sectorId, "staged"))?.volumeId !== volumeId) continue;
    sum.pieceCount += 1;
    sum.durableBytes += durableBytes;
  }
  return sum;
}
