/** SDR, the proof of replication of today's Filecoin: graph, labels, seals, challenges, and the kind `sdr`. */
export {
  challengedNode as sdrChallengedNode,
  pollSdr,
  sdrChallenges,
  sdrNonInteractiveChallenges,
} from "./challenges.ts";
export { sdrBaseDegree } from "./drsample.ts";
export { sdrErrors } from "./errors.ts";
export {
  createSdrGraph,
  plainSdrParents,
  type SdrApiVersion,
  type SdrGraph,
  sdrDegree,
  sdrExpansionDegree,
  sdrParentCacheChunks,
} from "./graph.ts";
export { type SdrIdentity, sdrGraphOf, sdrPorepId, sdrReplicaId, sdrReplicaIdOf } from "./identity.ts";
export { sdr } from "./kind.ts";
export { labelLayerPair, plainLabelPass, plainPairPass } from "./labels.ts";
export {
  maxSdrSealBytes,
  type SdrProfile,
  type SdrShape,
  sdrChallengeCount,
  sdrLayers,
  sdrShape,
} from "./params.ts";
export { type SdrOpenings, sdrOpenings, sdrProofLengths } from "./proof-form.ts";
export { proveSdrSteps } from "./prove.ts";
export { extractSdr, sdrMask, sealSdrSector } from "./replicate.ts";
export {
  type SdrSeal,
  type SdrSealOutcome,
  type SdrSealReport,
  type SdrSealRequest,
  type SdrSectorRequest,
  sdrSealReport,
  sealSdr,
  sealSdrSteps,
} from "./seal.ts";
export { parseSdrAux, type SdrTrees, sdrAuxLength, sdrCommR, storedSdrTrees } from "./sealed.ts";
export { type SdrSector, sdrLastLabels, sealSdrData, sealSdrPair } from "./sealing.ts";
export { sdrSyntheticChallenges, sdrSyntheticCount, sdrSyntheticSelection } from "./synthetic.ts";
export { sdrUpdateChallengeCount, sdrUpdateChallenges, sdrUpdatePartitions } from "./update.ts";
export { verifySdr } from "./verify.ts";
