/** `parameters.json` on the disk: read strictly, and added to without touching what others have published. */
import { decodeManifest, encodeManifest, type ParametersManifest } from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { readIfThere, writeDurably } from "./files.ts";

/** Errors `params/no-list`, `params/unreadable`, `parameters/malformed-manifest`. */
export async function readManifest(path: string): Promise<ParametersManifest> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) throw paramsErrors.noList({ path });
  return decodeManifest(bytes);
}

/** Adds entries, and keeps those of other files. Makes the file if it is not there. */
export async function addToManifest(path: string, entries: ParametersManifest): Promise<ParametersManifest> {
  const bytes = await readIfThere(path);
  const all = new Map([...(bytes === undefined ? [] : decodeManifest(bytes)), ...entries]);
  await writeDurably(path, encodeManifest(all));
  return all;
}
