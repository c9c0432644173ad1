/** Signed answers about deals, and the protocol that asks for them. */
import { type CID, cidOfCbor, epoch, HoldfastError, type WireStream } from "@holdfast/base";
import { FrameReader, sendMessage } from "../../framing.ts";
import { limits } from "../../limits.ts";
import {
  answerSigningBytes,
  dealAnswerCodec,
  dealQueryCodec,
  type PieceLocation,
  queryProtocol,
  type UnsignedAnswer,
} from "../deal.ts";
import { asRefusal, dealRefusals, reasonOf } from "../refusals.ts";
import { serve } from "../talk.ts";
import { type MinerContext, minerFacts, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";

/** Serves `/fil/storage/qry/1.0.0` until disposed of. */
export function serveQueries(context: MinerContext): AsyncDisposable {
  return serve(context.needs, {
    protocol: queryProtocol,
    timeoutMs: limits.requestTimeoutMs,
    handler: (stream, signal) => answerQuery(context, stream, signal),
  });
}

async function answerQuery(context: MinerContext, stream: WireStream, signal: AbortSignal): Promise<void> {
  let answer: Parameters<typeof answerWith>[1];
  try {
    const query = await new FrameReader(stream).readMessage(dealQueryCodec, signal);
    if (query === undefined) throw dealRefusals.malformed({ detail: "the stream ended" });
    const deal = context.store.get(query.dealId.toString());
    answer = { dealId: query.dealId, deal, firstPiece: query.firstPiece };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    answer = { dealId: noDeal, refusal: asRefusal(error) };
  }
  await answerWith(context, answer, stream, signal);
}

/** In answers to what cannot be read. */
const noDeal: CID = cidOfCbor(new Uint8Array(0));

/** Sends a signed answer: about a deal, about none, or a refusal. */
export async function answerWith(
  context: MinerContext,
  about: {
    readonly dealId?: CID;
    readonly deal?: DealRow | undefined;
    readonly refusal?: HoldfastError;
    readonly firstPiece?: number;
  },
  stream: WireStream,
  signal: AbortSignal,
): Promise<void> {
  const { signer } = context.needs;
  const { dealId = noDeal, deal, refusal, firstPiece = 0 } = about;
  const { worker, height, sectorBytes } = minerFacts(context);
  const common = { dealId, height: epoch(height), sectorBytes, firstPiece, locations: [] };
  let answer: UnsignedAnswer = {
    ...common,
    state: "unknown",
    code: "",
    message: "this miner knows no such deal",
  };
  if (refusal !== undefined) {
    answer = { ...common, state: "rejected", code: refusal.code.slice(0, 64), message: reasonOf(refusal) };
  } else if (deal !== undefined) {
    const { state, code, detail } = deal;
    const locations = await locationsOf(context, deal, firstPiece);
    answer = { ...common, state, code, message: detail.slice(0, limits.dealReasonBytes / 4), locations };
  }
  const signature = signer.sign(worker, answerSigningBytes(answer));
  await sendMessage(stream, dealAnswerCodec, { ...answer, signature }, signal);
  await stream.closeWrite();
}

/** Where pieces are, from this one on; none before all of them are in sealed sectors. */
export async function locationsOf(
  context: MinerContext,
  deal: DealRow,
  firstPiece: number,
): Promise<PieceLocation[]> {
  const { storage } = context.needs;
  if (!["sealing", "committed", "active"].includes(deal.state)) return [];
  const count = deal.proposal.pieces.length;
  const upTo = Math.min(count, firstPiece + limits.dealLocations);
  const locations: PieceLocation[] = [];
  for (let index = firstPiece; index < upTo; index += 1) {
    const location = await locate(storage, pieceKeyOf(deal.dealId, index));
    if (location === undefined) return [];
    locations.push(location);
  }
  return locations;
}

/** Undefined while the piece's sector is not sealed. */
async function locate(
  storage: MinerContext["needs"]["storage"],
  pieceKey: string,
): Promise<PieceLocation | undefined> {
  try {
    const { sectorId, proof } = await storage.provePieceInclusion(pieceKey);
    return { sectorId: sectorId as PieceLocation["sectorId"], proof };
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}
