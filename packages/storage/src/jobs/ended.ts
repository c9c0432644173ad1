/** How work on a job ends: whoever enqueued it hears of its end, in whatever process it was done. */
import { abortable, type Cancel, HoldfastError } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { type ErrorData, errorOf, unpacked } from "../pool/index.ts";
import type { Job, JobQueue, Lease } from "./types.ts";

/** The job when it is done, failed or cancelled. Throws storage/unknown-job, and the signal's reason. */
export async function ended(
  queue: JobQueue,
  jobId: number,
  { signal, onProgress }: { readonly signal?: Cancel; readonly onProgress?: (doneRatio: number) => void },
): Promise<Job> {
  let { promise: news, resolve: wake } = Promise.withResolvers<void>();
  using _listening = queue.onChange((changed) => {
    if (changed === undefined || changed === jobId) wake();
  });
  for (;;) {
    signal?.throwIfAborted();
    ({ promise: news, resolve: wake } = Promise.withResolvers<void>()); // before the look: nothing falls between
    const job = await queue.job(jobId);
    if (job === undefined) throw storageErrors.unknownJob({ jobId });
    if (job.endedMs !== null) return job;
    onProgress?.(job.progress);
    await abortable(signal, news);
  }
}

/** What a job that has ended says. Throws the job's own error, storage/cancelled. */
export function outputOf(job: Job): string {
  if (job.state === "done" && job.output !== null) return job.output;
  throw failureOf(job);
}

/** Why a job that has ended gives nothing: its own error, storage/cancelled. */
export function failureOf({ jobId, kind, state, failure }: Job): Error {
  if (state === "cancelled" || failure === null) return storageErrors.cancelled({ job: `${kind} ${jobId}` });
  const { code, message } = failure;
  return errorOf({ code, message, ...unpacked<Omit<ErrorData, "code" | "message">>(failure.detail) });
}

/** What a life before held waits again; where its lease has ended meanwhile, it does already. */
export async function giveBack(queue: JobQueue, lease: Lease, reason: string): Promise<void> {
  await queue.release(lease, reason).catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || error.code !== "storage/lease-lost") throw error;
  });
}
