/**
 * The compatibility kind zigzag-2019: rust-fil-proofs of May 2019, bit for bit. It exists to be checked by
 * vectors; no network accepts its seals, and its names say `era` so that nothing of it is taken for the
 * hardened kind by mistake.
 */
export {
  deriveEraChallenges,
  type EraChallengeParams,
  eraChallengeParams,
  selectChallenges,
  type Taper,
  taperedChallenges,
} from "./challenges.ts";
export { eraKdf, plainEraPass, slothDecode, slothEncode } from "./encoding.ts";
export { zigzag2019Errors } from "./errors.ts";
export { eraAppend, eraPad, eraPaddedLength, eraUnpad, eraUserLength } from "./fr32.ts";
export {
  type EraDirection,
  EraFeistel,
  EraGraph,
  type EraGraphParams,
  eraBaseParents,
  eraDegree,
  eraDirection,
  eraExpansionDegree,
  eraGraph,
  eraSeed,
  floorLog2OfFloat32,
  plainEraGraph,
} from "./graph.ts";
export {
  blake2sEraHasher,
  type EraHasher,
  pedersenEraHasher,
  pedersenPlainHasher,
  sha256EraHasher,
} from "./hashers.ts";
export { pedersenGenerator } from "./jubjub.ts";
export { type PedersenMode, pedersen, pedersenMd, pedersenRow, plainPedersenRow } from "./pedersen.ts";
export { chunkPoints } from "./pedersen-tables.ts";
export { eraPieceCommitment, isAlignedPiece, subtreeCapacity } from "./pieces.ts";
export {
  type EraDataProof,
  type EraLayerProof,
  type EraParentProof,
  type EraPartitionProof,
  type EraSealStatement,
  type EraTau,
  eraSealStatement,
  proveEraSeal,
  zigzag2019Statement,
} from "./porep-proof.ts";
export {
  type EraSealCheck,
  eraSealOmissions,
  failedEraSealChecks,
  verifyEraSeal,
} from "./porep-verify.ts";
export {
  type EraPostCheck,
  type EraPostProof,
  type EraPostStatement,
  eraPostOmissions,
  failedEraPostChecks,
  proveEraPost,
  provePorc,
  verifyEraPost,
  verifyPorc,
} from "./post.ts";
export {
  type EraPostParams,
  EraPostStream,
  eraPartialChallenge,
  eraPartialCount,
  eraPostParams,
  eraPostSeed,
} from "./post-challenges.ts";
export { EraRandom } from "./rand.ts";
export {
  type EraReplica,
  type EraReplication,
  eraReplication,
  extractEra,
  extractEraSteps,
  replicateEra,
  replicateEraSteps,
} from "./replicate.ts";
export {
  eraCommRStar,
  eraReplicaId,
  eraSealChallenges,
  eraSectorData,
  sealZigzag2019,
  sealZigzag2019Steps,
  type Zigzag2019Request,
  type Zigzag2019Seal,
  zigzag2019Report,
} from "./seal.ts";
export {
  buildEraTree,
  type EraMerkleProof,
  type EraPathStep,
  type EraTree,
  eraPathIndex,
  eraProofHolds,
  eraTreeHeight,
  openEraTree,
  serializeEraProof,
  zeroEraRoot,
} from "./tree.ts";
