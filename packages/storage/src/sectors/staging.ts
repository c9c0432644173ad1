/**
 * Taking pieces and closing sectors. A piece first reserves its slot (a row, stage "writing"), then its bytes
 * go to the slot in the staged file, are checked against commP and synced, then the row says "kept": only then
 * is it acknowledged. A crash in between leaves a reservation that the next start undoes; bytes outside of
 * kept slots are never read, so half a piece does no harm.
 * A sector closes when it is full, when a piece fits nowhere else, by age, or by request; never while a piece
 * is being written into it.
 */
import { equalBytes, HoldfastError, toHex, utf8Bytes } from "@holdfast/base";
import {
  CommPStream,
  isPieceCommitment,
  maxUserBytes,
  minPaddedPieceBytes,
  paddedPieceBytes,
} from "@holdfast/proofs";
import { readNativeFile } from "../disk/index.ts";
import { storageErrors } from "../errors.ts";
import type { PieceRow, SectorRow } from "../store/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { sectorPaths } from "./files.ts";
import { userOffset } from "./options.ts";
import { bestFit, commPAtSize, freeBlocks, freePaddedBytes, type Room } from "./packing.ts";
import { interruptible } from "./source.ts";
import type { Space } from "./space.ts";
import type { NewPiece, PieceSource, StoredPiece } from "./types.ts";
import { storedPiece } from "./views.ts";

/** The longest single sleep of an ager; platforms cap timers. */
const maxSleepMs = 86_400_000; // 1 day

interface Writers {
  count: number;
  readonly quiet: PromiseWithResolvers<void>;
}

export class Staging {
  readonly #core: Core;
  readonly #space: Space;
  readonly #adding = new Map<string, Promise<StoredPiece>>();
  readonly #writers = new Map<number, Writers>();
  /** Sectors that close as soon as their writers are done. */
  readonly #closeSoon = new Set<number>();
  readonly #agers = new Map<number, AbortController>();

  constructor(core: Core, space: Space) {
    this.#core = core;
    this.#space = space;
  }

  /** Closes what was full and winds the clocks of what is staged; at the start. */
  resume(): void {
    for (const row of this.#core.store.sectors(["staging"])) {
      this.#closeIfFull(row.sectorId);
      this.#windAger(row.sectorId);
    }
  }

