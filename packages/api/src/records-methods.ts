/** Where a miner keeps the records of its sectors. */
import { z } from "zod";
import { call } from "./method-spec.ts";

export const recordsMethods = {
  "storage.migrate": call(
    "Moves the records of sectors and jobs to another database while the miner works",
    z.object({
      to: z
        .string()
        .min(1)
        .max(1024)
        .regex(/^(files$|postgres(ql)?:\/\/)/, "files, or a URL that begins with postgres://")
        .describe("postgres://USER:PASSWORD@HOST:5432/DATABASE?schema=NAME, or files: the node's own folder"),
    }),
    z.object({
      from: z.string().describe("without its password"),
      to: z.string().describe("without its password"),
      rows: z.int().min(0).describe("compared after the last change, all equal"),
      passes: z.int().min(0).describe("how often both sides were read before changes had to wait"),
      wasThere: z.boolean().describe("the records were there already: nothing was moved"),
    }),
  ),
} as const;
