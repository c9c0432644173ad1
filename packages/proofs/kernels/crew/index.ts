/**
 * Pipelines over all cores: a crew of threads, memory that they share, and the kernels that use both. They have the
 * interfaces and give the bytes of the kernels of one thread.
 *
 *   const crew = createCrew({ backend, kernels });
 *   installTreeKernel(crewTree(crew, kernels));
 *   installCurveKernel(crewCurve(crew, kernels));
 *   installLayerKernel(crewLayers(crew, kernels));
 *   installAllocator(allocateShared);
 *
 * Another computation in independent slices is a `SliceKind` of its own and `crew.run`.
 */
export { type Crew, type CrewOptions, createCrew, type SlicePass } from "./crew.ts";
export { crewCurve } from "./curve.ts";
export {
  type CessBlocksInput,
  cessBlocksKind,
  cessRootBlocks,
  crewCessBlocks,
  crewIdleSets,
  discardedIdleSets,
  type IdleSetsInput,
  idleSetsKind,
} from "./idle.ts";
export { crewLayers, type LayerSizes, layerSizes } from "./layers.ts";
export { allocateShared, minSharedBytes, sharedBytes } from "./memory.ts";
export { type CurveSizes, curveSizes } from "./parts.ts";
export { createSeats, Seat, sharedSeats, shareSeats } from "./seats.ts";
export { crewTree, type TreeSizes, treeSizes } from "./tree.ts";
export type { DoSlice, SliceKind, SliceSteps, ThreadKernels } from "./wire.ts";
