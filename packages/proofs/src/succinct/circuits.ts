/**
 * Which circuits the succinct proofs of a row of the sector table use. A class has three: one for seals, one
 * for window and one for winning proofs. Their shapes follow from the row alone, so a row fixes its circuits
 * and with them its parameters.
 */
import { type PostShape, postCircuit, type SealShape, zigzagSealCircuit } from "../circuits/index.ts";
import { proofsErrors } from "../errors.ts";
import type { SectorProfile } from "../profiles.ts";
import { type Circuit, type R1cs, shapeOf } from "../r1cs/index.ts";

/** What a circuit of a class is for. */
export type CircuitUse = "seal" | "window" | "winning";
export const circuitUses: readonly CircuitUse[] = ["seal", "window", "winning"];

/** The shape of the row's seal circuit. Throws proofs/no-circuit. */
export function sealShapeOf({
  id,
  kind,
  nodes,
  challengesPerProof,
  keyDerivation,
}: SectorProfile): SealShape {
  if (kind !== "zigzag" || keyDerivation === "sha256") throw proofsErrors.noCircuit({ profile: id });
  return { nodes, challengesPerProof, keyDerivation };
}

/** The shape of the row's circuit for proofs of spacetime of a kind. */
export function postShapeOf(profile: SectorProfile, use: "window" | "winning"): PostShape {
  const { nodes, sectorsPerProof, windowChallenges, winningChallenges } = profile;
  return use === "window"
    ? { nodes, sectorsPerProof, challengesPerSector: windowChallenges }
    : { nodes, sectorsPerProof: 1, challengesPerSector: winningChallenges };
}

/** The circuit of a use. Throws proofs/no-circuit. */
export function circuitOf(profile: SectorProfile, use: CircuitUse): Circuit<unknown> {
  if (use === "seal") return zigzagSealCircuit(sealShapeOf(profile));
  return postCircuit(postShapeOf(profile, use));
}

/** A large circuit has a gigabyte of coefficients: only the latest few are kept. */
const maxShapes = 6;
const shapes = new Map<string, R1cs>();

/** The constraints of a circuit, kept for the next proof. */
export function shapeOfCircuit(circuit: Circuit<unknown>): R1cs {
  const known = shapes.get(circuit.id);
  if (known !== undefined) return known;
  const shape = shapeOf(circuit);
  const [oldest] = shapes.keys();
  if (shapes.size >= maxShapes && oldest !== undefined) shapes.delete(oldest);
  shapes.set(circuit.id, shape);
  return shape;
}
