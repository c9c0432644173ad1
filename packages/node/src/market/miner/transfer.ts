/**
 * Fetching the data of a deal, from the client's node or from the web server that it names. Each piece streams straight
 * into the storage, which checks its commitment; a broken line is taken up again at the byte where it broke, until the
 * other side is silent for too long. Pieces that are stored stay stored, and the storage keeps what has come of the one
 * under way: a miner that restarts fetches only the rest. So does a deal whose turn was taken from it, because its
 * client gave less than the floor, or for long little, while others wait: it stands behind them, and goes on there.
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
import { Backoff } from "../tasks.ts";
import { silenceMs } from "../terms.ts";
import { carOfDeal } from "./car-source.ts";
import { dealById, happens, type MinerContext, pieceKeyOf } from "./context.ts";
import { Arrivals, Progress } from "./progress.ts";
import type { DealRow } from "./store.ts";
import { FairTurns, type Turn } from "./turns.ts";

/** Refusals of a client that are final. */
const finalRefusals = new Set([
  "deal/unknown-deal",
  "deal/not-your-deal",
  "deal/given-up",
  "deal/bad-range",
  "deal/bad-source",
]);

/** How a turn ended; `wanted`: with a piece, or within one that came slowly, because others wait. */
type TurnEnd = "over" | "wanted" | "below the floor";

/** What is fetched, and in which turn. */
interface Fetch {
  readonly dealId: string;
  readonly turn: Turn;
  readonly progress: Progress;
}

export class Transfers {
  readonly #context: MinerContext;
  readonly #turns = new FairTurns(limits.runningTransfers);
  readonly #arrivals = new Arrivals();

  constructor(context: MinerContext) {
    this.#context = context;
  }

