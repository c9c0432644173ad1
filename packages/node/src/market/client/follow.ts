/**
 * From "accepted" to sectors on the chain. The miner says where each piece is; nothing counts before this
 * node's own chain and the inclusion proofs say the same. A miner that is silent, late or wrong is given up.
 */
import { assert, decode, HoldfastError, parseCid } from "@holdfast/base";
import { verifyPieceInclusion } from "@holdfast/proofs/verify";
import { limits } from "../../limits.ts";
import {
  type DealAnswer,
  type DealPiece,
  type DealProposal,
  dealAnswerCodec,
  dealQueryCodec,
  endHeightOf,
  isAnswerSigned,
  type PieceLocation,
  queryProtocol,
  signedProposalCodec,
} from "../deal.ts";
import { marketErrors } from "../errors.ts";
import { heightOf, minerOn, peerOf, preCommitOn, sectorOn } from "../facts.ts";
import { judgeAccepted } from "../machine/client.ts";
import { ask } from "../talk.ts";
import { silenceMs } from "../terms.ts";
import { attemptById, type ClientContext, move, note } from "./context.ts";
import type { Attempt, Evidence } from "./store.ts";

/** Two questions of one deal are at least so far apart, also in networks with shorter rounds. */
const leastPollMs = 500;

export function proposalOf(attempt: Attempt): DealProposal {
  assert(attempt.proposal !== null, "a proposed deal has its proposal");
  return decode(signedProposalCodec, attempt.proposal).proposal;
}

/**
 * accepted → committed. `market/deal-failed`, `market/false-claim`, `market/not-in-time`, `market/silent`.
 */
export async function follow(context: ClientContext, id: number, signal: AbortSignal): Promise<void> {
  const { chain, clock } = context.needs;
  const proposal = proposalOf(attemptById(context, id));
  const { miner, startBy } = proposal;
  let heardMs = clock.nowMs();
  for (;;) {
    const attempt = attemptById(context, id);
    const answer = await question(context, attempt, 0, signal);
    let evidence: Evidence[] | undefined;
    if (answer !== undefined) {
      heardMs = clock.nowMs();
      hear(context, attempt, answer);
      const locations = await collect(context, attempt, answer, signal);
      evidence = locations === undefined ? undefined : verified(context, attempt, proposal, locations);
    }
    const silentMs = clock.nowMs() - heardMs;
    const mostSilentMs = silenceMs(chain.params);
    const isVerified = evidence !== undefined;
    const verdict = judgeAccepted({ isVerified, height: heightOf(chain), startBy, silentMs, mostSilentMs });
    if (verdict === "verified" && evidence !== undefined) {
      const sectors = new Set(evidence.map((entry) => entry.sectorId)).size;
      const pieces = proposal.pieces.length;
      const what =
        pieces === 1
          ? "the piece in its sector"
          : `${pieces} pieces in ${sectors} sector${sectors === 1 ? "" : "s"}`;
      const detail = `verified on the chain: ${what}`;
      return move(context, attempt, { stage: "committed", remote: "committed", evidence }, detail);
    }
    if (verdict === "not in time") throw marketErrors.notInTime({ miner, startBy });
    if (verdict === "silent") throw marketErrors.silent({ miner, silentMs });
    await clock.sleep(Math.max(leastPollMs, chain.params.roundMs), signal);
  }
}

/** A signed answer, or undefined with a note on why there is none. */
async function question(
  context: ClientContext,
  attempt: Attempt,
  firstPiece: number,
  signal: AbortSignal,
): Promise<DealAnswer | undefined> {
  const { needs } = context;
  const dealId = parseCid(attempt.dealId ?? "");
  const facts = minerOn(needs.chain, attempt.miner);
  if (facts === undefined) {
    throw marketErrors.unreachable({ miner: attempt.miner, detail: "it is not on the chain" });
  }
  const to = {
    peer: peerOf(facts),
    protocol: queryProtocol,
    question: dealQueryCodec,
    answer: dealAnswerCodec,
    timeoutMs: limits.requestTimeoutMs,
  };
  try {
    const answer = await ask(needs, to, { dealId, firstPiece }, signal);
    if (answer.dealId.equals(dealId) && isAnswerSigned(answer, facts.worker)) return answer;
    note(context, attempt, "the miner's answer is not signed by its worker");
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    note(context, attempt, `the miner does not answer: ${error.message}`);
  }
  return undefined;
}

/** Writes down what the miner says about its work; an end of the deal is an error here. */
function hear(context: ClientContext, attempt: Attempt, answer: DealAnswer): void {
  const { miner } = attempt;
  const { state, message, code } = answer;
  if (state === "failed") throw marketErrors.dealFailed({ miner, reason: message });
  if (state === "rejected") throw marketErrors.rejected({ miner, code, reason: message });
  if (state === "unknown")
    throw marketErrors.dealFailed({ miner, reason: "it does not know the deal any more" });
  if (state !== attempt.remote) move(context, attempt, { remote: state }, message);
  else note(context, attempt, message);
}

/** All locations, asked for page by page; undefined while the miner has not sealed. */
async function collect(
  context: ClientContext,
  attempt: Attempt,
  first: DealAnswer,
  signal: AbortSignal,
): Promise<readonly PieceLocation[] | undefined> {
  if (first.locations.length === 0) return undefined;
  const count = proposalOf(attempt).pieces.length;
  const locations = [...first.locations];
  while (locations.length < count) {
    const next = await question(context, attempt, locations.length, signal);
    if (next === undefined || next.firstPiece !== locations.length || next.locations.length === 0)
      return undefined;
    locations.push(...next.locations);
  }
  return locations.slice(0, count);
}

/**
 * The evidence that every piece is in a sector on the chain; undefined while a sector is not there yet.
 * `market/false-claim` if the chain contradicts the miner.
 */
function verified(
  context: ClientContext,
  attempt: Attempt,
  proposal: DealProposal,
  locations: readonly PieceLocation[],
): Evidence[] | undefined {
  const { chain } = context.needs;
  const { miner } = attempt;
  const evidence: Evidence[] = [];
  let sealed = 0;
  for (const [index, { sectorId, proof }] of locations.entries()) {
    const sector = sectorOn(chain, miner, sectorId);
    const roots = sector ?? preCommitOn(chain, miner, sectorId);
    if (roots === undefined) continue;
    checkPlace(proposal, index, { sectorId, proof }, roots);
    sealed += 1;
    if (sector === undefined) continue;
    const { commD, commR } = sector;
    evidence.push({ sectorId, proof, commD, commR, firstProvenAt: null });
  }
  if (evidence.length === locations.length) return evidence;
  if (sealed > 0) note(context, attempt, `${evidence.length} of ${locations.length} pieces are on the chain`);
  return undefined;
}

function checkPlace(
  proposal: DealProposal,
  index: number,
  { sectorId, proof }: PieceLocation,
  roots: { readonly commD: Uint8Array; readonly sectorBytes: number; readonly expiration: number },
): void {
  const { miner } = proposal;
  const piece: DealPiece | undefined = proposal.pieces[index];
  const { commD, sectorBytes, expiration } = roots;
  if (expiration < endHeightOf(proposal)) {
    const detail = `sector ${sectorId} ends at ${expiration}, before the deal`;
    throw marketErrors.falseClaim({ miner, detail });
  }
  const { commP, paddedBytes } = piece ?? { commP: new Uint8Array(0), paddedBytes: 0 };
  if (verifyPieceInclusion({ commD, sectorBytes, commP, paddedBytes, proof })) return;
  throw marketErrors.falseClaim({ miner, detail: `piece ${index} is not in sector ${sectorId}` });
}
