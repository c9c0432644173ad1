/**
 * A set of sector numbers in the state: an AMT of bitmaps, number / 256 → 32 bytes, bit n % 256 from the
 * lowest bit of the first byte on. Invariant: no bitmap is empty, so that equal sets have equal roots. Walking
 * a set costs an object for each 2,048 consecutive numbers, never the sectors themselves.
 */
import type { Blockstore, CID, Codec, SectorId } from "@holdfast/base";
import { Amt, c } from "@holdfast/base";

const bitmapBytes = 32;
const numbersPerBitmap = 8 * bitmapBytes;
const bitmapCodec: Codec<Uint8Array> = c.fixedBytes(bitmapBytes);

export class SectorSet {
  readonly #bitmaps: Amt<Uint8Array>;

  private constructor(bitmaps: Amt<Uint8Array>) {
    this.#bitmaps = bitmaps;
  }

  static empty(store: Blockstore): SectorSet {
    return new SectorSet(Amt.empty(store, bitmapCodec));
  }
  static load(store: Blockstore, root: CID): SectorSet {
    return new SectorSet(Amt.load(store, bitmapCodec, root));
  }

  /** False if the number was in the set already. */
  add(sectorId: SectorId): boolean {
    const { index, at, bit, bitmap } = this.#place(sectorId);
    const byte = bitmap[at] ?? 0;
    if ((byte & bit) !== 0) return false;
    bitmap[at] = byte | bit;
    this.#bitmaps.set(index, bitmap);
    return true;
  }

  /** False if the number was not in the set. */
  delete(sectorId: SectorId): boolean {
    const { index, at, bit, bitmap } = this.#place(sectorId);
    const byte = bitmap[at] ?? 0;
    if ((byte & bit) === 0) return false;
    bitmap[at] = byte & ~bit;
    if (bitmap.every((one) => one === 0)) this.#bitmaps.delete(index);
    else this.#bitmaps.set(index, bitmap);
    return true;
  }

  /** Ascending. The set must not change meanwhile. */
  *numbers(): IterableIterator<SectorId> {
    for (const [index, bitmap] of this.#bitmaps.entries()) {
      for (const [at, byte] of bitmap.entries()) {
        for (let bit = 0; bit < 8; bit++) {
          if (((byte >> bit) & 1) !== 0) yield (index * numbersPerBitmap + at * 8 + bit) as SectorId;
        }
      }
    }
  }

  flush(): CID {
    return this.#bitmaps.flush();
  }

  #place(sectorId: SectorId): { index: number; at: number; bit: number; bitmap: Uint8Array } {
    const index = Math.floor(sectorId / numbersPerBitmap);
    const bitmap = Uint8Array.from(this.#bitmaps.get(index) ?? new Uint8Array(bitmapBytes));
    return { index, at: (sectorId % numbersPerBitmap) >> 3, bit: 1 << (sectorId & 7), bitmap };
  }
}
