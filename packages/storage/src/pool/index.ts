/** The pool room: the heavy jobs, in this thread or in worker threads. */

export { createInlineSealer } from "./inline.ts";
export type {
  ExtractJob,
  JobDue,
  JobOptions,
  PostJob,
  PostResult,
  ProveJob,
  ReplicateJob,
  ReplicateResult,
  Sealer,
  SealingPool,
} from "./jobs.ts";
export { type ErrorData, errorData, errorOf, packed, unpacked } from "./payload.ts";
export { rebuildShare } from "./rebuilt-tree.ts";
export { createSealingPool, type SealingPoolOptions } from "./sealing-pool.ts";
export { createVerifierPool, type VerifierPool, type VerifierPoolOptions } from "./verifier-pool.ts";
