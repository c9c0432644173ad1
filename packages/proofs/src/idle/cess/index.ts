/** The compatibility profile: idle files of the public network, bit for bit. No network of ours accepts them. */

export {
  type CessKey,
  cessAccumulate,
  cessValueBytes,
  cessWitnesses,
  checkCessKey,
  verifyCessWitness,
} from "./accumulator.ts";
export { cessErrors } from "./errors.ts";
export {
  cessParents,
  type GraphFile,
  hotPosition as cessHotPosition,
  hotRow as cessHotRow,
} from "./graph.ts";
export { type CessKernel, cessKernel, installCessKernel, plainCessKernel } from "./kernel.ts";
export { plainCessColumns, plainCessHot, plainCessLayer } from "./plain.ts";
export { CessPrimes, cessPrime, cessPrimeStart, firstPrimeFrom } from "./primes.ts";
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
  auxBytes as cessAuxBytes,
  auxNodes as cessAuxNodes,
  type CessPath,
  pathByAux as cessPathByAux,
  rootOfAux as cessRootOfAux,
  rowOverLabels as cessRowOverLabels,
  verifyCessPath,
} from "./tree.ts";
