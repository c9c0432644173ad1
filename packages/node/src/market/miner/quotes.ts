/** Terms for who asks before a deal: by the asks, the policy and the operator's program, as a proposal is judged. */
import { attoFil, type CID, epoch, HoldfastError, type WireStream, zeroAtto } from "@holdfast/base";
import { type Ask, percentOf } from "@holdfast/consensus";
import { FrameReader, sendMessage } from "../../framing.ts";
import { limits } from "../../limits.ts";
import { namedWay } from "../delivery.ts";
import { boundsOf, checkPolicy, percentFor } from "../policy.ts";
import {
  askProtocol,
  questionIdOf,
  type TermsQuestion,
  termsAnswerBytes,
  termsAnswerCodec,
  termsQuestionCodec,
  type UnsignedTermsAnswer,
} from "../quote.ts";
import { asRefusal, dealRefusals, reasonOf } from "../refusals.ts";
import { serve } from "../talk.ts";
import {
  bestAsk,
  oversize,
  type PieceSlice,
  paddedTotal,
  sliceCount,
  sliceForSectors,
  startByFor,
} from "../terms.ts";
import { askHook, checkStorage } from "./consent.ts";
import { type MinerContext, minerFacts, storedUntil } from "./context.ts";

/** Serves `/fil/storage/ask/1.0.0` until disposed of. */
export function serveQuotes(context: MinerContext): AsyncDisposable {
  return serve(context.needs, {
    protocol: askProtocol,
    timeoutMs: limits.requestTimeoutMs + limits.policyHookMs,
    handler: (stream, signal) => answer(context, stream, signal),
  });
}

async function answer(context: MinerContext, stream: WireStream, signal: AbortSignal): Promise<void> {
  const { needs } = context;
  const question = await new FrameReader(stream).readMessage(termsQuestionCodec, signal);
  // What cannot be read has no answer; the stream just ends.
  if (question === undefined) return await stream.closeWrite();
  let reply = termsFor(context, question, questionIdOf(question));
  try {
    await judge(context, question, stream.peer, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    const refusal = asRefusal(error);
    reply = { ...reply, isWilling: false, code: refusal.code.slice(0, 64), message: reasonOf(refusal) };
  }
  const signature = needs.signer.sign(minerFacts(context).worker, termsAnswerBytes(reply));
  await sendMessage(stream, termsAnswerCodec, { ...reply, signature }, signal);
  await stream.closeWrite();
}

/** As a deal would cut it, or `deal/…` if that were too many pieces. */
function slicesFor(context: MinerContext, carBytes: number): readonly PieceSlice[] {
  const { params } = context.needs.chain;
  const { sectorBytes } = minerFacts(context);
  const isCountable = carBytes > 0 && sliceCount(carBytes, sectorBytes) <= limits.piecesPerDeal;
  const slices = isCountable ? sliceForSectors(carBytes, sectorBytes) : [];
  const most = `${limits.piecesPerDeal} pieces for sectors of ${sectorBytes} bytes are the most`;
  const detail = isCountable ? oversize(slices, sectorBytes, params) : most;
  if (detail !== undefined) throw dealRefusals.tooManyPieces({ detail });
  return slices;
}

async function judge(
  context: MinerContext,
  question: TermsQuestion,
  peer: string,
  signal: AbortSignal,
): Promise<void> {
  const { needs, amendments } = context;
  const { asks, height } = minerFacts(context);
  const { client, payload, carBytes, durationEpochs } = question;
  const slices = slicesFor(context, carBytes);
  const paddedBytes = paddedTotal(slices);
  if (!asks.some((one) => one.expiry > height)) throw dealRefusals.noAsk({});
  const best = bestAsk(asks, paddedBytes, height);
  if (best === undefined) throw dealRefusals.sizeOutsideAsk({ paddedBytes });
  const way = namedWay(question.way);
  if (way === "http" && needs.fetchWeb === undefined) throw dealRefusals.deliveryRefused({ way });
  const wish = { client, durationEpochs, way, storedUntil: storedUntil(context, client, payload) };
  checkPolicy(amendments.policy(), wish, needs.chain.params);
  const size = { paddedBytes, durationEpochs, isCarried: way === "offline" };
  const startBy = startByFor(needs.chain.params, height, size);
  await checkStorage(context, { pieces: slices, startBy });
  const price = percentOf(best.pricePerBytePerEpoch, percentFor(amendments.policy(), client));
  const said = {
    payload: payload.toString(),
    carBytes,
    paddedBytes,
    durationEpochs,
    way,
  };
  await askHook(context, "quote", { ...said, client, peer, pricePerBytePerEpoch: price.toString() }, signal);
}

/** What this miner takes, for this client. */
function termsFor(
  context: MinerContext,
  { client, carBytes }: TermsQuestion,
  question: CID,
): UnsignedTermsAnswer {
  const { needs, amendments } = context;
  const policy = amendments.policy();
  const { asks, height, sectorBytes } = minerFacts(context);
  const holding = asks.filter((one) => one.expiry > height);
  const best = bestAsk(holding, paddedOr(context, carBytes), height);
  const sizes = (pick: (ask: Ask) => number) => holding.map(pick);
  return {
    question,
    isWilling: true,
    code: "",
    message: "",
    height: epoch(height),
    sectorBytes,
    pricePerBytePerEpoch:
      best === undefined
        ? zeroAtto
        : percentOf(attoFil(best.pricePerBytePerEpoch), percentFor(policy, client)),
    minBytes: holding.length === 0 ? 0 : Math.min(...sizes((ask) => ask.minBytes)),
    maxBytes: holding.length === 0 ? 0 : Math.max(...sizes((ask) => ask.maxBytes)),
    ...boundsOf(policy, needs.chain.params),
  };
}

function paddedOr(context: MinerContext, carBytes: number): number {
  try {
    return paddedTotal(slicesFor(context, carBytes));
  } catch (error) {
    if (error instanceof HoldfastError) return -1;
    throw error;
  }
}
