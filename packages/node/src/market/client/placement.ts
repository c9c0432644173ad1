/**
 * Choosing miners for copies: the cheapest that answer, no two copies at one miner, nor at one operator if the put is
 * to be spread so. A copy that takes another's place lives as long as that would have, for its share of the limit.
 */
import {
  type Address,
  type AttoFil,
  attoFil,
  ceilDivAtto,
  filText,
  type HoldfastError,
  parseCid,
} from "@holdfast/base";
import { limits } from "../../limits.ts";
import type { DealPiece } from "../deal.ts";
import { wayOf } from "../delivery.ts";
import { marketErrors } from "../errors.ts";
import { balanceOf, channelOn, heightOf, minerOn } from "../facts.ts";
import { activationEpochs, collateralsFor, dealPrice, durationBounds, paddedTotal } from "../terms.ts";
import { healthOfAttempt, isHolder } from "./attempt-health.ts";
import { unservedText } from "./audit.ts";
import type { ClientContext } from "./context.ts";
import { proposalOf } from "./follow.ts";
import { findOffers, type Offer, probe, shortage } from "./offers.ts";
import type { Attempt, JobRow } from "./store.ts";

/** What a message of the market costs at most, by far (attoFIL). */
const feeReserve = 5_000_000n;
/** So many times what the first term cost may a later one cost, where nobody has said. */
const defaultLimitTimes = 2n;

export interface Placement {
  readonly durationEpochs: number;
  /** For the copies that are placed now; undefined: the put's own limit, for all of it. */
  readonly budget: AttoFil | undefined;
  readonly avoidMiners: ReadonlySet<Address>;
  readonly avoidOwners: ReadonlySet<Address>;
  /** How the data comes. */
  readonly delivery: string;
}

/** How a copy is to be placed now; without `copy`, all of a put that begins. */
export function placementOf(context: ClientContext, job: JobRow, copy?: number): Placement {
  const attempts = context.store.attemptsOf(job.id);
  const own = attempts.filter((attempt) => attempt.copy === copy);
  const old = own.findLast(({ retired }) => retired !== null);
  const others = attempts.filter((attempt) => attempt.copy !== copy && isHolder(attempt));
  const owners = job.spread === "miners" ? [] : others.map(({ miner }) => ownerOf(context, miner));
  const avoidOwners = new Set(owners.flatMap((owner) => owner ?? []));
  if (old === undefined) {
    const avoidMiners = new Set(attempts.map(({ miner }) => miner));
    const { durationEpochs, delivery } = job;
    return { durationEpochs, budget: undefined, avoidMiners, avoidOwners, delivery };
  }
  const tried = own.filter(({ id, stage }) => id > old.id && stage === "abandoned");
  const light = healthOfAttempt(context, old)?.light;
  const isServed = unservedText(context, old) === undefined;
  const isTrusted = old.stage === "done" && (light === "ok" || light === "over") && isServed;
  const avoidMiners = new Set([...others, ...tried, ...(isTrusted ? [] : [old])].map(({ miner }) => miner));
  const durationEpochs = epochsFor(context, job, old);
  const budget = budgetFor(context, job, durationEpochs);
  return { durationEpochs, budget, avoidMiners, avoidOwners, delivery: "stream" };
}

function ownerOf({ needs }: ClientContext, miner: Address): Address | undefined {
  return minerOn(needs.chain, miner)?.owner;
}

/** To the end that the old copy had, but a new term where that is near and the file is renewed. */
function epochsFor(context: ClientContext, job: JobRow, old: Attempt): number {
  const { chain } = context.needs;
  const left = (old.endHeight ?? 0) - heightOf(chain);
  const { minEpochs } = durationBounds(chain.params);
  if (job.renew && left <= renewLead(context, job, old)) return job.durationEpochs;
  return Math.min(job.durationEpochs, Math.max(minEpochs, left));
}

