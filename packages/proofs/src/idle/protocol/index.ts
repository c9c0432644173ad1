/** The protocol of hardened idle space: the commitment to all files, states, appends, audits, releases. */
export * from "./append.ts";
export * from "./audit.ts";
export {
  emptyIdleRange,
  extendIdleRange,
  type IdleRange,
  idleRangeRoot,
  isIdleMember,
  isIdleRange,
  maxIdleFiles,
} from "./range.ts";
export { IdleRangeTree } from "./range-tree.ts";
export * from "./release.ts";
export * from "./state.ts";
