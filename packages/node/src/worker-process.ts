/**
 * The entry of a worker process that a node has started: folder, id and jobs at a time as arguments. It ends when it
 * was idle for a while, when it is told to (SIGTERM: its jobs go back), and after its present job when the node is
 * gone.
 */
import { assert } from "@holdfast/base";
import { openLogger } from "./logger.ts";
import { startWorker } from "./start-worker.ts";
import { workLimits } from "./work-limits.ts";

const [repo, workerId, parallel] = process.argv.slice(2);
assert(repo !== undefined && workerId !== undefined, "a node starts its workers with folder and id");
const logger = openLogger({ name: workerId, level: "warn" });
const end = new AbortController();
// The node's own queue: it may have been told another database than its configuration has.
const database = process.env.HOLDFAST_DATABASE ?? "";
const worker = await startWorker({ ...{ repo, database }, workerId, parallel: Number(parallel), logger });

for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => end.abort());
const finish = (): void => {
  worker.runner.drain();
  void worker.runner.idle(0).then(() => end.abort());
};
process.once("disconnect", finish);
if (process.connected) process.send?.("ready");
else finish(); // the node has gone before we were there

await worker.runner.idle(workLimits.workerIdleMs, end.signal).catch(() => undefined);
await worker[Symbol.asyncDispose]();
await logger[Symbol.asyncDispose]();
if (process.connected) process.disconnect();
