/**
 * The client's half of the market: `put` as jobs that survive restarts, the data of their deals for the miners,
 * and the money that comes back. Opening it goes on with everything that is unfinished.
 */
import {
  type AttoFil,
  addAtto,
  type Cancel,
  type CID,
  filText,
  formatDuration,
  type HoldfastError,
} from "@holdfast/base";
import { limits } from "../../limits.ts";
import { checkDelivery } from "../delivery.ts";
import { marketErrors } from "../errors.ts";
import type { ClientMarketNeeds } from "../needs.ts";
import { Missing, Tasks } from "../tasks.ts";
import { durationBounds } from "../terms.ts";
import type {
  ChangeRequest,
  ClientMarket,
  Deal,
  DealChange,
  DealDetail,
  DealPage,
  Explanation,
  FilePage,
  KeepRequest,
  MinerTerms,
  PutJob,
  PutPage,
  PutReceipt,
  PutRequest,
  Quote,
  QuoteRequest,
  StoredFile,
  TermsRequest,
} from "../types.ts";
import { AuditStore } from "./audit-store.ts";
import { lookAtChanges, startChange } from "./change.ts";
import { ChangeStore } from "./change-store.ts";
import { type ClientContext, jobIdOf, jobNumber } from "./context.ts";
import { serveDealData } from "./data.ts";
import { explainDeal, explainJob } from "./explain.ts";
import { filesOf, worthOf } from "./files.ts";
import { Jobs } from "./jobs.ts";
import { Keeper } from "./keep.ts";
import { findOffers, type Offer, probe, quoteLine, shortage } from "./offers.ts";
import { lookAtGoneChannels } from "./orphans.ts";
import { checkMoney } from "./placement.ts";
import { receiptOf } from "./receipt.ts";
import { lookAtReturns, startRefunds, startReturns } from "./refunds.ts";
import { ClientStore, type JobRow } from "./store.ts";
import { termsOfMiners } from "./terms.ts";
import { dealDetailOf, dealOf, jobView } from "./views.ts";

/** Resumes every unfinished job and serves the data of its deals. */
export function openClientMarket(needs: ClientMarketNeeds): ClientMarket {
  return new ClientMarketService(needs);
}

class ClientMarketService implements ClientMarket {
  readonly #context: ClientContext;
  readonly #jobs: Jobs;
  readonly #keeper: Keeper;
  readonly #watchers = new Map<number, Set<() => void>>();
  readonly #endHead: () => void;
  readonly #served: AsyncDisposable;
  #starting: Promise<unknown> = Promise.resolve();

  constructor(needs: ClientMarketNeeds) {
    const context: ClientContext = {
      needs,
      store: new ClientStore(needs.database),
      changes: new ChangeStore(needs.database),
      audits: new AuditStore(needs.database),
      tasks: new Tasks(needs.logger),
      sectorBytes: new Map(),
      served: new Map(),
      goneChannels: new Missing(limits.dealWaitRounds),
      keepNotes: new Map(),
      changed: (jobId) => this.#wake(jobId),
    };
    this.#context = context;
    this.#jobs = new Jobs(context);
    this.#keeper = new Keeper(context, this.#jobs);
    this.#served = serveDealData(context);
    // In a task: the chain tells many others of its new head after us, whatever happens here.
    const look = (): void =>
      context.tasks.start("refunds", async () => {
        startRefunds(context);
        startReturns(context);
        lookAtChanges(context);
        lookAtGoneChannels(context);
        lookAtReturns(context);
        this.#keeper.look();
      });
    this.#endHead = needs.chain.onHead(look);
    look();
    this.#jobs.resume();
  }

