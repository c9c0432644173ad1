/**
 * Fetching the data of a deal, from the client's node or from the web server that it names. Each piece streams straight
 * into the storage, which checks its commitment; a broken line is taken up again at the byte where it broke, until the
 * other side is silent for too long. Pieces that are stored stay stored, and the storage keeps what has come of the one
 * under way: a miner that restarts fetches only the rest.
 */
import { HoldfastError, type PeerId } from "@holdfast/base";
import { readCar } from "../../car.ts";
import { FrameReader, sendMessage, withDeadline } from "../../framing.ts";
import { limits } from "../../limits.ts";
import { type DealPiece, dataHeadCodec, dataProtocol, dataRequestCodec, dealIdOf } from "../deal.ts";
import { wayOf } from "../delivery.ts";
import { heightOf } from "../facts.ts";
import { isFetching } from "../machine/miner.ts";
import { dealRefusals } from "../refusals.ts";
import { Backoff, Turns } from "../tasks.ts";
import { silenceMs } from "../terms.ts";
import { carOfDeal } from "./car-source.ts";
import { dealById, happens, type MinerContext, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";

/** Refusals of a client that are final. */
const finalRefusals = new Set([
  "deal/unknown-deal",
  "deal/not-your-deal",
  "deal/given-up",
  "deal/bad-range",
  "deal/bad-source",
]);

export class Transfers {
  readonly #context: MinerContext;
  readonly #turns = new Turns(limits.runningTransfers);

  constructor(context: MinerContext) {
    this.#context = context;
  }

  /** accepted → transferring → staged, or failed. */
  start(dealId: string): void {
    if (!isUnderWay(this.#context, dealId)) return;
    this.#context.tasks.start(`transfer/${dealId}`, (signal) =>
      this.#turns.run(signal, () => transfer(this.#context, dealId, signal)),
    );
  }
}

function isUnderWay(context: MinerContext, dealId: string): boolean {
  const deal = dealById(context, dealId);
  return isFetching(deal) && !deal.carried;
}

async function transfer(context: MinerContext, dealId: string, signal: AbortSignal): Promise<void> {
  const { proposal } = dealById(context, dealId);
  try {
    for (const [index, piece] of proposal.pieces.entries()) {
      const total = proposal.pieces.length;
      // It may have waited for its turn for long, and been given up.
      if (!isUnderWay(context, dealId)) return;
      if ((await context.needs.storage.getPiece(pieceKeyOf(dealId, index))) !== undefined) continue;
      happens(context, dealId, { type: "fetching", piece: index + 1, of: total });
      await storePiece(context, dealId, index, piece, signal);
    }
    await finish(context, dealId);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.code === "storage/closed") throw error;
    if (!isUnderWay(context, dealId)) return;
    happens(context, dealId, { type: "gave up", reason: asRefusal(error) });
  }
}

/** All pieces are here: if they are what the deal names, it goes on. `car/…`, `deal/wrong-data`. */
export async function finish(context: MinerContext, dealId: string): Promise<void> {
  await checkCar(dealById(context, dealId), context);
  if (!isFetching(dealById(context, dealId))) return;
  happens(context, dealId, { type: "fetched", height: heightOf(context.needs.chain) });
}

/** What the client is told: an error of our storage is ours, wrong bytes are the client's. */
export function asRefusal(error: HoldfastError): HoldfastError {
  if (error.code.startsWith("deal/")) return error;
  const isWrong =
    ["storage/piece-mismatch", "storage/long-piece"].includes(error.code) || error.code.startsWith("car/");
  const detail = error.message;
  return isWrong ? dealRefusals.wrongData({ detail }, error) : dealRefusals.storageFailed({ detail }, error);
}

async function storePiece(
  context: MinerContext,
  dealId: string,
  index: number,
  piece: DealPiece,
  signal: AbortSignal,
): Promise<void> {
  const { commP, paddedBytes, userBytes } = piece;
  const source = {
    from: (offset: number) => fetchPiece(context, dealId, { pieceIndex: index, offset, userBytes }, signal),
  };
  const pieceKey = pieceKeyOf(dealId, index);
  await context.needs.storage.addPiece({ pieceKey, commP, paddedBytes, userBytes, source }, signal);
}

/** Of the piece from this byte on, by the way of the deal; at most what is asked for. */
function rangeOf(
  context: MinerContext,
  dealId: string,
  range: PieceRange,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { pieces, delivery, clientPeer } = dealById(context, dealId).proposal;
  if (wayOf(delivery) === "stream") return fetchRange(context, dealId, range, signal);
  const { fetchWeb } = context.needs;
  if (fetchWeb === undefined) throw dealRefusals.deliveryRefused({ way: "http" });
  const before = pieces.slice(0, range.pieceIndex).reduce((sum, { userBytes }) => sum + userBytes, 0);
  const lengthBytes = range.userBytes - range.offset;
  const wanted = { url: delivery, offsetBytes: before + range.offset, lengthBytes };
  return fetchWeb({ ...wanted, near: clientPeer as PeerId }, signal);
}

/** The bytes of a piece, over as many streams as it takes. `deal/transfer-failed`, final refusals of the client. */
async function* fetchPiece(
  context: MinerContext,
  dealId: string,
  { pieceIndex, offset: startOffset, userBytes }: PieceRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, chain } = context.needs;
  const backoff = new Backoff(
    clock,
    Math.max(limits.dealRetryMs, chain.params.roundMs),
    limits.dealRetryMaxMs,
  );
  let offset = startOffset;
  let movedMs = clock.nowMs();
  let lookedMs = movedMs;
  while (offset < userBytes) {
    if (!isUnderWay(context, dealId)) throw dealRefusals.givenUp({});
    try {
      for await (const bytes of rangeOf(context, dealId, { pieceIndex, offset, userBytes }, signal)) {
        offset += bytes.length;
        movedMs = clock.nowMs();
        backoff.reset();
        yield bytes;
        if (clock.nowMs() - lookedMs < chain.params.roundMs) continue;
        lookedMs = clock.nowMs();
        if (!isUnderWay(context, dealId)) throw dealRefusals.givenUp({}); // who drips would have a turn for ever
      }
      if (offset < userBytes) throw dealRefusals.transferFailed({ detail: "the stream ended too early" });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError) || finalRefusals.has(error.code)) throw error;
      const isSilent = clock.nowMs() - movedMs >= silenceMs(chain.params);
      if (isSilent)
        throw dealRefusals.transferFailed({ detail: `at byte ${offset}: ${error.message}` }, error);
      await backoff.pause(signal);
    }
  }
}

