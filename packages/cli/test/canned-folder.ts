/** What a canned node lists of a folder. */
import type { MethodResult } from "@holdfast/api";
import { cidOfCbor, encodeCbor } from "@holdfast/base";

const cid = (name: string): string => cidOfCbor(encodeCbor(name)).toString();

export const folderEntries: MethodResult<"folder.ls">[] = [
  { name: "holiday", kind: "folder", cid: cid("holiday"), sizeBytes: null, target: null },
  { name: "beach.jpg", kind: "file", cid: cid("beach"), sizeBytes: 1_048_576, target: null },
  { name: "latest", kind: "symlink", cid: cid("latest"), sizeBytes: null, target: "holiday" },
];
