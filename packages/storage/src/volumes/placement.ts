/**
 * On which volume a sector's files go: one that is there, takes files of that kind, and has room both by its limit and
 * by its disk, where room is what neither lies there nor is promised to sectors that are still growing. Among those,
 * the one with the most room times its weight: so disks fill in proportion, and a heavier one earlier.
 */
import type { VolumeMode, VolumeRole } from "./types.ts";

export interface VolumeRoom {
  readonly volumeId: number;
  readonly roles: readonly VolumeRole[];
  readonly mode: VolumeMode;
  /** Whether it can be reached and written to now. */
  readonly isWritable: boolean;
  readonly weight: number;
  /** Null: as much as the disk has. */
  readonly maxBytes: number | null;
  /** Of files that lie there. */
  readonly usedBytes: number;
  /** What sectors may take there at their largest, their files included. */
  readonly reservedBytes: number;
  /** What the disk has left. */
  readonly freeBytes: number;
}

/** What a new sector may still take there. */
export function roomBytes({ maxBytes, usedBytes, reservedBytes, freeBytes }: VolumeRoom): number {
  const promised = Math.max(0, reservedBytes - usedBytes);
  const byDisk = freeBytes - promised;
  const byLimit = maxBytes === null ? byDisk : maxBytes - Math.max(reservedBytes, usedBytes);
  return Math.max(0, Math.min(byDisk, byLimit));
}

export type Choice =
  | { readonly volumeId: number }
  /** Why no volume fits: for each the first reason against it. */
  | { readonly reasons: ReadonlyMap<number, string> };

export function chooseVolume(volumes: readonly VolumeRoom[], role: VolumeRole, neededBytes: number): Choice {
  const reasons = new Map<number, string>();
  let best: { readonly volumeId: number; readonly score: number } | undefined;
  for (const volume of volumes) {
    const against = reasonAgainst(volume, role, neededBytes);
    if (against !== undefined) {
      reasons.set(volume.volumeId, against);
      continue;
    }
    const score = roomBytes(volume) * volume.weight;
    if (best === undefined || score > best.score) best = { volumeId: volume.volumeId, score };
  }
  return best === undefined ? { reasons } : { volumeId: best.volumeId };
}

function reasonAgainst(volume: VolumeRoom, role: VolumeRole, neededBytes: number): string | undefined {
  if (!volume.roles.includes(role)) return `is not there to ${role}`;
  if (volume.mode !== "open") return volume.mode === "draining" ? "is being drained" : "is read-only";
  if (!volume.isWritable) return "is away or takes no writes";
  if (volume.weight <= 0) return "has the weight 0";
  const left = roomBytes(volume);
  return left < neededBytes ? `has ${left} bytes left` : undefined;
}
