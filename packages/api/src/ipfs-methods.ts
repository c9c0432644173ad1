/** Methods about other programs of IPFS: what this node gives them, and fetching from them. */
import { z } from "zod";
import { call, nothing, stream } from "./method-spec.ts";
import { cidText, sizeBytes } from "./shapes.ts";

const count = z.int().min(0);

export const ipfsMethods = {
  "ipfs.status": call(
    "What other programs of IPFS reach this node by, and what they were given",
    nothing,
    z.object({
      peerId: z.string(),
      addresses: z.array(z.string()).describe("for `ipfs swarm connect`"),
      gateway: z
        .object({
          url: z.string(),
          plain: z.boolean().describe("files and pages too, not only blocks and CAR streams"),
          fetch: z.boolean().describe("what is not here is fetched for whoever asks"),
          requests: count,
          running: count,
          sentBytes: sizeBytes,
        })
        .nullable(),
      swap: z.object({
        servedBlocks: count,
        servedBytes: sizeBytes,
        receivedBlocks: count,
        receivedBytes: sizeBytes,
        links: count.describe("peers with which blocks are exchanged now"),
      }),
    }),
  ),
  "ipfs.pull": stream(
    "Fetches a file or folder from other programs of IPFS and keeps it",
    z.object({
      cid: cidText,
      from: z
        .array(z.string().max(512))
        .max(16)
        .default([])
        .describe("multiaddrs of peers and URLs of gateways; empty: the peers that are connected"),
    }),
    z.object({
      cid: cidText,
      fetchedBlocks: count,
      fetchedBytes: sizeBytes,
      totalBytes: sizeBytes.nullable().describe("of a file, when its root is here"),
      made: z.object({ sizeBytes, carBytes: sizeBytes }).nullable().describe("in the last line"),
    }),
  ),
};
