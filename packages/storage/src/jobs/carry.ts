/**
 * Taking all jobs of one queue to another, of either engine, while the node and its workers use them. The queue that is
 * left is closed first: whoever changes it is refused with storage/queue-moved and nothing has happened; readers go
 * on. Then its rows are written to the other one in one transaction, which nobody sees before its end; the other one
 * is closed too until the old one is marked as left. Numbers of jobs, tokens and cursors stay what they were, so a
 * lease holds over the move, and consumers of events go on where they were.
 * Invariant: at any time at most one of the two takes changes, also where it is not known whether a step has
 * happened; until the old one is left, a move that fails leaves it as it was.
 */
import { randomInt } from "node:crypto";
import type { Row, Sql, SqlValue } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import { number } from "./sqlite-rows.ts";
import { type JobQueue, jobLimits } from "./types.ts";

/** Whether a queue takes changes. `moving` ends with the move, or its node's next start; `moved` with a move back. */
export type Standing = "open" | "moving" | "moved";

/** Numbers that were given last; none is given twice, also after a move. */
export interface Numbers {
  readonly jobId: number;
  readonly cursor: number;
}

/** What a move needs of an engine. */
export interface Carrier {
  /** The path or the URL without its password: for people. */
  readonly place: string;
  all(text: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  nowMs(): Promise<number>;
  /** Gives each event its cursor first. */
  numbers(): Promise<Numbers>;
  /** From now on, in every process, changes are refused; those under way are waited for. */
  close(): Promise<void>;
  reopen(): Promise<void>;
  /** Of a closed one: its jobs are elsewhere for good. */
  leave(): Promise<void>;
  /** In one transaction: forgets all that it has and takes what `fill` writes. It is then closed, as by `close`. */
  replace(numbers: Numbers, fill: (sql: Sql) => Promise<void>): Promise<void>;
}

/** A queue whose jobs can be taken to another one. */
export interface MovableQueue extends JobQueue {
  readonly carrier: Carrier;
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** A number by which it is read in pages; small tables are read at once. */
  readonly key?: string;
  /** Columns that may be long: of those a page has few. */
  readonly long?: readonly string[];
}

/** Workers are not among them: those who come to the other queue say so there. */
export const carriedTables: readonly Table[] = [
  {
    name: "jobs",
    key: "job_id",
    long: ["input", "output", "volumes", "failure_detail"],
    columns: [
      ...["job_id", "key", "kind", "urgency", "sector_id", "state", "input", "output", "backward_priority"],
      ...["due_ms", "cpus", "memory_bytes", "token", "failures", "max_failures", "not_before_ms", "progress"],
      ...["worker_id", "lease_until_ms", "failure_code", "failure_message", "failure_detail", "created_ms"],
      ...["started_ms", "ended_ms", "for_worker", "volumes"],
    ],
  },
  {
    name: "job_events",
    key: "cursor",
    columns: [
      ...["cursor", "job_id", "kind", "sector_id", "from_state", "to_state", "worker_id", "reason", "at_ms"],
    ],
  },
  { name: "job_cursors", columns: ["consumer", "cursor"] },
  { name: "job_cordons", columns: ["target", "reason", "since_ms"] },
  { name: "job_volumes", columns: ["owner", "volume_id", "marker", "place"] },
];

/** Tables whose every change is refused by a closed queue. A transaction that locks two locks them in this order. */
export const closedTables = ["job_workers", "jobs", "job_cursors", "job_cordons", "job_volumes"] as const;

/** What a closed queue's engine says, by which its refusals are known from other failures. */
export const closedWord = "holdfast: this queue is closed";

/** Rows in memory, and the bytes of their long columns where they are not a single row's. */
const page = { rowCount: 50, longBytes: 4 * 2 ** 20 } as const;

/**
 * Throws storage/same-database: both are one, nothing has happened; storage/queue-moved: the jobs of `from` are in a
 * third; what the engines throw. Said again after any failure it goes on where it was.
 */
export async function carryJobs(
  { carrier: from }: MovableQueue,
  { carrier: to }: MovableQueue,
): Promise<void> {
  if (await isSame(from, to)) throw storageErrors.sameDatabase({ dbPath: to.place });
  if ((await standingOf(from)) === "moved") {
    // All but the last step has happened: what is there now may be newer than what was left.
    if ((await queueIdOf(from)) !== (await queueIdOf(to)))
      throw storageErrors.queueMoved({ place: from.place });
    return await arrive(to);
  }
  await from.close();
  try {
    const id = await queueIdOf(from);
    const nowMs = await to.nowMs();
    const aheadMs = nowMs - (await from.nowMs());
    await to.replace(await from.numbers(), async (sql) => {
      for (const table of carriedTables) {
        for await (const rows of pagesOf(from, table)) {
          await insert(
            sql,
            table,
            rows.map((row) => (table.name === "jobs" ? inTime(row, nowMs, aheadMs) : row)),
          );
        }
      }
      await sql.run("UPDATE job_meta SET value = ? WHERE name = 'queue_id'", id);
    });
  } catch (error) {
    await from.reopen().catch(() => undefined); // what failed is told; whoever finds it closed tries this again
    throw error;
  }
  try {
    await from.leave();
  } catch (error) {
    if ((await standingOf(from)) !== "moved") throw error;
  }
  await arrive(to);
}

/** Opens the queue that has the jobs, unless that has happened and it is in use, or was left for a third. */
async function arrive(to: Carrier): Promise<void> {
  if ((await standingOf(to)) === "moving") await to.reopen();
}

/** Whatever they are called: what is written to the one is seen in the other. */
async function isSame(from: Carrier, to: Carrier): Promise<boolean> {
  const sign = `sign-${randomInt(2 ** 47)}`;
  await to.all("INSERT INTO job_meta (name, value) VALUES (?, 1) RETURNING name", sign);
  const seen = await from.all("SELECT name FROM job_meta WHERE name = ?", sign);
  await to.all("DELETE FROM job_meta WHERE name = ? RETURNING name", sign);
  return seen.length > 0;
}

export async function standingOf(carrier: Carrier): Promise<Standing> {
  const [row] = await carrier.all("SELECT value FROM job_meta WHERE name = 'standing'");
  if (row === undefined) return "open";
  return number(row, "value") === standings.moved ? "moved" : "moving";
}
/** As the table of numbers has it; nothing while the queue is open. */
export const standings = { moving: 1, moved: 2 } as const;

/** By this number a queue and what became of it elsewhere know each other. */
export async function queueIdOf(carrier: Carrier): Promise<number> {
  const [row] = await carrier.all("SELECT value FROM job_meta WHERE name = 'queue_id'");
  return number(row ?? {}, "value");
}

async function* pagesOf(
  from: Carrier,
  { name, columns, key, long = [] }: Table,
): AsyncGenerator<Row[], void, undefined> {
  const all = `SELECT ${columns.join(", ")} FROM ${name}`;
  if (key === undefined) return yield await from.all(all);
  const bytes = ["0", ...long.map((column) => `coalesce(octet_length(${column}), 0)`)].join(" + ");
  const next = `SELECT ${key}, ${bytes} AS bytes FROM ${name} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`;
  let after = 0;
  for (;;) {
    const last = lastOfPage(await from.all(next, after, page.rowCount), key);
    if (last === undefined) return;
    yield await from.all(`${all} WHERE ${key} > ? AND ${key} <= ? ORDER BY ${key}`, after, last);
    after = last;
  }
}

/** How far a page goes: a row at least. */
function lastOfPage(rows: readonly Row[], key: string): number | undefined {
  let last: number | undefined;
  let bytes = 0;
  for (const row of rows) {
    bytes += number(row, "bytes");
    if (last !== undefined && bytes > page.longBytes) break;
    last = number(row, key);
  }
  return last;
}

async function insert(sql: Sql, { name, columns }: Table, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const marks = `(${columns.map(() => "?").join(", ")})`;
  await sql.run(
    `INSERT INTO ${name} (${columns.join(", ")}) VALUES ${rows.map(() => marks).join(", ")}`,
    ...rows.flatMap((row) => columns.map((column) => row[column] ?? null)),
  );
}

/** Each engine has a clock of its own; who works gets the time to find the other queue. */
function inTime(row: Row, nowMs: number, aheadMs: number): Row {
  const notBeforeMs = number(row, "not_before_ms");
  return {
    ...row,
    not_before_ms: notBeforeMs === 0 ? 0 : Math.max(0, notBeforeMs + aheadMs),
    lease_until_ms: row.lease_until_ms === null ? null : nowMs + jobLimits.longestLeaseMs,
  };
}
