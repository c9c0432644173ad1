/** Kernels for whole layers of a replica. */
export {
  type EraBase,
  type EraEdges,
  type EraGraphKernel,
  type EraLayer,
  installLayerKernel,
  type LayerKernel,
  type LayerPass,
  layerKernel,
  type NodeRun,
  type RunParents,
  type SdrGraphParts,
  type SdrLayer,
  type ZigzagDecoding,
  type ZigzagGraphParts,
  type ZigzagLayer,
} from "./kernel.ts";
