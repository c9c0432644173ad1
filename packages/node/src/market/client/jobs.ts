/**
 * The jobs: each copy goes from miner to miner until one has stored, proven and given back the file, or none is
 * left. What is on disk decides where a copy goes on, so a job that was killed anywhere is just started again.
 */
import { HoldfastError } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { Backoff, Turns } from "../tasks.ts";
import { silenceMs } from "../terms.ts";
import { isHolder } from "./attempt-health.ts";
import { attemptById, type ClientContext, errorText, jobById, jobIdOf, move } from "./context.ts";
import { follow } from "./follow.ts";
import { fund } from "./fund.ts";
import { choose } from "./placement.ts";
import { propose } from "./propose.ts";
import { awaitProofs, readBack } from "./prove.ts";
import type { Attempt, JobRow } from "./store.ts";

/** Errors of one miner: the next one may do better. All others are errors of the job. */
const minerErrors = new Set([
  "market/rejected",
  "market/deal-failed",
  "market/silent",
  "market/bad-answer",
  "market/unreachable",
  "market/not-in-time",
  "market/ended-unproven",
  "market/false-claim",
  "market/sector-lost",
  "market/read-back-failed",
  "market/channel-failed",
  "sender/would-fail",
]);

const shortages = new Set([
  "market/no-miners",
  "market/too-large",
  "market/too-few-miners",
  "market/too-few-operators",
]);

export class Jobs {
  readonly #context: ClientContext;
  readonly #turns = new Turns(limits.runningPuts);

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** Starts every unfinished job. */
  resume(): void {
    for (const id of this.#context.store.runningJobs()) this.start(id);
  }

  start(id: number): void {
    this.#context.tasks.start(`job/${id}`, (signal) => this.#turns.run(signal, () => this.#run(id, signal)));
  }

  async #run(id: number, signal: AbortSignal): Promise<void> {
    const { store, needs } = this.#context;
    try {
      const job = jobById(this.#context, id);
      const copies = Array.from({ length: job.copies }, (_, copy) => copy);
      // At first all miners together: the put is checked, and paid for, as a whole.
      if (store.attemptsOf(id).length === 0) await choose(this.#context, job, copies, signal);
      const results = await Promise.allSettled(copies.map((copy) => this.place(job, copy, signal)));
      signal.throwIfAborted();
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      store.updateJob(id, { state: "done", finishedMs: needs.clock.nowMs() }, needs.clock.nowMs());
      needs.logger.info("put done", { job: jobIdOf(id), cid: job.cid });
    } catch (error) {
      if (signal.aborted) return;
      const finishedMs = needs.clock.nowMs();
      store.updateJob(id, { state: "failed", error: errorText(error), finishedMs }, finishedMs);
      needs.logger.warn("put failed", { job: jobIdOf(id), detail: errorText(error).message });
    }
    this.#context.changed(id);
  }

  /** One copy, at one miner after the other, until one holds it. `market/no-miner-left`, and errors of the job. */
  async place(job: JobRow, copy: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const attempts = this.#context.store.attemptsOf(job.id).filter((attempt) => attempt.copy === copy);
      const live = attempts.findLast(isHolder);
      const tried = attempts.slice(1 + attempts.findLastIndex(({ retired }) => retired !== null));
      if (live === undefined) await this.#chooseAnother(job, copy, tried, signal);
      else if (await this.#try(live, signal)) return;
    }
  }

  /** True when the copy is done, false when another miner may do it. */
  async #try({ id }: Attempt, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#advance(id, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      const attempt = attemptById(this.#context, id);
      const text = errorText(error);
      move(this.#context, attempt, { stage: "abandoned", error: text }, text.message);
      if (error instanceof HoldfastError && minerErrors.has(error.code)) return false;
      throw error;
    }
  }

  async #advance(id: number, signal: AbortSignal): Promise<void> {
    const { clock, chain } = this.#context.needs;
    const backoff = new Backoff(clock, limits.dealRetryMs, limits.dealRetryMaxMs);
    let failingSinceMs: number | undefined;
    for (;;) {
      const { stage } = attemptById(this.#context, id);
      if (stage === "done") return;
      try {
        await this.#step(stage, id, signal);
        failingSinceMs = undefined;
      } catch (error) {
        // A full pool or disk passes; what is wrong with a miner does not, and says so in its own error.
        const passes = error instanceof HoldfastError && error.exit === "retry-later";
        failingSinceMs ??= clock.nowMs();
        if (!passes || clock.nowMs() - failingSinceMs > silenceMs(chain.params)) throw error;
        await backoff.pause(signal);
      }
    }
  }

  async #step(stage: Attempt["stage"], id: number, signal: AbortSignal): Promise<void> {
    switch (stage) {
      case "funding":
        return await fund(this.#context, id, signal);
      case "proposing":
        return await propose(this.#context, id, signal);
      case "accepted":
        return await follow(this.#context, id, signal);
      case "committed":
        return await awaitProofs(this.#context, id, signal);
      case "proven":
        return await readBack(this.#context, id, signal);
    }
  }

  async #chooseAnother(
    job: JobRow,
    copy: number,
    tried: readonly Attempt[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await choose(this.#context, job, [copy], signal);
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof HoldfastError ? error.code : "";
      const isShortage = shortages.has(code);
      if (!isShortage || tried.length === 0) throw error;
      const reasons = tried.map((attempt) => attempt.error?.message ?? attempt.miner).join("; ");
      throw marketErrors.noMinerLeft({ copy: copy + 1, tried: reasons });
    }
  }
}
