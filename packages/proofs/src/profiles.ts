/**
 * The table of sector sizes. A new size is a new row; nothing else in the program knows a size.
 * Invariant: a row never changes once a network uses it, because its id is part of every replica id; a
 * change is a row with another id.
 *
 * Where the numbers come from. Zigzag's degrees 5 + 8 and the ten layers of its production row: Filecoin
 * specs, ZigZag PoRep (July 2019). Its seal challenges: the tapered table of rust-fil-proofs 2019 (10 layers,
 * 333, taper 1/3 over 7 layers). SDR's degrees 6 + 8, its layers and its 176 challenges, and the PoSt
 * challenges of large sectors (10 per window, 66 to win): Filecoin today. A layer in which a share d of the
 * nodes is wrong passes q challenges with probability (1 − d)^q; the challenges come from the chain after
 * the commitment, so a failed attempt costs the deposit and cannot be retried offline.
 *
 * Two zigzag rows may have one size: "zigzag-…" derives keys with BLAKE2s, for networks that take the Merkle
 * proofs themselves; "zigzag-poseidon-…" with Poseidon, for networks that take SNARKs, where a BLAKE2s key
 * costs about 170,000 constraints and a Poseidon key 600. The figures are in docs/PROOFS.md.
 */
import { assert, type ByteCount, byteCount } from "@holdfast/base";
import { proofsErrors } from "./errors.ts";
import { maxUserBytes } from "./piece/index.ts";
import { type ProfileRow, profileRows } from "./profile-rows.ts";

export type PorepKind = "zigzag" | "sdr";

export interface SectorProfile {
  /** For example "zigzag-2KiB". Part of every replica id. */
  readonly id: string;
  readonly kind: PorepKind;
  /** What makes a node's key from its parents. */
  readonly keyDerivation: "blake2s" | "poseidon" | "sha256";
  /** Padded bytes: 32 per node. */
  readonly sectorBytes: ByteCount;
  /** What a client can store in it: sectorBytes · 127 / 128. */
  readonly userBytes: ByteCount;
  readonly nodes: number;
  readonly layers: number;
  /** Parents of the depth-robust graph: the predecessor and the sampled ones. */
  readonly baseDegree: number;
  /** Upper limit of expander parents. */
  readonly expansionDegree: number;
  /** Zigzag: challenges of the seal proof per layer, the first layer first. SDR: one number, of columns. */
  readonly sealChallenges: readonly number[];
  readonly windowChallenges: number;
  readonly winningChallenges: number;
  /** Seal challenges in one SNARK. */
  readonly challengesPerProof: number;
  /** Sectors in one SNARK of a window proof. */
  readonly sectorsPerProof: number;
  /** What an attacker gets away with, in words. */
  readonly note: string;
  /** False: the row is for devnets and tests, and `note` says why. */
  readonly productionSafe: boolean;
}

/** Zigzag: parents of the base graph, and the upper limit of those that the expander adds. */
export const baseDegree = 5;
export const expansionDegree = 8;
/** Parents that a node of zigzag can have. */
export const totalDegree = baseDegree + expansionDegree;
/** SDR: the predecessor and five sampled parents in the same layer; eight in the layer before. */
const sdrBaseDegree = 6;
const bytesPerNode = 32;

function profileOf(row: ProfileRow): SectorProfile {
  const { sectorBytes, sealChallenges, kind } = row;
  const nodes = sectorBytes / bytesPerNode;
  assert(Number.isInteger(Math.log2(nodes)), "a sector has a power of two of nodes");
  const { sdrLayers, ...rest } = row;
  return Object.freeze({
    ...rest,
    sectorBytes: byteCount(sectorBytes),
    userBytes: byteCount(maxUserBytes(sectorBytes)),
    nodes,
    layers: sdrLayers ?? sealChallenges.length,
    baseDegree: kind === "sdr" ? sdrBaseDegree : baseDegree,
    expansionDegree,
  });
}

export const sectorProfiles: readonly SectorProfile[] = profileRows.map(profileOf);

const byId = new Map(sectorProfiles.map((profile) => [profile.id, profile]));

/** The row with this id, or `undefined`. */
export function findProfile(id: string): SectorProfile | undefined {
  return byId.get(id);
}

/** The default row of a padded size (zigzag with BLAKE2s), or `undefined`. */
export function findSectorProfile(sectorBytes: number): SectorProfile | undefined {
  return sectorProfiles.find(
    (profile) => profile.sectorBytes === sectorBytes && profile.keyDerivation === "blake2s",
  );
}

/** The default row of a padded size. Throws proofs/unknown-sector-size. */
export function sectorProfile(sectorBytes: number): SectorProfile {
  const profile = findSectorProfile(sectorBytes);
  if (profile === undefined) throw unknownSize(sectorBytes, sectorProfiles);
  return profile;
}

/** proofs/unknown-sector-size, with the sizes that there are. */
export function unknownSize(sectorBytes: number, known: readonly { readonly sectorBytes: number }[]) {
  const sizes = [...new Set(known.map((one) => one.sectorBytes))];
  return proofsErrors.unknownSectorSize({ sectorBytes, known: sizes });
}
