/** The files of this node as the chain has them now: not what was once promised, but what is proven. */
import { marketErrors } from "../errors.ts";
import type { StoredFile } from "../types.ts";
import { healthOfAttempt } from "./attempt-health.ts";
import type { ClientContext } from "./context.ts";
import type { Attempt, JobRow } from "./store.ts";

/** One entry for each file, that of its newest job first. */
export function filesOf(
  context: ClientContext,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): StoredFile[] {
  const [last] = after === undefined ? [] : context.store.jobsOf(after);
  if (after !== undefined && last === undefined) throw marketErrors.unknownFile({ cid: after });
  return context.store
    .newestJobs({ before: last?.id, limit })
    .map((newest) => fileOf(context, newest, context.store.jobsOf(newest.cid)));
}

/** See `ClientMarket`. */
export function worthOf(context: ClientContext, cid: string): "needed" | "stored" | "unknown" {
  const jobs = context.store.jobsOf(cid);
  const attempts = jobs.flatMap(({ id }) => context.store.attemptsOf(id));
  const isOnTheWay = attempts.some(({ stage }) => stage !== "done" && stage !== "abandoned");
  if (isOnTheWay || jobs.some(({ state }) => state === "running")) return "needed";
  const [newest] = jobs;
  return newest !== undefined && fileOf(context, newest, jobs).state === "stored" ? "stored" : "unknown";
}

interface Copies {
  readonly active: number;
  readonly over: number;
  readonly problems: readonly string[];
  /** Copies that are at risk, but not gone. */
  readonly risky: number;
  readonly until: number | null;
}

function countCopies(context: ClientContext, attempts: readonly Attempt[]): Copies {
  const problems: string[] = [];
  let active = 0;
  let over = 0;
  let risky = 0;
  let until: number | null = null;
  for (const attempt of attempts) {
    const health = healthOfAttempt(context, attempt);
    if (health === undefined) continue;
    if (health.light === "over") over += 1;
    if (health.light === "at-risk") risky += 1;
    if (health.light === "at-risk" || health.light === "lost") problems.push(health.reason);
    if (health.light === "ok") active += 1;
    if (health.light === "ok" || health.light === "at-risk")
      until = Math.max(until ?? 0, attempt.endHeight ?? 0);
  }
  return { active, over, problems, risky, until };
}

function fileOf(context: ClientContext, newest: JobRow, jobs: readonly JobRow[]): StoredFile {
  const counted = countCopies(
    context,
    jobs.flatMap(({ id }) => context.store.attemptsOf(id)),
  );
  const isRunning = jobs.some(({ state }) => state === "running");
  // A later put of the same file adds copies; one that failed promises none where another did not.
  const kept = jobs.filter(({ state }) => state !== "failed");
  const wanted = Math.max(...(kept.length === 0 ? [newest] : kept).map(({ copies }) => copies));
  return {
    cid: newest.cid,
    name: newest.name,
    sizeBytes: newest.sizeBytes,
    copies: wanted,
    encrypted: newest.encrypted,
    activeCopies: counted.active,
    ...verdict(counted, wanted, isRunning, newest),
    storedUntilHeight: counted.until,
  };
}

/** Where the copies are that nobody failed to make. */
function missing(over: number): string {
  if (over === 0) return "the others were given up";
  return over === 1 ? "the deal of another has ended" : `the deals of ${over} others have ended`;
}

function verdict(
  { active, over, problems, risky }: Copies,
  wanted: number,
  isRunning: boolean,
  newest: JobRow,
): Pick<StoredFile, "state" | "reason"> {
  const trouble = problems.join("; ");
  if (active >= wanted) return { state: "stored", reason: trouble };
  if (isRunning) return { state: "storing", reason: trouble };
  if (active + risky > 0) {
    return {
      state: "at-risk",
      reason: trouble || `${active} of ${wanted} copies: ${newest.error?.message ?? missing(over)}`,
    };
  }
  if (over === 0 && problems.length === 0 && newest.state === "failed")
    return { state: "failed", reason: newest.error?.message ?? "" };
  if (over > 0 && problems.length === 0) return { state: "expired", reason: "its deals are over" };
  return { state: "lost", reason: trouble || `no copy was stored: ${newest.error?.message ?? ""}` };
}
