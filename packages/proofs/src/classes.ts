/**
 * The sizes that a network has: for each one row of the table and the form of its proofs. It is part of a
 * network's parameters, so that every node judges a proof alike; a verifier gets it with every statement.
 * Invariant: one class for each size; a class in the groth16 form has the verifying keys of its circuits.
 */
import { findProfile, type SectorProfile, sectorProfiles, unknownSize } from "./profiles.ts";

/** "vanilla": the Merkle openings themselves. "groth16": SNARKs of 192 bytes. */
export type ProofMode = "vanilla" | "groth16";

/** Encoded verifying keys of the circuits of one class. */
export interface ClassKeys {
  readonly seal: Uint8Array;
  readonly window: Uint8Array;
  readonly winning: Uint8Array;
}

export interface SectorClass {
  /** Padded bytes. */
  readonly sectorBytes: number;
  /** Id of a row of the table of that size. */
  readonly profile: string;
  readonly proofMode: ProofMode;
  /** Null in the vanilla form. */
  readonly keys: ClassKeys | null;
}

/** A class of vanilla proofs with the default row of a size, or with the row of `profile`. */
export function vanillaClass(profile: SectorProfile): SectorClass {
  return { sectorBytes: profile.sectorBytes, profile: profile.id, proofMode: "vanilla", keys: null };
}

/** Every size of the default kind, in the vanilla form. */
export const defaultClasses: readonly SectorClass[] = sectorProfiles
  .filter((profile) => profile.keyDerivation === "blake2s")
  .map(vanillaClass);

/** The class of a size, or `undefined`. */
export function findClass(classes: readonly SectorClass[], sectorBytes: number): SectorClass | undefined {
  return classes.find((one) => one.sectorBytes === sectorBytes);
}

/**
 * The row of a class, or `undefined` if no proof of the class could be judged: there is no such row of that size,
 * the keys do not go with the form, or SNARKs are asked of a kind whose seals have none (sectors of such a class
 * could be promised and never proven).
 */
export function profileOfClass(sectorClass: SectorClass): SectorProfile | undefined {
  const { profile, sectorBytes, proofMode, keys } = sectorClass;
  const row = findProfile(profile);
  if (row?.sectorBytes !== sectorBytes || (proofMode === "groth16") !== (keys !== null)) return undefined;
  return keys !== null && row.kind !== "zigzag" ? undefined : row;
}

/** A class with its row. */
export interface ResolvedClass {
  readonly sectorClass: SectorClass;
  readonly profile: SectorProfile;
}

/** The class of a size with its row, or `undefined`. */
export function findResolved(
  classes: readonly SectorClass[],
  sectorBytes: number,
): ResolvedClass | undefined {
  const sectorClass = findClass(classes, sectorBytes);
  const profile = sectorClass && profileOfClass(sectorClass);
  return sectorClass && profile && { sectorClass, profile };
}

/** The class of a size with its row. Throws proofs/unknown-sector-size. */
export function resolveClass(classes: readonly SectorClass[], sectorBytes: number): ResolvedClass {
  const found = findResolved(classes, sectorBytes);
  if (found === undefined) throw unknownSize(sectorBytes, classes);
  return found;
}
