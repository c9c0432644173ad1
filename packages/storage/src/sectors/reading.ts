/**
 * Reading pieces back: from the plain copy where there is one, else by unsealing. What comes out of a replica
 * is checked against commP before anybody gets it.
 */
import { type DiskFile, equalBytes, HoldfastError, toHex } from "@holdfast/base";
import { CommPStream } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { PieceRow, StorageReader } from "../store/index.ts";
import { isAway } from "./collector.ts";
import { type Core, ensureOpen, sectorOrThrow } from "./core.ts";
import { bareName, filePath, plainName } from "./files.ts";
import { userOffset } from "./options.ts";
import { commPAtSize } from "./packing.ts";
import { identityOf } from "./sealing.ts";
import { landedStates, stagedStates } from "./states.ts";
import type { ByteRangeOptions } from "./types.ts";

/** Bytes that are read, or hashed, at once. */
const chunkBytes = 1 << 20;

export interface PieceCheck {
  readonly pieceKey: string;
  readonly intact: boolean;
  /** commP of the bytes that were found. */
  readonly found: Uint8Array;
}

type SlotOfPiece = Omit<PieceRow, "stage" | "durableBytes" | "addedMs">;

export class Reading {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Throws storage/unknown-piece, also while the piece is still on its way. */
  async piece(pieceKey: string, store: StorageReader = this.#core.store): Promise<PieceRow> {
    const row = await store.piece(pieceKey);
    if (row === undefined || row.stage !== "kept") throw storageErrors.unknownPiece({ pieceKey });
    return row;
  }

