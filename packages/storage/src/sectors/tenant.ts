/**
 * Room on the volumes for somebody else than sectors: files of idle space. They lie below one folder of each volume,
 * where no sector has any, and what they take and may take counts there as what sectors do; so neither is promised the
 * same byte as the other.
 */
import type { Disk } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import type { VolumeRow } from "../store/index.ts";
import { pathOn, roomBytes, type VolumeRoom, type VolumeTable } from "../volumes/index.ts";
import { type Core, ensureOpen } from "./core.ts";

/** The folder of each volume that idle space has. */
export const idleFolder = "idle";

/** What a tenant has on one volume. `usedBytes` is part of `reservedBytes`. */
export interface TenantShare {
  readonly reservedBytes: number;
  readonly usedBytes: number;
  readonly fileCount: number;
}

export interface StorageTenant {
  /** All volumes; files of the tenant are where `path` says, and nowhere else. */
  readonly disk: Disk;
  /** What a thread needs to open the same files. */
  table(): VolumeTable;
  path(volumeId: number, name: string): string;
  /** Folders that take files, the roomiest first, with what is neither used nor promised there. Looks at the disks. */
  rooms(): Promise<readonly { readonly volumeId: number; readonly roomBytes: number }[]>;
  /** Volumes that are here now. */
  present(): Promise<readonly number[]>;
  /** Of these, the ones that are being emptied. */
  leaving(): Promise<readonly number[]>;
  shares(): Promise<ReadonlyMap<number, TenantShare>>;
  /**
   * What the tenant has there from now on. More than before is given only if there is room.
   * Throws storage/full, unknown-volume.
   */
  setShare(volumeId: number, share: TenantShare): Promise<void>;
}

export function tenantOf(core: Core): StorageTenant {
  const { volumes, store, disk } = core;
  return {
    disk,
    table: () => disk.table(),
    path: (volumeId, name) => pathOn(volumeId, name === "" ? idleFolder : `${idleFolder}/${name}`),
    rooms: async () => {
      ensureOpen(core);
      await volumes.look();
      return (await volumes.rooms(store))
        .filter(takesFiles)
        .map((room) => ({ volumeId: room.volumeId, roomBytes: roomBytes(room) }))
        .sort((a, b) => b.roomBytes - a.roomBytes);
    },
    present: async () => {
      ensureOpen(core);
      await volumes.look();
      const rows = await store.volumes.all();
      return rows.map(({ volumeId }) => volumeId).filter((volumeId) => volumes.conditionOf(volumeId).isHere);
    },
    leaving: async () => {
      ensureOpen(core);
      const rows = await store.volumes.all();
      const leaving = rows.filter(({ mode, place }) => mode === "draining" && place.kind === "folder");
      return leaving.map(({ volumeId }) => volumeId).filter((id) => volumes.conditionOf(id).isHere);
    },
    shares: () => store.volumes.tenants(),
    setShare: async (volumeId, share) => {
      ensureOpen(core);
      await volumes.look(volumeId);
      await store.transaction(async (tx) => {
        const before = await tx.volumes.tenant(volumeId);
        const moreBytes = share.reservedBytes - before.reservedBytes;
        const room = (await volumes.rooms(tx)).find((one) => one.volumeId === volumeId);
        if (moreBytes > 0 && room !== undefined && roomBytes(room) < moreBytes) {
          const limit = room.maxBytes === null ? "the volume" : "the quota";
          throw storageErrors.full({ neededBytes: moreBytes, availableBytes: roomBytes(room), limit });
        }
        await tx.volumes.setTenant(volumeId, share);
      });
    },
  };
}

const takesFiles = (room: VolumeRow & VolumeRoom): boolean =>
  room.place.kind === "folder" &&
  room.mode === "open" &&
  room.isWritable &&
  room.weight > 0 &&
  room.roles.includes("store");
