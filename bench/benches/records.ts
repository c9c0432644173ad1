/**
 * The records of a miner: jobs claimed and done in a second by one and by eight workers, each alone and fifty at a
 * time, pages of many sectors and the memory of a process that goes through all of them, on both engines; with
 * `--peers` other queues on PostgreSQL do as many jobs in the same run. Pages of many deals, and what a head costs a
 * miner that has them.
 * PostgreSQL takes part where it runs: `node tools/with-postgres.ts --sync npm run bench -- records`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { createProver } from "@holdfast/proofs";
import { type JobQueue, jobKinds, openPostgresJobs, openSqliteJobs, openStorage } from "@holdfast/storage";
import pg from "pg";
import { dealPages } from "../deal-pages.ts";
import type { Bench, Figure } from "../figure.ts";
import { type ClaimedWork, claimedWorkName, jobPeers } from "../job-peers.ts";
import { recordsMemory } from "../records-memory.ts";

const free = { cpus: 64, memoryBytes: 2 ** 40 };
const claimedWorks: readonly ClaimedWork[] = [
  { workers: 1, together: 1 },
  { workers: 1, together: 50 },
  { workers: 8, together: 1 },
  { workers: 8, together: 50 },
];
const sectorBytes = 1_024;

interface Engine {
  readonly name: string;
  /** A connection of one worker. */
  openQueue(): Promise<JobQueue>;
  readonly records: string;
  /** Committed capacity, so many sectors of it. */
  fill(count: number): Promise<void>;
}

const columns = "sector_id, sector_bytes, origin, state, attempt, opened_ms, changed_ms";
const fillWith = (numbers: string) =>
  `INSERT INTO sectors (${columns}) SELECT i, ${sectorBytes}, 'capacity',
     CASE WHEN i % 1000 = 0 THEN 'closing' ELSE 'removed' END, 0, 0, 0 FROM ${numbers}`;

function sqlite(folder: string): Engine {
  const records = join(folder, "storage.db");
  return {
    name: "SQLite",
    records,
    openQueue: async () => openSqliteJobs({ dbPath: join(folder, "jobs.db"), clock: new SimClock() }),
    async fill(count) {
      const db = new DatabaseSync(records);
      db.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ${fillWith("n")}`,
      );
      db.close();
    },
  };
}

function postgres(url: string): Engine {
  const schema = `bench_${process.pid}`;
  const records = `${url}&schema=${schema}`;
  return {
    name: "PostgreSQL",
    records,
    openQueue: () => openPostgresJobs({ url: records }),
    async fill(count) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`SET search_path = ${schema}`);
      await client.query(fillWith(`generate_series(1, ${count}) AS n (i)`));
      await client.query("ANALYZE");
      await client.end();
    },
  };
}

/** Jobs that are claimed and done in a second of the clock, by so many workers that take so many at a time. */
async function claiming({ name, openQueue }: Engine, work: ClaimedWork, jobs: number): Promise<Figure> {
  const { workers, together } = work;
  const queues = await Promise.all(Array.from({ length: workers }, openQueue));
  const [first] = queues;
  for (let at = 0; at < jobs; at++) {
    await first?.enqueue({ key: `${workers}/${together}/${at}`, kind: "seal", input: "{}" });
  }
  const startMs = performance.now();
  await Promise.all(
    queues.map(async (queue, worker) => {
      const request = { workerId: `w${worker}`, kinds: jobKinds, free, leaseMs: 30_000 };
      for (;;) {
        const taken = await queue.claimSome(request, together);
        if (taken.length === 0) return;
        await queue.doneAll(taken.map(({ jobId, token }) => ({ jobId, token, output: "{}" })));
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  for (const queue of queues) await queue[Symbol.asyncDispose]();
  return { name: claimedWorkName(work), by: name, value: jobs / seconds, unit: "/s" };
}

/** Pages of a listing that was never read before. */
async function paging(engine: Engine, count: number): Promise<Figure[]> {
  const open = () =>
    openStorage({
      ...{ disk: new SimDisk(), dbPath: engine.records, prover: createProver() },
      ...{ clock: new SimClock(), sectorBytes },
    });
  await (await open()).close();
  await engine.fill(count);
  await using storage = await open();
  const timed = async (what: string, query: Parameters<typeof storage.listSectors>[0]): Promise<Figure> => {
    const startMs = performance.now();
    const page = await storage.listSectors(query);
    const value = performance.now() - startMs;
    return { name: what, by: engine.name, value, unit: "ms", note: `${page.length} of ${count} sectors` };
  };
  return [
    await timed("first page of all sectors", {}),
    await timed("page in the middle", { after: count / 2 }),
    await timed("first page of one state of 1 in 1000", { states: ["closing"] }),
  ];
}

export const recordsBench: Bench = {
  name: "records",
  about: "a miner's jobs and sectors in SQLite and in PostgreSQL",
  async run({ quick, peers, say }) {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-records-"));
    const url = process.env.HOLDFAST_TEST_POSTGRES;
    if (url === undefined) say("no HOLDFAST_TEST_POSTGRES: SQLite alone");
    const figures: Figure[] = [];
    try {
      for (const engine of [sqlite(folder), ...(url === undefined ? [] : [postgres(url)])]) {
        say(`jobs in ${engine.name}`);
        for (const work of claimedWorks) {
          const jobs = quick ? 500 : 4_000;
          figures.push(await claiming(engine, work, jobs));
          if (peers && url !== undefined && engine.name === "PostgreSQL")
            figures.push(...(await jobPeers(url, { work, jobs, say })));
        }
        say(`sectors in ${engine.name}`);
        const count = quick ? 100_000 : 1_000_000;
        figures.push(...(await paging(engine, count)));
        say(`memory of a storage in ${engine.name}`);
        figures.push(...(await recordsMemory(engine.records, engine.name, count)));
      }
      say("deals in SQLite");
      figures.push(...dealPages(join(folder, "deals.db"), quick ? 100_000 : 1_000_000));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return figures;
  },
};
