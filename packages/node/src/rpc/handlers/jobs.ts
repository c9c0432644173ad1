/** Methods about the jobs of this node's miner. */
import type { ApiHandlers } from "@holdfast/api";
import { rpcErrors } from "../errors.ts";
import type { JobsDoor } from "../jobs-door.ts";
import type { HandlerNeeds } from "../needs.ts";

type JobHandlers = Pick<
  ApiHandlers,
  | "jobs.ls"
  | "jobs.show"
  | "jobs.retry"
  | "jobs.cancel"
  | "jobs.priority"
  | "jobs.cordon"
  | "jobs.uncordon"
  | "jobs.workers"
  | "jobs.watch"
  | "sector.watch"
>;

export function jobHandlers({ jobs, name }: HandlerNeeds): JobHandlers {
  const door = (): JobsDoor => {
    if (jobs === undefined) throw rpcErrors.noJobs({ node: name });
    return jobs;
  };
  return {
    "jobs.ls": async ({ limit, beforeId, ...filter }) =>
      door().list({ limit, ...filter, ...(beforeId === undefined ? {} : { beforeId }) }),
    "jobs.show": async ({ jobId }) => door().show(jobId),
    "jobs.retry": async ({ jobId }) => door().retry(jobId),
    "jobs.cancel": async ({ jobId, reason }) => door().cancel(jobId, reason),
    "jobs.priority": async ({ jobId, priority }) => door().priority(jobId, priority),
    "jobs.cordon": async ({ target, reason }) => door().cordon(target, reason),
    "jobs.uncordon": async ({ target }) => door().uncordon(target),
    "jobs.workers": async () => door().workers(),
    "jobs.watch": (from, signal) => door().watchJobs(from, signal),
    "sector.watch": (from, signal) => door().watchSectors(from, signal),
  };
}
