/** What a miner's node says of its jobs. */
import type { MethodResult } from "@holdfast/api/methods";

function job(
  jobId: number,
  more: Partial<MethodResult<"jobs.ls">["jobs"][number]>,
): MethodResult<"jobs.ls">["jobs"][number] {
  return {
    ...{
      jobId,
      key: `seal/${jobId}`,
      kind: "seal",
      sectorId: jobId,
      state: "done",
      progress: 1,
      priority: 0,
    },
    ...{
      dueMs: null,
      cpus: 1,
      memoryBytes: 1_024,
      claims: 1,
      failures: 0,
      maxFailures: 3,
      notBeforeMs: null,
      forWorker: null,
    },
    ...{ workerId: "attic-1", leaseUntilMs: null, failure: null, createdMs: 1, startedMs: 2, endedMs: 3 },
    ...more,
  };
}

export const jobs: MethodResult<"jobs.ls"> = {
  jobs: [
    job(12, { state: "waiting", progress: 0, claims: 0, workerId: null, startedMs: null, endedMs: null }),
    job(11, { state: "running", progress: 0.25, leaseUntilMs: 9, endedMs: null }),
    job(10, {
      ...{ kind: "unseal", state: "failed", progress: 0.5, failures: 3 },
      failure: { code: "storage/worker-crashed", message: "the worker died 3 times", fix: "give it memory" },
    }),
    job(9, {}),
  ],
  more: false,
  counts: [{ kind: "seal", state: "done", count: 1 }],
};