function piecesOf(attempt: Attempt): readonly DealPiece[] {
  return attempt.proposal === null ? [] : proposalOf(attempt).pieces;
}

/** Before its end a copy is renewed: so early that a new one could still be made, sealed and proven. */
export function renewLead({ needs }: ClientContext, job: JobRow, attempt: Attempt): number {
  const { params } = needs.chain;
  const making = activationEpochs(params, paddedTotal(piecesOf(attempt))) + 2 * params.provingPeriodEpochs;
  return Math.min(2 * making, Math.floor(job.durationEpochs / 2));
}

/** What all copies together may cost for one term; null before they are stored. */
export function limitOf({ store }: ClientContext, job: JobRow): AttoFil | null {
  const given = job.termLimit ?? job.maxPrice;
  if (given !== null) return given;
  if (job.state !== "done") return null;
  const first = new Map<number, bigint>();
  for (const attempt of store.attemptsOf(job.id)) {
    if (first.has(attempt.copy) || attempt.proposal === null || attempt.evidence === null) continue;
    const padded = paddedTotal(piecesOf(attempt));
    first.set(attempt.copy, dealPrice(attempt.pricePerBytePerEpoch, padded, job.durationEpochs));
  }
  return attoFil([...first.values()].reduce((sum, price) => sum + price, 0n) * defaultLimitTimes);
}

/** One copy's share of the limit, for so many epochs. */
export function budgetFor(context: ClientContext, job: JobRow, epochs: number): AttoFil {
  const limit = limitOf(context, job) ?? attoFil(0n);
  return ceilDivAtto(limit, BigInt(epochs), BigInt(job.durationEpochs) * BigInt(job.copies));
}

/**
 * That copies of these totals are within their limit and can be paid. `market/price-above-max`,
 * `market/insufficient-funds`.
 */
