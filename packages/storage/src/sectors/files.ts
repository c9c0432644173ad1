/**
 * Which files a sector has. One table serves reading, recovery and the collector: the roles that a sector's state
 * claims. Where the file of a role lies is a row of the metadata; these are the names that files get. A name ends with
 * the generation of the process that puts the file there, on a bucket with the attempt before it: whoever was taken
 * over knows none of its successor's names, and so never writes over or deletes what is alive, however late it comes.
 *
 *   staged/<id>-…      user bytes of the pieces at their offsets, until the sector is on the chain
 *   unsealed/<id>-…    the same file afterwards, if plain copies are kept
 *   sealed/<id>-…      the replica
 *   cache/<id>-…/aux   layers and trees that only the seal proof needs; until the sector is on the chain
 *   cache/<id>-…/tree  the replica's tree, for every proof of spacetime; after the seal's proof only if trees are kept
 *   cache/<id>-…/proof the seal proof, until the sector is on the chain
 *   work/<job>/…     what a running job has written so far
 *   work/spool/…     what is on its way to a bucket
 *   idle/…           files of idle space, which are no sector's (tenant.ts)
 */
import type { FileRow, SectorFill, SectorRow } from "../store/index.ts";
import { pathOn, type VolumePlace } from "../volumes/index.ts";
import type { FileRole } from "./roles.ts";
import { landedStates, stagedStates } from "./states.ts";

export type { FileRole } from "./roles.ts";

export const storageFolders = ["staged", "unsealed", "sealed", "cache", "work", "idle"] as const;

/** The name of a file on its volume, if a process of this generation puts it there now. */
export function fileName(
  { sectorId, attempt }: Pick<SectorRow, "sectorId" | "attempt">,
  role: FileRole,
  generation: number,
  place: Pick<VolumePlace, "kind"> = { kind: "folder" },
): string {
  return named(
    place.kind === "folder" ? `${sectorId}-${generation}` : `${sectorId}-${attempt}-${generation}`,
    role,
  );
}

/** As folders had it before names ended with a generation; what a file is called that is not recorded. */
export function bareName({ sectorId }: Pick<SectorRow, "sectorId">, role: FileRole): string {
  return named(`${sectorId}`, role);
}

/** What a staged file is called when it has become the plain copy without leaving its volume. */
export function plainName({ path }: Pick<FileRow, "path">): string {
  return named(path.slice(path.lastIndexOf("/") + 1), "unsealed");
}

function named(name: string, role: FileRole): string {
  return role === "aux" || role === "tree" || role === "proof" ? `cache/${name}/${role}` : `${role}/${name}`;
}

/** A recorded file in the namespace of all volumes. */
export function filePath({ volumeId, path }: Pick<FileRow, "volumeId" | "path">): string {
  return pathOn(volumeId, path);
}

export interface FileClaim {
  readonly path: string;
  readonly sectorId: number;
  readonly role: FileRole;
  /** Whether the sector is damaged without the file. */
  readonly needed: boolean;
}

/**
 * The roles that a sector in this state may have a file in, and whether it is damaged without; every other file of its
 * id is garbage.
 */
export function claimedRoles(
  { state, failure }: SectorRow,
  fill: SectorFill,
  options: { readonly keepUnsealed: boolean; readonly keepTrees: boolean },
): ReadonlyMap<FileRole, boolean> {
  const roles = new Map<FileRole, boolean>();
  if (stagedStates.includes(state)) roles.set("staged", fill.slotCount > 0 && state !== "staging");
  if (landedStates.includes(state) && options.keepUnsealed && fill.pieceCount > 0) {
    // A crash between the commit and the rename leaves the plain copy under its old name.
    roles.set("unsealed", false).set("staged", false);
  }
  const isSealed =
    state === "sealed" ||
    state === "proving" ||
    state === "proved" ||
    (state === "failed" && failure?.during === "proving");
  if (isSealed) roles.set("aux", true);
  if (isSealed || landedStates.includes(state)) roles.set("sealed", true);
  if (isSealed || (landedStates.includes(state) && options.keepTrees)) roles.set("tree", true);
  if (state === "proving" || state === "proved") roles.set("proof", state === "proved");
  return roles;
}
