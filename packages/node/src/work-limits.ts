/** Limits of what does a miner's heavy work: jobs, and the processes that take them. The second page of `limits`. */
export const workLimits = {
  /** Jobs of a node that have not ended, as it looks through them when it starts. */
  aliveJobs: 10_000,
  /** Between two times that old jobs are forgotten (`jobLimits.keptJobs` of storage are kept). */
  jobPruneMs: 600_000,
  /** How often a process looks whether another has changed the queue. */
  jobPollMs: 250,
  /** So long a worker looks for a queue that has moved before it says that it has none. */
  queueFollowMs: 10_000,
  /** Events of jobs that one answer of the API has at most. */
  jobEvents: 1_000,
  /** So long a job waits for the workers that are there before another process is started. */
  workerStartMs: 200,
  /** A node looks so often whether it needs another worker process, if nothing has told it before. */
  workerLookMs: 5_000,
  /** A worker process that had nothing to do for this time ends. */
  workerIdleMs: 30_000,
  /** A worker process that does not end by itself in this time is killed. */
  workerEndMs: 10_000,
  /** Sectors whose files `why storage` looks for: each is asked of the file system. */
  lackingSectors: 10_000,
  /** For so long: a bucket is asked for one file after the other. */
  lackingMs: 10_000,
  /** Of those that lack some, so many are named. */
  lackingNamed: 20,
  /** Sectors that wait for room that idle space gives back. */
  idleRequests: 64,
  /** Kept layers of idle space that are looked at before a start is over; the others follow by and by. */
  idleLooksAtStart: 1_024,
  /** Kept layers that are taken into the range of idle space before others have a turn. */
  idleAppendsAtOnce: 256,
  /** Kept layers that the patrol over idle space reads in one round of the chain. */
  idlePatrolLayers: 16,
} as const;
