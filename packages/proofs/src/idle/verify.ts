/**
 * The verifying door of hardened idle space: states and their changes, appends, audits and releases as a chain or a
 * verifier judges them, and nothing that makes files.
 */
export {
  type CommitStatement as IdleCommitStatement,
  verifyCommit as verifyIdleCommit,
} from "./hardened/commit.ts";
export type { IdleSetIdentity, LayerRoots as IdleLayerRoots } from "./hardened/identity.ts";
export {
  fileBytes as idleFileBytes,
  filesPerSet as idleFilesPerSet,
  type IdleProfile,
  idleProfiles,
  isIdleProfile,
} from "./hardened/profiles.ts";
export {
  type SpaceStatement as IdleSpaceStatement,
  verifySpace as verifyIdleSpace,
} from "./hardened/space.ts";
export * from "./protocol/index.ts";
