/** The compatibility profile: idle files of the public network, bit for bit. No network of ours accepts them. */

export { cessInsertProof, verifyCessDeletion, verifyCessSetInsert } from "./accumulated.ts";
export {
  type CessKey,
  cessAccumulate,
  cessValueBytes,
  cessWitnesses,
  checkCessKey,
  verifyCessWitness,
} from "./accumulator.ts";
export {
  type CessBasis,
  type CessChain,
  type CessMember,
  type CessState,
  type CessTop,
  type CessUpdate,
  cessBasis,
  cessElement,
  cessFanOut,
  verifyCessDelete,
  verifyCessInsert,
  verifyCessMembers,
} from "./chains.ts";
export {
  areCommits as areCessCommits,
  type CessSetFiles,
  cessCommitChallenge,
  cessCommits,
  cessWalk,
  elementsOf as cessElementsOf,
  type ProvenParents as CessProvenParents,
  proveCessCommit,
  rootsThatStay as cessRootsThatStay,
} from "./commit.ts";
export { verifyCessCommit } from "./commit-verify.ts";
export { cessErrors } from "./errors.ts";
export {
  cessParents,
  type GraphFile,
  hotPosition as cessHotPosition,
  hotRow as cessHotRow,
} from "./graph.ts";
export { type CessKernel, cessKernel, installCessKernel, plainCessKernel } from "./kernel.ts";
export { CessAccumulator } from "./ledger.ts";
export {
  type CessChanged,
  type CessLevels,
  type CessMid,
  type CessSaved,
  type CessSavedSub,
  type CessSub,
  cessMembers,
  deleteCessElements,
  emptyCessLevels,
  insertCessElements,
  recoverCessLevels,
  savedCessLevels,
} from "./levels.ts";
export { plainCessColumns, plainCessHot, plainCessLayer } from "./plain.ts";
export { CessPrimes, cessPrime, cessPrimeDistance, cessPrimeStart, firstPrimeFrom } from "./primes.ts";
export type {
  CessCommitChallenge,
  CessCommitProof,
  CessCommits,
  CessDeletionProof,
  CessInsertProof,
  CessNodeProof,
  CessOpening,
  CessSpaceProof,
} from "./records.ts";
export {
  type CessColumns,
  type CessHotRows,
  type CessLayer,
  type CessLayerPass,
  type CessPlace,
  headOf as cessHead,
  hotInGroup as cessHotInGroup,
  labelBytes as cessLabelBytes,
} from "./rows.ts";
export {
  CessBlockRoom,
  type CessBlocks,
  type CessFileName,
  type CessSetOptions,
  type CessSetPlan,
  type CessSetRoots,
  type CessSink,
  cessBlockSteps,
  cessHotSteps,
  cessSetSteps,
  finishCessSet,
  planCessSet,
} from "./set.ts";
export {
  type CessSet,
  type CessShape,
  cessClusters,
  cessShape,
  checkSet as checkCessSet,
  checkShape as checkCessShape,
  eldersOf as cessElders,
  fileNumber as cessFileNumber,
  isElder as isCessElder,
  logicalLayer as cessLogicalLayer,
} from "./shape.ts";
export {
  type CessAudit,
  type CessRange,
  type CessSpaceStatement,
  cessBatches,
  cessBatchHash,
  cessBatchRange,
  cessSpaceChallenge,
  cessTotalHash,
  proveCessSpace,
  type SetsDrawn as CessSetsDrawn,
  verifyCessSpace,
} from "./space.ts";
export {
  auxBytes as cessAuxBytes,
  auxNodes as cessAuxNodes,
  type CessFile,
  type CessPath,
  cessFileOf,
  denseRows as cessDenseRows,
  keptRows as cessKeptRows,
  openLabel as openCessLabel,
  pathByAux as cessPathByAux,
  rootOfAux as cessRootOfAux,
  rootOfFile as cessRootOfFile,
  rowOverLabels as cessRowOverLabels,
  verifyCessPath,
} from "./tree.ts";
export {
  decodeCessCommitProof,
  decodeCessCommits,
  decodeCessDeletionProof,
  decodeCessInsertProof,
  decodeCessSpaceProof,
  encodeCessCommitProof,
  encodeCessCommits,
  encodeCessDeletionProof,
  encodeCessInsertProof,
  encodeCessSpaceProof,
} from "./wire.ts";
