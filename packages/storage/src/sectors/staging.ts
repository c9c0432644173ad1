/**
 * Taking pieces and closing sectors. A piece first reserves its slot (a row, stage "writing"), then its bytes
 * go to the slot in the staged file, are checked against commP and synced, then the row says "kept": only then
 * is it acknowledged. A crash in between leaves a reservation that the next start undoes, unless a part of it was
 * durable: then its slot waits for whoever sends it to go on (arrival.ts) or to give it up.
 * A sector closes when it is full, when a piece fits nowhere else, or by request; never while a piece is being written
 * into it, and only by request while half a piece waits in it, or is left there by a sender that is cut off meanwhile;
 * that one then begins anew elsewhere. All such decisions are made inside of transactions, which run one at a time, so
 * that what is remembered here and what is recorded cannot differ.
 */
import { HoldfastError } from "@holdfast/base";
import { minPaddedPieceBytes } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import {
  everySector,
  type PieceRow,
  type SectorRow,
  type StorageReader,
  type StorageWriter,
} from "../store/index.ts";
import { keepPiece, writePiece } from "./arrival.ts";
import { checkAsked, isSamePiece } from "./asked.ts";
import { type Core, ensureOpen } from "./core.ts";
import { sectorSizesOf } from "./options.ts";
import {
  bestFit,
  freeBlocks,
  freePaddedBytes,
  isFilled,
  openedFor,
  type Room,
  type SizeCounts,
  smallestFor,
} from "./packing.ts";
import { cutStaged } from "./recovery.ts";
import { isResumable } from "./source.ts";
import type { Space } from "./space.ts";
import type { NewPiece, StoredPiece, UnfinishedPiece } from "./types.ts";
import { storedPiece } from "./views.ts";

interface Writers {
  /** Of the pieces whose bytes come in now. */
  readonly keys: Set<string>;
  readonly quiet: PromiseWithResolvers<void>;
}

export class Staging {
  readonly #core: Core;
  readonly #space: Space;
  readonly #adding = new Map<string, Promise<StoredPiece>>();
  readonly #writers = new Map<number, Writers>();
  /** Sectors that close as soon as their writers are done, and whether that is by request. */
  readonly #closeSoon = new Map<number, boolean>();
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
    checkAsked(piece, this.#core.limits);
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
    if (known?.stage !== "kept") return await this.#reserveAndWrite(piece, signal);
    if (!isSamePiece(known, piece)) throw storageErrors.pieceConflict({ pieceKey: piece.pieceKey });
    return storedPiece(known);
  }

