/**
 * How long a job waits for a worker that has nothing to do, and how long whoever asked waits for its answer when it is
 * done: in one process, over the file that the processes of a machine share, and over PostgreSQL. One job at a time,
 * which does nothing; pauses between them are drawn, so that no look of anybody falls together with them.
 * PostgreSQL takes part where it runs: `node tools/with-postgres.ts --sync npm run bench -- dispatch`.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SeededRandom } from "@holdfast/base/testing";
import { ended, type JobQueue } from "@holdfast/storage";
import { realClock } from "../../packages/node/src/clock.ts";
import { openRepoJobs } from "../../packages/node/src/repo-jobs.ts";
import { nowMs, startDispatchWorker } from "../dispatch-worker.ts";
import type { Bench, Figure } from "../figure.ts";
import { quantile } from "../measure.ts";

const program = fileURLToPath(new URL("../dispatch-worker.ts", import.meta.url));
const longestPauseMs = 100;
/** Wanted at the middle and at the hundredth longest. */
const wantedMs = { here: [1, 5], elsewhere: [5, 25] } as const;

interface Place {
  readonly name: string;
  readonly isHere: boolean;
  readonly address: string;
}

async function openQueue({ address }: Place): Promise<JobQueue> {
  const isFolder = !address.startsWith("postgres:");
  if (isFolder) mkdirSync(address, { recursive: true });
  return await openRepoJobs(isFolder ? address : "", isFolder ? "" : address, realClock());
}

/** A worker of that queue, ready. */
async function workerOf({ isHere, address }: Place, queue: JobQueue): Promise<AsyncDisposable> {
  if (isHere) return startDispatchWorker(queue);
  const child = fork(program, [address], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  return {
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}

/** Milliseconds until each job began, and from its end until whoever asked had the answer. */
async function waits(place: Place, count: number) {
  await using queue = await openQueue(place);
  await using _worker = await workerOf(place, queue);
  const random = new SeededRandom("pauses");
  const [begun, heard]: [number[], number[]] = [[], []];
  for (let at = -5; at < count; at += 1) {
    await pause(((random.bytes(1)[0] ?? 0) / 255) * longestPauseMs);
    const askedMs = nowMs();
    const { jobId } = await queue.enqueue({ key: `${at}`, kind: "seal", input: "" });
    const { output } = await ended(queue, jobId, {});
    const endMs = nowMs();
    if (at < 0) continue; // connections and compiled code
    begun.push(Number(output) - askedMs);
    heard.push(endMs - Number(output));
  }
  return { begun, heard };
}

export const dispatchBench: Bench = {
  name: "dispatch",
  about: "how long a job waits for an idle worker, and whoever asked for the word that it is done",
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-dispatch-"));
    const url = process.env.HOLDFAST_TEST_POSTGRES;
    if (url === undefined) say("no HOLDFAST_TEST_POSTGRES: SQLite alone");
    const places: readonly Place[] = [
      { name: "SQLite, one process", isHere: true, address: join(folder, "one") },
      { name: "SQLite, two processes", isHere: false, address: join(folder, "two") },
      ...(url === undefined
        ? []
        : [{ name: "PostgreSQL", isHere: false, address: `${url}&schema=bench_${process.pid}` }]),
    ];
    const figures: Figure[] = [];
    try {
      for (const place of places) {
        say(place.name);
        const { begun, heard } = await waits(place, quick ? 40 : 300);
        const [middle, late] = wantedMs[place.isHere ? "here" : "elsewhere"];
        const of = (name: string, values: readonly number[], part: number, target: number): Figure => ({
          ...{ name, by: place.name, value: quantile(values, part), unit: "ms", target },
        });
        figures.push(
          of("until a job begins, half of them", begun, 0.5, middle),
          of("until a job begins, 99 of 100", begun, 0.99, late),
          of("until its end is heard, half of them", heard, 0.5, middle),
          of("until its end is heard, 99 of 100", heard, 0.99, late),
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const names = [...new Set(figures.map(({ name }) => name))];
    return names.flatMap((name) => figures.filter((figure) => figure.name === name));
  },
};
