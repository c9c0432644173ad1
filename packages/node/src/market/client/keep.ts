/**
 * Keeping stored files: what a put promised for longer than its first deals. At every few heads each copy is judged by
 * the chain. One that nears its end is renewed: its deal is extended as far as its sectors live, or else another one
 * is made. One that a miner has lost, or does not prove for a proving period, is made again elsewhere, from the file
 * here or from the copies that are left. What is on disk says which places are empty, so a node that was killed goes
 * on; what it may cost is the put's limit, by the epoch, and what cannot be done is said and tried again, more and more
 * rarely.
 */
import { HoldfastError, parseCid } from "@holdfast/base";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { dealOn, heightOf, isLossOpen, minerOn, peerOf, sectorOn } from "../facts.ts";
import { Missing, Turns } from "../tasks.ts";
import { healthOfAttempt, isHolder } from "./attempt-health.ts";
import { Audits, repairFix, unservedText } from "./audit.ts";
import { startChange } from "./change.ts";
import { type ClientContext, errorText, jobById, type KeepNote, move, placeName } from "./context.ts";
import type { Jobs } from "./jobs.ts";
import { budgetFor, renewLead } from "./placement.ts";
import type { Attempt, JobRow } from "./store.ts";

type Verdict =
  | { readonly kind: "kept"; readonly reason: string }
  | { readonly kind: "stuck"; readonly reason: string; readonly fix?: string }
  | { readonly kind: "renew"; readonly reason: string }
  | { readonly kind: "ended"; readonly reason: string }
  /** `lost`: its deal is over for good, and what its channel holds can come back. */
  | { readonly kind: "replace"; readonly reason: string; readonly lost: boolean };

const waiting: Verdict = { kind: "kept", reason: "it looks lost, which a reorganisation may undo" };

/** A failed try of the same kind is not repeated before so many rounds, doubled with each. */
interface Pause {
  readonly untilHeight: number;
  readonly rounds: number;
}

export class Keeper {
  readonly #context: ClientContext;
  readonly #jobs: Jobs;
  readonly #turns = new Turns(limits.runningPuts);
  readonly #looked = new Map<number, number>();
  readonly #pauses = new Map<string, Pause>();
  /** Deals that are lost, by attempt: a reorganisation may bring a sector back. */
  readonly #losses = new Missing<number>(limits.dealWaitRounds);

  readonly #audits: Audits;

  constructor(context: ClientContext, jobs: Jobs) {
    this.#context = context;
    this.#jobs = jobs;
    this.#audits = new Audits(context, (jobId) => this.start(jobId));
  }

  /** Called at each head. A node that catches up sees a past in which nothing can be helped any more. */
  look(): void {
    const { store, needs } = this.#context;
    if (needs.isCatchingUp()) return;
    const height = heightOf(needs.chain);
    for (const { id } of store.keptJobs()) {
      const last = this.#looked.get(id);
      if (last !== undefined && height - last < limits.keepLookRounds && height >= last) continue;
      this.start(id);
    }
  }

  /** Looks at one job now; its pauses are over. */
  startAnew(id: number): void {
    const { copies } = jobById(this.#context, id);
    for (let copy = 0; copy < copies; copy += 1) this.#pauses.delete(placeName(id, copy));
    this.start(id);
  }

  start(id: number): void {
    this.#looked.set(id, heightOf(this.#context.needs.chain));
    this.#context.tasks.start(`keep/${id}`, (signal) =>
      this.#turns.run(signal, () => this.#keep(id, signal)),
    );
  }

