/** "Why": the state of a job or a deal in a sentence, what led there, and what to do. */
import { filText } from "@holdfast/base";
import { chainViewOf, endText } from "../chain-view.ts";
import { triesOthers } from "../errors.ts";
import { channelOn } from "../facts.ts";
import { deadlineAt, dutyOf, dutyText } from "../machine/duties.ts";
import type { Explanation } from "../types.ts";
import { healthOfAttempt, isHolder } from "./attempt-health.ts";
import { auditText, repairFix, unservedText } from "./audit.ts";
import { type ClientContext, jobById, jobIdOf } from "./context.ts";
import { notesOf } from "./keep-views.ts";
import { limitOf } from "./placement.ts";
import type { Attempt, JobRow } from "./store.ts";
import { dealOf } from "./views.ts";

/** Of the copies that others have taken the place of, the newest. */
const namedReplaced = 1;

export function explainJob(context: ClientContext, job: JobRow): Explanation {
  const attempts = context.store.attemptsOf(job.id);
  const causes = causesOf(context, attempts);
  const subject = jobIdOf(job.id);
  const common = { subject, kind: "put", state: job.state, causes } as const;
  const name = job.name ?? job.cid;
  causes.push(...policyOf(context, job));
  if (job.state === "done")
    return { ...common, ...keptStanding(context, job, standingOf(context, job, attempts)) };
  if (job.state === "failed") {
    const summary = `${name} was not stored in ${job.copies} copies: ${job.error?.message ?? ""}`;
    return { ...common, light: "failing", summary, fix: job.error?.fix ?? null };
  }
  const done = attempts.filter(({ stage }) => stage === "done").length;
  const summary = `${name} is being stored: ${done} of ${job.copies} copies are done`;
  return { ...common, light: "waiting", summary, fix: null };
}

type Standing = Pick<Explanation, "light" | "summary" | "fix">;

/** What is done for it beyond its deals, if that is wanted. */
function policyOf(context: ClientContext, job: JobRow): string[] {
  if (!job.renew && !job.repair) return [];
  const limit = limitOf(context, job);
  const what = [job.renew ? "renewed" : "", job.repair ? "repaired" : ""].filter((word) => word !== "");
  const price = limit === null ? "" : `, for at most ${filText(limit)} FIL a term in all`;
  return [`it is ${what.join(" and ")} by itself while this node runs${price}`];
}

/** What is being done for it, or stands in the way of that, if it is kept beyond its deals. */
function keptStanding(context: ClientContext, job: JobRow, standing: Standing): Standing {
  if (!job.renew && !job.repair) return standing;
  const notes = notesOf(context, job);
  const stuck = notes.find(({ state }) => state === "stuck");
  const name = job.name ?? job.cid;
  if (stuck !== undefined) {
    const summary = `${name} cannot be kept as it should be now: ${stuck.detail}; it is tried again`;
    return { light: "failing", summary, fix: stuck.fix };
  }
  const doing = notes.find(({ state }) => state === "repairing" || state === "renewing");
  if (doing === undefined) return standing;
  return { light: "waiting", summary: `${standing.summary}; ${doing.detail}`, fix: null };
}

/** What is left of a put that came to its end, as the chain has it now. */
function standingOf(context: ClientContext, job: JobRow, attempts: readonly Attempt[]): Standing {
  const name = job.name ?? job.cid;
  const holders = attempts.filter(({ retired }) => retired === null);
  const lights = holders.flatMap((attempt) => healthOfAttempt(context, attempt)?.light ?? []);
  const over = lights.filter((light) => light === "over").length;
  const kept = lights.filter((light) => light === "ok" || light === "at-risk").length;
  if (kept >= job.copies) {
    const light = lights.includes("at-risk") ? "failing" : "ok";
    return { light, summary: `${name} is stored in ${job.copies} copies`, fix: null };
  }
  const ended = over === 0 ? "" : `; ${over === 1 ? "one deal has" : `${over} deals have`} ended`;
  const summary = `${name} is stored in ${kept} of ${job.copies} copies${ended}`;
  const light = kept + over >= job.copies ? "ok" : "failing";
  return { light, summary, fix: "to have more copies, store it again: `holdfast put FILE`" };
}

