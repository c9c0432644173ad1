/** Methods about following the chain. */
import { z } from "zod";
import { call, nothing } from "./method-spec.ts";
import { height, sizeBytes } from "./shapes.ts";

export const syncMethods = {
  "sync.status": call(
    "How this node follows the chain, and what it believes",
    nothing,
    z.object({
      state: z.enum(["synced", "syncing", "stalled"]),
      code: z.string(),
      reason: z.string(),
      fix: z.string().nullable(),
      height,
      headAgeMs: z.number(),
      toldHeight: height.nullable().describe("the highest head that a connected peer has told of"),
      checkpoint: z.string().nullable().describe("what the operator trusts, as CID[,CID…]@HEIGHT"),
      final: z.string().nullable().describe("the newest final tipset: a checkpoint for who trusts this node"),
      believedFrom: height
        .nullable()
        .describe("from here on the history is believed by its weight; null: watched, or vouched for"),
      warning: z.string().nullable(),
      warningFix: z.string().nullable(),
      beginning: z
        .object({
          checkpoint: height,
          stage: z.enum(["headers", "state", "blocks"]),
          headers: z.int(),
          objects: z.int(),
          bytes: sizeBytes,
          sinceMs: z.number(),
          trouble: z.string().nullable(),
        })
        .nullable()
        .describe("of a chain that begins at its checkpoint with a state from peers"),
    }),
  ),
} as const;
