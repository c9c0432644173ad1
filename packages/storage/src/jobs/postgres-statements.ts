/**
 * What is done most often, each as one statement and so one round trip: its parts (WITH) see the same moment and are
 * committed together. `NOW` stands for the server's clock, of which there is one for all workers.
 */

import type { SqlValue } from "../db/index.ts";
import { longest } from "./clock-jumps.ts";
import type { ClaimRequest } from "./types.ts";

/** Milliseconds since 1970 by the server's clock. */
export const serverClock = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const told = (from: string, reason: string) => `told AS (
    INSERT INTO job_events (job_id, kind, sector_id, from_state, to_state, worker_id, reason, at_ms)
    SELECT job_id, kind, sector_id, ${from}, state, worker_id, ${reason}, NOW FROM moved)`;

const claimable = `state = 'waiting' AND not_before_ms NOT BETWEEN NOW + 1 AND NOW + ${longest.pauseMs}
  AND cpus <= ?::float8 AND memory_bytes <= ?::bigint
  AND kind = ANY (string_to_array(?, ' ')) AND (for_worker IS NULL OR for_worker = ?)
  AND (volumes = '[]' OR coalesce(volumes::jsonb <@ ?::jsonb, true))
  AND NOT EXISTS (SELECT 1 FROM job_cordons
    WHERE target IN ('all', 'kind:' || jobs.kind, 'worker:' || ?))`;
const order = "ORDER BY urgency, due_ms, backward_priority, job_id";

export const statements = {
  /** key, kind, urgency, sector, input, backward priority, due, cpus, memory, failures, worker, volumes. */
  enqueue: `WITH moved AS (
      INSERT INTO jobs (key, kind, urgency, sector_id, state, input, backward_priority, due_ms, cpus,
        memory_bytes, max_failures, for_worker, volumes, not_before_ms, created_ms)
      VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, 0, NOW)
      ON CONFLICT (key) DO NOTHING RETURNING *),
    ${told("NULL", "NULL")}
    SELECT * FROM moved`,
  /**
   * cpus, memory, kinds, worker, reach or null, worker; is alert, most; worker, lease; cpus, memory. At least one row:
   * the jobs, if any, and how many others the dead have left.
   */
  claim: `WITH dead AS (SELECT 1 FROM jobs WHERE state = 'running' AND
      lease_until_ms NOT BETWEEN NOW AND NOW + ${longest.leaseMs} LIMIT 1),
    found AS MATERIALIZED (
      SELECT job_id, urgency, due_ms, backward_priority, cpus, memory_bytes FROM jobs
      WHERE ${claimable} AND (? = 0 OR NOT EXISTS (SELECT 1 FROM dead))
      ${order} LIMIT ? FOR UPDATE OF jobs SKIP LOCKED),
    together AS (SELECT job_id, sum(cpus) OVER before AS cpus, sum(memory_bytes) OVER before AS memory_bytes
      FROM found WINDOW before AS (${order})),
    moved AS (
      UPDATE jobs SET state = 'running', token = token + 1, worker_id = ?,
        lease_until_ms = NOW + ?, started_ms = NOW, ended_ms = NULL
      FROM together WHERE jobs.job_id = together.job_id
        AND together.cpus <= ?::float8 AND together.memory_bytes <= ?::bigint RETURNING jobs.*),
    ${told("'waiting'", "NULL")}
    SELECT moved.*, (SELECT count(*) FROM dead) AS dead_count
    FROM (VALUES (1)) one LEFT JOIN moved ON true ${order}`,
  peek: `SELECT * FROM jobs WHERE ${claimable} ${order} LIMIT 1`,
  /** lease, progress; job, token. */
  heartbeat: `WITH moved AS (
      UPDATE jobs SET lease_until_ms = NOW + ?, progress = ?
      WHERE job_id = ? AND state = 'running' AND token = ? RETURNING job_id)
    SELECT job_id FROM moved`,
  /** Job, token and output of each, as JSON: a text has no end of its own within an array. */
  done: `WITH said AS (SELECT * FROM json_to_recordset(?::json) AS said (job_id bigint, token bigint, output text)),
    moved AS (
      UPDATE jobs SET state = 'done', output = said.output, progress = 1, lease_until_ms = NULL, ended_ms = NOW
      FROM said WHERE jobs.job_id = said.job_id AND state = 'running' AND jobs.token = said.token
      RETURNING jobs.*),
    ${told("'running'", "NULL")}
    SELECT job_id FROM moved`,
} as const;

export type StatementName = keyof typeof statements;

/** The statements with a clock. */
export function withClock(clock: string): Readonly<Record<StatementName | "now", string>> {
  const made = Object.entries(statements).map(([name, text]) => [name, text.replaceAll("NOW", clock)]);
  return { ...(Object.fromEntries(made) as Record<StatementName, string>), now: `SELECT ${clock} AS now` };
}

/** What a claim and a look say, in the order of their statements. */
export function wantedOf({ workerId, kinds, free, reach }: Omit<ClaimRequest, "leaseMs">): SqlValue[] {
  const reached = reach === undefined ? null : JSON.stringify(reach);
  return [free.cpus, free.memoryBytes, kinds.join(" "), workerId, reached, workerId];
}