  /** Closes one sector that has pieces; waits for the pieces on their way into it. */
  async close(sectorId: number): Promise<boolean> {
    ensureOpen(this.#core);
    const { store } = this.#core;
    await this.#giveUpHalves(sectorId);
    const { isClosed, writers } = await store.transaction((tx) => this.#closeOrSoon(tx, sectorId, true));
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

  /** Pieces that did not come whole yet, those that are on their way now among them; the first so many. */
  async unfinished(limit: number): Promise<UnfinishedPiece[]> {
    ensureOpen(this.#core);
    const rows = await this.#core.store.unfinished(limit);
    return rows.map(({ pieceKey, sectorId, userBytes, durableBytes }) => ({
      ...{ pieceKey, sectorId, userBytes, durableBytes },
    }));
  }

  /** Whoever sends it gives it up. Nothing where there is none, or where it is on its way now. */
  async dropUnfinished(pieceKey: string): Promise<void> {
    ensureOpen(this.#core);
    const sectorId = await this.#core.store.transaction(async (tx) => {
      const row = await tx.piece(pieceKey);
      if (row?.stage !== "writing" || this.#comes(row)) return undefined;
      await tx.forgetPiece(pieceKey, false);
      return row.sectorId;
    });
    if (sectorId !== undefined) await this.#lost(sectorId);
  }

  async #giveUpHalves(sectorId: number): Promise<void> {
    const givenUp = await this.#core.store.transaction(async (tx) => {
      const waiting = await this.#waitingIn(tx, sectorId);
      for (const { pieceKey } of waiting) await tx.forgetPiece(pieceKey, false);
      return waiting.length;
    });
    if (givenUp === 0) return;
    this.#torn.add(sectorId);
    await this.#cutTorn(sectorId);
  }

  /** Half a piece was given up there: its bytes go, and the sector closes if it has waited for them. */
  async #lost(sectorId: number): Promise<void> {
    this.#torn.add(sectorId);
    if (!this.#writers.has(sectorId)) await this.#afterWriters(sectorId);
  }

  /** Half pieces that nobody sends now. */
  async #waitingIn(store: StorageReader, sectorId: number): Promise<PieceRow[]> {
    const rows = await store.piecesOf(sectorId);
    return rows.filter((row) => row.stage === "writing" && !this.#comes(row));
  }
  #comes({ sectorId, pieceKey }: PieceRow): boolean {
    return this.#writers.get(sectorId)?.keys.has(pieceKey) === true;
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

  async #reserveAndWrite(piece: NewPiece, signal: AbortSignal | undefined): Promise<StoredPiece> {
    const row = await this.#reserve(piece);
    const { sectorId, pieceKey } = row;
    try {
      await writePiece(this.#core, row, piece.source, signal);
      await this.#core.store.transaction((tx) => keepPiece(tx, row));
    } catch (error) {
      const isCutOff = this.#core.end.aborted || signal?.aborted === true;
      await this.#release(pieceKey, isCutOff && isResumable(piece.source));
      this.#torn.add(sectorId);
      throw await this.#named(error, row, signal);
    } finally {
      await this.#leave(row);
    }
    return storedPiece(row);
  }

  async #reserve(piece: NewPiece): Promise<PieceRow> {
    const { store, clock } = this.#core;
    const { pieceKey, commP, paddedBytes, userBytes } = piece;
    if (bestFit(await this.#rooms(store), paddedBytes) === undefined) await this.#space.look();
    ensureOpen(this.#core);
    let entered: PieceRow | undefined;
    let left: PieceRow | undefined;
    try {
      const row = await store.transaction(async (tx) => {
        left = await tx.piece(pieceKey);
        if (left !== undefined && (await this.#isOf(tx, left, piece))) {
          this.#enter(left);
          entered = left;
          return left;
        }
        await tx.forgetPiece(pieceKey, false); // what an earlier try could not take back
        const fit = bestFit(await this.#rooms(tx), paddedBytes) ?? (await this.#openRoom(tx, paddedBytes));
        const addedMs = clock.nowMs();
        const asked = { pieceKey, commP, paddedBytes, userBytes };
        const reserved: PieceRow = { ...asked, ...fit, stage: "writing", durableBytes: 0, addedMs };
        await tx.reservePiece(reserved);
        this.#enter(reserved);
        entered = reserved;
        return reserved;
      });
      if (left !== undefined && left !== row) await this.#lost(left.sectorId);
      return row;
    } catch (error) {
      if (entered !== undefined) await this.#leave(entered); // what was to be committed was not
      throw error;
    }
  }

  /** Whether what an earlier try has left is of this piece, and its sender can go on behind it. */
  async #isOf(tx: StorageWriter, left: PieceRow, { source, ...asked }: NewPiece): Promise<boolean> {
    const isUsable = left.durableBytes > 0 && isResumable(source) && isSamePiece(left, asked);
    return isUsable && !this.#still.has(left.sectorId) && (await this.#isHere(tx, left.sectorId));
  }

  /** Whether the volume is there that has the sector's staged file. */
  async #isHere(store: StorageReader, sectorId: number): Promise<boolean> {
    const file = await store.volumes.file(sectorId, "staged");
    return file !== undefined && this.#core.volumes.conditionOf(file.volumeId).isHere;
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
      if (!(await this.#isHere(store, sectorId))) continue;
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

  #enter({ sectorId, pieceKey }: PieceRow): void {
    const writers = this.#writers.get(sectorId);
    if (writers !== undefined) writers.keys.add(pieceKey);
    else this.#writers.set(sectorId, { keys: new Set([pieceKey]), quiet: Promise.withResolvers() });
  }

  /** Undoes a reservation that keeps no part of its piece. When the database is gone too, the next start does it. */
  async #release(pieceKey: string, keepsPart: boolean): Promise<void> {
    try {
      await this.#core.store.transaction(async (tx) => {
        const isKept = keepsPart && ((await tx.piece(pieceKey))?.durableBytes ?? 0) > 0;
        if (!isKept) await tx.forgetPiece(pieceKey, false);
      });
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

  async #leave({ sectorId, pieceKey }: PieceRow): Promise<void> {
    const writers = this.#writers.get(sectorId);
    if (writers === undefined) return;
    writers.keys.delete(pieceKey);
    if (writers.keys.size > 0) return;
    this.#writers.delete(sectorId);
    await this.#afterWriters(sectorId);
    writers.quiet.resolve();
  }

  /** Nobody writes to the sector now: what is torn is cut, and what is full or was to close closes. */
  async #afterWriters(sectorId: number): Promise<void> {
    try {
      if (this.#core.end.aborted) return;
      if (this.#closeSoon.get(sectorId) === true) await this.#giveUpHalves(sectorId);
      await this.#cutTorn(sectorId);
      await this.#core.store.transaction(async (tx) => {
        if (this.#writers.has(sectorId)) return; // the next one closes it
        const isAsked = this.#closeSoon.get(sectorId);
        if (this.#closeSoon.delete(sectorId)) await this.#closeOrSoon(tx, sectorId, isAsked);
        else await this.#closeIfFull(tx, sectorId);
      });
    } catch (error) {
      // The piece is kept and the sector stays staged; its next piece or the next start closes it.
      this.#core.logger.error("storage: a sector could not be closed", { sectorId, detail: String(error) });
    }
  }

  /** Takes back what a piece has left that did not come whole; meanwhile no other piece gets a slot there. */
  async #cutTorn(sectorId: number): Promise<void> {
    if (!this.#torn.has(sectorId)) return;
    const isAlone = await this.#core.store.transaction(async () => {
      if (this.#writers.has(sectorId) || this.#still.has(sectorId)) return false; // the next one does it
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

  /** Closes a sector now, or as soon as those are done that write to it or will go on. */
  async #closeOrSoon(
    tx: StorageWriter,
    sectorId: number,
    isAsked = false,
  ): Promise<{ readonly isClosed: boolean; readonly writers: Writers | undefined }> {
    const writers = this.#writers.get(sectorId);
    const isAwaited = writers !== undefined || (await this.#waitingIn(tx, sectorId)).length > 0;
    if (!isAwaited) return { isClosed: await this.#closeNow(tx, sectorId), writers };
    this.#closeSoon.set(sectorId, isAsked || this.#closeSoon.get(sectorId) === true);
    return { isClosed: false, writers };
  }

  async #closeIfFull(tx: StorageWriter, sectorId: number): Promise<void> {
    const row = await tx.sector(sectorId);
    if (row === undefined || !(await this.#isFull(tx, row))) return;
    if ((await this.#waitingIn(tx, sectorId)).length > 0) return; // it may be given up, and others have its room
    await this.#closeOrSoon(tx, sectorId);
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
