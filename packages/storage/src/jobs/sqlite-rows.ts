/** Rows of SQLite as the port's types. A value of the wrong kind cannot come out of a STRICT table. */
import { assert } from "@holdfast/base";
import type { VolumePlace, VolumeSpec } from "../volumes/index.ts";
import { neverMs } from "./sqlite-schema.ts";
import {
  type CordonTarget,
  type Job,
  type JobEvent,
  type JobKind,
  type JobState,
  jobKinds,
  jobStates,
  type KnownWorker,
} from "./types.ts";

/** As an engine gives it: each column is looked at. */
export type Row = Readonly<Record<string, unknown>>;

export function jobOf(row: Row): Job {
  const dueMs = number(row, "due_ms");
  return {
    jobId: number(row, "job_id"),
    key: text(row, "key"),
    kind: kindOf(text(row, "kind")),
    sectorId: orNull(row, "sector_id", number),
    state: stateOf(text(row, "state")),
    input: text(row, "input"),
    output: orNull(row, "output", text),
    priority: 0 - number(row, "backward_priority"),
    dueMs: dueMs === neverMs ? null : dueMs,
    resources: { cpus: number(row, "cpus"), memoryBytes: number(row, "memory_bytes") },
    token: number(row, "token"),
    failures: number(row, "failures"),
    maxFailures: number(row, "max_failures"),
    notBeforeMs: number(row, "not_before_ms"),
    progress: number(row, "progress"),
    forWorker: orNull(row, "for_worker", text),
    volumes: JSON.parse(text(row, "volumes")) as string[],
    workerId: orNull(row, "worker_id", text),
    leaseUntilMs: orNull(row, "lease_until_ms", number),
    failure:
      row.failure_code === null
        ? null
        : {
            code: text(row, "failure_code"),
            message: text(row, "failure_message"),
            detail: text(row, "failure_detail"),
          },
    createdMs: number(row, "created_ms"),
    startedMs: orNull(row, "started_ms", number),
    endedMs: orNull(row, "ended_ms", number),
  };
}

export function eventOf(row: Row): JobEvent {
  return {
    cursor: number(row, "cursor"),
    jobId: number(row, "job_id"),
    kind: kindOf(text(row, "kind")),
    sectorId: orNull(row, "sector_id", number),
    from: row.from_state === null ? null : stateOf(text(row, "from_state")),
    to: stateOf(text(row, "to_state")),
    workerId: orNull(row, "worker_id", text),
    reason: orNull(row, "reason", text),
    atMs: number(row, "at_ms"),
  };
}

export function workerOf(row: Row): KnownWorker {
  return {
    workerId: text(row, "worker_id"),
    place: text(row, "place"),
    kinds: text(row, "kinds")
      .split(" ")
      .filter((kind) => kind !== "")
      .map(kindOf),
    capacity: { cpus: number(row, "cpus"), memoryBytes: number(row, "memory_bytes") },
    seenMs: number(row, "seen_ms"),
    runningCount: number(row, "running_count"),
  };
}

/** What `shareVolumes` has written. */
export function volumeOf(row: Row): VolumeSpec {
  const place = JSON.parse(text(row, "place")) as VolumePlace;
  return { volumeId: number(row, "volume_id"), marker: text(row, "marker"), place };
}

export function kindOf(found: string): JobKind {
  const kind = jobKinds.find((known) => known === found);
  assert(kind !== undefined, `${found} is a kind of job`);
  return kind;
}
function stateOf(found: string): JobState {
  const state = jobStates.find((known) => known === found);
  assert(state !== undefined, `${found} is a state of jobs`);
  return state;
}
export function targetOf(found: string): CordonTarget {
  if (found === "all" || found.startsWith("worker:")) return found as CordonTarget;
  return `kind:${kindOf(found.slice("kind:".length))}`;
}

export function number(row: Row, name: string): number {
  const value = row[name];
  assert(typeof value === "number", `column ${name} is a number`);
  return value;
}
export function text(row: Row, name: string): string {
  const value = row[name];
  assert(typeof value === "string", `column ${name} is a text`);
  return value;
}
function orNull<T>(row: Row, name: string, read: (row: Row, name: string) => T): T | null {
  return row[name] === null ? null : read(row, name);
}
