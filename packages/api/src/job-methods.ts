/** Methods about the jobs of a miner's storage: what its workers do, and what they are told. */
import { z } from "zod";
import { call, limitParam, nothing, stream } from "./method-spec.ts";
import { sizeBytes } from "./shapes.ts";

export const jobKind = z.enum([
  "window-post",
  "winning-post",
  "unseal",
  "commit-proof",
  "check",
  "add-piece",
  "repair",
  "seal",
  "move",
  "delete",
  "scrub",
  "drain",
]);
export const jobState = z.enum(["waiting", "running", "done", "failed", "cancelled"]);

const jobId = z.int().min(1);
const sectorNumber = z.int().min(0);
const milliseconds = z.int().describe("milliseconds since 1970");
const failure = z.object({ code: z.string(), message: z.string(), fix: z.string().nullable() });

const jobView = z.object({
  jobId,
  key: z.string().describe("who asks with the same key gets the same job"),
  kind: jobKind,
  sectorId: sectorNumber.nullable(),
  state: jobState,
  progress: z.number().describe("0 to 1, as its worker has said last"),
  priority: z.int().describe("the highest first among jobs of a kind that are due at the same time"),
  forWorker: z.string().nullable().describe("only this worker can do it"),
  dueMs: milliseconds.nullable(),
  cpus: z.number(),
  memoryBytes: sizeBytes,
  claims: z
    .int()
    .describe("how often a worker has taken it; the last claim's number is the token of its lease"),
  failures: z.int(),
  maxFailures: z.int(),
  notBeforeMs: milliseconds.nullable().describe("it waits after a failure, until then"),
  workerId: z.string().nullable(),
  leaseUntilMs: milliseconds.nullable(),
  failure: failure.nullable(),
  createdMs: milliseconds,
  startedMs: milliseconds.nullable(),
  endedMs: milliseconds.nullable(),
});

const jobEvent = z.object({
  cursor: z.int(),
  jobId,
  kind: jobKind,
  sectorId: sectorNumber.nullable(),
  from: jobState.nullable(),
  to: jobState,
  workerId: z.string().nullable(),
  reason: z.string().nullable(),
  atMs: milliseconds,
});

const sectorEvent = z.object({
  cursor: z.int(),
  sectorId: sectorNumber,
  from: z.string().nullable(),
  to: z.string(),
  reason: z.string().nullable(),
  atMs: milliseconds,
});

const target = z.string().max(256).describe("all, kind:KIND or worker:ID");
const watchParams = (initial: string) =>
  z.object({
    after: z
      .int()
      .min(0)
      .optional()
      .describe(`events above this cursor; default: where the consumer is, or ${initial}`),
    consumer: z
      .string()
      .regex(/^[!-~]{1,64}$/, "1 to 64 visible ASCII characters")
      .optional()
      .describe("the node remembers how far it is, so that it gets what it missed"),
  });

export const jobMethods = {
  "jobs.ls": call(
    "Jobs of this miner's storage, newest first, and how many there are of each kind and state",
    z.object({
      states: z.array(jobState).max(5).optional(),
      kinds: z.array(jobKind).max(jobKind.options.length).optional(),
      sectorId: sectorNumber.optional(),
      beforeId: jobId.optional().describe("of the last job of the page before"),
      limit: limitParam,
    }),
    z.object({
      jobs: z.array(jobView),
      more: z.boolean(),
      counts: z.array(z.object({ kind: jobKind, state: jobState, count: z.int() })),
    }),
  ),
  "jobs.show": call(
    "One job with all that happened to it",
    z.object({ jobId }),
    jobView.extend({ events: z.array(jobEvent) }),
  ),
  "jobs.retry": call(
    "Has a failed or cancelled job done again; of a sector's seal, the step that failed",
    z.object({ jobId }),
    jobView,
  ),
  "jobs.cancel": call(
    "Calls a job off, whether it waits or runs",
    z.object({ jobId, reason: z.string().max(200).default("called off by hand") }),
    jobView,
  ),
  "jobs.priority": call(
    "Orders a job among those of its kind that are due at the same time; what runs goes on",
    z.object({ jobId, priority: z.int().min(-1_000_000).max(1_000_000) }),
    jobView,
  ),
  "jobs.cordon": call(
    "No worker takes jobs any more: any, those of one kind, or those that one worker would take; what runs goes on",
    z.object({ target, reason: z.string().max(200).default("") }),
    z.object({ target, reason: z.string(), sinceMs: milliseconds }),
  ),
  "jobs.uncordon": call(
    "Takes a cordon away",
    z.object({ target }),
    z.object({ target, wasCordoned: z.boolean() }),
  ),
  "jobs.workers": call(
    "Who takes jobs of this storage, and what is cordoned",
    nothing,
    z.object({
      workers: z.array(
        z.object({
          workerId: z.string(),
          place: z.string(),
          kinds: z.array(jobKind),
          cpus: z.number(),
          memoryBytes: sizeBytes,
          running: z.int(),
          seenMs: milliseconds,
        }),
      ),
      cordons: z.array(z.object({ target, reason: z.string(), sinceMs: milliseconds })),
    }),
  ),
  "jobs.watch": stream("Every move of a job, as it comes", watchParams("from now on"), jobEvent),
  "sector.watch": stream(
    "Every move of a sector of this miner, those of before and then as they come",
    watchParams("all"),
    sectorEvent,
  ),
} as const;
