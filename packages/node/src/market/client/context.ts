/** What the parts of the client's half share: the needs, the jobs on disk, and who watches them. */
import { type Address, assert, HoldfastError } from "@holdfast/base";
import { leadsTo } from "../machine/client.ts";
import type { ClientMarketNeeds } from "../needs.ts";
import type { Missing, Tasks } from "../tasks.ts";
import type { ErrorText, Keeping } from "../types.ts";
import type { AuditStore } from "./audit-store.ts";
import type { ChangeStore } from "./change-store.ts";
import type { Attempt, AttemptPatch, ClientStore, JobRow } from "./store.ts";

export interface ClientContext {
  readonly needs: ClientMarketNeeds;
  readonly store: ClientStore;
  readonly changes: ChangeStore;
  readonly audits: AuditStore;
  readonly tasks: Tasks;
  /** Sizes of sectors (padded bytes) that miners told in this run of the node. */
  readonly sectorBytes: Map<Address, number>;
  /** Bytes of the stream that a miner has fetched in this run of the node, by attempt. */
  readonly served: Map<number, number>;
  /** Channels that the chain does not have, by attempt. */
  readonly goneChannels: Missing<number>;
  /** What was last seen of the copies that are kept, by `placeName`, in this run of the node. */
  readonly keepNotes: Map<string, KeepNote>;
  /** Tells the watchers of a job. */
  changed(jobId: number): void;
}

export interface KeepNote {
  readonly state: Keeping["state"];
  readonly detail: string;
  /** What helps, if something does. */
  readonly fix: string | null;
}

/** Of one copy's place in a job. */
export function placeName(jobId: number, copy: number): string {
  return `${jobId}/${copy}`;
}

export function jobIdOf(id: number): string {
  return `put-${id}`;
}
/** Undefined if the text is no job id. */
export function jobNumber(jobId: string): number | undefined {
  const digits = /^put-(\d{1,15})$/.exec(jobId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function attemptById({ store }: ClientContext, id: number): Attempt {
  const attempt = store.attempt(id);
  assert(attempt !== undefined, "an attempt is never deleted");
  return attempt;
}
export function jobById({ store }: ClientContext, id: number): JobRow {
  const job = store.job(id);
  assert(job !== undefined, "a job is never deleted");
  return job;
}

/** Writes down a step of an attempt, with a line of history, before anything else happens. */
export function move(context: ClientContext, attempt: Attempt, patch: AttemptPatch, detail: string): void {
  const { needs, store } = context;
  const { stage = attempt.stage } = patch;
  assert(leadsTo(attempt.stage, stage), `an attempt goes from ${attempt.stage} to ${stage}`);
  const state = patch.stage ?? patch.remote ?? attempt.stage;
  const entry = { atMs: needs.clock.nowMs(), state, detail };
  store.updateAttempt(attempt.id, { ...patch, detail }, entry);
  context.changed(attempt.jobId);
}

/** A word on where the current step is; told once, and no history. */
export function note(context: ClientContext, attempt: Attempt, detail: string): void {
  if (attemptById(context, attempt.id).detail === detail) return;
  context.store.updateAttempt(attempt.id, { detail });
  context.changed(attempt.jobId);
}

export function errorText(error: unknown): ErrorText {
  if (error instanceof HoldfastError) {
    const { code, message, fix } = error;
    return { code, message, fix };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, fix: "see the node's log; this is a bug" };
}
