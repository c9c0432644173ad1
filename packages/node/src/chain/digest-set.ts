/**
 * A set of CIDs for walks over whole states: sixteen bytes of each digest in one open-addressed table, 24 to 48 bytes
 * for an object where a Set of texts takes ten times as many. Two objects share sixteen bytes of a digest by chance
 * never, and by intent after 2^64 hashes. It only grows, and refuses to beyond its bound.
 */
import { limits } from "../limits.ts";
import { chainErrors } from "./errors.ts";

/** Words of 32 bits for one digest. */
const wordsPerEntry = 4;
const firstSlots = 1024;

export class DigestSet {
  #table = new Uint32Array(firstSlots * wordsPerEntry);
  #slots = firstSlots;
  #size = 0;
  readonly #most: number;

  constructor(most: number = limits.walkedObjects) {
    this.#most = most;
  }
  get size(): number {
    return this.#size;
  }
  /** By the binary form of a CID, whose last bytes are its digest. */
  has(key: Uint8Array): boolean {
    return this.#table[this.#find(wordsOf(key))] !== 0;
  }
  /** False if it was there before. Errors: `chain/too-many-objects`. */
  add(key: Uint8Array): boolean {
    const words = wordsOf(key);
    const at = this.#find(words);
    if (this.#table[at] !== 0) return false;
    if (this.#size >= this.#most) throw chainErrors.tooManyObjects({ limit: this.#most });
    this.#table.set(words, at);
    this.#size += 1;
    if (this.#size * 3 > this.#slots * 2) this.#grow();
    return true;
  }

  /** Where it stands, or the free place where it would. */
  #find(words: Words): number {
    const table = this.#table;
    let slot = words[1] & (this.#slots - 1);
    for (;;) {
      const at = slot * wordsPerEntry;
      if (table[at] === 0) return at;
      const isSame =
        table[at] === words[0] &&
        table[at + 1] === words[1] &&
        table[at + 2] === words[2] &&
        table[at + 3] === words[3];
      if (isSame) return at;
      slot = (slot + 1) & (this.#slots - 1);
    }
  }
  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(this.#slots * wordsPerEntry);
    for (let at = 0; at < old.length; at += wordsPerEntry) {
      if (old[at] === 0) continue;
      const words: Words = [old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0, old[at + 3] ?? 0];
      this.#table.set(words, this.#find(words));
    }
  }
}

type Words = readonly [number, number, number, number];

/** The first word is never 0, which is the mark of a free place. */
function wordsOf(key: Uint8Array): Words {
  const word = (from: number): number => {
    const at = key.length - 32 + from;
    return (
      ((key[at] ?? 0) |
        ((key[at + 1] ?? 0) << 8) |
        ((key[at + 2] ?? 0) << 16) |
        ((key[at + 3] ?? 0) << 24)) >>>
      0
    );
  };
  return [word(0) || 1, word(4), word(8), word(12)];
}
