/** How stored files are kept, as people see it: the policy, and where it stands, from the chain and the last look. */
import { epoch, filText } from "@holdfast/base";
import type { Deal, Keeping } from "../types.ts";
import { healthOfAttempt, isHolder } from "./attempt-health.ts";
import { type ClientContext, type KeepNote, placeName } from "./context.ts";
import { limitOf } from "./placement.ts";
import type { Attempt, JobRow } from "./store.ts";

/** What speaks for all copies: the worst of them. */
const worst: readonly Keeping["state"][] = ["stuck", "repairing", "renewing", "ended"];

/** Of each place, in the order of copies; none before the first look. */
export function notesOf({ keepNotes }: ClientContext, job: JobRow): KeepNote[] {
  const places = Array.from({ length: job.copies }, (_none, copy) => placeName(job.id, copy));
  return places.flatMap((place) => keepNotes.get(place) ?? []);
}

export function keepViewOf(context: ClientContext, job: JobRow): Keeping {
  const { spread, renew, repair } = job;
  const limit = limitOf(context, job);
  const notes = notesOf(context, job);
  const state = stateOf(job, notes);
  const telling = notes.filter((note) => note.state === state && note.detail !== "");
  const holders = context.store.attemptsOf(job.id).filter(isHolder);
  const ends = holders.flatMap((attempt) => {
    const light = healthOfAttempt(context, attempt)?.light;
    return (light === "ok" || light === "at-risk") && attempt.endHeight !== null ? [attempt.endHeight] : [];
  });
  return {
    spread,
    renew,
    repair,
    limitFil: limit === null ? null : filText(limit),
    state,
    detail: [...new Set(telling.map(({ detail }) => detail))].join("; "),
    copiesKept: ends.length,
    untilHeight: ends.length === 0 ? null : Math.min(...ends),
    audits: holders.flatMap((attempt) => auditView(context, attempt)),
  };
}

function auditView({ audits }: ClientContext, { id, copy, miner }: Attempt): Keeping["audits"] {
  const audit = audits.of(id);
  if (audit === undefined) return [];
  const { height, servedHeight, misses, detail } = audit;
  const served = servedHeight === null ? null : epoch(servedHeight);
  return [{ copy, miner, askedHeight: epoch(height), servedHeight: served, misses, detail }];
}

function stateOf({ renew, repair, state }: JobRow, notes: readonly KeepNote[]): Keeping["state"] {
  if (!renew && !repair) return "off";
  if (state !== "done") return state === "running" ? "waiting" : "off";
  return worst.find((known) => notes.some((note) => note.state === known)) ?? "kept";
}

/** Of one deal. */
export function keepingOf({ renew, repair, state }: JobRow, { retired, stage }: Attempt): Deal["keeping"] {
  if (retired !== null) return "replaced";
  if (state !== "done" || stage !== "done") return "none";
  if (renew && repair) return "renew-and-repair";
  if (renew) return "renew";
  return repair ? "repair" : "none";
}
