/** What a miner's node says of its disks and of the deals that it takes. */
import type { MethodResult } from "@holdfast/api/methods";

type Volumes = MethodResult<"storage.ls">;

function volume(volumeId: number, more: Partial<Volumes["volumes"][number]>): Volumes["volumes"][number] {
  return {
    ...{
      volumeId,
      place: `/mnt/disk${volumeId}`,
      kind: "folder",
      roles: ["seal", "store"],
      mode: "open",
      weight: 1,
    },
    ...{ maxBytes: null, usedBytes: 2 ** 30, reservedBytes: 2 ** 31, files: 12, freeBytes: 2 ** 32 },
    ...{ isHere: true, isWritable: true, reason: null, drain: null },
    ...{ recorded: [], unfinished: { pieces: 0, sizeBytes: 0 }, found: null },
    ...more,
  };
}

export const volumes: Volumes = {
  refusal: null,
  volumes: [
    volume(0, {}),
    volume(1, { mode: "draining", maxBytes: 2 ** 33 }),
    volume(2, { isHere: false, isWritable: false, freeBytes: null, reason: "it has no .holdfast-volume" }),
    volume(3, { isWritable: false, reason: "the disk is full" }),
    volume(4, { kind: "s3", place: "s3://bucket/miner", roles: [], mode: "read-only", freeBytes: null }),
  ],
  folder: null,
  lacking: null,
  records: "/net/miner-1/storage.db",
};

export const policy: MethodResult<"deal.policy"> = {
  ...{ extend: true, release: false, open: true, minForMs: null, maxForMs: 86_400_000, allow: [], deny: [] },
  ...{ verified: [], verifiedOnly: false, verifiedPercent: 50, duplicates: true },
  ...{ http: true, offline: false },
};
