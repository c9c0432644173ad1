/** The hardened profile of idle space: graph, labels, files, and the proofs that they were made and are there. */
export {
  type CommitSource as IdleCommitSource,
  type CommitStatement as IdleCommitStatement,
  commitChallenges as idleCommitChallenges,
  commitmentOf as idleCommitmentOf,
  type LayerBelow as IdleLayerBelow,
  proveCommit as proveIdleCommit,
  verifyCommit as verifyIdleCommit,
} from "./commit.ts";
export { generateIdleSets, type IdleResume, type IdleSink, type IdleWork } from "./generate.ts";
export { createIdleGraph, type IdleGraph, idleGraphSeed, tableParents as idleTableParents } from "./graph.ts";
export {
  fileElement as idleFileElement,
  firstFileOf as firstIdleFileOf,
  type IdleSetIdentity,
  idleSetKey,
  type LayerRoots as IdleLayerRoots,
} from "./identity.ts";
export {
  type Absorption,
  type IdleLabels,
  type IdleStream,
  installSpaceKernel,
  plainSpaceKernel,
  type SpaceKernel,
  spaceKernel,
} from "./kernel.ts";
export { layerHeader as idleLayerHeader } from "./labels.ts";
export { narrowCommit as narrowIdleCommit } from "./narrow.ts";
export {
  fileBytes as idleFileBytes,
  filesPerSet as idleFilesPerSet,
  type IdleProfile,
  idleProfiles,
  isIdleProfile,
  labelBlocks as idleLabelBlocks,
  layerBytes as idleLayerBytes,
  layerNodes as idleLayerNodes,
  setBytes as idleSetBytes,
} from "./profiles.ts";
export {
  proveSpace as proveIdleSpace,
  type SpaceStatement as IdleSpaceStatement,
  spaceChallenges as idleSpaceChallenges,
  verifyFileOpening as verifyIdleFileOpening,
  verifySpace as verifyIdleSpace,
} from "./space.ts";
export {
  auxBytes as idleAuxBytes,
  type FileSource as IdleFileSource,
  fileTree as idleFileTree,
  openFile as openIdleFile,
  rootOfAux as idleRootOfAux,
} from "./trees.ts";
