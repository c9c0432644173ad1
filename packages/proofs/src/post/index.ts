/**
 * Proof of spacetime: leaves of replicas at challenges of the chain, under commitments that the chain
 * knows. "window" proofs are due once a proving period for all sectors; "winning" proofs go with a block.
 *
 * Invariant: a sector's challenges depend on the kind, the seed, the miner and the sector alone, so neither
 * skipping nor reordering other sectors moves them. The proof is one byte (1, the vanilla form) and the
 * openings of the sectors by ascending sector id, in whatever order they were passed. No count or index is
 * in it.
 * Source: Filecoin specs, PoSt; its order-dependent challenges (rust-fil-proofs #1270) avoided.
 */
import {
  type Address,
  addressBytes,
  bigEndian,
  concatBytes,
  type SectorId,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import { defaultClasses, findResolved, resolveClass, type SectorClass } from "../classes.ts";
import { proofsErrors } from "../errors.ts";
import { challengedNodes } from "../graph/index.ts";
import { type Commitment, poseidonHasher } from "../merkle/index.ts";
import { openingLength, openLeaves, verifyOpening } from "../openings/index.ts";
import { formBytes, parseReplicaTree, vanillaForm } from "../porep/index.ts";
import type { SectorProfile } from "../profiles.ts";

export type PostKind = "window" | "winning";

/** A sector as the chain knows it. */
export interface PostSector {
  readonly sectorId: SectorId;
  /** Padded bytes; sectors of several sizes may be mixed. */
  readonly sectorBytes: number;
  readonly commR: Commitment;
}

/** A sector as its miner has it. */
export interface StoredSector extends PostSector {
  /** The replica's tree, as sealing returned it. */
  readonly replicaTree: Uint8Array;
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

/**
 * Proves that the sectors are stored. Each opening is checked before it is used, so a damaged file is named
 * instead of spoiling the proof of all. Throws proofs/no-sectors, proofs/duplicate-sector,
 * proofs/bad-length, proofs/unknown-sector-size, proofs/comm-r-mismatch (the sector's files are damaged).
 */
export function provePost(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly StoredSector[],
  classes: readonly SectorClass[] = defaultClasses,
): Uint8Array {
  if (sectors.length === 0) throw proofsErrors.noSectors({ kind });
  if (seed.length !== 32)
    throw proofsErrors.badLength({ what: "the seed", length: seed.length, expected: 32 });
  const openings = byId(sectors).map((sector, i, sorted) => {
    const { sectorId, commR } = sector;
    if (sorted[i + 1]?.sectorId === sectorId) throw proofsErrors.duplicateSector({ sectorId });
    const { profile } = resolveClass(classes, sector.sectorBytes);
    const tree = parseReplicaTree(profile, sector.replicaTree);
    const leaves = postChallenges(kind, seed, miner, sector, profile);
    const opening = openLeaves(tree, leaves);
    if (!verifyOpening(poseidonHasher, commR, profile.nodes, leaves, opening)) {
      throw proofsErrors.commRMismatch({ sectorId, expected: toHex(commR), found: toHex(tree.root) });
    }
    return opening;
  });
  return concatBytes(Uint8Array.of(vanillaForm), ...openings);
}

/**
 * Whether the proof shows that all the sectors (at least one, none twice) are stored. Never throws on bad
 * bytes.
 */
export function verifyPost(
  kind: PostKind,
  seed: Uint8Array,
  miner: Address,
  sectors: readonly PostSector[],
  proof: Uint8Array,
  classes: readonly SectorClass[] = defaultClasses,
): boolean {
  if (sectors.length === 0 || seed.length !== 32 || proof[0] !== vanillaForm) return false;
  const claims = [];
  let end = formBytes;
  let previous = -1;
  for (const sector of byId(sectors)) {
    const profile = findResolved(classes, sector.sectorBytes)?.profile;
    if (profile === undefined || sector.sectorId === previous) return false;
    previous = sector.sectorId;
    const leaves = postChallenges(kind, seed, miner, sector, profile);
    const start = end;
    end += openingLength(poseidonHasher, profile.nodes, leaves);
    claims.push({ commR: sector.commR, nodes: profile.nodes, leaves, start, end });
  }
  if (proof.length !== end) return false;
  return claims.every((claim) =>
    verifyOpening(
      poseidonHasher,
      claim.commR,
      claim.nodes,
      claim.leaves,
      proof.subarray(claim.start, claim.end),
    ),
  );
}

function byId<Sector extends PostSector>(sectors: readonly Sector[]): readonly Sector[] {
  return sectors.toSorted((a, b) => a.sectorId - b.sectorId);
}
