/**
 * Jobs in the caller's thread, for tests, small sectors and simulated disks. Long jobs run one after the
 * other (two would only share the thread and double the memory); proofs of spacetime and reads do not queue
 * behind them.
 */
import type { Disk } from "@holdfast/base";
import type { Prover, SealHooks } from "@holdfast/proofs";
import type { JobOptions, Sealer } from "./jobs.ts";
import { extract, post, prove, replicate } from "./run-job.ts";

export function createInlineSealer(disk: Disk, prover: Prover): Sealer {
  const tools = { disk, prover };
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = async <T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> => {
    const turn = tail.then(() => {
      signal.throwIfAborted();
      return run();
    });
    tail = turn.catch(() => undefined);
    return await turn;
  };
  return {
    replicate: (job, options) => inTurn(options.signal, () => replicate(tools, job, hooksOf(options))),
    prove: (job, options) => inTurn(options.signal, () => prove(tools, job, hooksOf(options))),
    extract: (job, options) => extract(tools, job, hooksOf(options)),
    post: (job, options) => post(tools, job, hooksOf(options)),
    async [Symbol.asyncDispose]() {
      await tail;
    },
  };
}

function hooksOf({ signal, onProgress }: JobOptions): SealHooks {
  return onProgress === undefined ? { cancel: signal } : { cancel: signal, progress: onProgress };
}