interface PieceRange {
  readonly pieceIndex: number;
  readonly offset: number;
  readonly userBytes: number;
}

/** What one stream gives, at most what was asked for. `net/…`, `wire/…`, `codec/…`, `deal/…`. */
async function* fetchRange(
  context: MinerContext,
  dealId: string,
  { pieceIndex, offset, userBytes }: PieceRange,
  outer: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { wire, clock } = context.needs;
  const { proposal } = dealById(context, dealId);
  const step = { timeoutMs: limits.requestTimeoutMs, protocol: dataProtocol, outer };
  const stream = await withDeadline(clock, step, (signal) =>
    wire.open(proposal.clientPeer as PeerId, dataProtocol, signal),
  );
  try {
    const reader = new FrameReader(stream);
    const head = await withDeadline(clock, step, async (signal) => {
      const request = { dealId: dealIdOf(proposal), pieceIndex, offset };
      await sendMessage(stream, dataRequestCodec, request, signal);
      await stream.closeWrite();
      return await reader.readMessage(dataHeadCodec, signal);
    });
    checkHead(head, userBytes - offset);
    for (let left = userBytes - offset; left > 0; ) {
      const bytes = await withDeadline(clock, step, (signal) => reader.read(signal));
      if (bytes === undefined) return;
      if (bytes.length > left) throw dealRefusals.wrongData({ detail: "it is longer than the piece" });
      left -= bytes.length;
      if (bytes.length > 0) yield bytes;
    }
  } finally {
    stream.abort(dealRefusals.transferFailed({ detail: "the miner reads no further" }));
  }
}

function checkHead(
  head: { readonly code: string; readonly message: string; readonly bytes: number } | undefined,
  wanted: number,
): void {
  if (head === undefined) throw dealRefusals.transferFailed({ detail: "no answer" });
  const { code, message, bytes } = head;
  if (code === "deal/unknown-deal" || code === "deal/given-up") throw dealRefusals.givenUp({});
  if (code === "deal/not-your-deal") throw dealRefusals.notYourDeal({ peer: "this miner" });
  if (code !== "") throw dealRefusals.transferFailed({ detail: `${message} (${code})` });
  if (bytes !== wanted) throw dealRefusals.wrongData({ detail: `${bytes} bytes instead of ${wanted}` });
}

/**
 * The pieces must be the CAR stream of the payload that the deal names: a miner offers its payloads to everybody
 * and must not offer what is not there. `car/…`, `deal/wrong-data`.
 */
async function checkCar(deal: DealRow, context: MinerContext): Promise<void> {
  const { root, blocks } = await readCar(carOfDeal(context, deal).read(0));
  if (!root.equals(deal.proposal.payload)) {
    throw dealRefusals.wrongData({ detail: `it is a stream of ${root.toString()}` });
  }
  for await (const _block of blocks); // each is checked against its CID
}
