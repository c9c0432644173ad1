/**
 * The verifying door: what the chain's rules need of proofs, and nothing that seals. Pure: no clock, no
 * randomness, no IO.
 */
export { type AggregateInclusionStatement, verifyAggregateInclusion } from "./aggregate/index.ts";
export {
  type ClassKeys,
  defaultClasses,
  findClass,
  findResolved,
  type ProofMode,
  profileOfClass,
  type ResolvedClass,
  resolveClass,
  type SectorClass,
  vanillaClass,
} from "./classes.ts";
export {
  curveErrors,
  curveKernel,
  decodeG1Compressed,
  decodeG1Uncompressed,
  decodeG2Compressed,
  decodeG2Uncompressed,
  encodeG1Compressed,
  encodeG2Compressed,
} from "./curve/index.ts";
export { proofsErrors } from "./errors.ts";
export {
  decodeProof,
  decodeVerifyingKey,
  encodeProof,
  encodeVerifyingKey,
  groth16ProofBytes,
  type ProofClaim,
  publicInputsOf,
  type VerifyingKey,
  verifyProof,
  verifyProofs,
} from "./groth16/verifier.ts";
export type { Commitment } from "./merkle/index.ts";
export {
  isPieceCommitment,
  layoutPieces,
  maxUserBytes,
  minPaddedPieceBytes,
  type PieceInclusionStatement,
  type PieceInfo,
  pieceCid,
  pieceCommitment,
  verifyPieceInclusion,
} from "./piece/index.ts";
export { type PorRequest, type PorStatement, verifyPor } from "./por/index.ts";
export { replicaIdOf, type SealCommitments, type SectorIdentity, verifySeal } from "./porep/index.ts";
export { type PostKind, type PostSector, verifyPost } from "./post/index.ts";
export { type SequentialStatement, verifySequential } from "./post/sequential.ts";
export {
  findProfile,
  findSectorProfile,
  type PorepKind,
  type SectorProfile,
  sectorProfile,
  sectorProfiles,
} from "./profiles.ts";
export { sdrPorepId, sdrReplicaIdOf, verifySdr } from "./sdr/index.ts";
export { type VdfStatement, verifyVdf } from "./vdf/index.ts";
export {
  createVerifier,
  type PostStatement,
  type SealStatement,
  type Statement,
  type Verifier,
  verifyStatement,
} from "./verifier.ts";
export { createMemoVerifier, type MemoVerifier, statementKey } from "./verifier-memo.ts";
