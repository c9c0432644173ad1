/** The jobs room: what the storage has done by others, over one interface with several engines behind it. */

export {
  carryJobs,
  type MovableQueue,
  queueIdOf,
  type Standing,
  standingOf,
} from "./carry.ts";
export { type Chores, type ChoresOptions, openChores } from "./chores.ts";
export type { DrainJob } from "./drains.ts";
export { ended, giveBack } from "./ended.ts";
export { assertQueueOf, ownerOfQueue, ownQueue } from "./owner.ts";
export { openPostgresJobs, type PostgresJobsOptions } from "./postgres-queue.ts";
export {
  createQueueSealer,
  fleetingKinds,
  type QueueSealer,
  type QueueSealerOptions,
} from "./queue-sealer.ts";
export { openReach, type Reach, type ReachOptions, type Unreached } from "./reach.ts";
export {
  type JobHandlers,
  type JobWork,
  type Runner,
  type RunnerOptions,
  startRunner,
  type WorkOptions,
} from "./runner.ts";
export { type OwnPlaces, type SealSpeed, sealSpeedOf } from "./seal-speed.ts";
export { type Asked, pooledTools, type SealTools, sealHandlers, type ToolsOf } from "./seal-work.ts";
export type { SqliteJobsOptions } from "./sqlite-file.ts";
export { openSqliteJobs } from "./sqlite-queue.ts";
export { type FollowQueue, SwitchQueue } from "./switch-queue.ts";
export {
  type ClaimRequest,
  type Cordon,
  type CordonTarget,
  type DoneJob,
  type Job,
  type JobCount,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  type JobKind,
  type JobListener,
  type JobQueue,
  type JobResources,
  type JobState,
  jobKinds,
  jobLimits,
  jobStates,
  type KnownWorker,
  type Lease,
  type NewJob,
  urgencyOf,
  type WorkerInfo,
} from "./types.ts";
