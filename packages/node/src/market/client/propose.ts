/**
 * Proposing a deal. The signed proposal is on disk before it is sent and is sent again until the miner has
 * answered, so that a lost answer makes no second deal. A proposal that has become too old is made anew on the
 * same channel: its vouchers are cumulative, so the miner cannot be paid twice.
 */
import { type CID, channelId, decode, encode, epoch, HoldfastError, parseCid } from "@holdfast/base";
import { dealTermsSigningBytes, voucherSigningBytes } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import {
  type DealAnswer,
  type DealProposal,
  dealAnswerCodec,
  dealIdOf,
  draftVoucher,
  isAnswerSigned,
  proposalSigningBytes,
  proposeProtocol,
  type SignedProposal,
  signedProposalCodec,
  type TermsOfProposal,
  termsOf,
} from "../deal.ts";
import { isCarried } from "../delivery.ts";
import { marketErrors } from "../errors.ts";
import { channelOn, heightOf, minerOn, peerOf } from "../facts.ts";
import { ask } from "../talk.ts";
import { Backoff, nextHead } from "../tasks.ts";
import { paddedTotal, settlementEpochs, silenceMs, startByFor } from "../terms.ts";
import { paymentSchedule } from "../vouchers.ts";
import { attemptById, type ClientContext, jobById, move, note } from "./context.ts";
import { extendChannel } from "./fund.ts";
import { ensurePieces } from "./local.ts";
import type { Attempt } from "./store.ts";

/** Refusals that pass by themselves. */
const passing = new Set([
  "deal/channel-not-found",
  "deal/busy",
  "deal/collateral-missing",
  "deal/catching-up",
]);
/** Refusals of a proposal that has become too old: a new one may be taken. */
const outdated = new Set([
  "deal/start-out-of-range",
  "deal/start-by-out-of-range",
  "deal/channel-ends-too-early",
]);
/** New proposals on one channel. */
const mostRenewals = 3;
/** Rounds between two of them. */
const renewalRounds = 5;

/** proposing → accepted. `market/rejected`, `market/deal-failed`, `market/silent`, `market/bad-answer`. */
export async function propose(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  for (let renewals = 0; ; renewals += 1) {
    const signed = await ensureProposal(context, id, signal);
    const answer = await deliver(context, id, signed, signal);
    const attempt = attemptById(context, id);
    const { miner } = attempt;
    switch (answer.state) {
      case "rejected":
        if (!outdated.has(answer.code) || renewals >= mostRenewals) {
          throw marketErrors.rejected({ miner, code: answer.code, reason: answer.message });
        }
        move(context, attempt, { proposal: null }, `the proposal is made anew: ${answer.message}`);
        // Perhaps this node is still catching up with the chain.
        await context.needs.clock.sleep(renewalRounds * context.needs.chain.params.roundMs, signal);
        break;
      case "failed":
        throw marketErrors.dealFailed({ miner, reason: answer.message });
      case "unknown":
        throw marketErrors.badAnswer({ miner, detail: "it answered a proposal with no state" });
      default:
        return move(context, attempt, { stage: "accepted", remote: answer.state }, "the miner took the deal");
    }
  }
}

async function ensureProposal(
  context: ClientContext,
  id: number,
  signal: AbortSignal,
): Promise<SignedProposal> {
  const { needs } = context;
  await ensureChannel(context, id, signal);
  const attempt = attemptById(context, id);
  if (attempt.proposal !== null) return decode(signedProposalCodec, attempt.proposal);
  const pieces = await ensurePieces(context, attempt, signal);
  const { chain, signer, wire } = needs;
  const { cid, carBytes, payer } = jobById(context, attempt.jobId);
  const { durationEpochs } = attempt;
  const startHeight = heightOf(chain);
  const endHeight = startHeight + durationEpochs;
  const delivery = deliveryFor(context, attempt);
  const size = { paddedBytes: paddedTotal(pieces), durationEpochs, isCarried: isCarried({ delivery }) };
  const terms: TermsOfProposal = {
    payload: parseCid(cid),
    carBytes,
    pieces,
    startHeight: epoch(startHeight),
    durationEpochs,
    startBy: epoch(startByFor(chain.params, startHeight, size)),
    pricePerBytePerEpoch: attempt.pricePerBytePerEpoch,
    totalPrice: attempt.total,
    miner: attempt.miner,
    clientPeer: wire.self,
    delivery,
    payer,
    channel: channelId(attempt.channel ?? 0),
    clientCollateral: attempt.collateral,
    providerCollateral: attempt.providerCollateral,
  };
  const termsSignature = signer.sign(payer, dealTermsSigningBytes(termsOf(terms), chain.networkId));
  const { target } = channelOf(context, attempt);
  const schedule = paymentSchedule({ startHeight, durationEpochs, totalPrice: attempt.total });
  const vouchers = schedule.map((due) => {
    const signature = signer.sign(
      payer,
      voucherSigningBytes(draftVoucher(terms, target, due), chain.networkId),
    );
    return { ...due, signature };
  });
  const proposal: DealProposal = { ...terms, termsSignature, vouchers };
  const signed = { proposal, signature: signer.sign(payer, proposalSigningBytes(proposal)) };
  const dealId = dealIdOf(proposal).toString();
  const { startBy } = proposal;
  const row = { proposal: encode(signedProposalCodec, signed), dealId, startHeight, endHeight, startBy };
  move(context, attempt, row, "proposing the deal");
  return signed;
}

