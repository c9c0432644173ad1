/**
 * A Holdfast node as a library: composition, local networks, and the native kernels. Tests use
 * `@holdfast/node/testing`, the command line `@holdfast/node/daemon`.
 */
export { type MinerParts, type NodeParts, type RunningNode, startNode } from "./compose.ts";
export { agreesWithReference } from "./kernel-answers.ts";
export {
  buildNativeKernel,
  type CryptoBackend,
  type CryptoBackends,
  type InstalledBackends,
  installNativeKernels,
} from "./kernels.ts";
export { limits } from "./limits.ts";
export { installNumberFunctions } from "./number-kernel.ts";
export type { ProofBackend, ProofBackends } from "./proof-kernels.ts";
export { installSignatures, opensslSignatures } from "./signature-kernel.ts";
