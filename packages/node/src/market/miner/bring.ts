/**
 * Data that people bring: the CAR stream of a deal's payload, read from a file, cut along the deal's pieces and stored
 * one by one as if it had been fetched. A file that is not what the deal names changes nothing, so that the right one
 * can follow; pieces that are stored stay stored, and a second try goes on behind them. Of a piece that a try left half
 * nothing is kept: whoever brings the data reads it from its start anyway, and may bring another file.
 */
import { abortable, HoldfastError } from "@holdfast/base";
import { marketErrors } from "../errors.ts";
import { isFetching } from "../machine/miner.ts";
import { dealRefusals, reasonOf } from "../refusals.ts";
import type { BroughtData } from "../types.ts";
import { dealById, happens, type MinerContext, note, pieceKeyOf } from "./context.ts";
import type { DealRow } from "./store.ts";
import { asRefusal, finish } from "./transfer.ts";

/** See `MinerMarket.bring`. */
export async function bringData(
  context: MinerContext,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  outer: AbortSignal,
): Promise<BroughtData> {
  const { tasks, store } = context;
  if (tasks.isStopped) throw marketErrors.closed({});
  const deal = store.named(name);
  if (deal === undefined) throw dealRefusals.unknownDeal({ dealId: name.slice(0, 100) });
  if (!deal.carried || !isFetching(deal)) throw dealRefusals.notCarried({ state: deal.state });
  // As a transfer it keeps the pieces of a deal that fails meanwhile from being dropped under its hands.
  const task = `transfer/${deal.dealId}`;
  if (tasks.isRunning(task)) throw dealRefusals.busy({ waiting: 1 });
  const { promise, resolve, reject } = Promise.withResolvers<BroughtData>();
  tasks.start(task, async (stopped) => {
    await storeData(context, deal, bytes, AbortSignal.any([stopped, outer])).then(resolve, reject);
  });
  return await promise;
}

async function storeData(
  context: MinerContext,
  { dealId, proposal }: DealRow,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<BroughtData> {
  const { storage } = context.needs;
  const { pieces, carBytes } = proposal;
  const stream = new Slices(bytes, signal);
  try {
    for (const [index, piece] of pieces.entries()) {
      const pieceKey = pieceKeyOf(dealId, index);
      const { state } = dealById(context, dealId);
      if (!isFetching({ state })) throw dealRefusals.notCarried({ state });
      const source = stream.next(piece.userBytes);
      if ((await storage.getPiece(pieceKey)) !== undefined) {
        for await (const _part of source);
        continue;
      }
      happens(context, dealId, { type: "fetching", piece: index + 1, of: pieces.length });
      await storage.addPiece({ ...piece, pieceKey, source }, signal);
    }
    await stream.end();
    await conclude(context, dealId);
    return { dealId, pieces: pieces.length, carBytes };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.code === "storage/closed") throw error;
    const refusal = asRefusal(error);
    if (isFetching(dealById(context, dealId)))
      note(context, dealId, { detail: `waits for its data; a try failed: ${reasonOf(refusal)}` });
    throw refusal;
  } finally {
    stream.close();
  }
}

/** What its commitments name and is no CAR stream of the payload is the client's lie: no other file can help. */
async function conclude(context: MinerContext, dealId: string): Promise<void> {
  try {
    await finish(context, dealId);
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== "storage/closed")
      happens(context, dealId, { type: "gave up", reason: asRefusal(error) });
    throw error;
  }
}

/** A stream, read so many bytes at a time. */
class Slices {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#source = bytes[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  async *next(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      const part = (await this.#more()).subarray(0, left);
      if (part.length === 0) throw dealRefusals.wrongData({ detail: `it ends ${left} bytes too early` });
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
  async end(): Promise<void> {
    if ((await this.#more()).length > 0) throw dealRefusals.wrongData({ detail: "it goes on after its end" });
  }
  /** Nobody waits for it: whoever reads from a disk that is gone may never come back. */
  close(): void {
    this.#source.return?.().catch(() => undefined);
  }

  /** Empty only at the end. */
  async #more(): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await abortable(this.#signal, this.#source.next());
      if (next.done === true) break;
      this.#rest = next.value;
    }
    return this.#rest;
  }
}
