/** Methods about where a miner's sectors lie: its disks and buckets. */
import { z } from "zod";
import { jobState } from "./job-methods.ts";
import { call } from "./method-spec.ts";
import { sizeBytes } from "./shapes.ts";

export const volumeRole = z.enum(["seal", "store"]);
export const volumeMode = z.enum(["open", "read-only", "draining"]);

const volumeId = z.int().min(0);
const volume = z.string().min(1).max(1024).describe("number or place of the volume");
const sectorNumber = z.int().min(0);
const owned = z.object({
  owner: z.string().describe("role of the sectors' files, idle, job, transfer, orphan or foreign"),
  files: z.int(),
  sizeBytes,
});

const volumeView = z.object({
  volumeId,
  place: z.string(),
  kind: z.enum(["folder", "s3"]),
  roles: z.array(volumeRole),
  mode: volumeMode,
  weight: z.int(),
  maxBytes: sizeBytes.nullable(),
  usedBytes: sizeBytes.describe("of the files of sectors and idle space, as recorded"),
  reservedBytes: sizeBytes.describe("what sectors and idle space there may take at their largest"),
  files: z.int(),
  freeBytes: sizeBytes.nullable().describe("what its disk has left; null: it has no end, or is away"),
  isHere: z.boolean(),
  isWritable: z.boolean(),
  reason: z.string().nullable().describe("why it is away, or takes no writes"),
  drain: z
    .object({ jobId: z.int(), state: jobState, progress: z.number().min(0).max(1) })
    .nullable()
    .describe("the job that empties it; null: it is not being drained, or without a job"),
});

const settings = {
  maxBytes: sizeBytes.nullable().optional().describe("null: as much as its disk has"),
  roles: z.array(volumeRole).max(2).optional(),
  weight: z.int().min(0).max(1000).optional().describe("0: nothing new goes there"),
};

const trouble = z.object({ role: z.string(), problem: z.string() });

const lackingSector = z.object({
  sectorId: sectorNumber,
  state: z.string(),
  missing: z.array(z.object({ role: z.string(), volumeId, path: z.string() })),
  isProvable: z.boolean().describe("what proofs of spacetime read of it is there"),
  isRepairable: z.boolean().describe("it is on the chain, and enough of it is left to make the rest of"),
});

export const storageMethods = {
  "storage.ls": call(
    "Where this miner's sectors lie; with a check, every file that is there and whose it is",
    z.object({
      check: z.boolean().default(false),
      lacking: z
        .boolean()
        .default(false)
        .describe("look whether the files of sectors are there, of the first 10,000; a check looks at all"),
      after: sectorNumber.optional().describe("look at the sectors behind this one; else from the first"),
    }),
    z.object({
      refusal: z
        .object({ reason: z.string(), fix: z.string() })
        .nullable()
        .describe("why no new sector is opened, whatever room there is; null: they are"),
      records: z
        .string()
        .describe("where the records of sectors and jobs are: a file, or a database without its password"),
      volumes: z.array(
        volumeView.extend({
          recorded: z.array(owned),
          unfinished: z
            .object({ pieces: z.int(), sizeBytes })
            .describe("of what is staged: pieces that did not come whole yet, and go on behind it"),
          found: z.array(owned).nullable().describe("what a walk over its files gave"),
        }),
      ),
      folder: z
        .array(z.object({ name: z.string(), about: z.string(), files: z.int(), sizeBytes }))
        .nullable()
        .describe("everything in the node's own folder"),
      lacking: z
        .object({
          sectors: z.array(lackingSector).describe("the first 100"),
          sectorCount: z.int(),
          files: z.int(),
          looked: z.int().describe("sectors that were looked at"),
          lookedTo: sectorNumber
            .nullable()
            .describe("there are more: ask again with it as `after`; null: all were looked at"),
        })
        .nullable()
        .describe("sectors with files that are recorded and gone; null: nobody looked"),
    }),
  ),
  "storage.attach": call(
    "Adds a disk or a bucket, while everything runs",
    z.object({
      place: z
        .string()
        .min(1)
        .max(1024)
        .describe("full path of an empty folder, or s3://BUCKET/PREFIX?endpoint=URL"),
      ...settings,
    }),
    volumeView,
  ),
  "storage.set": call(
    "Changes what a volume is for, how much it takes, or whether it takes anything",
    z.object({ volume, ...settings, mode: volumeMode.optional() }),
    volumeView,
  ),
  "storage.drain": call(
    "Moves everything away from a volume, as one job that goes on over restarts; one that was called off goes on",
    z.object({ volume }),
    volumeView,
  ),
  "storage.detach": call(
    "Forgets a volume that holds nothing, or one that will never come back",
    z.object({ volume, isLost: z.boolean().default(false) }),
    z.object({ volume: z.string() }),
  ),
  "storage.move": call(
    "Moves a sector to a volume",
    z.object({ sectorId: sectorNumber, volume }),
    z.object({
      sectorId: sectorNumber,
      files: z.array(z.object({ role: z.string(), volumeId, path: z.string(), sizeBytes })),
    }),
  ),
  "storage.check": call(
    "Reads all files of a sector and says what is wrong with them",
    z.object({ sectorId: sectorNumber }),
    z.object({ sectorId: sectorNumber, troubles: z.array(trouble) }),
  ),
  "storage.repair": call(
    "Makes lost or damaged files of a sector anew from what is left of it",
    z.object({ sectorId: sectorNumber }),
    z.object({ sectorId: sectorNumber, troubles: z.array(trouble), repaired: z.array(z.string()) }),
  ),
  "storage.clean": call(
    "Deletes files that nobody owns",
    z.object({}),
    z.object({
      removed: z.array(z.string()).describe("the first thousand"),
      files: z.int().min(0),
      freedBytes: sizeBytes,
    }),
  ),
} as const;
