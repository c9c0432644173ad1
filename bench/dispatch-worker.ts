/**
 * A worker in a process of its own whose jobs say when they began: `node bench/dispatch-worker.ts ADDRESS`, the path of
 * a folder or postgres://…
 */
import { silentLogger } from "@holdfast/base";
import { startRunner } from "@holdfast/storage";
import { realClock } from "../packages/node/src/clock.ts";
import { openRepoJobs } from "../packages/node/src/repo-jobs.ts";

/** The same clock in every process of this machine. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Takes one job at a time. */
export function startDispatchWorker(queue: Parameters<typeof startRunner>[0]["queue"]) {
  return startRunner({
    ...{ queue, clock: realClock(), logger: silentLogger, workerId: `bench-${process.pid}`, place: "here" },
    handlers: { seal: async () => `${nowMs()}` },
    capacity: { cpus: 1, memoryBytes: 2 ** 30 },
  });
}

const [, program = "", address] = process.argv;
if (import.meta.filename === program && address !== undefined) {
  const isFolder = !address.startsWith("postgres:");
  const queue = await openRepoJobs(isFolder ? address : "", isFolder ? "" : address, realClock());
  const runner = startDispatchWorker(queue);
  process.once("disconnect", async () => {
    await runner[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
  });
  process.send?.("ready");
}
