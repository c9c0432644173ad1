/** Bugs of a miner's jobs, workers and volumes; see bugs.ts. */
import type { Bug } from "./bugs.ts";

const storage = "packages/storage/src";

export const engineBugs: readonly Bug[] = [
  {
    name: "a zombie's result is taken",
    file: `${storage}/jobs/sqlite-queue.ts`,
    find: 'return job?.state === "running" && job.token === token ? job : undefined;',
    put: 'return job?.state === "running" ? job : undefined;',
    seed: 1_131,
  },
  {
    name: "a lease is not renewed",
    file: `${storage}/jobs/sqlite-queue.ts`,
    find: '"UPDATE jobs SET lease_until_ms = ?, progress = ? WHERE job_id = ?"',
    put: '"UPDATE jobs SET lease_until_ms = min(lease_until_ms, ?), progress = ? WHERE job_id = ?"',
    seed: 1_094,
  },
  {
    name: "what a dead worker had is given to nobody",
    file: `${storage}/jobs/sqlite-queue.ts`,
    find: "return this.#takeBack(this.file.all(sql, nowMs, nowMs + longest.leaseMs).map(jobOf));",
    put: "return this.file.all(sql, nowMs, nowMs + longest.leaseMs).length;",
    seed: 1_094,
  },
  {
    name: "a job that is done clears away the folders of others",
    file: `${storage}/sectors/sealing.ts`,
    find: "if (isClaim) await disk.remove(path);",
    put: "await disk.remove(path);",
    seed: 1_131,
  },
  {
    name: "the node takes back what others work on",
    file: "packages/node/src/job-engine.ts",
    find: "running.filter((job) => job.workerId === workerId)",
    put: "running.filter((job) => job.workerId !== null)",
  },
  {
    name: "a disk that is away is not told from an empty one",
    file: `${storage}/volumes/marked.ts`,
    find: "if (found === spec.marker) return undefined;",
    put: "if (found === spec.marker || found === undefined) return undefined;",
    seed: 1_131,
  },
  {
    name: "what is away is made anew",
    file: `${storage}/sectors/repair.ts`,
    find: "if (sparesAway && (await this.#isPartlyAway(sectorId)))",
    put: "if (sparesAway && (await this.#isPartlyAway(sectorId)) && sectorId < 0)",
  },
];
