/** What a canned node says of its miner's volumes. */
import type { MethodResult } from "@holdfast/api";

type StorageName =
  | "storage.ls"
  | "storage.attach"
  | "storage.set"
  | "storage.drain"
  | "storage.detach"
  | "storage.move"
  | "storage.check"
  | "storage.repair"
  | "storage.clean";

const volume: MethodResult<"storage.attach"> = {
  ...{ volumeId: 2, place: "/mnt/disk2", kind: "folder", roles: ["seal", "store"], mode: "open", weight: 1 },
  ...{ maxBytes: 2_199_023_255_552, usedBytes: 17_301_504, reservedBytes: 25_690_112, files: 3 },
  ...{ freeBytes: 1_099_511_627_776, isHere: true, isWritable: true, reason: null, drain: null },
};
const away: MethodResult<"storage.attach"> = {
  ...{
    ...volume,
    volumeId: 3,
    place: "s3://sectors/miner-1?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=us-east-1",
  },
  ...{
    kind: "s3",
    maxBytes: null,
    freeBytes: null,
    isHere: false,
    isWritable: false,
    reason: "connect ECONNREFUSED",
  },
};
const staged = { owner: "staged", files: 1, sizeBytes: 1_114_112 };
const sealed = { owner: "sealed", files: 1, sizeBytes: 8_388_608 };

export const storageAnswers: { readonly [Name in StorageName]: MethodResult<Name> } = {
  "storage.ls": {
    refusal: { reason: "too many sectors for this machine", fix: "keep their trees" },
    volumes: [
      {
        ...volume,
        recorded: [sealed, staged],
        unfinished: { pieces: 1, sizeBytes: 65_536 },
        found: [sealed, staged, { owner: "orphan", files: 1, sizeBytes: 17 }],
      },
      { ...away, recorded: [sealed], unfinished: { pieces: 0, sizeBytes: 0 }, found: null },
    ],
    records: "postgres://holdfast@db.example/holdfast?schema=miner1",
    lacking: {
      ...{ sectorCount: 1, files: 1, looked: 3, lookedTo: null },
      sectors: [
        {
          ...{ sectorId: 12, state: "committed", isProvable: true, isRepairable: true },
          missing: [{ role: "sealed", volumeId: 2, path: "sealed/12-1" }],
        },
      ],
    },
    folder: [
      { name: "chain", about: "the chain: states, messages, blocks", files: 12, sizeBytes: 4_194_304 },
    ],
  },
  "storage.attach": volume,
  "storage.set": { ...volume, mode: "read-only" },
  "storage.drain": { ...volume, mode: "draining" },
  "storage.detach": { volume: "/mnt/disk2" },
  "storage.move": {
    sectorId: 12,
    files: [{ role: "sealed", volumeId: 2, path: "sealed/12", sizeBytes: 8_388_608 }],
  },
  "storage.check": { sectorId: 12, troubles: [{ role: "sealed", problem: "it is missing" }] },
  "storage.repair": {
    sectorId: 12,
    troubles: [{ role: "sealed", problem: "it is missing" }],
    repaired: ["sealed"],
  },
  "storage.clean": { removed: ["sealed/77"], files: 1, freedBytes: 17 },
};
