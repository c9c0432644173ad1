/**
 * What a worker says of jobs that went well: what ends while the queue writes down another end goes with the next, in
 * one transaction. Nothing waits for company.
 */
import { storageErrors } from "../errors.ts";
import { type DoneJob, type JobQueue, jobLimits } from "./types.ts";

interface Waiting {
  readonly job: DoneJob;
  readonly said: PromiseWithResolvers<void>;
}

export class DoneTogether {
  readonly #queue: Pick<JobQueue, "doneAll">;
  #waiting: Waiting[] = [];
  #isSaying = false;

  constructor(queue: Pick<JobQueue, "doneAll">) {
    this.#queue = queue;
  }

  /** Throws what the queue's `done` throws. */
  async done(job: DoneJob): Promise<void> {
    const said = Promise.withResolvers<void>();
    this.#waiting.push({ job, said });
    if (!this.#isSaying) void this.#sayAll();
    await said.promise;
  }

  async #sayAll(): Promise<void> {
    this.#isSaying = true;
    while (this.#waiting.length > 0) {
      const some = this.#next();
      try {
        const lost = await this.#queue.doneAll(some.map(({ job }) => job));
        for (const { job, said } of some) {
          if (!lost.some(({ jobId }) => jobId === job.jobId)) said.resolve();
          else said.reject(storageErrors.leaseLost({ jobId: job.jobId, token: job.token }));
        }
      } catch (error) {
        for (const { said } of some) said.reject(error);
      }
    }
    this.#isSaying = false;
  }

  /** As many as go together: an output may be as long as one statement takes. A job is there once. */
  #next(): readonly Waiting[] {
    const jobIds = new Set<number>();
    let characters = 0;
    for (const { job } of this.#waiting) {
      characters += job.output.length;
      const isFull = jobIds.size === jobLimits.jobsTogether || characters > jobLimits.charactersTogether;
      if (jobIds.has(job.jobId) || (isFull && jobIds.size > 0)) break;
      jobIds.add(job.jobId);
    }
    return this.#waiting.splice(0, jobIds.size);
  }
}
