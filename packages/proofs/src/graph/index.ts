/** The ZigZag graph and the pseudo-random streams behind it. */
export { chachaBlock, streamDomains, WordStream } from "./chacha.ts";
export { challengedNodes } from "./challenges.ts";
export { FeistelPermutation } from "./feistel.ts";
export {
  createGraph,
  type Direction,
  layerDirection,
  type ParentTable,
  plainParents,
  type ZigzagGraph,
} from "./graph.ts";
export { KeptParents, type ParentRoom, parentRoom, runOf } from "./kept-parents.ts";
export { graphOf, graphSeed } from "./registry.ts";
