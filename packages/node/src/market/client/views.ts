/** The client's jobs and deals as people see them. */

import { putSteps } from "@holdfast/api";
import { addAtto, epoch, filText, subAtto, zeroAtto } from "@holdfast/base";
import { pieceCid } from "@holdfast/proofs";
import { chainViewOf } from "../chain-view.ts";
import { wireStates } from "../deal.ts";
import { channelOn, heightOf, sectorOn } from "../facts.ts";
import type { Health } from "../health.ts";
import type { Deal, DealDetail, DealState, PutCopy, PutJob, PutStep } from "../types.ts";
import { healthOfAttempt, isHolder } from "./attempt-health.ts";
import { currentOf } from "./change-terms.ts";
import { changeView } from "./change-views.ts";
import { type ClientContext, jobById, jobIdOf } from "./context.ts";
import { proposalOf } from "./follow.ts";
import { keepingOf, keepViewOf } from "./keep-views.ts";
import type { Attempt, JobRow } from "./store.ts";

export function jobView(context: ClientContext, job: JobRow): PutJob {
  const attempts = context.store.attemptsOf(job.id);
  const live = attempts.filter(({ stage }) => stage !== "abandoned");
  return {
    jobId: jobIdOf(job.id),
    cid: job.cid,
    name: job.name,
    sizeBytes: job.sizeBytes,
    carBytes: job.carBytes,
    state: job.state,
    startedAtMs: job.startedMs,
    updatedAtMs: Math.max(job.updatedMs, ...attempts.map(({ createdMs }) => createdMs)),
    finishedAtMs: job.finishedMs,
    durationEpochs: job.durationEpochs,
    totalFil: filText(addAtto(...live.map(({ total }) => total))),
    encrypted: job.encrypted,
    keep: keepViewOf(context, job),
    copies: Array.from({ length: job.copies }, (_, copy) => {
      const own = attempts.filter((attempt) => attempt.copy === copy);
      return copyView(context, job, own.findLast(isHolder) ?? own.at(-1));
    }),
    error: job.error,
  };
}

function copyView(context: ClientContext, job: JobRow, attempt: Attempt | undefined): PutCopy {
  if (attempt === undefined) {
    const detail = job.state === "running" ? "looking for a miner" : "";
    const nothing = { miner: "", dealId: null, priceFil: "0", error: null, detail };
    return { ...nothing, step: "quoted", stepsDone: ["imported"], progressRatio: 1 / putSteps.length };
  }
  const stepsDone = putSteps.slice(0, stepsDoneOf(attempt));
  const step: PutStep = putSteps[stepsDone.length] ?? "read-back";
  const part = step === "transferred" ? (context.served.get(attempt.id) ?? 0) / job.carBytes : 0;
  return {
    miner: attempt.miner,
    dealId: attempt.dealId,
    step,
    stepsDone,
    progressRatio: Math.min(1, (stepsDone.length + Math.min(1, part)) / putSteps.length),
    detail: attempt.detail,
    priceFil: filText(attempt.total),
    error: attempt.error,
  };
}

/** How many of `putSteps` an attempt has behind it; an abandoned one keeps what it reached. */
function stepsDoneOf(attempt: Attempt): number {
  const reached = (step: PutStep): number => putSteps.indexOf(step) + 1;
  const { stage, remote, evidence, proposal, channel } = attempt;
  if (stage === "done") return putSteps.length;
  if (stage === "proven" || evidence?.every((entry) => entry.firstProvenAt !== null))
    return reached("proven");
  if (evidence !== null) return reached("committed");
  const said = wireStates.indexOf(remote);
  if (said > wireStates.indexOf("sealing")) return reached("sealed");
  if (said >= wireStates.indexOf("staged")) return reached("transferred");
  if (said >= wireStates.indexOf("accepted")) return reached("proposed");
  const isPaid = channel !== null && (stage !== "funding" || proposal !== null);
  return isPaid ? reached("funded") : reached("quoted");
}

