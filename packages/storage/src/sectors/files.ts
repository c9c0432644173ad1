/**
 * Which files a sector has. One table serves reading, recovery and the collector, so that what the collector
 * may delete is exactly what nobody claims.
 *
 *   staged/<id>      user bytes of the pieces at their offsets, until the sector is on the chain
 *   unsealed/<id>    the same file afterwards, if plain copies are kept
 *   sealed/<id>      the replica
 *   cache/<id>/aux   layers and trees that only the seal proof needs; until the sector is on the chain
 *   cache/<id>/tree  the replica's tree, for every proof of spacetime
 *   cache/<id>/proof the seal proof, until the sector is on the chain
 *   work/<job>/…     what a running job has written so far
 */
import type { SectorFill, SectorRow } from "../store/index.ts";
import { landedStates, stagedStates } from "./states.ts";

export const storageFolders = ["staged", "unsealed", "sealed", "cache", "work"] as const;

export type FileRole = "staged" | "unsealed" | "sealed" | "aux" | "tree" | "proof";

export interface SectorPaths extends Readonly<Record<FileRole, string>> {
  readonly cache: string;
}

export function sectorPaths(sectorId: number): SectorPaths {
  return {
    staged: `staged/${sectorId}`,
    unsealed: `unsealed/${sectorId}`,
    sealed: `sealed/${sectorId}`,
    cache: `cache/${sectorId}`,
    aux: `cache/${sectorId}/aux`,
    tree: `cache/${sectorId}/tree`,
    proof: `cache/${sectorId}/proof`,
  };
}

export interface FileClaim {
  readonly path: string;
  readonly sectorId: number;
  readonly role: FileRole;
  /** Whether the sector is damaged without the file. */
  readonly needed: boolean;
}

/** The files that a sector in this state may have; every other file of its id is garbage. */
export function claimsOf(
  row: SectorRow,
  fill: SectorFill,
  options: { readonly keepUnsealed: boolean },
): FileClaim[] {
  const { sectorId, state, failure } = row;
  const paths = sectorPaths(sectorId);
  const claim = (role: FileRole, needed: boolean): FileClaim => ({
    path: paths[role],
    sectorId,
    role,
    needed,
  });
  const claims: FileClaim[] = [];
  if (stagedStates.includes(state)) claims.push(claim("staged", fill.slotCount > 0 && state !== "staging"));
  if (landedStates.includes(state) && options.keepUnsealed && fill.pieceCount > 0) {
    // A crash between the commit and the rename leaves the plain copy under its old name.
    claims.push(claim("unsealed", false), claim("staged", false));
  }
  const sealing = state === "sealing";
  const sealed =
    state === "sealed" ||
    state === "proving" ||
    state === "proved" ||
    (state === "failed" && failure?.during === "proving");
  if (sealing || sealed) claims.push(claim("sealed", sealed), claim("tree", sealed), claim("aux", sealed));
  if (state === "proving" || state === "proved") claims.push(claim("proof", state === "proved"));
  if (landedStates.includes(state)) claims.push(claim("sealed", true), claim("tree", true));
  return claims;
}
