/**
 * Handing the data of a deal to its miner: any piece from any byte, to the peer that the chain names for this
 * miner and to nobody else.
 */
import { encode, HoldfastError, type WireStream } from "@holdfast/base";
import { FrameReader, sendFrame, withDeadline } from "../../framing.ts";
import { limits } from "../../limits.ts";
import { dataHeadCodec, dataProtocol, dataRequestCodec } from "../deal.ts";
import { minerOn } from "../facts.ts";
import { asRefusal, dealRefusals, reasonOf } from "../refusals.ts";
import { serve } from "../talk.ts";
import type { ClientContext } from "./context.ts";
import { proposalOf } from "./follow.ts";
import { payloadOf } from "./local.ts";
import type { Attempt } from "./store.ts";

/** Serves `/fil/storage/data/1.0.0` until disposed of. */
export function serveDealData(context: ClientContext): AsyncDisposable {
  return serve(context.needs, {
    protocol: dataProtocol,
    timeoutMs: undefined,
    handler: (stream, signal) => handle(context, stream, signal),
  });
}

interface Range {
  readonly attempt: Attempt;
  readonly pieceIndex: number;
  /** In the CAR stream. */
  readonly start: number;
  readonly bytes: number;
}

async function handle(context: ClientContext, stream: WireStream, signal: AbortSignal): Promise<void> {
  const { clock } = context.needs;
  const step = { timeoutMs: limits.requestTimeoutMs, protocol: dataProtocol, outer: signal };
  let range: Range;
  try {
    range = await withDeadline(clock, step, (deadline) => readRequest(context, stream, deadline));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    const refusal = asRefusal(error);
    const head = encode(dataHeadCodec, { code: refusal.code, message: reasonOf(refusal), bytes: 0 });
    await withDeadline(clock, step, (deadline) => sendFrame(stream, head, deadline));
    return await stream.closeWrite();
  }
  const head = encode(dataHeadCodec, { code: "", message: "", bytes: range.bytes });
  await withDeadline(clock, step, (deadline) => sendFrame(stream, head, deadline));
  let left = range.bytes;
  const source = context.needs.files.carStream(payloadOf(context, range.attempt), range.start);
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length && left > 0; at += limits.retrievalChunkBytes) {
      const part = chunk.subarray(at, Math.min(at + limits.retrievalChunkBytes, at + left));
      // Each frame has its own deadline: a slow line is fine, a dead one is not.
      await withDeadline(clock, step, (deadline) => sendFrame(stream, part, deadline));
      left -= part.length;
      served(context, range, range.start + range.bytes - left);
    }
    if (left === 0) break;
  }
  await stream.closeWrite();
}

async function readRequest(context: ClientContext, stream: WireStream, signal: AbortSignal): Promise<Range> {
  const request = await new FrameReader(stream).readMessage(dataRequestCodec, signal);
  if (request === undefined) throw dealRefusals.malformed({ detail: "the stream ended" });
  const dealId = request.dealId.toString();
  const attempt = context.store.attemptOfDeal(dealId);
  if (attempt === undefined) throw dealRefusals.unknownDeal({ dealId: dealId.slice(0, 100) });
  const { peer } = stream;
  if (minerOn(context.needs.chain, attempt.miner)?.peerId !== peer) throw dealRefusals.notYourDeal({ peer });
  if (attempt.stage === "abandoned") throw dealRefusals.givenUp({});
  const { pieceIndex, offset } = request;
  const { pieces } = proposalOf(attempt);
  const piece = pieces[pieceIndex];
  if (piece === undefined || offset >= piece.userBytes) throw dealRefusals.badRange({ pieceIndex, offset });
  const before = pieces.slice(0, pieceIndex).reduce((sum, { userBytes }) => sum + userBytes, 0);
  return { attempt, pieceIndex, start: before + offset, bytes: piece.userBytes - offset };
}

/** For the progress that people see: the furthest byte that the miner has fetched. */
function served(context: ClientContext, { attempt }: Range, upTo: number): void {
  const { id, jobId } = attempt;
  if (upTo <= (context.served.get(id) ?? 0)) return;
  context.served.set(id, upTo);
  context.changed(jobId);
}
