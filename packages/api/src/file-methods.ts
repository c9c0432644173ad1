/** Methods about files and folders; their bytes have routes of their own. */
import { z } from "zod";
import { call, limitParam, stream } from "./method-spec.ts";
import { addressText, cidText, fileView, sizeBytes } from "./shapes.ts";

export const fileMethods = {
  "file.ls": call(
    "Files that this node has stored, the one that was put last first",
    z.object({
      after: cidText.optional().describe("begin behind this one, the last of the page before: its CID"),
      limit: limitParam,
    }),
    z.array(fileView),
  ),
  "folder.ls": stream(
    "The entries of a folder, or the file at a path; what is not here is fetched",
    z.object({
      cid: cidText,
      path: z.string().max(4096).default("").describe("names below the CID, with slashes between them"),
      maxPrice: z.string().max(64).optional().describe("what fetching it may cost; default: nothing"),
    }),
    z.object({
      name: z.string().describe("empty for the place itself"),
      kind: z.enum(["file", "folder", "symlink"]),
      cid: cidText,
      sizeBytes: sizeBytes.nullable().describe("of a file"),
      target: z.string().nullable().describe("of a symbolic link"),
    }),
  ),
  "file.rm": call(
    "Removes this node's own copy of a file; those at miners stay",
    z.object({ cid: cidText }),
    z.object({ cid: cidText, removed: z.boolean().describe("false if there was none") }),
  ),
  "file.stat": call(
    "Finds a file: its size and who has it",
    z.object({ cid: cidText }),
    z.object({
      cid: cidText,
      sizeBytes,
      localBytes: sizeBytes,
      providers: z.array(z.object({ miner: addressText, peerId: z.string(), answerMs: z.number() })),
    }),
  ),
};
