/**
 * A miner's storage in memory for tests of the market: pieces are checked against commP and laid out in sectors
 * by the real rules, so commD and inclusion proofs are real. Sealing is a change of state.
 */
import { abortable, equalBytes } from "@holdfast/base";
import { commP, layoutPieces, placePieces, provePieceInclusion } from "@holdfast/proofs";
import { storageErrors } from "@holdfast/storage";
import type { MarketStorage } from "../../../src/market/index.ts";

export interface HonestSector {
  readonly sectorId: number;
  readonly sectorBytes: number;
  state: string;
  readonly pieces: { readonly key: string; readonly commitment: Uint8Array; readonly paddedBytes: number }[];
}

interface Kept {
  readonly sectorId: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

export class HonestStorage implements MarketStorage {
  readonly sectorBytes: number;
  readonly sectors: HonestSector[] = [];
  readonly #kept = new Map<string, Kept>();
  /** Bytes that came in over `addPiece`, also of pieces that were not kept. */
  receivedBytes = 0;
  /** Of pieces that did not come whole; a real one keeps a part when it is cut off, this one at each chunk. */
  readonly #parts = new Map<string, Uint8Array>();
  keepsParts = false;
  /** When so many bytes have come in it waits for its end, as if it were about to be killed. */
  standsStillAt = Number.POSITIVE_INFINITY;
  /** Pieces that are not taken any more. */
  isFull = false;

  constructor(sectorBytes: number, firstSectorId: number) {
    this.sectorBytes = sectorBytes;
    this.#nextId = firstSectorId;
  }
  #nextId: number;

  get keys(): string[] {
    return [...this.#kept.keys()];
  }
  get unfinishedKeys(): string[] {
    return [...this.#parts.keys()];
  }

  async addPiece(
    piece: Parameters<MarketStorage["addPiece"]>[0],
    signal?: AbortSignal,
  ): Promise<{ sectorId: number }> {
    const { pieceKey, userBytes, paddedBytes } = piece;
    const known = this.#kept.get(pieceKey);
    if (known !== undefined) return { sectorId: known.sectorId };
    if (this.isFull)
      throw storageErrors.full({ neededBytes: userBytes, availableBytes: 0, limit: "the test" });
    const bytes = new Uint8Array(userBytes);
    let at = this.#parts.get(pieceKey)?.length ?? 0;
    const { source } = piece;
    if (!("from" in source)) at = 0;
    bytes.set(this.#parts.get(pieceKey)?.subarray(0, at) ?? []);
    for await (const chunk of "from" in source ? source.from(at) : source) {
      signal?.throwIfAborted();
      this.receivedBytes += chunk.length;
      if (at + chunk.length > userBytes) throw storageErrors.longPiece({ pieceKey, userBytes });
      bytes.set(chunk, at);
      at += chunk.length;
      if ("from" in source && this.keepsParts) this.#parts.set(pieceKey, bytes.slice(0, at));
      if (this.receivedBytes >= this.standsStillAt && signal !== undefined)
        await abortable(signal, new Promise(() => undefined));
    }
    this.#parts.delete(pieceKey);
    if (at < userBytes) throw storageErrors.shortPiece({ pieceKey, userBytes, receivedBytes: at });
    const { commitment } = commP(bytes);
    if (!equalBytes(commitment, piece.commP)) {
      throw storageErrors.pieceMismatch({ pieceKey, expected: "the proposal's", found: "another" });
    }
    const sector = this.#room(paddedBytes);
    this.#kept.set(pieceKey, { sectorId: sector.sectorId, index: sector.pieces.length, bytes });
    sector.pieces.push({ key: pieceKey, commitment, paddedBytes });
    return { sectorId: sector.sectorId };
  }

  #room(paddedBytes: number): HonestSector {
    const open = this.sectors.find(({ state, pieces }) => {
      if (state !== "staging") return false;
      const sizes = [...pieces.map((piece) => piece.paddedBytes), paddedBytes];
      try {
        placePieces(sizes, this.sectorBytes);
        return true;
      } catch {
        return false;
      }
    });
    if (open !== undefined) return open;
    const { sectorBytes } = this;
    const sector: HonestSector = { sectorId: this.#nextId, sectorBytes, state: "staging", pieces: [] };
    this.#nextId += 1;
    this.sectors.push(sector);
    return sector;
  }

  async getPiece(pieceKey: string): Promise<{ sectorId: number } | undefined> {
    const kept = this.#kept.get(pieceKey);
    return kept === undefined ? undefined : { sectorId: kept.sectorId };
  }
  async *readPiece(pieceKey: string, range: { offset?: number } = {}): AsyncGenerator<Uint8Array> {
    const kept = this.#kept.get(pieceKey);
    if (kept === undefined) throw storageErrors.unknownPiece({ pieceKey });
    yield kept.bytes.subarray(range.offset ?? 0);
  }
  /** It holds every piece once. */
  async doubtPiece(): Promise<boolean> {
    return false;
  }
  async provePieceInclusion(pieceKey: string): Promise<{ sectorId: number; proof: Uint8Array }> {
    const kept = this.#kept.get(pieceKey);
    if (kept === undefined) throw storageErrors.unknownPiece({ pieceKey });
    const { sectorId, state, pieces } = this.#sector(kept.sectorId);
    if (state === "staging") throw storageErrors.notSealed({ sectorId, state });
    return { sectorId, proof: provePieceInclusion(pieces, this.sectorBytes, kept.index) };
  }
  async dropPiece(pieceKey: string): Promise<void> {
    this.#kept.delete(pieceKey);
  }
  async dropUnfinished(pieceKey: string): Promise<void> {
    this.#parts.delete(pieceKey);
  }
  async getSector(sectorId: number) {
    const { state, sectorBytes, pieces } = this.#sector(sectorId);
    return { state, sectorBytes, filledPaddedBytes: pieces.reduce((sum, one) => sum + one.paddedBytes, 0) };
  }
  maxUserBytesPerStagedSector(): number {
    return (this.sectorBytes / 128) * 127;
  }
  async sealStagedSector(sectorId: number): Promise<boolean> {
    const sector = this.#sector(sectorId);
    if (sector.state !== "staging" || sector.pieces.length === 0) return false;
    sector.state = "closing";
    return true;
  }

  commD(sectorId: number): Uint8Array {
    return layoutPieces(this.#sector(sectorId).pieces, this.sectorBytes).commD;
  }
  /** What a bad disk does: the bytes change under the miner's feet. */
  rot(): void {
    for (const { bytes } of this.#kept.values()) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  }
  #sector(sectorId: number): HonestSector {
    const sector = this.sectors.find((one) => one.sectorId === sectorId);
    if (sector === undefined) throw storageErrors.unknownSector({ sectorId });
    return sector;
  }
}
