/**
 * What must hold of every word that a process says to a simulated miner's queue, by a record that is kept beside it:
 * whoever has lost a job changes nothing of it, and whoever works on one keeps it. Computed from who was given what,
 * not from rows.
 */
import type { Job, Lease } from "@holdfast/storage";
import type { History } from "./history.ts";
import type { Life } from "./life.ts";

interface Speaker {
  readonly life: Life;
  readonly name: string;
}

interface Holder extends Speaker {
  readonly token: number;
  /** How often it had stood still when it was given the job. */
  readonly pauses: number;
}

/** What a worker says of a job that it has. */
const words: ReadonlySet<string> = new Set(["heartbeat", "done", "fail", "release"]);

export interface JobWatchParts {
  readonly machine: string;
  readonly history: History;
  /** Whether nothing but its own end keeps a process from saying that it works on. */
  readonly isSteady: boolean;
}

export class JobWatch {
  readonly #parts: JobWatchParts;
  readonly #holders = new Map<number, Holder>();
  /** The newest token of each job that was ever given to anybody. */
  readonly #tokens = new Map<number, number>();

  constructor(parts: JobWatchParts) {
    this.#parts = parts;
  }

  /** A method of the queue has done what it was asked for. */
  said(by: Speaker, method: string, given: unknown, answer: unknown): void {
    if (method === "claim" && answer !== undefined) this.#claimed(by, answer as Job);
    else if (method === "claimSome") for (const job of answer as readonly Job[]) this.#claimed(by, job);
    else if (words.has(method)) this.#spoken(by, method, given as Lease);
    else if (method === "doneAll") this.#doneAll(by, given as readonly Lease[], answer as readonly Lease[]);
    else if (method === "cancel" && answer === true) this.#holders.delete(given as number);
  }

  #claimed({ life, name }: Speaker, job: Job): void {
    const { history, machine, isSteady } = this.#parts;
    const { jobId, token, kind } = job;
    history.record(name, "job", { jobId, token, kind, sectorId: job.sectorId });
    const before = this.#holders.get(jobId);
    if (before !== undefined && isSteady && before.life.alive && before.life.pauses === before.pauses) {
      const detail = `job ${jobId} (${kind}) of ${machine} went from ${before.name}, which works on it, to ${name}`;
      history.violate("who works on a job keeps it", name, detail);
    }
    const newest = this.#tokens.get(jobId) ?? 0;
    if (token <= newest)
      history.violate("a claim has a token of its own", name, `job ${jobId}: ${token} after ${newest}`);
    this.#tokens.set(jobId, token);
    this.#holders.set(jobId, { life, name, token, pauses: life.pauses });
  }

  #doneAll(by: Speaker, said: readonly Lease[], lost: readonly Lease[]): void {
    const refused = new Set(lost.map(({ jobId }) => jobId));
    for (const lease of said) if (!refused.has(lease.jobId)) this.#spoken(by, "done", lease);
  }

  #spoken({ life, name }: Speaker, method: string, { jobId, token }: Lease): void {
    const { history } = this.#parts;
    const holder = this.#holders.get(jobId);
    if (holder !== undefined && holder.life !== life && holder.life.alive)
      history.violate(
        "nobody speaks for who works on a job",
        name,
        `${method} of job ${jobId}, which ${holder.name} has`,
      );
    const newest = this.#tokens.get(jobId);
    if (newest !== undefined && newest !== token) {
      const detail = `${method} of job ${jobId} with ${token}, which ${newest} has`;
      history.violate("who has lost a job changes nothing", name, detail);
    }
    if (method === "heartbeat") return;
    history.record(name, `job ${method}`, { jobId, token });
    this.#holders.delete(jobId);
  }
}
