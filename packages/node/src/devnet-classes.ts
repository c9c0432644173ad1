/**
 * The sector sizes of a fresh network on this machine. With vanilla proofs there are two, the smallest one
 * for the sectors of the genesis; with SNARKs one, because each size has parameters of its own. These are
 * made on the first use, by this process alone: whoever made them could forge proofs, which is why a network
 * that strangers share takes parameters of a ceremony.
 */
import { vanillaClasses } from "@holdfast/consensus";
import {
  type PorepKind,
  type ProofMode,
  proofsErrors,
  type SectorClass,
  type SectorProfile,
  sectorProfiles,
  vanillaClass,
} from "@holdfast/proofs";
import { makeClassKeys } from "./class-keys.ts";

export interface DevnetClassOptions {
  readonly sectorBytes: number;
  /** "zigzag" if left out. */
  readonly porep?: PorepKind;
  /** "vanilla" if left out. */
  readonly proofMode?: ProofMode;
}

/** Sector in which a miner of the genesis has its first power. */
const smallestBytes = 1024;

/** The row of the table. Throws proofs/unknown-sector-size. */
export function devnetProfile({ sectorBytes, porep = "zigzag", proofMode = "vanilla" }: DevnetClassOptions) {
  const derivation = proofMode === "groth16" ? "poseidon" : "blake2s";
  const known = sectorProfiles.filter(
    (row) => row.kind === porep && (porep === "sdr" || row.keyDerivation === derivation),
  );
  const profile = known.find((row) => row.sectorBytes === sectorBytes);
  if (profile !== undefined) return profile;
  throw proofsErrors.unknownSectorSize({ sectorBytes, known: known.map((row) => row.sectorBytes) });
}

/** One size. Throws proofs/unknown-sector-size, proofs/no-circuit. */
export async function devnetClass(options: DevnetClassOptions): Promise<SectorClass> {
  const profile = devnetProfile(options);
  return options.proofMode === "groth16" ? makeClassKeys(profile) : vanillaClass(profile);
}

/** Throws proofs/unknown-sector-size, proofs/no-circuit. */
export async function devnetClasses(options: DevnetClassOptions): Promise<readonly SectorClass[]> {
  const profile: SectorProfile = devnetProfile(options);
  if (options.proofMode === "groth16") return [await makeClassKeys(profile)];
  if (profile.kind === "sdr") return [vanillaClass(profile)];
  return vanillaClasses([...new Set([smallestBytes, options.sectorBytes])]);
}