  async quote(request: QuoteRequest): Promise<Quote> {
    const { tasks, needs } = this.#context;
    const { params } = needs.chain;
    this.#checkOpen();
    this.#checkTerms(request);
    const found = findOffers(this.#context, request);
    const { spread = "operators" } = request;
    const problem = shortage(found, { ...request, copies: 1, spread });
    if (problem !== undefined) throw problem;
    const lines: Quote["miners"] = [];
    const chosen: Offer[] = [];
    const considered = found.offers.slice(0, limits.retrievalProviders);
    const answers = await Promise.all(
      considered.map((offer) => probe(this.#context, offer, request, tasks.signal)),
    );
    for (const [index, answer] of answers.entries()) {
      const offer = considered[index];
      if (typeof answer === "string") {
        if (offer !== undefined) lines.push(quoteLine(offer, params, false, answer));
        continue;
      }
      const isSame = spread === "operators" && chosen.some(({ owner }) => owner === answer.owner);
      const isChosen = chosen.length < request.copies && !isSame;
      if (isChosen) chosen.push(answer);
      const spare = isSame ? "its operator has a copy already" : "not needed: enough others cost no more";
      lines.push(quoteLine(answer, params, isChosen, isChosen ? "one of the cheapest that answer" : spare));
    }
    for (const other of found.unusable) lines.push(quoteLine(other, params, false, other.reason));
    if (chosen.length < request.copies) {
      const reasons = lines.filter((line) => !line.chosen).map(({ miner, reason }) => `${miner}: ${reason}`);
      throw marketErrors.tooFewMiners({
        copies: request.copies,
        miners: chosen.length,
        reasons: reasons.join("; "),
      });
    }
    const totalFil = filText(addAtto(...chosen.map((offer): AttoFil => offer.total)));
    return { durationEpochs: request.durationEpochs, totalFil, miners: lines };
  }

  async terms(request: TermsRequest): Promise<readonly MinerTerms[]> {
    this.#checkOpen();
    this.#checkTerms({ ...request, copies: 1 });
    return await termsOfMiners(this.#context, request, this.#context.tasks.signal);
  }

  startPut(request: PutRequest): Promise<PutJob> {
    // One at a time: the same request twice is one job.
    const result = this.#starting.then(() => this.#startPut(request));
    this.#starting = result.catch(() => undefined);
    return result;
  }

  async #startPut(request: PutRequest): Promise<PutJob> {
    const { needs, store } = this.#context;
    this.#checkOpen();
    this.#checkTerms(request);
    const { copies, durationEpochs, name = null, maxPrice = null, key = null } = request;
    const cid = request.cid.toString();
    const before = key === null ? undefined : store.jobOfKey(key);
    if (before !== undefined && (before.cid !== cid || before.copies !== copies)) {
      throw marketErrors.keyReused({ key: key ?? "" });
    }
    if (before !== undefined) return jobView(this.#context, before);
    const same = store
      .jobsOf(cid)
      .find(
        (job) => job.state === "running" && job.copies === copies && job.durationEpochs === durationEpochs,
      );
    if (same !== undefined) return this.#joined(same, request);
    const size = await needs.files.stat(request.cid);
    if (size === undefined) throw marketErrors.notImported({ cid, detail: "blocks are missing" });
    const { sizeBytes, carBytes } = size;
    const payer = needs.signer.payer();
    const startedMs = needs.clock.nowMs();
    const { spread = "operators", renew = false, repair = false, encrypted = false } = request;
    const { allowDuplicates = false, delivery = "stream" } = request;
    checkDelivery(delivery);
    const policy = { spread, renew, repair, encrypted, allowDuplicates, delivery };
    const terms = { copies, durationEpochs, maxPrice, payer, ...policy };
    const job = { cid, name, sizeBytes, carBytes, ...terms, startedMs, key };
    this.#checkNow(job);
    const id = store.addJob(job);
    needs.logger.info("put started", { job: jobIdOf(id), cid, copies });
    this.#jobs.start(id);
    return this.job(jobIdOf(id));
  }

  /** The job that runs already; what it is asked to do beyond that is added. */
  #joined(same: JobRow, { renew = false, repair = false }: PutRequest): PutJob {
    const { store, needs } = this.#context;
    if ((renew && !same.renew) || (repair && !same.repair)) {
      const policy = { renew: renew || same.renew, repair: repair || same.repair };
      store.updateJob(same.id, policy, needs.clock.nowMs());
    }
    return this.job(jobIdOf(same.id));
  }

  jobs({ after, limit = limits.dealsPerPage, kept = false }: PutPage = {}): readonly PutJob[] {
    const before = after === undefined ? undefined : this.#row(after).id;
    const page = this.#context.store.jobs({ before, limit, kept });
    return page.map((job) => jobView(this.#context, job));
  }
  job(jobId: string): PutJob {
    return jobView(this.#context, this.#row(jobId));
  }

  async *watch(jobId: string, signal?: Cancel): AsyncIterable<PutJob> {
    const { id } = this.#row(jobId);
    const { signal: end } = this.#context.tasks;
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const watchers = this.#watchers.get(id) ?? new Set();
      this.#watchers.set(id, watchers.add(resolve));
      const wake = (): void => resolve();
      signal?.addEventListener("abort", wake, { once: true });
      end.addEventListener("abort", wake, { once: true });
      try {
        if (signal?.aborted === true || end.aborted) return;
        const view = this.job(jobId);
        yield view;
        if (view.state !== "running") return;
        await promise;
      } finally {
        watchers.delete(resolve);
        signal?.removeEventListener("abort", wake);
        end.removeEventListener("abort", wake);
      }
    }
  }

  receipt(jobId: string): PutReceipt {
    return receiptOf(this.#context, this.#row(jobId));
  }
  deals({ after, limit = limits.dealsPerPage }: DealPage = {}): readonly Deal[] {
    return this.#context.store.proposed({ after, limit }).map((attempt) => dealOf(this.#context, attempt));
  }
  dealEndingWith(tail: string): string | undefined {
    return this.#context.store.dealEndingWith(tail);
  }
  deal(dealId: string): DealDetail | undefined {
    const attempt = this.#context.store.attemptOfDeal(dealId);
    return attempt === undefined ? undefined : dealDetailOf(this.#context, attempt);
  }
  change(dealId: string, request: ChangeRequest): DealChange {
    this.#checkOpen();
    const attempt = this.#context.store.attemptOfDeal(dealId);
    if (attempt === undefined) throw marketErrors.unknownDeal({ dealId: dealId.slice(0, 100) });
    return startChange(this.#context, attempt, request);
  }
  keep(jobId: string, request: KeepRequest): PutJob {
    this.#checkOpen();
    const { id } = this.#row(jobId);
    const { renew, repair, termLimit } = request;
    const patch = {
      ...(renew === undefined ? {} : { renew }),
      ...(repair === undefined ? {} : { repair }),
      ...(termLimit === undefined ? {} : { termLimit }),
    };
    if (Object.keys(patch).length > 0) {
      this.#context.store.updateJob(id, patch, this.#context.needs.clock.nowMs());
      this.#keeper.startAnew(id);
      this.#wake(id);
    }
    return this.job(jobId);
  }
  worthOf(cid: CID): "needed" | "stored" | "unknown" {
    return worthOf(this.#context, cid.toString());
  }
  dealCounts(): { readonly [state: string]: number } {
    return this.#context.store.dealCounts();
  }
  files({ after, limit = limits.dealsPerPage }: FilePage = {}): readonly StoredFile[] {
    return filesOf(this.#context, { after, limit });
  }
  explain(id: string): Explanation | undefined {
    const number = jobNumber(id);
    const job = number === undefined ? undefined : this.#context.store.job(number);
    if (job !== undefined) return explainJob(this.#context, job);
    const attempt = this.#context.store.attemptOfDeal(id);
    if (attempt !== undefined) return explainDeal(this.#context, attempt);
    const [latest] = this.#context.store.jobsOf(id);
    return latest === undefined ? undefined : explainJob(this.#context, latest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endHead();
    const stopped = this.#context.tasks[Symbol.asyncDispose]();
    await this.#served[Symbol.asyncDispose]();
    await stopped;
    await this.#starting;
  }

  #wake(jobId: number): void {
    for (const wake of this.#watchers.get(jobId) ?? []) wake();
  }
  #row(jobId: string): JobRow {
    const number = jobNumber(jobId);
    const job = number === undefined ? undefined : this.#context.store.job(number);
    if (job === undefined) throw marketErrors.unknownJob({ jobId: jobId.slice(0, 100) });
    return job;
  }
  #checkOpen(): void {
    if (this.#context.tasks.isStopped) throw marketErrors.closed({});
  }
  #checkTerms({ copies, durationEpochs }: Pick<PutRequest, "copies" | "durationEpochs">): void {
    const { minEpochs, maxEpochs } = durationBounds(this.#context.needs.chain.params);
    if (!Number.isSafeInteger(copies) || copies < 1 || copies > limits.copiesPerPut) {
      throw marketErrors.copiesOutOfRange({ copies, limit: limits.copiesPerPut });
    }
    if (!Number.isSafeInteger(durationEpochs) || durationEpochs < minEpochs || durationEpochs > maxEpochs) {
      const { roundMs } = this.#context.needs.chain.params;
      const [asked = "", least = "", most = ""] = [durationEpochs, minEpochs, maxEpochs].map((epochs) =>
        formatDuration(Math.max(0, epochs) * roundMs),
      );
      throw marketErrors.durationOutOfRange({ asked, least, most, minEpochs, maxEpochs });
    }
  }
  /** What can be said before anything is sent; a lack of miners may pass and is the job's to wait for. */
  #checkNow(
    job: Pick<JobRow, "carBytes" | "durationEpochs" | "copies" | "payer" | "maxPrice" | "spread">,
  ): void {
    const found = findOffers(this.#context, job);
    const problem: HoldfastError | undefined = shortage(found, job);
    if (problem?.code === "market/too-large") throw problem;
    if (problem !== undefined) return;
    checkMoney(this.#context, job, found.offers.slice(0, job.copies));
  }
}