/** A copy that takes another's place is made by the nodes alone: nobody may be there to carry it. */
function deliveryFor({ store }: ClientContext, { jobId, copy, id }: Attempt): string {
  const isAgain = store
    .attemptsOf(jobId)
    .some((one) => one.copy === copy && one.id < id && one.retired !== null);
  return isAgain ? "stream" : (store.job(jobId)?.delivery ?? "stream");
}

function channelOf(context: ClientContext, attempt: Attempt) {
  const { payer } = jobById(context, attempt.jobId);
  const channel =
    attempt.channel === null ? undefined : channelOn(context.needs.chain, payer, attempt.channel);
  if (channel !== undefined) return channel;
  throw noChannel();
}
function noChannel(): HoldfastError {
  return marketErrors.channelFailed({
    method: "createChannel",
    exitCode: -1,
    meaning: "the chain does not have it",
  });
}

/** The channel is on the chain and lasts long enough for a proposal made now. */
async function ensureChannel(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain } = context.needs;
  for (let looks = 0; ; looks += 1) {
    const attempt = attemptById(context, id);
    const { payer } = jobById(context, attempt.jobId);
    const { durationEpochs } = attempt;
    const channel = attempt.channel === null ? undefined : channelOn(chain, payer, attempt.channel);
    const start = attempt.proposal === null ? heightOf(chain) : (attempt.startHeight ?? 0);
    const neededEol = start + durationEpochs + settlementEpochs(chain.params);
    if (channel !== undefined && channel.eol >= neededEol) return;
    if (looks >= limits.dealWaitRounds) throw noChannel();
    if (channel === undefined || attempt.channel === null) await nextHead(chain, signal);
    else {
      const eol = Math.max(channel.agreedEol, neededEol + settlementEpochs(chain.params));
      await extendChannel(context, attempt, channelId(attempt.channel), eol, signal);
    }
  }
}

/** Sends until there is an answer that is not "later". */
async function deliver(
  context: ClientContext,
  id: number,
  signed: SignedProposal,
  signal: AbortSignal,
): Promise<DealAnswer> {
  const { chain, clock } = context.needs;
  const { miner } = signed.proposal;
  const dealId = dealIdOf(signed.proposal);
  const backoff = new Backoff(
    clock,
    Math.max(limits.dealRetryMs, chain.params.roundMs),
    limits.dealRetryMaxMs,
  );
  const startMs = clock.nowMs();
  for (;;) {
    const answer = await tryToDeliver(context, id, signed, dealId, signal);
    if (answer !== undefined && !(answer.state === "rejected" && passing.has(answer.code))) return answer;
    const waitedMs = clock.nowMs() - startMs;
    if (waitedMs >= silenceMs(chain.params)) {
      if (answer === undefined) throw marketErrors.silent({ miner, silentMs: waitedMs });
      return answer;
    }
    await backoff.pause(signal);
  }
}

async function tryToDeliver(
  context: ClientContext,
  id: number,
  signed: SignedProposal,
  dealId: CID,
  signal: AbortSignal,
): Promise<DealAnswer | undefined> {
  const { needs } = context;
  const { miner } = signed.proposal;
  const facts = minerOn(needs.chain, miner);
  if (facts === undefined) throw marketErrors.unreachable({ miner, detail: "it is not on the chain" });
  const question = {
    peer: peerOf(facts),
    protocol: proposeProtocol,
    question: signedProposalCodec,
    answer: dealAnswerCodec,
    // The miner may wait for the channel to show up on its own chain.
    timeoutMs: limits.requestTimeoutMs + limits.dealWaitRounds * needs.chain.params.roundMs,
  };
  try {
    const answer = await ask(needs, question, signed, signal);
    if (answer.dealId.equals(dealId) && isAnswerSigned(answer, facts.worker)) {
      if (answer.state === "rejected") note(context, attemptById(context, id), `not yet: ${answer.message}`);
      return answer;
    }
    note(context, attemptById(context, id), "the miner's answer is not signed by its worker");
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    note(context, attemptById(context, id), `the miner does not answer: ${error.message}`);
    return undefined;
  }
}
