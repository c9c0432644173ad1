/** What the cases of the job queue share. */
import { type Job, type JobQueue, jobKinds, type NewJob } from "@holdfast/storage";

export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** Another connection to the same jobs. */
  readonly other: JobQueue;
  /** Lets the engine's time pass. */
  advance(ms: number): Promise<void>;
  /** Sets the engine's clock; no time passes. */
  jump(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Each case begins with an empty queue. */
export type MakeQueue = () => Promise<QueueUnderTest>;

export const plenty = { cpus: 64, memoryBytes: 2 ** 40 };
export const leaseMs = 10_000;

/** A claim of whatever there is. */
export function claimBy(queue: JobQueue, workerId: string): Promise<Job | undefined> {
  return queue.claim({ workerId, kinds: jobKinds, free: plenty, leaseMs });
}

export function failureOf(code: string): { code: string; message: string; detail: string } {
  return { code, message: `it was ${code}`, detail: "{}" };
}

export type Using = (body: (under: QueueUnderTest) => Promise<void>) => () => Promise<void>;

/** A job that seals. */
export const seal = (key: string, more: Partial<NewJob> = {}): NewJob => ({
  key,
  kind: "seal",
  input: "{}",
  ...more,
});

/** A job that a worker has claimed. */
export async function claimed(queue: JobQueue, workerId = "w"): Promise<Job> {
  const job = await claimBy(queue, workerId);
  if (job === undefined) throw new Error("there is a job to claim");
  return job;
}