function stateOf(attempt: Attempt, health: Health | undefined): DealState {
  switch (attempt.stage) {
    case "funding":
    case "proposing":
      return "proposing";
    case "accepted":
      return remoteState(attempt);
    case "committed":
      return "committed";
    case "abandoned":
      return attempt.error?.code === "market/rejected" ? "rejected" : "failed";
    default:
      return health?.light === "over" ? "complete" : health?.light === "lost" ? "failed" : "active";
  }
}

/** What a miner says about its own work; that sectors are on the chain is not for it to say. */
function remoteState({ remote }: Attempt): DealState {
  if (remote === "accepted" || remote === "transferring" || remote === "staged") return remote;
  return "sealing";
}

export function dealOf(context: ClientContext, attempt: Attempt): Deal {
  const job = jobById(context, attempt.jobId);
  const health = healthOfAttempt(context, attempt);
  const evidence = attempt.evidence ?? [];
  return {
    dealId: attempt.dealId ?? "",
    role: "client",
    payload: job.cid,
    name: job.name,
    client: job.payer,
    miner: attempt.miner,
    state: stateOf(attempt, health),
    detail: health === undefined || health.reason === "" ? attempt.detail : health.reason,
    sizeBytes: job.carBytes,
    pieces: attempt.proposal === null ? 0 : proposalOf(attempt).pieces.length,
    sectors: [...new Set(evidence.map((entry) => entry.sectorId as number))],
    provenSectors: health?.light === "over" ? provenOnce(evidence) : (health?.proven ?? 0),
    faultySectors: health?.faulty ?? 0,
    totalFil: filText(attempt.total),
    redeemedFil: filText(redeemedOf(context, attempt)),
    channelId: attempt.channel,
    startHeight: attempt.startHeight,
    endHeight: attempt.endHeight,
    keeping: keepingOf(job, attempt),
    onChain: chainViewOf(context.needs.chain, { ...attempt, payer: job.payer }),
  };
}

/** Sectors that were proven while the deal lived: after its end the chain may know them no more. */
function provenOnce(evidence: NonNullable<Attempt["evidence"]>): number {
  const proven = evidence.filter(({ firstProvenAt }) => firstProvenAt !== null);
  return new Set(proven.map(({ sectorId }) => sectorId)).size;
}

/** What the miner has taken: from the chain while the channel is there, else what is known of its end. */
function redeemedOf(context: ClientContext, attempt: Attempt) {
  if (attempt.channel === null) return zeroAtto;
  const { payer } = jobById(context, attempt.jobId);
  const channel = channelOn(context.needs.chain, payer, attempt.channel);
  if (channel !== undefined) return channel.redeemed;
  // Only the miner's last voucher or our own reclaiming takes a channel off the chain.
  const isOver = attempt.endHeight !== null && heightOf(context.needs.chain) >= attempt.endHeight;
  const isOurs = attempt.refunded !== null && attempt.refunded > 0n;
  if (attempt.stage === "done" && isOver && !isOurs) return attempt.total;
  return attempt.refunded === null || !isOurs ? attempt.redeemed : subAtto(attempt.total, attempt.refunded);
}

export function dealDetailOf(context: ClientContext, attempt: Attempt): DealDetail {
  const { chain } = context.needs;
  const pieces = attempt.proposal === null ? [] : proposalOf(attempt).pieces;
  const vouchers = attempt.proposal === null ? [] : currentOf(context, attempt).vouchers;
  const redeemed = redeemedOf(context, attempt);
  return {
    ...dealOf(context, attempt),
    pieceList: pieces.map(({ commP, paddedBytes, userBytes }, index) => {
      const sectorId = attempt.evidence?.[index]?.sectorId ?? null;
      const sector = sectorId === null ? undefined : sectorOn(chain, attempt.miner, sectorId);
      const lastProvenAt = sector?.lastProven ?? null;
      return { pieceCid: pieceCid(commP).toString(), paddedBytes, userBytes, sectorId, lastProvenAt };
    }),
    vouchers: vouchers.map(({ amount, validAt }) => ({
      amountFil: filText(amount),
      validAt: epoch(validAt),
      redeemed: amount <= redeemed,
    })),
    amendments: context.changes.of(attempt.id).map(changeView),
    history: context.store.history(attempt.id).map(({ atMs, state, detail }) => ({ atMs, state, detail })),
  };
}
