/** Methods about puts: what storing costs, the jobs that do it, and how stored files are kept. */
import { z } from "zod";
import { call, limitParam, stream } from "./method-spec.ts";
import { addressText, cidText, filText, putView, receiptDocument, sizeBytes, spread } from "./shapes.ts";

export const putMethods = {
  "put.quote": call(
    "What storing would cost, miner by miner",
    z.object({
      sizeBytes: sizeBytes.min(1),
      copies: z.int().min(1).max(20).default(2),
      forMs: z.int().min(1),
      spread: spread.default("operators"),
    }),
    z.object({
      durationEpochs: z.int(),
      totalFil: filText,
      miners: z.array(
        z.object({
          miner: addressText,
          askId: z.int(),
          priceFil: filText,
          clientCollateralFil: filText,
          providerCollateralFil: filText,
          chosen: z.boolean(),
          reason: z.string(),
        }),
      ),
    }),
  ),
  "put.start": call(
    "Stores an imported file: a job that survives restarts; the same file again attaches to the running job",
    z.object({
      cid: cidText,
      name: z.string().max(255).optional(),
      copies: z.int().min(1).max(20).default(2),
      forMs: z.int().min(1),
      maxPrice: z.string().max(64).optional().describe("for all copies together; also for each later term"),
      spread: spread.default("operators"),
      renew: z.boolean().default(false),
      repair: z.boolean().default(false),
      allowDuplicates: z
        .boolean()
        .default(false)
        .describe("also at miners that keep this file for you already"),
      transfer: z
        .string()
        .max(2_000)
        .default("stream")
        .describe(
          "how miners get the data: stream; http, from this node's gateway; offline, carried by people; or the URL of " +
            "its CAR file, with {cid} in the place of the CID",
        ),
      key: z.string().min(1).max(128).optional().describe("a repeat with the same key is the same job"),
    }),
    putView,
  ),
  "put.keep": call(
    "Changes how a stored file is kept: whether it is renewed and repaired, and for what price",
    z.object({
      jobId: z.string().max(200),
      renew: z.boolean().optional(),
      repair: z.boolean().optional(),
      maxPrice: z.string().max(64).optional().describe("for all copies together, for one term"),
    }),
    putView,
  ),
  "put.show": call("One put job", z.object({ jobId: z.string().max(200) }), putView),
  "put.ls": call(
    "Put jobs, newest first",
    z.object({
      after: z
        .string()
        .max(200)
        .optional()
        .describe("begin behind this one, the last of the page before: its id"),
      kept: z.boolean().default(false).describe("only those that are renewed or repaired"),
      limit: limitParam,
    }),
    z.array(putView),
  ),
  "put.watch": stream(
    "The progress of a put until it is done",
    z.object({ jobId: z.string().max(200) }),
    putView,
  ),
  "put.receipt": call(
    "The receipt of a finished put",
    z.object({ jobId: z.string().max(200) }),
    receiptDocument,
  ),
} as const;
