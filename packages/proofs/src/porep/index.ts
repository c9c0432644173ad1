/** Proof of replication: identity, sealing, seal proofs. */
export {
  type ChallengedNode,
  pollSeal,
  type SealChallenges,
  type SealOpenings,
  sealOpenings,
} from "./challenges.ts";
export {
  extractRange,
  extractWholeRange,
  type RangeCost,
  type RangeOptions,
  type ReplicaReader,
  type UserRange,
} from "./extract-range.ts";
export { runSteps, runStepsPausing, type SealHooks, type Steps } from "./hooks.ts";
export { replicaIdOf, type SectorIdentity, topByteMask } from "./identity.ts";
export { KeyDeriver, keyHeader, type NodeKeys, nodeKeys } from "./keys.ts";
export { plainZigzagPass } from "./layer.ts";
export { zigzagKeyDomain, zigzagKeyPoseidon } from "./poseidon-key.ts";
export { formBytes, proveSeal, vanillaForm } from "./prove.ts";
export { extractSteps, replicateSteps } from "./replicate.ts";
export {
  auxLength,
  commRStarOf,
  layerTreeLength,
  parseAux,
  parseReplicaTree,
  type SealedReplica,
  type SealTrees,
} from "./sealed.ts";
export { type SealCommitments, verifySeal } from "./verify.ts";
export { addNode, subtractNode, wordsOf } from "./words.ts";
export { type Porep, zigzag } from "./zigzag.ts";