  async add(piece: NewPiece, signal?: AbortSignal): Promise<StoredPiece> {
    ensureOpen(this.#core);
    this.#check(piece);
    for (;;) {
      const known = this.#core.store.piece(piece.pieceKey);
      if (known?.stage === "kept") return samePiece(known, piece);
      const other = this.#adding.get(piece.pieceKey);
      if (other === undefined) break;
      await other.catch(() => undefined);
      ensureOpen(this.#core);
    }
    const run = this.#reserveAndWrite(piece, signal).finally(() => this.#adding.delete(piece.pieceKey));
    this.#adding.set(piece.pieceKey, run);
    return await run;
  }

  /** Closes one sector that has pieces; waits for the pieces on their way into it. */
  async close(sectorId: number): Promise<boolean> {
    ensureOpen(this.#core);
    const writers = this.#writers.get(sectorId);
    if (writers === undefined) return this.#closeNow(sectorId);
    this.#closeSoon.add(sectorId);
    await writers.quiet.promise;
    return this.#core.store.sector(sectorId)?.state !== "staging";
  }

  /** Closes every staged sector that has pieces; returns their ids. */
  async closeAll(): Promise<number[]> {
    const staged = this.#core.store.sectors(["staging"]).map((row) => row.sectorId);
    const closed = await Promise.all(staged.map(async (id) => ((await this.close(id)) ? id : undefined)));
    return closed.filter((id) => id !== undefined);
  }

  hasWriters(sectorId: number): boolean {
    return this.#writers.has(sectorId);
  }

  /** Resolves when no piece is on its way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#adding.values());
    for (const ager of this.#agers.values()) ager.abort();
  }

  #check(piece: NewPiece): void {
    const { pieceKey, commP, paddedBytes, userBytes } = piece;
    const { maxPieceKeyBytes, sectorBytes } = this.#core.limits;
    const keyBytes = utf8Bytes(pieceKey).length;
    if (keyBytes === 0 || keyBytes > maxPieceKeyBytes) {
      throw storageErrors.badPieceKey({ bytes: keyBytes, maxBytes: maxPieceKeyBytes });
    }
    const refuse = (reason: string) => storageErrors.badPiece({ pieceKey, reason });
    if (!isPieceCommitment(commP)) throw refuse("commP is not 32 bytes below 2^254");
    if (!Number.isSafeInteger(userBytes) || userBytes < 1) throw refuse(`it has ${userBytes} bytes`);
    const capacity = maxUserBytes(sectorBytes);
    if (userBytes > capacity || paddedBytes > sectorBytes) {
      throw storageErrors.pieceTooLarge({ pieceKey, userBytes, maxUserBytes: capacity });
    }
    const least = paddedPieceBytes(userBytes);
    if (!Number.isInteger(Math.log2(paddedBytes)) || paddedBytes < least) {
      throw refuse(`${paddedBytes} is no padded size of ${userBytes} bytes (${least} is the least)`);
    }
  }

  async #reserveAndWrite(piece: NewPiece, signal: AbortSignal | undefined): Promise<StoredPiece> {
    const row = await this.#reserve(piece);
    const { sectorId, pieceKey } = row;
    try {
      await this.#write(row, piece.source, signal);
      this.#core.store.keepPiece(pieceKey);
    } catch (error) {
      this.#release(pieceKey);
      throw await this.#named(error, row, signal);
    } finally {
      this.#leave(sectorId);
    }
    return storedPiece(row);
  }

  async #reserve(piece: NewPiece): Promise<PieceRow> {
    const { store, clock, limits } = this.#core;
    const { pieceKey, commP, paddedBytes, userBytes } = piece;
    if (bestFit(this.#rooms(), paddedBytes) === undefined) {
      await this.#space.checkVolume(limits.sectorBytes);
    }
    ensureOpen(this.#core);
    const row = store.transaction(() => {
      const fit = bestFit(this.#rooms(), paddedBytes) ?? this.#openRoom();
      const reserved: PieceRow = {
        pieceKey,
        ...fit,
        commP,
        paddedBytes,
        userBytes,
        stage: "writing",
        addedMs: clock.nowMs(),
      };
      store.reservePiece(reserved);
      return reserved;
    });
    const writers = this.#writers.get(row.sectorId);
    if (writers === undefined) {
      this.#writers.set(row.sectorId, { count: 1, quiet: Promise.withResolvers() });
    } else writers.count++;
    return row;
  }

  /** A new sector; when enough are open, the fullest one closes for it. */
  #openRoom(): { sectorId: number; offsetPaddedBytes: number } {
    const { store, clock, limits } = this.#core;
    const rooms = this.#rooms(Number.POSITIVE_INFINITY);
    if (rooms.length >= limits.maxStagedSectors) {
      const [fullest] = rooms.toSorted((a, b) => freePaddedBytes(a) - freePaddedBytes(b));
      if (fullest !== undefined) this.#closeOrSoon(fullest.sectorId);
    }
    this.#space.checkQuota(limits.sectorBytes);
    const { sectorId } = store.openSector(limits.sectorBytes, "pieces", "staging", clock.nowMs());
    return { sectorId, offsetPaddedBytes: 0 };
  }

  /** Staged sectors that may take pieces. */
  #rooms(maxPieces: number = this.#core.limits.maxPiecesPerSector): Room[] {
    const { store } = this.#core;
    return store
      .sectors(["staging"])
      .filter((row) => !this.#closeSoon.has(row.sectorId))
      .map(({ sectorId, sectorBytes }) => ({ sectorId, sectorBytes, slots: store.slots(sectorId) }))
      .filter((room) => room.slots.length < maxPieces);
  }

  async #write(row: PieceRow, source: PieceSource, signal: AbortSignal | undefined): Promise<void> {
    const { disk, locks, end } = this.#core;
    const path = sectorPaths(row.sectorId).staged;
    await locks.run(row.sectorId, async () => {
      if ((await disk.sizeBytes(path)) !== undefined) return;
      await using _made = await disk.open(path, "create");
    });
    await using file = await disk.open(path, "write");
    const start = userOffset(row.offsetPaddedBytes);
    const commP = new CommPStream();
    const stop = signal === undefined ? end : AbortSignal.any([end, signal]);
    for await (const chunk of interruptible(chunksOf(source), stop)) {
      const { userBytes, pieceKey } = row;
      if (commP.userBytes + chunk.length > userBytes) throw storageErrors.longPiece({ pieceKey, userBytes });
      await file.writeAt(start + commP.userBytes, chunk);
      commP.write(chunk);
    }
    this.#checkWritten(row, commP);
    await file.sync();
    ensureOpen(this.#core);
  }

  #checkWritten(row: PieceRow, stream: CommPStream): void {
    const { pieceKey, userBytes, paddedBytes, commP } = row;
    const receivedBytes = stream.userBytes;
    if (receivedBytes < userBytes) throw storageErrors.shortPiece({ pieceKey, userBytes, receivedBytes });
    const found = commPAtSize(stream.finish(), paddedBytes);
    if (equalBytes(found, commP)) return;
    throw storageErrors.pieceMismatch({ pieceKey, expected: toHex(commP), found: toHex(found) });
  }

  /** Undoes a reservation. When the database is gone too, the next start does it. */
  #release(pieceKey: string): void {
    try {
      this.#core.store.forgetPiece(pieceKey, false);
    } catch (error) {
      this.#core.logger.warn("storage: a reservation stays until the next start", {
        pieceKey,
        detail: String(error),
      });
    }
  }

  async #named(error: unknown, row: PieceRow, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#core.end.aborted) return storageErrors.closed({}, error);
    if (signal?.aborted === true) return storageErrors.cancelled({ job: `piece ${row.pieceKey}` }, error);
    if (!(error instanceof HoldfastError) || error.code !== "disk/full") return error;
    const availableBytes = await this.#core.disk.freeBytes().catch(() => 0);
    return storageErrors.full({ neededBytes: row.userBytes, availableBytes, limit: "the volume" }, error);
  }

  #leave(sectorId: number): void {
    const writers = this.#writers.get(sectorId);
    if (writers === undefined) return;
    writers.count--;
    if (writers.count > 0) return;
    this.#writers.delete(sectorId);
    try {
      if (this.#core.end.aborted) return;
      if (this.#closeSoon.delete(sectorId)) this.#closeNow(sectorId);
      else this.#closeIfFull(sectorId);
      this.#windAger(sectorId);
    } catch (error) {
      // The piece is kept and the sector stays staged; its next piece or the next start closes it.
      this.#core.logger.error("storage: a sector could not be closed", { sectorId, detail: String(error) });
    } finally {
      writers.quiet.resolve();
    }
  }

  #closeOrSoon(sectorId: number): void {
    if (this.#writers.has(sectorId)) this.#closeSoon.add(sectorId);
    else this.#closeNow(sectorId);
  }

  #closeIfFull(sectorId: number): void {
    const row = this.#core.store.sector(sectorId);
    if (row !== undefined && this.#isFull(row)) this.#closeOrSoon(sectorId);
  }

  #isFull(row: SectorRow): boolean {
    const slots = this.#core.store.slots(row.sectorId);
    if (slots.length >= this.#core.limits.maxPiecesPerSector) return true;
    return !freeBlocks(slots, row.sectorBytes).some((block) => block.paddedBytes >= minPaddedPieceBytes);
  }

  #closeNow(sectorId: number): boolean {
    const { store, clock } = this.#core;
    if (store.sector(sectorId)?.state !== "staging" || store.slots(sectorId).length === 0) return false;
    store.move(sectorId, { from: ["staging"] }, "closing", clock.nowMs());
    this.#agers.get(sectorId)?.abort();
    return true;
  }

  /** Starts the timer of a staged sector with pieces, unless it runs. */
  #windAger(sectorId: number): void {
    const { limits, end, logger } = this.#core;
    if (limits.maxStagedMs === undefined || end.aborted || this.#agers.has(sectorId)) return;
    if (this.#dueMs(sectorId, limits.maxStagedMs) === undefined) return;
    const stop = new AbortController();
    this.#agers.set(sectorId, stop);
    this.#age(sectorId, limits.maxStagedMs, AbortSignal.any([end, stop.signal]))
      .catch((error: unknown) => {
        if (!end.aborted) logger.error("storage: closing by age failed", { sectorId, detail: String(error) });
      })
      .finally(() => {
        if (this.#agers.get(sectorId) === stop) this.#agers.delete(sectorId);
      });
  }

  async #age(sectorId: number, maxStagedMs: number, stop: AbortSignal): Promise<void> {
    for (;;) {
      const dueMs = this.#dueMs(sectorId, maxStagedMs);
      if (dueMs === undefined) return;
      const waitMs = dueMs - this.#core.clock.nowMs();
      if (waitMs <= 0) {
        await this.close(sectorId);
        return;
      }
      try {
        await this.#core.clock.sleep(Math.min(waitMs, maxSleepMs), stop);
      } catch (error) {
        if (stop.aborted) return;
        throw error;
      }
    }
  }

  /** When a staged sector gets too old; undefined when it has no piece or is not staged. */
  #dueMs(sectorId: number, maxStagedMs: number): number | undefined {
    const { store } = this.#core;
    if (store.sector(sectorId)?.state !== "staging") return undefined;
    const kept = store.pieces(sectorId).filter((piece) => piece.stage === "kept");
    if (kept.length === 0) return undefined;
    return Math.min(...kept.map((piece) => piece.addedMs)) + maxStagedMs;
  }
}

function samePiece(known: PieceRow, asked: NewPiece): StoredPiece {
  const same =
    equalBytes(known.commP, asked.commP) &&
    known.paddedBytes === asked.paddedBytes &&
    known.userBytes === asked.userBytes;
  if (!same) throw storageErrors.pieceConflict({ pieceKey: asked.pieceKey });
  return storedPiece(known);
}

function chunksOf(source: PieceSource): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) return single(source);
  return "nativePath" in source ? readNativeFile(source.nativePath) : source;
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
