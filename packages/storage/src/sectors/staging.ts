/**
 * Taking pieces and closing sectors. A piece first reserves its slot (a row, stage "writing"), then its bytes
 * go to the slot in the staged file, are checked against commP and synced, then the row says "kept": only then
 * is it acknowledged. A crash in between leaves a reservation that the next start undoes; bytes outside of
 * kept slots are never read, so half a piece does no harm.
 * A sector closes when it is full, when a piece fits nowhere else, or by request; never while a piece
 * is being written into it. All such decisions are made inside of transactions, which run one at a time, so that
 * what is remembered here and what is recorded cannot differ.
 */
import { equalBytes, HoldfastError, toHex, utf8Bytes } from "@holdfast/base";
import {
  CommPStream,
  isPieceCommitment,
  maxUserBytes,
  minPaddedPieceBytes,
  paddedPieceBytes,
} from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import {
  everySector,
  type PieceRow,
  type SectorRow,
  type StorageReader,
  type StorageWriter,
} from "../store/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { filePath } from "./files.ts";
import { sectorSizesOf, userOffset } from "./options.ts";
import {
  bestFit,
  commPAtSize,
  freeBlocks,
  freePaddedBytes,
  isFilled,
  openedFor,
  type Room,
  type SizeCounts,
  smallestFor,
} from "./packing.ts";
import { cutStaged } from "./recovery.ts";
import { chunksOf, interruptible } from "./source.ts";
import type { Space } from "./space.ts";
import type { NewPiece, PieceSource, StoredPiece } from "./types.ts";
import { storedPiece } from "./views.ts";

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
  /** Sectors whose file has bytes of a piece that did not come whole. */
  readonly #torn = new Set<number>();
  /** Sectors whose file is cut or moved: nobody gets a slot there. */
  readonly #still = new Set<number>();
  constructor(core: Core, space: Space) {
    this.#core = core;
    this.#space = space;
  }

  /** Closes what was full; at the start. */
  async resume(): Promise<void> {
    const { store } = this.#core;
    for await (const { sectorId } of everySector(store, ["staging"])) {
      await store.transaction((tx) => this.#closeIfFull(tx, sectorId));
    }
  }

  async add(piece: NewPiece, signal?: AbortSignal): Promise<StoredPiece> {
    ensureOpen(this.#core);
    this.#check(piece);
    const { pieceKey } = piece;
    for (let other = this.#adding.get(pieceKey); other !== undefined; other = this.#adding.get(pieceKey)) {
      await other.catch(() => undefined);
      ensureOpen(this.#core);
    }
    const run = this.#findOrAdd(piece, signal).finally(() => this.#adding.delete(pieceKey));
    this.#adding.set(pieceKey, run);
    return await run;
  }

  async #findOrAdd(piece: NewPiece, signal: AbortSignal | undefined): Promise<StoredPiece> {
    const known = await this.#core.store.piece(piece.pieceKey);
    if (known?.stage === "kept") return samePiece(known, piece);
    return await this.#reserveAndWrite(piece, signal);
  }

  /** Closes one sector that has pieces; waits for the pieces on their way into it. */
  async close(sectorId: number): Promise<boolean> {
    ensureOpen(this.#core);
    const { store } = this.#core;
    const { isClosed, writers } = await store.transaction((tx) => this.#closeOrSoon(tx, sectorId));
    if (writers === undefined) return isClosed;
    await writers.quiet.promise;
    return (await store.sector(sectorId))?.state !== "staging";
  }

  /** Closes every staged sector that has pieces; returns their ids. */
  async closeAll(): Promise<number[]> {
    ensureOpen(this.#core);
    const staged = await this.#staged(this.#core.store);
    const closed = await Promise.all(
      staged.map(async ({ sectorId }) => ((await this.close(sectorId)) ? sectorId : undefined)),
    );
    return closed.filter((id) => id !== undefined);
  }

  /** Why so many pieces of these sizes have no room beside what is here; undefined: they have. Nothing is promised. */
  async refusalOf(sizes: SizeCounts): Promise<HoldfastError | undefined> {
    ensureOpen(this.#core);
    const { limits, store } = this.#core;
    const [rooms, sectorSizes] = [await this.#rooms(store), sectorSizesOf(limits)];
    return await this.#space.refusalOf(openedFor(rooms, sizes, sectorSizes, limits.maxPiecesPerSector));
  }

  hasWriters(sectorId: number): boolean {
    return this.#writers.has(sectorId);
  }

  /** Does the work while no piece gets a slot in the sector. Throws storage/sector-busy while one is on its way. */
  async still<T>(sectorId: number, work: () => Promise<T>): Promise<T> {
    await this.#core.store.transaction(async () => {
      const isBusy = this.#writers.has(sectorId) || this.#still.has(sectorId);
      if (isBusy) throw storageErrors.sectorBusy({ sectorId });
      this.#still.add(sectorId);
    });
    return await work().finally(() => this.#still.delete(sectorId));
  }

  /** Resolves when no piece is on its way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#adding.values());
  }

  #check(piece: NewPiece): void {
    const { pieceKey, commP, paddedBytes, userBytes } = piece;
    const { limits } = this.#core;
    const { maxPieceKeyBytes } = limits;
    const sectorBytes = Math.max(...sectorSizesOf(limits));
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
      await this.#core.store.transaction((tx) => keep(tx, row));
    } catch (error) {
      await this.#release(pieceKey);
      this.#torn.add(sectorId);
      throw await this.#named(error, row, signal);
    } finally {
      await this.#leave(sectorId);
    }
    return storedPiece(row);
  }

  async #reserve(piece: NewPiece): Promise<PieceRow> {
    const { store, clock } = this.#core;
    const { pieceKey, commP, paddedBytes, userBytes } = piece;
    if (bestFit(await this.#rooms(store), paddedBytes) === undefined) await this.#space.look();
    ensureOpen(this.#core);
    let entered: number | undefined;
    try {
      return await store.transaction(async (tx) => {
        await tx.forgetPiece(pieceKey, false); // what an earlier try could not take back
        const fit = bestFit(await this.#rooms(tx), paddedBytes) ?? (await this.#openRoom(tx, paddedBytes));
        const addedMs = clock.nowMs();
        const asked = { pieceKey, commP, paddedBytes, userBytes };
        const reserved: PieceRow = { ...asked, ...fit, stage: "writing", addedMs };
        await tx.reservePiece(reserved);
        this.#enter(fit.sectorId);
        entered = fit.sectorId;
        return reserved;
      });
    } catch (error) {
      if (entered !== undefined) await this.#leave(entered); // what was to be committed was not
      throw error;
    }
  }

  /** A new sector; when enough are open, the fullest one closes for it. */
  async #openRoom(
    tx: StorageWriter,
    paddedBytes: number,
  ): Promise<{ sectorId: number; offsetPaddedBytes: number }> {
    const { clock, limits } = this.#core;
    const rooms = await this.#rooms(tx, Number.POSITIVE_INFINITY);
    if (rooms.length >= limits.maxStagedSectors) {
      const [fullest] = rooms.toSorted((a, b) => freePaddedBytes(a) - freePaddedBytes(b));
      const isWaiting = fullest !== undefined && !isFilled(fullest, limits.minFillPercent);
      const mayWait = isWaiting && rooms.length < limits.maxUnfilledSectors;
      if (fullest !== undefined && !mayWait) await this.#closeOrSoon(tx, fullest.sectorId);
    }
    const sectorBytes = smallestFor(paddedBytes, sectorSizesOf(limits));
    const { sectorId } = await tx.openSector(sectorBytes, "pieces", "staging", clock.nowMs());
    await this.#space.placeStaged(tx, sectorId, sectorBytes);
    return { sectorId, offsetPaddedBytes: 0 };
  }

  /** Staged sectors that may take pieces. */
  async #rooms(
    store: StorageReader,
    maxPieces: number = this.#core.limits.maxPiecesPerSector,
  ): Promise<Room[]> {
    const rooms: Room[] = [];
    for (const { sectorId, sectorBytes } of await this.#staged(store)) {
      if (this.#closeSoon.has(sectorId) || this.#still.has(sectorId)) continue;
      const slots = await store.slots(sectorId);
      if (slots.length < maxPieces) rooms.push({ sectorId, sectorBytes, slots });
    }
    return rooms;
  }

  /** A few: those that take pieces, and those that close as soon as their writers are done. */
  async #staged(store: StorageReader): Promise<SectorRow[]> {
    const rows: SectorRow[] = [];
    for await (const row of everySector(store, ["staging"])) rows.push(row);
    return rows;
  }

  #enter(sectorId: number): void {
    const writers = this.#writers.get(sectorId);
    if (writers !== undefined) writers.count++;
    else this.#writers.set(sectorId, { count: 1, quiet: Promise.withResolvers() });
  }

  async #write(row: PieceRow, source: PieceSource, signal: AbortSignal | undefined): Promise<void> {
    const { disk, locks, end } = this.#core;
    const recorded = await this.#core.store.volumes.file(row.sectorId, "staged");
    if (recorded === undefined) throw storageErrors.unknownSector({ sectorId: row.sectorId });
    const path = filePath(recorded);
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
  async #release(pieceKey: string): Promise<void> {
    try {
      await this.#core.store.transaction((tx) => tx.forgetPiece(pieceKey, false));
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

  async #leave(sectorId: number): Promise<void> {
    const writers = this.#writers.get(sectorId);
    if (writers === undefined) return;
    writers.count--;
    if (writers.count > 0) return;
    this.#writers.delete(sectorId);
    try {
      if (this.#core.end.aborted) return;
      await this.#cutTorn(sectorId);
      await this.#core.store.transaction(async (tx) => {
        if (this.#writers.has(sectorId)) return; // the next one closes it
        if (this.#closeSoon.delete(sectorId)) await this.#closeNow(tx, sectorId);
        else await this.#closeIfFull(tx, sectorId);
      });
    } catch (error) {
      // The piece is kept and the sector stays staged; its next piece or the next start closes it.
      this.#core.logger.error("storage: a sector could not be closed", { sectorId, detail: String(error) });
    } finally {
      writers.quiet.resolve();
    }
  }

  /** Takes back what a piece has left that did not come whole; meanwhile no other piece gets a slot there. */
  async #cutTorn(sectorId: number): Promise<void> {
    if (!this.#torn.has(sectorId)) return;
    const isAlone = await this.#core.store.transaction(async () => {
      if (this.#writers.has(sectorId)) return false; // the next one does it
      this.#still.add(sectorId);
      return true;
    });
    if (!isAlone) return;
    try {
      await cutStaged(this.#core, sectorId);
      this.#torn.delete(sectorId);
    } catch (error) {
      this.#core.logger.warn("storage: half a piece stays until the next start", {
        sectorId,
        detail: String(error),
      });
    } finally {
      this.#still.delete(sectorId);
    }
  }

  /** Closes a sector now, or as soon as those are done that write to it. */
  async #closeOrSoon(
    tx: StorageWriter,
    sectorId: number,
  ): Promise<{ readonly isClosed: boolean; readonly writers: Writers | undefined }> {
    const writers = this.#writers.get(sectorId);
    if (writers === undefined) return { isClosed: await this.#closeNow(tx, sectorId), writers };
    this.#closeSoon.add(sectorId);
    return { isClosed: false, writers };
  }

  async #closeIfFull(tx: StorageWriter, sectorId: number): Promise<void> {
    const row = await tx.sector(sectorId);
    if (row !== undefined && (await this.#isFull(tx, row))) await this.#closeOrSoon(tx, sectorId);
  }

  async #isFull(tx: StorageWriter, row: SectorRow): Promise<boolean> {
    const slots = await tx.slots(row.sectorId);
    if (slots.length >= this.#core.limits.maxPiecesPerSector) return true;
    return !freeBlocks(slots, row.sectorBytes).some((block) => block.paddedBytes >= minPaddedPieceBytes);
  }

  async #closeNow(tx: StorageWriter, sectorId: number): Promise<boolean> {
    if ((await tx.sector(sectorId))?.state !== "staging") return false;
    if ((await tx.fill(sectorId)).slotCount === 0) return false;
    await tx.move(sectorId, { from: ["staging"] }, "closing", this.#core.clock.nowMs());
    return true;
  }
}

/** The bytes are durable and are those that were announced: the piece is kept, and its file is that long. */
async function keep(
  tx: StorageWriter,
  { pieceKey, sectorId, offsetPaddedBytes, userBytes }: PieceRow,
): Promise<void> {
  await tx.keepPiece(pieceKey);
  const file = await tx.volumes.file(sectorId, "staged");
  if (file === undefined) return;
  const sizeBytes = Math.max(file.sizeBytes, userOffset(offsetPaddedBytes) + userBytes);
  await tx.volumes.putFile({ ...file, sizeBytes });
}

function samePiece(known: PieceRow, asked: NewPiece): StoredPiece {
  const same =
    equalBytes(known.commP, asked.commP) &&
    known.paddedBytes === asked.paddedBytes &&
    known.userBytes === asked.userBytes;
  if (!same) throw storageErrors.pieceConflict({ pieceKey: asked.pieceKey });
  return storedPiece(known);
}
