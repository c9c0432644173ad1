/**
 * The entry of a worker thread: one task at a time, files in and files out. Plain TypeScript that Node runs
 * as it is. A result's large array is moved to the caller's thread, not copied.
 */
import type { MessagePort } from "node:worker_threads";
import { createProver, createVerifier, verifyStatement } from "@holdfast/proofs";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { openVolumesHere, type VolumeDisk, type VolumeTable } from "../volumes/index.ts";
import type { JobRequest } from "./jobs.ts";
import { errorData } from "./payload.ts";
import { extract, post, prove, replicate } from "./run-job.ts";
import type { WorkerAnswer, WorkerTask } from "./wire.ts";

/**
 * Progress is told when it has grown by so much and the last word is so long ago: a seal has thousands of steps, and
 * each message wakes a thread.
 */
const toldShare = 1 / 256;
const toldMs = 100;
// The disk's answers are heard between two steps of a computation.
const prover = createProver({ pause: () => new Promise((resolve) => setImmediate(resolve)) });
const verifier = createVerifier();

/** Runs a task. Never rejects: a failure is an answer. */
export async function runTask({ setup, work }: WorkerTask): Promise<unknown> {
  const name = work.type === "job" ? work.request.kind : `verify ${work.statement.check}`;
  try {
    if (setup !== null) await import(setup);
    const result =
      work.type === "verify"
        ? verifyStatement(verifier, work.statement)
        : await runRequest(work.table, work.request, work.port);
    return movable({ ok: true, result });
  } catch (error) {
    return { ok: false, error: errorData(error, name) } satisfies WorkerAnswer;
  } finally {
    if (work.type === "job") work.port.close();
  }
}

/** The volumes as the last job has named them: what is known of a bucket's objects is kept while they stay the same. */
let known: { readonly name: string; readonly disk: VolumeDisk } | undefined;

function volumesOf(table: VolumeTable): VolumeDisk {
  const name = JSON.stringify(table);
  if (known?.name === name) return known.disk;
  const disk = openVolumesHere(table);
  known = { name, disk };
  return disk;
}

async function runRequest(table: VolumeTable, request: JobRequest, port: MessagePort): Promise<unknown> {
  const tools = { disk: volumesOf(table), prover };
  let [told, toldAtMs] = [0, Number.NEGATIVE_INFINITY];
  const progress = (doneRatio: number): void => {
    if (doneRatio < Math.min(1, told + toldShare)) return;
    const nowMs = performance.now();
    if (doneRatio < 1 && nowMs - toldAtMs < toldMs) return;
    [told, toldAtMs] = [doneRatio, nowMs];
    port.postMessage(doneRatio);
  };
  const hooks = { progress };
  switch (request.kind) {
    case "replicate":
      return await replicate(tools, request.job, hooks);
    case "prove":
      return await prove(tools, request.job, hooks);
    case "extract":
      return await extract(tools, request.job, hooks);
    case "post":
      return await post(tools, request.job, hooks);
  }
}

function movable(answer: WorkerAnswer & { ok: true }): unknown {
  const { result } = answer;
  const isWhole = result instanceof Uint8Array && result.byteLength === result.buffer.byteLength;
  // Shared memory is everybody's already.
  if (!isWhole || result.buffer instanceof SharedArrayBuffer) return answer;
  return move({
    get [transferableSymbol]() {
      return [result.buffer];
    },
    get [valueSymbol]() {
      return answer;
    },
  });
}
