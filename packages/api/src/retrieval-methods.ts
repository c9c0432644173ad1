/** Methods about who has content, and what this node gives to others. */
import { z } from "zod";
import { call } from "./method-spec.ts";
import { addressText, cidText, filText, sizeBytes } from "./shapes.ts";

const amountParam = z.string().max(64);

export const retrievalView = z.object({
  priceFilPerGiB: filText.describe("what others pay for a GiB of blocks; 0: nothing"),
  caches: z.boolean().describe("fetches from others what it is asked for and does not have"),
  mostFilPerGiB: filText.describe("what it pays others for that, at most"),
  payee: addressText.nullable().describe("whom channels have to pay; null: this node has no account"),
  indexedPayloads: z.int().describe("of this node's miner: deals whose blocks can be asked for one by one"),
  indexedBlocks: z.int(),
  earnedFil: filText.describe("what vouchers for blocks are over"),
  cachedBytes: sizeBytes.describe("fetched from others for others, since the node started"),
});

export const foundProvider = z.object({
  peerId: z.string(),
  miner: addressText.nullable().describe("the miner that this peer runs, if it runs one"),
  priceFilPerGiB: filText,
  priceFil: filText.nullable().describe("of all below it; null: the provider does not know how much that is"),
  answerMs: z.number(),
  from: z.enum(["here", "peer", "table"]).describe("this node, a connected peer, or the table of peers"),
});

export const retrievalMethods = {
  "file.find": call(
    "Who has a file, folder or block, and what it costs there; free and fast ones first",
    z.object({ cid: cidText }),
    z.array(foundProvider),
  ),
  "retrieval.show": call(
    "What this node gives to others, and for how much",
    z.object({}).strict(),
    retrievalView,
  ),
  "retrieval.set": call(
    "Changes what this node gives to others; goes on over restarts",
    z.object({
      pricePerGiB: amountParam
        .optional()
        .describe("what others pay for a GiB, such as 0.05FIL; 0FIL: nothing"),
      caches: z.boolean().optional(),
      mostPerGiB: amountParam.optional().describe("what it pays others for what it caches, at most"),
    }),
    retrievalView,
  ),
};
