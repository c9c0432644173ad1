/**
 * The jobs: each copy goes from miner to miner until one has stored, proven and given back the file, or none is
 * left. What is on disk decides where a copy goes on, so a job that was killed anywhere is just started again.
 */
import { type Address, attoFil, filText, HoldfastError } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { balanceOf, channelOn } from "../facts.ts";
import { Backoff, Turns } from "../tasks.ts";
import { collateralsFor, silenceMs } from "../terms.ts";
import { attemptById, type ClientContext, errorText, jobById, jobIdOf, move } from "./context.ts";
import { follow } from "./follow.ts";
import { fund } from "./fund.ts";
import { findOffers, type Offer, probe, shortage } from "./offers.ts";
import { propose } from "./propose.ts";
import { awaitProofs, readBack } from "./prove.ts";
import type { Attempt, JobRow } from "./store.ts";

/** What a message of the market costs at most, by far (attoFIL). */
const feeReserve = 5_000_000n;
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

/**
 * That a put of these totals is within its limit and can be paid. `market/price-above-max`,
 * `market/insufficient-funds`.
 */
export function checkMoney(
  context: ClientContext,
  job: Pick<JobRow, "payer" | "maxPrice"> & { readonly id?: number },
  offers: readonly Pick<Offer, "total" | "providerCollateralPercent" | "clientCollateralPercent">[],
): void {
  const { needs, store } = context;
  const added = offers.reduce((sum, { total }) => sum + total, 0n);
  const own =
    job.id === undefined ? [] : store.attemptsOf(job.id).filter(({ stage }) => stage !== "abandoned");
  const total = own.reduce((sum, attempt) => sum + attempt.total, added);
  if (job.maxPrice !== null && total > job.maxPrice) {
    throw marketErrors.priceAboveMax({ totalFil: filText(attoFil(total)), maxFil: filText(job.maxPrice) });
  }
  // What is on its way into a channel is spent already; once it is there, the balance says so itself.
  const promised = store.beingFunded().reduce((sum, attempt) => {
    const { jobId, channel, escrow, collateral } = attempt;
    if (store.job(jobId)?.payer !== job.payer) return sum;
    const isThere = channel !== null && channelOn(needs.chain, job.payer, channel) !== undefined;
    return sum + (isThere ? 0n : attempt.total) + (escrow === "ours" ? collateral : 0n);
  }, 0n);
  const balance = balanceOf(needs.chain, job.payer) - promised;
  const locked = offers.reduce(
    (sum, offer) => sum + collateralsFor(needs.chain.params, offer.total, offer).clientCollateral,
    0n,
  );
  const needed = added + locked + 2n * feeReserve * BigInt(offers.length);
  if (balance >= needed) return;
  throw marketErrors.insufficientFunds({
    address: job.payer,
    balanceFil: filText(attoFil(balance > 0n ? balance : 0n)),
    neededFil: filText(attoFil(needed)),
    missingFil: filText(attoFil(needed - (balance > 0n ? balance : 0n))),
  });
}

export class Jobs {
  readonly #context: ClientContext;
  readonly #turns = new Turns(limits.runningPuts);

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** Starts every unfinished job. */
  resume(): void {
    for (const { id, state } of this.#context.store.jobs()) if (state === "running") this.start(id);
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
      if (store.attemptsOf(id).length === 0) await this.#choose(job, copies, signal);
      const results = await Promise.allSettled(copies.map((copy) => this.#place(job, copy, signal)));
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

  /** One copy, at one miner after the other. */
  async #place(job: JobRow, copy: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const attempts = this.#context.store.attemptsOf(job.id).filter((attempt) => attempt.copy === copy);
      const live = attempts.find(({ stage }) => stage !== "abandoned");
      if (live === undefined) await this.#chooseAnother(job, copy, attempts, signal);
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
      await this.#choose(job, [copy], signal);
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof HoldfastError ? error.code : "";
      const isShortage = ["market/no-miners", "market/too-large", "market/too-few-miners"].includes(code);
      if (!isShortage || tried.length === 0) throw error;
      const reasons = tried.map((attempt) => attempt.error?.message ?? attempt.miner).join("; ");
      throw marketErrors.noMinerLeft({ copy: copy + 1, tried: reasons });
    }
  }

  /**
   * Picks the cheapest miners that answer, one for each of these copies, and writes the attempts down. Waits a
   * while for miners: a network may be seconds old.
   */
  async #choose(job: JobRow, copies: readonly number[], signal: AbortSignal): Promise<void> {
    const { needs, store } = this.#context;
    const { clock, chain } = needs;
    const untilMs = clock.nowMs() + Math.max(limits.askWaitMs, limits.dealWaitRounds * chain.params.roundMs);
    for (;;) {
      const { chosen, problem } = await this.#reachable(job, copies.length, signal);
      const taken = this.#taken(job);
      if (problem === undefined && !chosen.some(({ miner }) => taken.has(miner))) {
        checkMoney(this.#context, job, chosen);
        store.transaction(() => {
          for (const [index, copy] of copies.entries()) this.#addAttempt(job, copy, chosen[index]);
        });
        return this.#context.changed(job.id);
      }
      if (problem !== undefined && clock.nowMs() >= untilMs) throw problem;
      if (problem !== undefined)
        await clock.sleep(Math.max(limits.dealRetryMs, chain.params.roundMs), signal);
    }
  }

  #addAttempt(job: JobRow, copy: number, offer: Offer | undefined): void {
    if (offer === undefined) return;
    const { miner, pricePerBytePerEpoch, total, sectorBytes } = offer;
    const { params } = this.#context.needs.chain;
    const { clientCollateral: collateral, providerCollateral } = collateralsFor(params, total, offer);
    const attempt = { jobId: job.id, copy, miner, pricePerBytePerEpoch, total, sectorBytes, collateral };
    const asked = { ...attempt, providerCollateral };
    this.#context.store.addAttempt(asked, this.#context.needs.clock.nowMs());
  }

  /** Miners that this job uses or has tried. */
  #taken(job: JobRow): Set<Address> {
    return new Set(this.#context.store.attemptsOf(job.id).map(({ miner }) => miner));
  }

  async #reachable(
    job: JobRow,
    count: number,
    signal: AbortSignal,
  ): Promise<{ readonly chosen: readonly Offer[]; readonly problem: HoldfastError | undefined }> {
    const found = findOffers(this.#context, job);
    const taken = this.#taken(job);
    const left = found.offers.filter(({ miner }) => !taken.has(miner));
    const problem = shortage({ ...found, offers: left }, { ...job, copies: count });
    if (problem !== undefined) return { chosen: [], problem };
    const chosen: Offer[] = [];
    const reasons: string[] = [];
    for (let at = 0; at < left.length && chosen.length < count; ) {
      const batch = left.slice(at, at + count - chosen.length);
      at += batch.length;
      const answers = await Promise.all(batch.map((offer) => probe(this.#context, offer, job, signal)));
      for (const answer of answers) {
        if (typeof answer === "string") reasons.push(answer);
        else chosen.push(answer);
      }
    }
    if (chosen.length === count) return { chosen, problem: undefined };
    const text = reasons.join("; ");
    return {
      chosen: [],
      problem: marketErrors.tooFewMiners({ copies: count, miners: chosen.length, reasons: text }),
    };
  }
}