  async #keep(id: number, signal: AbortSignal): Promise<void> {
    const job = jobById(this.#context, id);
    if (job.state !== "done" || !(job.renew || job.repair)) return;
    this.#letGo(job);
    const copies = Array.from({ length: job.copies }, (_none, copy) => copy);
    await Promise.all(copies.map((copy) => this.#keepCopy(job, copy, signal)));
    this.#context.changed(id);
  }

  async #keepCopy(job: JobRow, copy: number, signal: AbortSignal): Promise<void> {
    const { store } = this.#context;
    const place = placeName(job.id, copy);
    const holder = store.attemptsOf(job.id).findLast((attempt) => attempt.copy === copy && isHolder(attempt));
    if (holder?.stage !== "done") return await this.#fill(job, copy, holder !== undefined, signal);
    const loss = this.#lossOf(job, holder);
    const verdict = loss.isOpen ? waiting : judge(this.#context, job, holder, loss.reason);
    if (verdict.kind !== "ended" && verdict.kind !== "replace") this.#audits.look(holder);
    const tell = (note: KeepNote): void => void this.#context.keepNotes.set(place, note);
    if (verdict.kind !== "renew" && verdict.kind !== "replace") {
      this.#pauses.delete(place);
      const fix = verdict.kind === "stuck" ? (verdict.fix ?? null) : null;
      return tell({ state: verdict.kind, detail: verdict.reason, fix });
    }
    if (verdict.kind === "renew") {
      const { isUnderWay, detail } = extend(this.#context, job, holder);
      if (isUnderWay) return tell({ state: "renewing", detail, fix: null });
      retire(this.#context, holder, { reason: `its deal could not be extended: ${detail}`, lost: false });
    } else retire(this.#context, holder, verdict);
    await this.#fill(job, copy, false, signal);
  }

  /** Why its deal is gone for good; open while a reorganisation could still bring it back. */
  #lossOf(job: JobRow, attempt: Attempt): { readonly isOpen: boolean; readonly reason: string | undefined } {
    const reason = lossOf(this.#context, job, attempt);
    const height = heightOf(this.#context.needs.chain);
    const isGone = this.#losses.isGone(attempt.id, reason !== undefined, height);
    return { isOpen: reason !== undefined && !isGone, reason };
  }

  /** A copy that was replaced while it could still recover, and has not: what its channel holds comes back now. */
  #letGo(job: JobRow): void {
    for (const attempt of this.#context.store.attemptsOf(job.id)) {
      if (attempt.stage !== "done" || attempt.retired === null) continue;
      const { isOpen, reason } = this.#lossOf(job, attempt);
      if (reason === undefined || isOpen) continue;
      giveUp(this.#context, attempt, reason, `it is lost for good: ${reason}`);
      this.#losses.isGone(attempt.id, false, heightOf(this.#context.needs.chain));
    }
  }

  /** Brings another copy into an empty place, or goes on with it. */
  async #fill(job: JobRow, copy: number, isBegun: boolean, signal: AbortSignal): Promise<void> {
    const { needs, store, keepNotes } = this.#context;
    const place = placeName(job.id, copy);
    const height = heightOf(needs.chain);
    const pause = this.#pauses.get(place);
    if (pause !== undefined && height < pause.untilHeight) return;
    const old = store.attemptsOf(job.id).findLast((one) => one.copy === copy && one.retired !== null);
    if (!isBegun && !job.renew && height >= (old?.endHeight ?? 0)) {
      return void keepNotes.set(place, { state: "ended", detail: "its time is over", fix: null });
    }
    const isEnd =
      old?.stage === "done" && (old.endHeight ?? 0) - height <= renewLead(this.#context, job, old);
    const detail = `another copy takes the place of that at ${old?.miner ?? ""}`;
    keepNotes.set(place, { state: isEnd ? "renewing" : "repairing", detail, fix: null });
    try {
      await this.#bringHome(job, signal);
      await this.#jobs.place(job, copy, signal);
      this.#pauses.delete(place);
      keepNotes.set(place, { state: "kept", detail: "", fix: null });
      needs.logger.info("a copy was made again", { job: job.id, copy: copy + 1 });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      const { message, fix } = errorText(error);
      const most = Math.max(
        limits.keepLookRounds,
        Math.ceil(limits.keepRetryMaxMs / needs.chain.params.roundMs),
      );
      const rounds = Math.min(most, 2 * (pause?.rounds ?? limits.keepLookRounds));
      this.#pauses.set(place, { untilHeight: heightOf(needs.chain) + rounds, rounds });
      keepNotes.set(place, { state: "stuck", detail: message, fix });
      needs.logger.warn("a copy could not be made again", { job: job.id, copy: copy + 1, detail: message });
    }
  }

  /** The file lies here, or is fetched from the copies that are left. `market/not-imported`, `retrieval/…`. */
  async #bringHome(job: JobRow, signal: AbortSignal): Promise<void> {
    const { needs, store } = this.#context;
    const cid = parseCid(job.cid);
    if ((await needs.files.stat(cid)) !== undefined) return;
    const holding = store.jobsOf(job.cid).flatMap(({ id }) => store.attemptsOf(id));
    const peers = holding
      .filter((attempt) => healthOfAttempt(this.#context, attempt)?.light === "ok")
      .flatMap(({ miner }) => minerOn(needs.chain, miner) ?? [])
      .map(peerOf);
    if (peers.length === 0) {
      throw marketErrors.notImported({ cid: job.cid, detail: "and no copy is left to fetch it from" });
    }
    await needs.files.ensureLocal(cid, [...new Set(peers)], signal);
  }
}

/** What the chain says of a copy that was stored, and what the policy makes of it. */
function judge(context: ClientContext, job: JobRow, attempt: Attempt, loss: string | undefined): Verdict {
  const { chain } = context.needs;
  const { params } = chain;
  const health = healthOfAttempt(context, attempt);
  const isReleased = context.changes
    .of(attempt.id)
    .some((one) => one.kind === "release" && one.state === "done");
  // Its owner wanted it so.
  if (isReleased) return { kind: "ended", reason: "its deal was ended early, as asked for" };
  if (health === undefined) return { kind: "kept", reason: "" };
  if (health.light === "over") {
    return job.renew
      ? { kind: "replace", reason: health.reason, lost: false }
      : { kind: "ended", reason: health.reason };
  }
  if (loss !== undefined) {
    return job.repair ? { kind: "replace", reason: loss, lost: true } : { kind: "ended", reason: loss };
  }
  const faulty = faultyRounds(context, attempt);
  if (job.repair && faulty > params.provingPeriodEpochs) {
    const spare = spareDeals(context, job, attempt);
    if (spare >= limits.keepSpareDeals) return { kind: "stuck", reason: tooManySpare(health.reason, spare) };
    return {
      kind: "replace",
      reason: `${health.reason}: it was not proven for ${faulty} epochs`,
      lost: false,
    };
  }
  const unserved = unservedText(context, attempt);
  if (unserved !== undefined) return unservedVerdict(context, job, attempt, unserved);
  const left = (attempt.endHeight ?? 0) - heightOf(chain);
  if (job.renew && left <= renewLead(context, job, attempt)) {
    return { kind: "renew", reason: `it ends in ${left} epochs` };
  }
  return { kind: "kept", reason: health.reason };
}

/** No longer deal with who gives nothing back; another copy, if the file is repaired. */
function unservedVerdict(context: ClientContext, job: JobRow, attempt: Attempt, reason: string): Verdict {
  if (!job.repair) return { kind: "stuck", reason, fix: repairFix(job.id) };
  const spare = spareDeals(context, job, attempt);
  if (spare >= limits.keepSpareDeals) return { kind: "stuck", reason: tooManySpare(reason, spare) };
  return { kind: "replace", reason, lost: false };
}

/** Why the deal has ended before its time, against its owner's will; undefined if it has not. */
function lossOf(context: ClientContext, { payer }: JobRow, attempt: Attempt): string | undefined {
  const { chain } = context.needs;
  const { channel, dealId } = attempt;
  const deal = channel === null || dealId === null ? undefined : dealOn(chain, { payer, channel, dealId });
  if (deal !== undefined && isLossOpen(chain, deal)) return "a sector of its deal was lost";
  if (deal?.status === "lost" || deal?.status === "late" || deal?.status === "broken") {
    return `its deal on the chain is ${deal.status}`;
  }
  const health = healthOfAttempt(context, attempt);
  return health?.light === "lost" && deal?.status !== "released" ? health.reason : undefined;
}

/** Miners that take turns in failing and coming back would all be paid, for one copy and without end. */
function spareDeals({ needs, store }: ClientContext, { id, payer }: JobRow, { copy }: Attempt): number {
  return store.attemptsOf(id).filter(({ copy: place, retired, stage, channel, dealId }) => {
    if (place !== copy || retired === null || stage !== "done") return false;
    const isNamed = channel !== null && dealId !== null;
    return isNamed && dealOn(needs.chain, { payer, channel, dealId })?.status === "active";
  }).length;
}

function tooManySpare(reason: string, spare: number): string {
  return `${reason}; ${spare} deals that were replaced before still cost money, so there is no other until one ends`;
}

function faultyRounds({ needs }: ClientContext, { miner, evidence }: Attempt): number {
  const height = heightOf(needs.chain);
  const since = (evidence ?? []).flatMap(
    ({ sectorId }) => sectorOn(needs.chain, miner, sectorId)?.faultySince ?? [],
  );
  return since.length === 0 ? 0 : height - Math.min(...since);
}

/** Another copy is to take its place. Written down first, so that a killed node goes on with that. */
function retire(
  context: ClientContext,
  attempt: Attempt,
  why: { readonly reason: string; readonly lost: boolean },
): void {
  const { chain, logger } = context.needs;
  const retired = heightOf(chain);
  logger.warn("another copy takes the place of a deal", {
    deal: attempt.dealId ?? "",
    detail: why.reason,
  });
  const detail = `another copy takes its place: ${why.reason}`;
  context.store.transaction(() => {
    move(context, attempt, { retired }, detail);
    // Given up: its channel is cancelled, and what it holds comes back.
    if (why.lost) giveUp(context, attempt, why.reason, detail);
  });
}

function giveUp(context: ClientContext, attempt: Attempt, reason: string, detail: string): void {
  const [sectorId = 0] = (attempt.evidence ?? []).map((entry) => entry.sectorId);
  const error = errorText(marketErrors.copyLost({ miner: attempt.miner, sectorId, detail: reason }));
  move(context, attempt, { stage: "abandoned", error }, detail);
}

/** As far as the sectors live, or the miner can let them live. */
function longestLife({ needs }: ClientContext, { evidence, miner }: Attempt): number {
  const { chain } = needs;
  const longest = heightOf(chain) + chain.params.maxSectorLifetimeEpochs;
  const lives = (evidence ?? []).map(({ sectorId }) => sectorOn(chain, miner, sectorId)?.expiration);
  return Math.min(
    ...lives.map((expiration) => (expiration === undefined ? 0 : Math.max(expiration, longest))),
  );
}

/** Asks for a longer life, as far as the sectors can have it and the limit pays for it. */
function extend(
  context: ClientContext,
  job: JobRow,
  attempt: Attempt,
): { readonly isUnderWay: boolean; readonly detail: string } {
  const endHeight = attempt.endHeight ?? 0;
  const asked = context.changes
    .of(attempt.id)
    .filter((one) => one.kind === "extend" && one.endHeight > endHeight);
  const running = asked.find(({ state }) => state !== "done" && state !== "failed");
  if (running !== undefined)
    return { isUnderWay: true, detail: `its deal is being extended: ${running.detail}` };
  const failed = asked.filter(({ state }) => state === "failed");
  const last = failed.at(-1);
  const isRefused = last !== undefined && !last.code.startsWith("market/");
  if (last !== undefined && (isRefused || failed.length >= limits.renewAttempts)) {
    return { isUnderWay: false, detail: last.detail };
  }
  const longest = longestLife(context, attempt);
  const until = Math.min(endHeight + job.durationEpochs, longest);
  if (until - endHeight < renewLead(context, job, attempt)) {
    return { isUnderWay: false, detail: `its sectors can live until ${longest}` };
  }
  try {
    const maxPrice = budgetFor(context, job, until - endHeight);
    const key = `renew/${attempt.id}/${endHeight}/${failed.length}`;
    const { detail } = startChange(context, attempt, { kind: "extend", endHeight: until, maxPrice, key });
    return { isUnderWay: true, detail: `its deal is being extended: ${detail}` };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { isUnderWay: false, detail: error.message };
  }
}
