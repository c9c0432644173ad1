/** Asking miners for their terms, each for itself: what each would take, for how much, and why not. */
import {
  type Address,
  type CID,
  cidOfCbor,
  filText,
  HoldfastError,
  parseAddress,
  utf8Bytes,
} from "@holdfast/base";
import { listMiners, type MinerView, sectorSizes } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import { marketErrors } from "../errors.ts";
import { minerOn, peerOf } from "../facts.ts";
import type { MarketChain } from "../needs.ts";
import {
  askProtocol,
  isTermsAnswerSigned,
  questionIdOf,
  type TermsAnswer,
  type TermsQuestion,
  termsAnswerCodec,
  termsQuestionCodec,
} from "../quote.ts";
import { ask } from "../talk.ts";
import { dealPrice, paddedTotal, sliceCount, sliceForSectors } from "../terms.ts";
import type { MinerTerms, TermsRequest } from "../types.ts";
import type { ClientContext } from "./context.ts";

/** Of a question about no particular file. */
export const noFile: CID = cidOfCbor(utf8Bytes("holdfast: no file in particular"));

/** One miner's signed answer, with sectors as the network has them. `market/unreachable`, `market/bad-answer`. */
export async function termsFrom(
  needs: Parameters<typeof ask>[0] & { readonly chain: Pick<MarketChain, "params"> },
  {
    miner,
    peer,
    worker,
  }: { readonly miner: Address; readonly peer: ReturnType<typeof peerOf>; readonly worker: Address },
  question: TermsQuestion,
  signal: AbortSignal,
): Promise<TermsAnswer> {
  const to = {
    peer,
    protocol: askProtocol,
    question: termsQuestionCodec,
    answer: termsAnswerCodec,
    timeoutMs: limits.dealProbeMs + limits.policyHookMs,
  };
  const answer = await ask(needs, to, question, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    throw marketErrors.unreachable({ miner, detail: error.message });
  });
  const isHonest = answer.question.equals(questionIdOf(question)) && isTermsAnswerSigned(answer, worker);
  if (!isHonest) throw marketErrors.badAnswer({ miner, detail: "its terms are not signed by its worker" });
  // Pieces are cut for these: of sectors of no bytes there would be no end of them.
  if (!sectorSizes(needs.chain.params).includes(answer.sectorBytes))
    throw marketErrors.badAnswer({ miner, detail: "it names sectors that nobody may have" });
  return answer;
}

/** Of these miners, or of all that publish a price. */
export async function termsOfMiners(
  context: ClientContext,
  { carBytes, durationEpochs, payload = noFile, miners }: TermsRequest,
  signal: AbortSignal,
): Promise<MinerTerms[]> {
  const { needs } = context;
  const { chain } = needs;
  const all = miners ?? listMiners(chain.store, chain.headState().state, chain.params.networkByte);
  const asked = all.map((miner) => ({
    miner: parseAddress(miner),
    facts: minerOn(chain, parseAddress(miner)),
  }));
  const offering = asked.filter(({ facts }) => miners !== undefined || (facts?.asks.length ?? 0) > 0);
  const question = { client: needs.signer.payer(), payload, carBytes, durationEpochs, way: "stream" };
  return await Promise.all(
    offering
      .slice(0, limits.retrievalProviders)
      .map(({ miner, facts }) => lineOf(context, miner, facts, question, signal)),
  );
}

async function lineOf(
  { needs }: ClientContext,
  miner: Address,
  facts: MinerView | undefined,
  question: TermsQuestion,
  signal: AbortSignal,
): Promise<MinerTerms> {
  const none = { miner, isWilling: false, totalFil: null, terms: null };
  if (facts === undefined) return { ...none, code: "market/unreachable", reason: "it is not on the chain" };
  try {
    const to = { miner, peer: peerOf(facts), worker: facts.worker };
    const answer = await termsFrom(needs, to, question, signal);
    const { isWilling, code, message, sectorBytes, pricePerBytePerEpoch } = answer;
    const isCountable = sliceCount(question.carBytes, sectorBytes) <= limits.piecesPerDeal;
    const padded = isCountable ? paddedTotal(sliceForSectors(question.carBytes, sectorBytes)) : 0;
    const total = dealPrice(pricePerBytePerEpoch, padded, question.durationEpochs);
    return {
      miner,
      isWilling,
      code,
      reason: message,
      totalFil: isWilling && isCountable ? filText(total) : null,
      terms: answer,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    return { ...none, code: error.code, reason: error.message };
  }
}
