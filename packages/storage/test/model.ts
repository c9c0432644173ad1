/**
 * What a storage should be, as simple as it can be said: sectors with a state and slots on a grid of 128
 * bytes, pieces by key. The model predicts every state and every refusal; where a piece goes it only judges.
 */
import { assert } from "@holdfast/base";
import type { SectorState, StoredPiece } from "@holdfast/storage";
import { sectorBytes } from "./support.ts";

export interface ModelSector {
  state: SectorState;
  /** Cells of 128 padded bytes: the key of the piece, "dropped", or free. */
  cells: (string | null)[];
}

const cellBytes = 128;
const cellCount = sectorBytes / cellBytes;
export const maxStagedSectors = 2;

export class Model {
  readonly sectors = new Map<number, ModelSector>();
  readonly pieces = new Map<string, { readonly sectorId: number; readonly userBytes: number }>();
  lastSectorId = 0;

  idsIn(...states: SectorState[]): number[] {
    return [...this.sectors].filter(([, sector]) => states.includes(sector.state)).map(([id]) => id);
  }
  sector(id: number): ModelSector {
    const sector = this.sectors.get(id);
    assert(sector !== undefined, `the model has sector ${id}`);
    return sector;
  }

  /** Whether a piece of so many cells fits into a staged sector, at a multiple of its own size. */
  hasRoom(cells: number): boolean {
    return this.idsIn("staging").some((id) =>
      this.sector(id).cells.some((_, at) => at % cells === 0 && this.#isFree(id, at, cells)),
    );
  }
  #isFree(id: number, at: number, cells: number): boolean {
    const range = this.sector(id).cells.slice(at, at + cells);
    return range.length === cells && range.every((cell) => cell === null);
  }

  /** A new sector; when two are staged already, the one with the least free cells closes. */
  openSector(state: SectorState): number {
    const staged = this.idsIn("staging");
    if (state === "staging" && staged.length >= maxStagedSectors) {
      const free = (id: number) => this.sector(id).cells.filter((cell) => cell === null).length;
      const [fullest] = staged.toSorted((a, b) => free(a) - free(b) || a - b);
      if (fullest !== undefined && free(fullest) < cellCount) this.sector(fullest).state = "closing";
    }
    this.lastSectorId++;
    this.sectors.set(this.lastSectorId, { state, cells: new Array<string | null>(cellCount).fill(null) });
    return this.lastSectorId;
  }

  /** Judges where a piece went and takes it over; says what is wrong, or nothing. */
  place(piece: StoredPiece): string | undefined {
    const { pieceKey, sectorId, offsetPaddedBytes, paddedBytes, userBytes } = piece;
    const cells = paddedBytes / cellBytes;
    const at = offsetPaddedBytes / cellBytes;
    if (!this.hasRoom(cells)) this.openSector("staging");
    if (this.sectors.get(sectorId)?.state !== "staging") return `${pieceKey} went to sector ${sectorId}`;
    if (at % cells !== 0) return `${pieceKey} is not aligned`;
    if (!this.#isFree(sectorId, at, cells)) return `${pieceKey} overlaps another piece`;
    this.sector(sectorId).cells.fill(pieceKey, at, at + cells);
    this.pieces.set(pieceKey, { sectorId, userBytes });
    if (this.sector(sectorId).cells.every((cell) => cell !== null)) this.sector(sectorId).state = "closing";
    return undefined;
  }

  dropPiece(pieceKey: string): void {
    const piece = this.pieces.get(pieceKey);
    if (piece === undefined) return;
    const { state, cells } = this.sector(piece.sectorId);
    const left = state === "staging" || state === "closing" ? null : "dropped";
    for (const [at, cell] of cells.entries()) if (cell === pieceKey) cells[at] = left;
    this.pieces.delete(pieceKey);
  }

  closeAll(): void {
    for (const id of this.idsIn("staging")) {
      if (this.sector(id).cells.some((cell) => cell !== null)) this.sector(id).state = "closing";
    }
  }

  restart(id: number): void {
    const sector = this.sector(id);
    sector.state = "closing";
    sector.cells = sector.cells.map((cell) => (cell === "dropped" ? null : cell));
  }

  dropSector(id: number): void {
    for (const [key, piece] of this.pieces) if (piece.sectorId === id) this.pieces.delete(key);
    const sector = this.sector(id);
    sector.state = "removed";
    sector.cells.fill(null);
  }
}
