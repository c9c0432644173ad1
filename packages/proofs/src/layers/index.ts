/** Kernels for whole layers of a replica. */
export {
  installLayerKernel,
  type LayerKernel,
  type LayerPass,
  layerKernel,
  type NodeRun,
  type SdrLayer,
  type ZigzagLayer,
} from "./kernel.ts";
