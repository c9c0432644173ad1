/**
 * Proof of spacetime: leaves of replicas at challenges of the chain, under commitments that the chain
 * knows. "window" proofs are due once a proving period for all sectors; "winning" proofs go with a block.
 *
 * Invariant: a sector's challenges depend on the kind, the seed, the miner and the sector alone, so neither
 * skipping nor reordering other sectors moves them. A proof is
 *
 *   1 byte      1 if all sectors are of vanilla classes, else 2
 *   openings    of the sectors of vanilla classes, by ascending sector id
 *   192 · n     SNARKs of each succinct class, classes by ascending size, sectors by ascending id
 *
 * in whatever order the sectors were passed. No count or index is in it.
 * Source: Filecoin specs, PoSt; its order-dependent challenges (rust-fil-proofs #1270) avoided.
 */
import {
  type Address,
  addressBytes,
  bigEndian,
  concatBytes,
  type SectorId,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import { type ResolvedClass, resolveClass, type SectorClass } from "../classes.ts";
import { challengedNodes } from "../graph/index.ts";
import type { Commitment } from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";

export type PostKind = "window" | "winning";

/** A sector as the chain knows it. */
export interface PostSector {
  readonly sectorId: SectorId;
  /** Padded bytes; sectors of several sizes may be mixed. */
  readonly sectorBytes: number;
  readonly commR: Commitment;
}

const domains = {
  window: utf8Bytes("holdfast window post 1\n"),
  winning: utf8Bytes("holdfast winning post 1\n"),
} as const;

/** The challenged nodes of one sector, ascending. `seed` has 32 bytes. */
export function postChallenges(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sector: PostSector,
  profile: SectorProfile,
): readonly number[] {
  const key = sha256(
    concatBytes(
      domains[kind],
      seed,
      addressBytes(miner),
      bigEndian(sector.sectorId, 8),
      sector.commR,
      utf8Bytes(profile.id),
    ),
  );
  const count = kind === "window" ? profile.windowChallenges : profile.winningChallenges;
  return challengedNodes(key, count, profile.nodes);
}

/** The sectors of a statement, ascending, by the form of their proofs. */
export interface Parts<Sector> {
  readonly vanilla: readonly (ResolvedClass & { readonly sector: Sector })[];
  readonly succinct: readonly (ResolvedClass & { readonly sectors: readonly Sector[] })[];
}

export function partsOf<Sector extends PostSector>(
  classes: readonly SectorClass[],
  sectors: readonly Sector[],
): Parts<Sector> {
  const all = byId(sectors).map((sector) => ({ ...resolveClass(classes, sector.sectorBytes), sector }));
  const isVanilla = ({ sectorClass }: ResolvedClass): boolean => sectorClass.proofMode === "vanilla";
  const succinct = [...new Set(all.filter((one) => !isVanilla(one)).map(({ sectorClass }) => sectorClass))];
  return {
    vanilla: all.filter(isVanilla),
    succinct: succinct
      .toSorted((a, b) => a.sectorBytes - b.sectorBytes)
      .map((sectorClass) => {
        const own = all.filter((one) => one.sectorClass === sectorClass);
        const { profile } = own[0] as ResolvedClass;
        return { sectorClass, profile, sectors: own.map(({ sector }) => sector) };
      }),
  };
}

/** The classes whose SNARKs a proof over these sectors has. Throws proofs/unknown-sector-size. */
export function succinctClassesOf(
  classes: readonly SectorClass[],
  sectors: readonly PostSector[],
): readonly SectorClass[] {
  return partsOf(classes, sectors).succinct.map(({ sectorClass }) => sectorClass);
}

/** Ascending. */
export function byId<Sector extends PostSector>(sectors: readonly Sector[]): readonly Sector[] {
  return sectors.toSorted((a, b) => a.sectorId - b.sectorId);
}
