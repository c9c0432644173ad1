/** Methods about the idle space of a miner. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { filText, height, sizeBytes } from "./shapes.ts";

const count = z.int().min(0);

export const idleStatusView = z.object({
  profile: z.string().describe("of the network"),
  isFilling: z.boolean(),
  maxBytes: sizeBytes.nullable().describe("what it may take; null: all that is free"),
  threads: count.describe("layers that are made at a time"),
  memoryBytes: sizeBytes.describe("what making them may take of memory"),
  isRegistered: z.boolean(),
  front: count.describe("files from this number on are claimed"),
  rear: count.describe("files below this number are claimed"),
  fileBytes: sizeBytes.describe("of one file"),
  certifiedBytes: sizeBytes.describe("what the files take that the chain knows"),
  totalBytes: sizeBytes.describe("what idle space takes on the volumes, or may take while it is made"),
  nextLayerBytes: sizeBytes.describe("what has to be free, of the limit too, for one more layer to be made"),
  layers: z
    .object({ making: count, made: count, certified: count, lost: count })
    .describe("kept layers; made: not certified yet; lost: to be made again"),
  volumes: z.array(
    z.object({ volumeId: count, reservedBytes: sizeBytes, usedBytes: sizeBytes, files: count }),
  ),
  underWay: z.enum(["append", "release"]).nullable().describe("what goes to the chain now"),
  openChallenges: count.describe("of the chain, without an answer so far"),
  onChain: z
    .object({
      powerBytes: sizeBytes.describe("what it counts in the election, in bytes of sectors"),
      pledgeFil: filText.describe("at stake for what is certified"),
      freeFil: filText.describe("deposited, for layers to come"),
      lostFil: filText.describe("all fees and penalties so far"),
      lastProven: height.nullable().describe("when the last challenge was settled"),
      faultySince: height
        .nullable()
        .describe("since when a missed challenge has taken its power; null: healthy"),
      missed: count.describe("challenges missed, one after another"),
      dueAt: height.nullable().describe("by when the open challenge is to be answered or settled"),
    })
    .nullable()
    .describe("what the chain has of it; null: not registered"),
});

export const idleMethods = {
  "idle.status": call("What this miner's idle space is, and what is under way", nothing, idleStatusView),
  "idle.fill": call(
    "Fills what is free on the miner's volumes with files that prove it",
    z.object({
      maxBytes: sizeBytes.nullable().optional().describe("left out: as before; null: all that is free"),
      threads: z.int().min(1).max(64).optional(),
      memoryBytes: sizeBytes.optional(),
    }),
    idleStatusView,
  ),
  "idle.drain": call(
    "Gives idle space back, on the chain before on the disk, and takes no more",
    z.object({ bytes: sizeBytes.nullable().describe("null: all of it") }),
    idleStatusView,
  ),
} as const;
