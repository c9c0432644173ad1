/** Rank-1 constraint systems: shape and witness from one function, checks, digest, exchange formats. */
export { isSatisfied, partOf, r1csDigest, type Satisfaction } from "./check.ts";
export { r1csErrors } from "./errors.ts";
export { writeR1cs, writeWtns } from "./iden3.ts";
export type { Linear, Summand } from "./linear.ts";
export * as linear from "./linear.ts";
export { matrixTimes, rowTimes, type SparseMatrix } from "./rows.ts";
export {
  type BlockRow,
  type Circuit,
  type CircuitSize,
  type ConstraintBlock,
  ConstraintSystem,
  type PartRun,
  type Pass,
  type R1cs,
  shapeOf,
  sizeOf,
  type ValueOf,
  witnessOf,
} from "./system.ts";