  /** accepted → transferring → staged, or failed. */
  start(dealId: string): void {
    if (!isUnderWay(this.#context, dealId)) return;
    this.#context.tasks.start(`transfer/${dealId}`, (signal) => this.#run(dealId, signal));
  }

  async #run(dealId: string, signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const { payer } = dealById(context, dealId);
    const progress = new Progress(context.needs.clock, this.#arrivals, payer);
    for (let slowTurns = 0; ; ) {
      using turn = await this.#turns.take(payer, signal);
      progress.beginTurn();
      const end = await this.#inTurn({ dealId, turn, progress }, signal);
      if (end === "over" || !isUnderWay(context, dealId)) return;
      if (end === "wanted") {
        slowTurns = 0;
        continue;
      }
      if (this.#turns.isAnyoneWaiting && progress.isDrip) slowTurns += 1;
      const isSilent = progress.silentMs >= silenceMs(context.needs.chain.params);
      if (!isSilent && slowTurns < limits.slowTurns) continue;
      const detail = isSilent ? "nothing comes" : `less than ${limits.transferFloorBytesPerS} bytes a second`;
      happens(context, dealId, { type: "gave up", reason: dealRefusals.transferFailed({ detail }) });
      return;
    }
  }

  async #inTurn(fetch: Fetch, outer: AbortSignal): Promise<TurnEnd> {
    const cut = new AbortController();
    const over = new AbortController();
    const watched = this.#watch(fetch, cut, AbortSignal.any([outer, over.signal]));
    try {
      const end = await transfer(this.#context, fetch, outer, AbortSignal.any([outer, cut.signal]));
      if (end !== "cut") return end;
    } finally {
      over.abort();
    }
    return await watched;
  }

  /** Cuts the turn off when its time has come. Who could not go on where it was has all of its turns in one. */
  async #watch({ turn, progress }: Fetch, cut: AbortController, stop: AbortSignal): Promise<TurnEnd> {
    const { clock } = this.#context.needs;
    const startMs = clock.nowMs();
    let end: TurnEnd = "over";
    let slowWindows = 0;
    while (end === "over" && !stop.aborted) {
      await clock.sleep(limits.transferWindowMs, stop).catch(() => undefined);
      if (stop.aborted) break;
      const turns = progress.comesWhole ? limits.slowTurns : 1;
      const isLong = turn.isWanted && clock.nowMs() - startMs >= turns * limits.transferTurnMs;
      if (progress.isBelowFloor() && (turn.isWanted || !progress.comesWhole)) slowWindows += 1;
      if (slowWindows >= turns) end = "below the floor";
      else if (isLong && progress.isSlowTurn()) end = "wanted";
    }
    if (end !== "over") cut.abort(new DOMException("the turn of a transfer is over", "AbortError"));
    return end;
  }
}

function isUnderWay(context: MinerContext, dealId: string): boolean {
  const deal = dealById(context, dealId);
  return isFetching(deal) && !deal.carried;
}

/** `cut`: the turn was cut off within a piece. */
async function transfer(
  context: MinerContext,
  fetch: Fetch,
  outer: AbortSignal,
  signal: AbortSignal,
): Promise<TurnEnd | "cut"> {
  const { dealId, turn } = fetch;
  const { clock, storage } = context.needs;
  const { proposal } = dealById(context, dealId);
  const startMs = clock.nowMs();
  try {
    for (const [index, piece] of proposal.pieces.entries()) {
      const total = proposal.pieces.length;
      // It may have waited for its turn for long, and been given up.
      if (!isUnderWay(context, dealId)) return "over";
      if ((await storage.getPiece(pieceKeyOf(dealId, index))) !== undefined) continue;
      if (turn.isWanted && clock.nowMs() - startMs >= limits.transferTurnMs) return "wanted";
      happens(context, dealId, { type: "fetching", piece: index + 1, of: total });
      await storePiece(context, fetch, index, piece, signal);
    }
    await finish(context, dealId);
    return "over";
  } catch (error) {
    outer.throwIfAborted();
    if (signal.aborted) return "cut";
    if (!(error instanceof HoldfastError) || error.code === "storage/closed") throw error;
    if (!isUnderWay(context, dealId)) return "over";
    happens(context, dealId, { type: "gave up", reason: asRefusal(error) });
    return "over";
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
  fetch: Fetch,
  index: number,
  piece: DealPiece,
  signal: AbortSignal,
): Promise<void> {
  const { commP, paddedBytes, userBytes } = piece;
  const source = {
    from: (offset: number) => fetchPiece(context, fetch, { pieceIndex: index, offset, userBytes }, signal),
  };
  const pieceKey = pieceKeyOf(fetch.dealId, index);
  try {
    await context.needs.storage.addPiece({ pieceKey, commP, paddedBytes, userBytes, source }, signal);
  } finally {
    fetch.progress.rests();
  }
}

/** Of the piece from this byte on, by the way of the deal; at most what is asked for. */
function rangeOf(
  context: MinerContext,
  { dealId, progress }: Fetch,
  range: PieceRange,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { pieces, delivery, clientPeer } = dealById(context, dealId).proposal;
  if (wayOf(delivery) === "stream") return fetchRange(context, dealId, range, signal);
  const { fetchWeb } = context.needs;
  if (fetchWeb === undefined) throw dealRefusals.deliveryRefused({ way: "http" });
  const before = pieces.slice(0, range.pieceIndex).reduce((sum, { userBytes }) => sum + userBytes, 0);
  const lengthBytes = range.userBytes - range.offset;
  const near = clientPeer as PeerId;
  const onWhole = (): void => {
    progress.comesWhole = true;
  };
  return fetchWeb({ url: delivery, offsetBytes: before + range.offset, lengthBytes, near, onWhole }, signal);
}

/** The bytes of a piece, over as many streams as it takes. `deal/transfer-failed`, final refusals of the client. */
async function* fetchPiece(
  context: MinerContext,
  fetch: Fetch,
  { pieceIndex, offset: startOffset, userBytes }: PieceRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, chain } = context.needs;
  const { dealId, progress } = fetch;
  const backoff = new Backoff(
    clock,
    Math.max(limits.dealRetryMs, chain.params.roundMs),
    limits.dealRetryMaxMs,
  );
  let offset = startOffset;
  let lookedMs = clock.nowMs();
  progress.waits();
  while (offset < userBytes) {
    if (!isUnderWay(context, dealId)) throw dealRefusals.givenUp({});
    try {
      for await (const bytes of rangeOf(context, fetch, { pieceIndex, offset, userBytes }, signal)) {
        offset += bytes.length;
        progress.came(bytes.length);
        progress.rests();
        backoff.reset();
        yield bytes;
        progress.waits();
        if (clock.nowMs() - lookedMs < chain.params.roundMs) continue;
        lookedMs = clock.nowMs();
        if (!isUnderWay(context, dealId)) throw dealRefusals.givenUp({}); // who drips would have a turn for ever
      }
      if (offset < userBytes) throw dealRefusals.transferFailed({ detail: "the stream ended too early" });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError) || finalRefusals.has(error.code)) throw error;
      const isSilent = progress.silentMs >= silenceMs(chain.params);
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