  async *read(pieceKey: string, range: ByteRangeOptions): AsyncGenerator<Uint8Array, void, undefined> {
    ensureOpen(this.#core);
    const piece = await this.piece(pieceKey);
    const { userBytes } = piece;
    const { offset = 0, length = userBytes - offset, signal } = range;
    const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (!whole || offset + length > userBytes) {
      throw storageErrors.badRange({ pieceKey, offset, length, userBytes });
    }
    let done = 0;
    {
      await using plain = await this.#trusted(piece);
      const start = userOffset(piece.offsetPaddedBytes) + offset;
      while (plain !== undefined && done < length) {
        signal?.throwIfAborted();
        const bytes = await this.#readAt(piece, plain, start + done, Math.min(chunkBytes, length - done));
        if (bytes === undefined) break;
        done += bytes.length;
        yield bytes;
      }
      if (plain !== undefined && done === length) return;
    }
    const bytes = await this.unseal(pieceKey, signal);
    yield bytes.subarray(offset + done, offset + length);
  }

  /** Undefined: the disk does not give it, and the replica may. Throws storage/missing-file, disk/… without one. */
  async #readAt(
    piece: PieceRow,
    plain: DiskFile,
    at: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    const { sectorId } = piece;
    try {
      const bytes = await plain.readAt(at, length);
      if (bytes.length > 0) return bytes;
      throw storageErrors.missingFile({ sectorId, path: `unsealed/${sectorId}` });
    } catch (error) {
      if (!(error instanceof HoldfastError) || !(await this.#hasReplica(sectorId))) throw error;
      if (this.#core.doubts.raise(sectorId))
        this.#core.logger.error("storage: a plain copy cannot be read", { sectorId, detail: error.message });
      return undefined;
    }
  }

  /** What a reader got of it was damaged. Whether it comes out of the replica now. Throws storage/unknown-piece. */
  async doubt(pieceKey: string): Promise<boolean> {
    ensureOpen(this.#core);
    const { sectorId } = await this.piece(pieceKey);
    return (await this.#hasReplica(sectorId)) && this.#core.doubts.raise(sectorId);
  }

  /** One that does not change any more. */
  async #hasReplica(sectorId: number): Promise<boolean> {
    return landedStates.includes((await sectorOrThrow(this.#core.store, sectorId)).state);
  }

  /** The plain copy, if there is one that is believed. */
  async #trusted(piece: PieceRow): Promise<DiskFile | undefined> {
    if (this.#core.doubts.has(piece.sectorId)) return undefined;
    return await this.#core.uses.during([piece.sectorId], () => this.#openPlain(piece));
  }

  /** The bytes of a piece out of the replica. Throws storage/not-sealed, storage/piece-corrupt, missing-file. */
  async unseal(pieceKey: string, signal?: AbortSignal): Promise<Uint8Array> {
    ensureOpen(this.#core);
    const piece = await this.piece(pieceKey);
    return await this.#core.uses.during([piece.sectorId], () => this.#unseal(piece, signal));
  }

  async #unseal(piece: PieceRow, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { disk, store } = this.#core;
    const { sectorId } = piece;
    const row = await sectorOrThrow(store, sectorId);
    const sealed = await store.volumes.file(sectorId, "sealed");
    const path = sealed === undefined ? bareName(row, "sealed") : filePath(sealed);
    const { commitments } = row;
    if (commitments === null) throw storageErrors.notSealed({ sectorId, state: row.state });
    if ((await disk.sizeBytes(path)) === undefined) throw storageErrors.missingFile({ sectorId, path });
    return await this.unsealFrom(piece, path, signal);
  }

  /** The bytes of a piece out of some replica of its sector, if they are those of its commitment. */
  async unsealFrom(piece: SlotOfPiece, replicaPath: string, signal?: AbortSignal): Promise<Uint8Array> {
    const { classes, end, sealer, store } = this.#core;
    const { sectorId, userBytes, pieceKey } = piece;
    const row = await sectorOrThrow(store, sectorId);
    const { commitments } = row;
    if (commitments === null) throw storageErrors.notSealed({ sectorId, state: row.state });
    const stop = signal === undefined ? end : AbortSignal.any([end, signal]);
    const bytes = await sealer.extract(
      {
        classes,
        sectorBytes: row.sectorBytes,
        identity: identityOf(row, commitments.commD),
        replicaPath,
        range: { startUserBytes: userOffset(piece.offsetPaddedBytes), userBytes },
      },
      { signal: stop },
    );
    const stream = new CommPStream();
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (at > 0) await new Promise((later) => setImmediate(later)); // a piece takes seconds: others have their turn
      stop.throwIfAborted();
      stream.write(bytes.subarray(at, at + chunkBytes));
    }
    const found = commPAtSize(stream.finish(), piece.paddedBytes);
    if (equalBytes(found, piece.commP)) return bytes;
    const expected = toHex(piece.commP);
    throw storageErrors.pieceCorrupt({ pieceKey, sectorId, expected, found: toHex(found) });
  }

  /** Whether the piece is there in the clear. Throws storage/unknown-piece, missing-file. */
  async isPlain(pieceKey: string): Promise<boolean> {
    ensureOpen(this.#core);
    const piece = await this.piece(pieceKey);
    const file = await this.#trusted(piece);
    await file?.[Symbol.asyncDispose]();
    return file !== undefined;
  }

  /** Reads a whole piece the way `read` does and compares its commP. */
  async verify(pieceKey: string): Promise<PieceCheck> {
    const piece = await this.piece(pieceKey);
    const stream = new CommPStream();
    for await (const chunk of this.read(pieceKey, {})) stream.write(chunk);
    const found = commPAtSize(stream.finish(), piece.paddedBytes);
    return { pieceKey, intact: equalBytes(found, piece.commP), found };
  }

  /** The file with the piece in the clear, when it is there and long enough. */
  async #openPlain(piece: PieceRow): Promise<DiskFile | undefined> {
    const { store, disk } = this.#core;
    const { sectorId } = piece;
    const row = await sectorOrThrow(store, sectorId);
    const end = userOffset(piece.offsetPaddedBytes) + piece.userBytes;
    const files = await store.volumes.filesOf(sectorId);
    const [unsealed, staged] = [files.get("unsealed"), files.get("staged")];
    const paths = [unsealed, staged].flatMap((file) => (file === undefined ? [] : [filePath(file)]));
    // While the one becomes the other, it has its new name before that is recorded.
    if (staged !== undefined) paths.push(filePath({ ...staged, path: plainName(staged) }));
    for (const path of paths) {
      const sizeBytes = await disk.sizeBytes(path).catch(undefinedIfAway);
      if (sizeBytes !== undefined && sizeBytes >= end) return await disk.open(path, "read");
    }
    if (row.commitments !== null || !stagedStates.includes(row.state)) return undefined;
    throw storageErrors.missingFile({ sectorId, path: paths[0] ?? bareName(row, "staged") });
  }
}

/** A plain copy on a volume that is away is no reason to give up: the replica may be elsewhere. */
function undefinedIfAway(error: unknown): undefined {
  if (!isAway(error)) throw error;
}
