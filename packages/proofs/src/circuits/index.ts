/** The circuits of the network's proofs, and what they cost. */
export {
  type PostAssignment,
  type PostSectorAssignment,
  type PostSectorStatement,
  type PostShape,
  postCircuit,
  postPublicInputs,
} from "./post.ts";
export {
  type Path,
  type SealAssignment,
  type SealChallengeAssignment,
  type SealChallengeStatement,
  type SealShape,
  sealPublicInputs,
  zigzagSealCircuit,
} from "./zigzag-seal.ts";
