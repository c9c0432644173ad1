/** What a canned node says of its miner's jobs. */
import type { MethodResult } from "@holdfast/api";

type Job = MethodResult<"jobs.ls">["jobs"][number];
type Event = MethodResult<"jobs.watch">;

interface JobAnswers {
  readonly "jobs.ls": MethodResult<"jobs.ls">;
  readonly "jobs.show": MethodResult<"jobs.show">;
  readonly "jobs.retry": MethodResult<"jobs.retry">;
  readonly "jobs.cancel": MethodResult<"jobs.cancel">;
  readonly "jobs.priority": MethodResult<"jobs.priority">;
  readonly "jobs.cordon": MethodResult<"jobs.cordon">;
  readonly "jobs.uncordon": MethodResult<"jobs.uncordon">;
  readonly "jobs.workers": MethodResult<"jobs.workers">;
}

export function jobEvents(headMs: number): Event[] {
  const about = { jobId: 17, kind: "seal", sectorId: 4 } as const;
  return [
    { ...about, cursor: 40, from: null, to: "waiting", workerId: null, reason: null, atMs: headMs - 90_000 },
    {
      ...about,
      cursor: 41,
      from: "waiting",
      to: "running",
      workerId: "attic-1",
      reason: null,
      atMs: headMs - 60_000,
    },
    {
      ...{ ...about, cursor: 42, from: "running", to: "waiting", workerId: "attic-1" },
      ...{ reason: "storage/worker-crashed", atMs: headMs - 30_000 },
    },
  ];
}

export function jobAnswers(headMs: number): JobAnswers {
  const sealing: Job = {
    ...{ jobId: 17, key: "seal/tf0miner/work/4-1/00ff", kind: "seal", sectorId: 4, state: "running" },
    ...{ progress: 0.42, priority: 0, dueMs: null, cpus: 1, memoryBytes: 20_971_520, claims: 2, failures: 1 },
    ...{
      maxFailures: 3,
      notBeforeMs: null,
      forWorker: null,
      workerId: "attic-2",
      leaseUntilMs: headMs + 20_000,
    },
    failure: {
      code: "storage/worker-crashed",
      message: "the worker of seal died 1 times: nothing was heard of worker attic-1",
      fix: "give the machine more memory or use fewer sealing threads, then retry the sector",
    },
    ...{ createdMs: headMs - 90_000, startedMs: headMs - 10_000, endedMs: null },
  };
  const proven: Job = {
    ...{ ...sealing, jobId: 16, key: "window-post/tf0miner-1/9", kind: "window-post", sectorId: null },
    ...{ state: "done", progress: 1, failure: null, failures: 0, claims: 1, leaseUntilMs: null },
    ...{ dueMs: headMs + 5_000, endedMs: headMs - 20_000 },
  };
  const cancelled: Job = { ...sealing, state: "cancelled", leaseUntilMs: null, endedMs: headMs };
  const cordon = { target: "kind:seal", reason: "a new disk", sinceMs: headMs - 5_000 };
  return {
    "jobs.ls": {
      jobs: [sealing, proven],
      more: true,
      counts: [
        { kind: "seal", state: "running", count: 1 },
        { kind: "window-post", state: "done", count: 9 },
      ],
    },
    "jobs.show": { ...sealing, events: jobEvents(headMs) },
    "jobs.retry": { ...sealing, state: "waiting", workerId: null, leaseUntilMs: null, notBeforeMs: null },
    "jobs.cancel": cancelled,
    "jobs.priority": { ...sealing, priority: 10 },
    "jobs.cordon": cordon,
    "jobs.uncordon": { target: "kind:seal", wasCordoned: true },
    "jobs.workers": {
      workers: [
        {
          ...{ workerId: "attic-2", place: "attic, process 4711", kinds: ["seal", "commit-proof"], cpus: 2 },
          ...{ memoryBytes: 8_589_934_592, running: 1, seenMs: headMs - 1_000 },
        },
      ],
      cordons: [cordon],
    },
  };
}