export function checkMoney(
  context: ClientContext,
  job: Pick<JobRow, "payer" | "maxPrice"> & { readonly id?: number },
  offers: readonly Pick<Offer, "total" | "providerCollateralPercent" | "clientCollateralPercent">[],
  budget?: AttoFil,
): void {
  const { needs, store } = context;
  const added = offers.reduce((sum, { total }) => sum + total, 0n);
  const own =
    job.id === undefined ? [] : store.attemptsOf(job.id).filter(({ stage }) => stage !== "abandoned");
  const total = budget === undefined ? own.reduce((sum, attempt) => sum + attempt.total, added) : added;
  const limit = budget ?? job.maxPrice;
  if (limit !== null && total > limit) {
    throw marketErrors.priceAboveMax({ totalFil: filText(attoFil(total)), maxFil: filText(limit) });
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

/**
 * Picks the cheapest miners that answer, one for each of these copies, and writes the attempts down. Waits a
 * while for miners: a network may be seconds old.
 */
export async function choose(
  context: ClientContext,
  job: JobRow,
  copies: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const { needs, store } = context;
  const { clock, chain } = needs;
  // Several at once only at the beginning of a put.
  const placement = (): Placement => placementOf(context, job, copies.length === 1 ? copies[0] : undefined);
  const untilMs = clock.nowMs() + Math.max(limits.askWaitMs, limits.dealWaitRounds * chain.params.roundMs);
  for (;;) {
    const planned = placement();
    const { chosen, problem } = await reachable(context, job, { ...planned, count: copies.length }, signal);
    const now = placement(); // another copy may have taken one of them meanwhile
    const isTaken = chosen.some(
      ({ miner, owner }) => now.avoidMiners.has(miner) || now.avoidOwners.has(owner),
    );
    if (problem === undefined && !isTaken) {
      checkMoney(context, job, chosen, planned.budget);
      store.transaction(() => {
        for (const [index, copy] of copies.entries()) addAttempt(context, job, copy, chosen[index], planned);
      });
      return context.changed(job.id);
    }
    if (problem !== undefined && clock.nowMs() >= untilMs) throw problem;
    if (problem !== undefined) await clock.sleep(Math.max(limits.dealRetryMs, chain.params.roundMs), signal);
  }
}

function addAttempt(
  { needs, store }: ClientContext,
  job: JobRow,
  copy: number,
  offer: Offer | undefined,
  { durationEpochs }: Placement,
): void {
  if (offer === undefined) return;
  const { miner, pricePerBytePerEpoch, total, sectorBytes } = offer;
  const { clientCollateral: collateral, providerCollateral } = collateralsFor(
    needs.chain.params,
    total,
    offer,
  );
  const asked = { jobId: job.id, copy, miner, pricePerBytePerEpoch, total, sectorBytes, durationEpochs };
  store.addAttempt({ ...asked, collateral, providerCollateral }, needs.clock.nowMs());
}

/** Miners that keep this file for the same payer by another put, or are about to, and until when. */
function holdersOf(context: ClientContext, job: JobRow): Map<Address, number> {
  const { store, needs } = context;
  const height = heightOf(needs.chain);
  const holders = new Map<Address, number>();
  for (const other of store.jobsOf(job.cid)) {
    if (other.id === job.id || other.payer !== job.payer) continue;
    for (const attempt of store.attemptsOf(other.id).filter(isHolder)) {
      const light = healthOfAttempt(context, attempt)?.light;
      const end = attempt.endHeight ?? height + attempt.durationEpochs;
      if (light !== "lost" && end > height)
        holders.set(attempt.miner, Math.max(end, holders.get(attempt.miner) ?? 0));
    }
  }
  return holders;
}

async function reachable(
  context: ClientContext,
  job: JobRow,
  wanted: Placement & { readonly count: number },
  signal: AbortSignal,
): Promise<{ readonly chosen: readonly Offer[]; readonly problem: HoldfastError | undefined }> {
  const { count, durationEpochs, avoidMiners, avoidOwners } = wanted;
  const way = wayOf(wanted.delivery);
  const size = { carBytes: job.carBytes, durationEpochs, payload: parseCid(job.cid), payer: job.payer, way };
  const found = findOffers(context, size);
  const free = found.offers.filter(({ miner, owner }) => !avoidMiners.has(miner) && !avoidOwners.has(owner));
  const holders = job.allowDuplicates ? new Map<Address, number>() : holdersOf(context, job);
  const left = free.filter(({ miner }) => !holders.has(miner));
  const asked = { ...size, copies: count, spread: job.spread };
  const tooFew = shortage({ ...found, offers: free }, asked);
  const problem = tooFew ?? shortage({ ...found, offers: left }, asked);
  if (problem !== undefined && tooFew === undefined) {
    const until = Math.max(...holders.values());
    const miners = holders.size;
    return { chosen: [], problem: marketErrors.duplicate({ cid: job.cid, copies: count, miners, until }) };
  }
  if (problem !== undefined) return { chosen: [], problem };
  const chosen: Offer[] = [];
  const reasons: string[] = [];
  const tried = new Set<Address>();
  while (chosen.length < count) {
    const batch = nextOffers(left, { chosen, tried, count: count - chosen.length, spread: job.spread });
    if (batch.length === 0) break;
    const answers = await Promise.all(batch.map((offer) => probe(context, offer, size, signal)));
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

/** The cheapest that were not tried, no two of them, and none of them and those chosen, of one operator. */
function nextOffers(
  offers: readonly Offer[],
  given: {
    readonly chosen: readonly Offer[];
    readonly tried: Set<Address>;
    readonly count: number;
    readonly spread: JobRow["spread"];
  },
): Offer[] {
  const owners = new Set(given.chosen.map(({ owner }) => owner));
  const batch: Offer[] = [];
  for (const offer of offers) {
    if (batch.length === given.count) break;
    if (given.tried.has(offer.miner) || (given.spread === "operators" && owners.has(offer.owner))) continue;
    given.tried.add(offer.miner);
    owners.add(offer.owner);
    batch.push(offer);
  }
  return batch;
}