export function explainDeal(context: ClientContext, attempt: Attempt): Explanation {
  const { state, dealId } = dealOf(context, attempt);
  const health = healthOfAttempt(context, attempt);
  const causes = context.store.history(attempt.id).map((entry) => `${entry.state}: ${entry.detail}`);
  const { payer } = jobById(context, attempt.jobId);
  const ended = endText(context.needs.chain, { ...attempt, payer });
  if (ended !== undefined) causes.push(ended);
  const onChain = chainViewOf(context.needs.chain, { ...attempt, payer });
  const audited = attempt.stage === "done" ? auditText(context, attempt) : undefined;
  if (audited !== undefined) causes.push(audited);
  const isWound = attempt.refunded !== null && attempt.escrow !== "in";
  if (!isWound) causes.push(nextStep(context, attempt, onChain?.status));
  const refund = moneyOf(context, attempt);
  const common = {
    subject: dealId,
    kind: "deal",
    state,
    causes: refund === "" ? causes : [...causes, refund],
  } as const;
  if (attempt.error !== null) {
    return { ...common, light: "failing", summary: attempt.error.message, fix: fixOf(context, attempt) };
  }
  const isBad = onChain !== null && ["lost", "late", "broken"].includes(onChain.status);
  if (isBad && ended !== undefined) {
    return { ...common, light: "failing", summary: ended, fix: "store the file again: `holdfast put FILE`" };
  }
  if (onChain?.status === "released" && ended !== undefined)
    return { ...common, light: "ok", summary: ended, fix: null };
  if (health?.light === "lost" || health?.light === "at-risk") {
    const fix = health.light === "lost" ? "store the file again: `holdfast put FILE`" : null;
    return { ...common, light: "failing", summary: health.reason, fix };
  }
  const unserved = health?.light === "ok" ? unservedText(context, attempt) : undefined;
  if (unserved !== undefined)
    return { ...common, light: "failing", summary: unserved, fix: repairFix(attempt.jobId) };
  const isOver = health !== undefined;
  return { ...common, light: isOver ? "ok" : "waiting", summary: attempt.detail, fix: null };
}

/** That others are tried is true of a job that goes on; of one that is over, what came of it. */
function fixOf(context: ClientContext, { jobId, error }: Attempt): string | null {
  const { id, state } = jobById(context, jobId);
  const fix = error?.fix ?? null;
  if (fix?.startsWith(triesOthers) !== true) return fix;
  const why = `\`holdfast why ${jobIdOf(id)}\``;
  if (state === "running") return `${fix}: ${why}`;
  if (state === "done") return `nothing to do: others have the file, see ${why}`;
  return `see what each miner said, ${why}, then run the same \`holdfast put\` again; the money comes back by itself`;
}

/** Who has to act now, until when, and what becomes of the money if nobody does. */
function nextStep(
  { needs, store }: ClientContext,
  attempt: Attempt,
  status: Parameters<typeof dutyOf>[1],
): string {
  const { channel, startBy, endHeight } = attempt;
  const payer = store.job(attempt.jobId)?.payer ?? needs.signer.payer();
  const eol = channel === null ? undefined : channelOn(needs.chain, payer, channel)?.eol;
  const duty = dutyOf({ client: attempt.stage }, status);
  return dutyText(duty, deadlineAt(duty, { startBy, endHeight, eol }));
}

/** Copies that were replaced long ago, and whose money is where it belongs, are counted. */
function causesOf(context: ClientContext, attempts: readonly Attempt[]): string[] {
  const settled = attempts.filter((one) => one.retired !== null && moneyOf(context, one) === "");
  const folded = new Set(settled.slice(0, Math.max(0, settled.length - namedReplaced)));
  const named = attempts.filter((one) => !folded.has(one)).map((one) => causeOf(context, one));
  if (folded.size === 0) return named;
  const many = folded.size === 1 ? "one earlier copy that was" : `${folded.size} earlier copies that were`;
  return [...named, `and ${many} replaced`];
}

function causeOf(context: ClientContext, attempt: Attempt): string {
  const { miner, error, stage, retired } = attempt;
  const { state, detail: standing } = dealOf(context, attempt);
  const detail = retired === null ? standing : attempt.detail; // that says why it was replaced
  const money = moneyOf(context, attempt);
  const audited = stage === "done" && isHolder(attempt) ? auditText(context, attempt) : undefined;
  const text = `${nameOf(attempt)} at ${miner}: ${state}, ${error?.message ?? detail}`;
  return [text, ...(audited === undefined ? [] : [audited]), ...(money === "" ? [] : [money])].join("; ");
}

/** One of them is the copy; the others were, or were tried. */
function nameOf({ copy, retired, stage }: Attempt): string {
  const name = `copy ${copy + 1}`;
  if (retired !== null) return `${name}, until it was replaced at ${retired},`;
  return stage === "abandoned" ? `${name}, tried` : name;
}

/** Where the money of a given-up attempt is. */
function moneyOf({ needs }: ClientContext, attempt: Attempt): string {
  const { channel, stage, refunded, total, cancelTry } = attempt;
  if (stage !== "abandoned") return "";
  if (channel === null) return "nothing was paid";
  if (refunded !== null) return `${filText(refunded)} FIL came back`;
  const delay = needs.chain.params.channelCancelDelayEpochs;
  const when = cancelTry > 0 ? `within ${delay} epochs of its cancellation` : "when the channel is cancelled";
  return `${filText(total)} FIL in channel ${channel} come back by themselves ${when}`;
}
