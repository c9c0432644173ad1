/**
 * The bytes of one piece on their way into its slot. They are hashed while they are written, and believed only as a
 * whole. Of a source that can begin anywhere, what has come is made durable and written down from time to time: after a
 * kill these bytes are read back and hashed once, and the source is asked for the rest alone. If the whole is then not
 * what was announced, the part that was read back is not to be trusted, and the piece comes once more from its start.
 * Invariant: a part is written down after it is durable, so that what is written down is there after a power cut.
 */
import { type DiskFile, equalBytes, HoldfastError, toHex } from "@holdfast/base";
import { CommPStream } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { PieceRow, StorageWriter } from "../store/index.ts";
import { type Core, ensureOpen } from "./core.ts";
import { filePath } from "./files.ts";
import { userOffset } from "./options.ts";
import { commPAtSize } from "./packing.ts";
import { chunksOf, interruptible, isResumable } from "./source.ts";
import type { PieceSource } from "./types.ts";

/** Bytes that are read back at once. */
const chunkBytes = 2 ** 20;

/**
 * Writes a piece to the place that is reserved for it, and checks it. Throws storage/piece-mismatch, short-piece,
 * long-piece, unknown-sector, closed; disk/…; what the source throws; the signal's reason.
 */
export async function writePiece(
  core: Core,
  row: PieceRow,
  source: PieceSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { disk, locks, end } = core;
  const recorded = await core.store.volumes.file(row.sectorId, "staged");
  if (recorded === undefined) throw storageErrors.unknownSector({ sectorId: row.sectorId });
  const path = filePath(recorded);
  await locks.run(row.sectorId, async () => {
    if ((await disk.sizeBytes(path)) !== undefined) return;
    await using _made = await disk.open(path, "create");
  });
  await using file = await disk.open(path, "write");
  const stop = signal === undefined ? end : AbortSignal.any([end, signal]);
  const arrival = new Arrival(core, row, file, stop);
  const resumedBytes = await arrival.readBack();
  try {
    await arrival.take(source);
  } catch (error) {
    if (resumedBytes === 0 || !isMismatch(error)) throw error;
    const { pieceKey } = row;
    core.logger.warn("storage: half a piece is not what it was, and comes anew", { pieceKey, resumedBytes });
    await arrival.beginAnew();
    await arrival.take(source);
  }
  await file.sync();
  ensureOpen(core);
}

/** The bytes are durable and are those that were announced: the piece is kept, and its file is that long. */
export async function keepPiece(
  tx: StorageWriter,
  { pieceKey, sectorId, offsetPaddedBytes, userBytes }: PieceRow,
): Promise<void> {
  await tx.keepPiece(pieceKey);
  const file = await tx.volumes.file(sectorId, "staged");
  if (file === undefined) return;
  const sizeBytes = Math.max(file.sizeBytes, userOffset(offsetPaddedBytes) + userBytes);
  await tx.volumes.putFile({ ...file, sizeBytes });
}

class Arrival {
  readonly #core: Core;
  readonly #row: PieceRow;
  readonly #file: DiskFile;
  readonly #stop: AbortSignal;
  #commP = new CommPStream();
  #heldBytes = 0;
  #heldMs: number;

  constructor(core: Core, row: PieceRow, file: DiskFile, stop: AbortSignal) {
    this.#core = core;
    this.#row = row;
    this.#file = file;
    this.#stop = stop;
    this.#heldMs = core.clock.nowMs();
  }

  /** Takes up what an earlier try has left; how many bytes. What cannot be read back whole counts as nothing. */
  async readBack(): Promise<number> {
    const { durableBytes } = this.#row;
    while (this.#commP.userBytes < durableBytes) {
      this.#stop.throwIfAborted();
      const length = Math.min(chunkBytes, durableBytes - this.#commP.userBytes);
      const bytes = await this.#file.readAt(this.#at(), length).catch((error: unknown) => {
        if (error instanceof HoldfastError) return new Uint8Array(0);
        throw error;
      });
      if (bytes.length === 0) {
        await this.beginAnew();
        return 0;
      }
      this.#commP.write(bytes);
    }
    this.#heldBytes = durableBytes;
    return durableBytes;
  }

  async beginAnew(): Promise<void> {
    this.#commP = new CommPStream();
    await this.#hold(0);
  }

  /** All that is left of the piece; what has come is kept where the taking is cut off and may go on some time. */
  async take(source: PieceSource): Promise<void> {
    const { pieceKey, userBytes } = this.#row;
    const isKept = isResumable(source);
    try {
      if (this.#commP.userBytes < userBytes) {
        const chunks = chunksOf(source, this.#commP.userBytes);
        for await (const chunk of interruptible(chunks, this.#stop)) {
          if (this.#commP.userBytes + chunk.length > userBytes)
            throw storageErrors.longPiece({ pieceKey, userBytes });
          await this.#file.writeAt(this.#at(), chunk);
          this.#commP.write(chunk);
          if (isKept && this.#isTime()) await this.#keep();
        }
      }
    } catch (error) {
      if (isKept && this.#stop.aborted) await this.#keep().catch(() => undefined); // a loss of some bytes
      throw error;
    }
    this.#check();
  }

  #at(): number {
    return userOffset(this.#row.offsetPaddedBytes) + this.#commP.userBytes;
  }

  #isTime(): boolean {
    const { limits, clock } = this.#core;
    return (
      this.#commP.userBytes - this.#heldBytes >= limits.partBytes ||
      clock.nowMs() - this.#heldMs >= limits.partMs
    );
  }

  async #keep(): Promise<void> {
    if (this.#commP.userBytes === this.#heldBytes) return;
    await this.#file.sync();
    await this.#hold(this.#commP.userBytes);
  }

  /** The piece may come whole without it: a database that does not answer is no reason to give it up. */
  async #hold(durableBytes: number): Promise<void> {
    const { store, clock, logger } = this.#core;
    const { pieceKey, sectorId, offsetPaddedBytes } = this.#row;
    try {
      await store.transaction(async (tx) => {
        await tx.holdPart(pieceKey, durableBytes);
        const file = await tx.volumes.file(sectorId, "staged");
        const sizeBytes = userOffset(offsetPaddedBytes) + durableBytes;
        if (file !== undefined && file.sizeBytes < sizeBytes)
          await tx.volumes.putFile({ ...file, sizeBytes });
      });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      logger.warn("storage: half a piece is not written down", { pieceKey, detail: error.message });
    }
    this.#heldBytes = durableBytes;
    this.#heldMs = clock.nowMs();
  }

  #check(): void {
    const { pieceKey, userBytes, paddedBytes, commP } = this.#row;
    const receivedBytes = this.#commP.userBytes;
    if (receivedBytes < userBytes) throw storageErrors.shortPiece({ pieceKey, userBytes, receivedBytes });
    const found = commPAtSize(this.#commP.finish(), paddedBytes);
    if (equalBytes(found, commP)) return;
    throw storageErrors.pieceMismatch({ pieceKey, expected: toHex(commP), found: toHex(found) });
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "storage/piece-mismatch";
}
