/**
 * Adding a piece as a job of the process that has the piece's source: it is listed, held back by a cordon, called off
 * and remembered like any other, and the bytes still go straight from whoever sends them into the staged file. A source
 * cannot be written down, so the job is tried once and ends with its process; whoever wanted the piece asks anew, and
 * what was stored by then is not asked for again. The queue may say what it likes of the job: the caller gets what the
 * storage said. Where the queue does not answer, or no more, the piece is added without it.
 */
import { abortable, HoldfastError, type Logger } from "@holdfast/base";
import { storageErrors } from "../errors.ts";
import { packed } from "../pool/index.ts";
import type { NewPiece, PieceSource, Storage, StoredPiece } from "../sectors/index.ts";
import { ended, failureOf } from "./ended.ts";
import type { WorkOptions } from "./runner.ts";
import type { Job, JobQueue } from "./types.ts";

export interface IntakeParts {
  readonly queue: JobQueue;
  readonly storage: Storage;
  readonly owner: string;
  readonly life: string;
  readonly workerId: string;
  readonly logger: Logger;
}

interface Pending {
  readonly piece: NewPiece;
  readonly signal: AbortSignal | undefined;
  readonly result: PromiseWithResolvers<StoredPiece>;
}

export class Intake {
  readonly #parts: IntakeParts;
  /** By the key of the job; a source is taken once. */
  readonly #pending = new Map<string, Pending>();
  readonly #end = new AbortController();
  #asked = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** As `addPiece` of the storage; storage/cancelled too where somebody has called the job off. */
  async add(piece: NewPiece, signal?: AbortSignal): Promise<StoredPiece> {
    const { storage } = this.#parts;
    const isKnown = (await storage.getPiece(piece.pieceKey)) !== undefined;
    if (isKnown || signal?.aborted === true) return await storage.addPiece(piece, signal); // as it judges it
    const result = Promise.withResolvers<StoredPiece>();
    result.promise.catch(() => undefined); // it may be said when nobody waits any more
    const key = await this.#enqueue({ piece, signal, result });
    if (key === undefined) return await storage.addPiece(piece, signal);
    return await result.promise;
  }

  async work(job: Job, { signal, onProgress }: WorkOptions): Promise<string> {
    const { storage, queue } = this.#parts;
    const pending = this.#pending.get(job.key);
    if (pending === undefined) throw storageErrors.cancelled({ job: "a piece whose sender is gone" });
    this.#pending.delete(job.key);
    const { piece, result } = pending;
    const stop = new AbortController();
    // A lease may be lost while the sender is all right: only who has called the job off stops it.
    const onAbort = async (): Promise<void> => {
      const now = await queue.job(job.jobId).catch(() => undefined);
      if (now?.state === "cancelled") stop.abort(storageErrors.cancelled({ job: `piece ${piece.pieceKey}` }));
    };
    signal.addEventListener("abort", () => void onAbort(), { once: true });
    const source = counted(piece.source, (bytes) => onProgress(bytes / piece.userBytes));
    const both = pending.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, pending.signal]);
    const adding = storage.addPiece({ ...piece, source }, both);
    adding.then(result.resolve, result.reject);
    const { sectorId } = await abortable(signal, adding);
    return packed({ pieceKey: piece.pieceKey, sectorId });
  }

  /** The process ends: the storage says so to those whose pieces are on their way; these are still waiting. */
  close(): void {
    this.#end.abort(storageErrors.closed({}));
    for (const { result } of this.#pending.values()) result.reject(storageErrors.closed({}));
    this.#pending.clear();
  }

  /** The key of the job; undefined where the queue does not answer. */
  async #enqueue(pending: Pending): Promise<string | undefined> {
    const { queue, owner, life, workerId, logger } = this.#parts;
    const { pieceKey, userBytes } = pending.piece;
    this.#asked += 1;
    const key = `add-piece/${owner}/${life}/${this.#asked}`;
    this.#pending.set(key, pending);
    try {
      const { jobId } = await queue.enqueue({
        key,
        kind: "add-piece",
        input: packed({ pieceKey, userBytes }),
        resources: { cpus: 0, memoryBytes: 0 }, // a piece passes in chunks; how many come at once the market bounds
        maxFailures: 1,
        forWorker: workerId,
      });
      void this.#watch(key, jobId, pending);
      return key;
    } catch (error) {
      this.#pending.delete(key);
      if (!(error instanceof HoldfastError)) throw error;
      logger.warn("storage: a piece is added without a job", { pieceKey, detail: error.message });
      return undefined;
    }
  }

  /** A job that ends before it was begun, or that nobody wants any more, has its caller told. */
  async #watch(key: string, jobId: number, { piece, signal, result }: Pending): Promise<void> {
    const { queue, storage, logger } = this.#parts;
    const signals = signal === undefined ? [this.#end.signal] : [this.#end.signal, signal];
    const stop = AbortSignal.any(signals);
    let job: Job;
    try {
      job = await ended(queue, jobId, { signal: stop });
    } catch (error) {
      if (!this.#pending.delete(key)) return; // it was begun: the storage says how it ended
      if (signal?.aborted === true) {
        result.reject(storageErrors.cancelled({ job: `piece ${piece.pieceKey}` }));
        await queue.cancel(jobId, "whoever sends it has stopped").catch(() => undefined);
        return;
      }
      if (stop.aborted) return result.reject(error);
      logger.warn("storage: a piece is added without a job", {
        pieceKey: piece.pieceKey,
        detail: String(error),
      });
      return storage.addPiece(piece, signal).then(result.resolve, result.reject);
    }
    if (this.#pending.delete(key)) result.reject(failureOf(job));
  }
}

/** Says how many bytes have passed. */
function counted(source: PieceSource, onBytes: (bytes: number) => void): PieceSource {
  if (source instanceof Uint8Array || "nativePath" in source) return source;
  if ("from" in source) {
    return { from: (offsetBytes) => counting(source.from(offsetBytes), offsetBytes, onBytes) };
  }
  return counting(source, 0, onBytes);
}

async function* counting(
  source: AsyncIterable<Uint8Array>,
  startBytes: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = startBytes;
  for await (const chunk of source) {
    bytes += chunk.length;
    yield chunk;
    onBytes(bytes);
  }
}
