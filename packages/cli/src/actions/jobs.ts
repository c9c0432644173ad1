/** A miner's jobs: what is under way, what failed and why, who works on it. */
import { jobKind, jobState, type MethodParams, type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { type ChainTime, chainTime } from "../chain-time.ts";
import { action, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { argument, oneOf, optionFlag, optionList, optionNumber, optionText, wholeNumber } from "../input.ts";
import { facts, type Style, table } from "../layout.ts";

type JobView = MethodResult<"jobs.ls">["jobs"][number];
type JobState = JobView["state"];

const states = jobState.options;
export const jobKinds = jobKind.options;

const styles: { readonly [State in JobState]: Style } = {
  waiting: "dim",
  running: "yellow",
  done: "green",
  failed: "red",
  cancelled: "dim",
};

const mostJobs = Number.MAX_SAFE_INTEGER;

function jobNumber(input: CommandInput): number {
  return wholeNumber(argument(input, 0, "the number of the job"), "the number of the job", {
    least: 1,
    most: mostJobs,
  });
}

/** By the clock of the node's network. */
function ago(ms: number, time: ChainTime): string {
  return `${time.age(ms)} ago`;
}

/** How far it is, or what it waits for, or why it failed. */
function progressText(job: JobView): string {
  if (job.state === "running") return `${Math.round(job.progress * 100)} %`;
  if (job.state === "waiting" && job.notBeforeMs !== null) {
    return `tried again after a pause: ${job.failure?.code ?? ""}`;
  }
  return job.state === "failed" ? (job.failure?.message ?? "") : "";
}

async function jobsTable(jobs: readonly JobView[], context: CommandContext): Promise<string> {
  const time = await chainTime(context);
  return table(
    ["JOB", "KIND", "SECTOR", "STATE", "WORKER", "SINCE", "PROGRESS"],
    jobs.map((job) => [
      `${job.jobId}`,
      job.kind,
      job.sectorId === null ? "-" : `${job.sectorId}`,
      context.terminal.paint(styles[job.state], job.state),
      job.workerId ?? "-",
      ago(job.endedMs ?? job.startedMs ?? job.createdMs, time),
      progressText(job),
    ]),
  );
}

export const jobList = action({
  result: methods["jobs.ls"].result,
  async run({ node, signal }, input) {
    const wantedStates = optionList(input, "state").map((word) => oneOf(word, states, "--state"));
    const wantedKinds = optionList(input, "kind").map((word) => oneOf(word, jobKinds, "--kind"));
    const sectorId = optionNumber(input, "sector", { least: 0, most: mostJobs });
    const beforeId = optionNumber(input, "before", { least: 1, most: mostJobs });
    const params: MethodParams<"jobs.ls"> = {
      limit: optionNumber(input, "limit", { least: 1, most: 1000 }) ?? 50,
      ...(wantedStates.length === 0 ? {} : { states: wantedStates }),
      ...(wantedKinds.length === 0 ? {} : { kinds: wantedKinds }),
      ...(sectorId === undefined ? {} : { sectorId }),
      ...(beforeId === undefined ? {} : { beforeId }),
    };
    return (await node()).call("jobs.ls", params, signal);
  },
  async render({ jobs, more, counts }, context) {
    const last = jobs.at(-1);
    const count = (state: JobState) =>
      counts.filter((one) => one.state === state).reduce((sum, one) => sum + one.count, 0);
    const sums = states.map((state) => `${count(state)} ${state}`).join(", ");
    if (last === undefined) {
      context.terminal.hint("a miner's jobs begin with its first sector");
      return `no such job; of all jobs: ${sums}`;
    }
    if (more) context.terminal.hint(`there are older ones: --before ${last.jobId}`);
    return [await jobsTable(jobs, context), "", sums].join("\n");
  },
});

type EventView = MethodResult<"jobs.show">["events"][number];

/** Of a long life the beginning and the end. */
const [firstShown, lastShown] = [3, 12];

function historyOf(events: readonly EventView[], time: ChainTime): string[] {
  const lines = events.map((event) => eventText(event, time));
  const left = lines.length - firstShown - lastShown;
  if (left <= 1) return lines;
  return [...lines.slice(0, firstShown), `… ${left} more: --json has them all`, ...lines.slice(-lastShown)];
}

function eventText({ from, to, workerId, reason, atMs }: EventView, time: ChainTime): string {
  const way = from === null ? to : `${from} → ${to}`;
  const who = to === "running" && workerId !== null ? ` by ${workerId}` : "";
  return `${ago(atMs, time)}: ${way}${who}${reason === null ? "" : `, ${reason}`}`;
}

async function jobFacts(
  job: JobView,
  context: CommandContext,
  events: readonly EventView[] = [],
): Promise<string> {
  const { terminal } = context;
  const time = await chainTime(context);
  const { failure } = job;
  return facts([
    ["job", `${job.jobId}, ${job.kind}${job.sectorId === null ? "" : ` of sector ${job.sectorId}`}`],
    ["state", `${terminal.paint(styles[job.state], job.state)} ${progressText(job)}`.trim()],
    ["worker", job.workerId ?? "-"],
    ["claimed", `${plural(job.claims, "time")}, failed ${job.failures} of ${job.maxFailures}`],
    ["priority", `${job.priority}`],
    ["takes", `${plural(job.cpus, "thread")}, ${sizeText(job.memoryBytes)} of memory`],
    ...(failure === null
      ? []
      : [["failed with", [`${failure.code}: ${failure.message}`, failure.fix ?? ""]] as const]),
    ["key", job.key],
    ...(events.length === 0 ? [] : [["history", historyOf(events, time)] as const]),
  ]);
}

export const jobShow = action({
  result: methods["jobs.show"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("jobs.show", { jobId: jobNumber(input) }, signal),
  render: (job, context) => jobFacts(job, context, job.events),
});

export const jobRetry = action({
  result: methods["jobs.retry"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("jobs.retry", { jobId: jobNumber(input) }, signal),
  render: (job, context) => jobFacts(job, context),
});

export const jobPriority = action({
  result: methods["jobs.priority"].result,
  async run({ node, signal }, input) {
    const text = argument(input, 1, "the priority");
    if (!/^-?\d{1,6}$/.test(text)) {
      throw cliErrors.badValue({
        problem: `the priority is a whole number of up to six digits, not ${text}`,
      });
    }
    const jobId = jobNumber(input);
    return (await node()).call("jobs.priority", { jobId, priority: Number(text) }, signal);
  },
  render: (job, context) => jobFacts(job, context),
});

export const jobCancel = action({
  result: methods["jobs.cancel"].result,
  async run({ node, signal }, input) {
    const reason = optionText(input, "reason");
    const params = { jobId: jobNumber(input), ...(reason === undefined ? {} : { reason }) };
    return (await node()).call("jobs.cancel", params, signal);
  },
  render: (job, context) => jobFacts(job, context),
});

export const jobCordon = action({
  result: methods["jobs.cordon"].result,
  async run({ node, signal }, input) {
    const reason = optionText(input, "reason");
    const target = argument(input, 0, "what is to be cordoned");
    return (await node()).call(
      "jobs.cordon",
      { target, ...(reason === undefined ? {} : { reason }) },
      signal,
    );
  },
  render: ({ target }) => `${target} is cordoned; \`holdfast jobs uncordon ${target}\` ends that`,
});

export const jobUncordon = action({
  result: methods["jobs.uncordon"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("jobs.uncordon", { target: argument(input, 0, "what is cordoned") }, signal),
  render: ({ target, wasCordoned }) =>
    wasCordoned ? `${target} is free again` : `${target} was not cordoned`,
});

export const jobWorkers = action({
  result: methods["jobs.workers"].result,
  run: async ({ node, signal }) => (await node()).call("jobs.workers", {}, signal),
  async render({ workers, cordons }, context) {
    const time = await chainTime(context);
    const rows = workers.map((worker) => [
      worker.workerId,
      worker.place,
      worker.kinds.length === jobKinds.length ? "all" : worker.kinds.join(" "),
      `${worker.cpus}`,
      `${worker.running}`,
      ago(worker.seenMs, time),
    ]);
    const held = cordons.map(
      ({ target, reason }) => `cordoned: ${target}${reason === "" ? "" : ` (${reason})`}`,
    );
    return [table(["WORKER", "PLACE", "KINDS", "AT A TIME", "RUNNING", "SEEN"], rows), ...held].join("\n");
  },
});

const watched = z.union([methods["jobs.watch"].result, methods["sector.watch"].result]);

export const jobWatch = action({
  result: watched,
  async *run({ node, signal }, input) {
    const consumer = optionText(input, "as");
    const after = optionNumber(input, "after", { least: 0, most: mostJobs });
    const params = {
      ...(consumer === undefined ? {} : { consumer }),
      ...(after === undefined ? {} : { after }),
    };
    const api = await node();
    if (optionFlag(input, "sectors")) yield* api.stream("sector.watch", params, signal);
    else yield* api.stream("jobs.watch", params, signal);
  },
  render(event) {
    const what = "jobId" in event ? `job ${event.jobId} (${event.kind})` : `sector ${event.sectorId}`;
    const way = event.from === null ? event.to : `${event.from} → ${event.to}`;
    return `${event.cursor}  ${what}: ${way}${event.reason === null ? "" : `, ${event.reason}`}`;
  },
});
