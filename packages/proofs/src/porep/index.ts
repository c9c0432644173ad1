/** Proof of replication: identity, sealing, seal proofs. */
export { passSteps, runSteps, runStepsPausing, type SealHooks, type Steps } from "../steps/index.ts";
export {
  type ChallengedNode,
  pollSeal,
  type SealChallenges,
  type SealOpenings,
  sealOpenings,
} from "./challenges.ts";
export { commitData, type DataRoom } from "./data-tree.ts";
export {
  extractMaskedRange,
  extractRange,
  type MaskedKind,
  type RangeCost,
  type RangeOptions,
  type ReplicaReader,
  type UserRange,
} from "./extract-range.ts";
export { replicaIdOf, type SectorIdentity, topByteMask } from "./identity.ts";
export { KeyDeriver, keyHeader, type NodeKeys, nodeKeys } from "./keys.ts";
export { auxSource, type Porep, type PorepKindParts, porepKind } from "./kind.ts";
export { plainZigzagPass } from "./layer.ts";
export { zigzagKeyDomain, zigzagKeyPoseidon } from "./poseidon-key.ts";
export { formBytes, vanillaForm } from "./proof-form.ts";
export { proveZigzagSteps, readRoots, type SealRoots } from "./prove.ts";
export { type BindSector, boundTo, extractSteps, sealZigzagSteps } from "./replicate.ts";
export {
  auxLength,
  commRStarOf,
  layerTreeLength,
  parseAux,
  parseReplicaTree,
  type SealedReplica,
  type SealOutcome,
  type SealTrees,
  sealedReplica,
  storedTrees,
} from "./sealed.ts";
export { type SealCommitments, verifySeal } from "./verify.ts";
export { addNode, subtractNode, wordsOf } from "./words.ts";
export { zigzag } from "./zigzag.ts";
