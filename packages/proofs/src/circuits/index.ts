/** The circuits of the network's proofs, and what they cost. */
export {
  type CircuitChoice,
  type CircuitCosts,
  circuitCosts,
  costsByPart,
  type OriginalCost,
  originalFigures,
} from "./costs.ts";
export {
  type PostAssignment,
  type PostSectorAssignment,
  type PostSectorStatement,
  type PostShape,
  postCircuit,
  postPublicInputs,
} from "./post.ts";
export {
  type SdrAssignment,
  type SdrChallengeAssignment,
  type SdrChallengeStatement,
  type SdrCircuitShape,
  type SdrColumn,
  type SdrCommitments,
  sdrCircuitDegrees,
  sdrPublicInputs,
  sdrSealCircuit,
} from "./sdr-seal.ts";
export {
  type Path,
  type SealAssignment,
  type SealChallengeAssignment,
  type SealChallengeStatement,
  type SealShape,
  sealPublicInputs,
  zigzagSealCircuit,
} from "./zigzag-seal.ts";
