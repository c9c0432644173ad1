/**
 * The bytes of one simulated file and the journal of its changes since the last sync. After a crash every
 * change of the journal may have reached the platter, or not, or in part: a torn write keeps some sectors
 * and loses others, in no order. What was synced is never lost.
 */
import type { SeededRandom } from "./random.ts";

/** Devices write whole sectors (of 512 bytes at the smallest): a torn write breaks between them. */
const sectorBytes = 512;

type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array; readonly before: Before }
  | { readonly kind: "truncate"; readonly length: number; readonly before: Before };

interface Before {
  readonly length: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class SimFile {
  readonly kind = "file";
  /** False once no path leads here; an open handle still works, as POSIX has it. */
  linked = true;
  #buffer: Uint8Array;
  #length: number;
  #journal: Change[] = [];

  constructor(durable: Uint8Array = new Uint8Array(0)) {
    this.#buffer = durable;
    this.#length = durable.length;
  }

  get length(): number {
    return this.#length;
  }
  /** A copy; short or empty at the end of the file. */
  read(offset: number, length: number): Uint8Array {
    return this.#buffer.slice(Math.min(offset, this.#length), Math.min(offset + length, this.#length));
  }
  /** Zeros fill a gap before the offset. */
  write(offset: number, bytes: Uint8Array): void {
    const before = this.#before(offset, bytes.length);
    this.#journal.push({ kind: "write", offset, bytes: bytes.slice(), before });
    this.#put(offset, bytes);
  }
  truncate(length: number): void {
    const before = this.#before(length, Math.max(0, this.#length - length));
    this.#journal.push({ kind: "truncate", length, before });
    this.#resize(length);
  }
  /** Everything up to now survives every crash. */
  sync(): void {
    this.#journal = [];
  }

  /** The file as a crash may leave it. */
  survive(random: SeededRandom): SimFile {
    const after = new SimFile(this.#buffer.slice(0, this.#length));
    for (const { before } of this.#journal.toReversed()) {
      after.#resize(before.length);
      after.#buffer.set(before.bytes, before.offset);
    }
    const mood = random.pick(["all", "none", "mixed", "mixed"]);
    for (const change of this.#journal) {
      const fate = mood === "mixed" ? random.pick(["all", "none", "torn"]) : mood;
      if (fate === "none") continue;
      if (change.kind === "truncate") after.#resize(change.length);
      else if (fate === "all") after.#put(change.offset, change.bytes);
      else after.#putTorn(change.offset, change.bytes, random);
    }
    return after;
  }

  #before(offset: number, length: number): Before {
    return { length: this.#length, offset, bytes: this.read(offset, length) };
  }
  #put(offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > this.#length) this.#resize(offset + bytes.length);
    this.#buffer.set(bytes, offset);
  }
  #putTorn(offset: number, bytes: Uint8Array, random: SeededRandom): void {
    let from = 0;
    while (from < bytes.length) {
      const to = Math.min(bytes.length, from + sectorBytes - ((offset + from) % sectorBytes));
      if (random.chance(0.5)) this.#put(offset + from, bytes.subarray(from, to));
      from = to;
    }
  }
  #resize(length: number): void {
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    if (length < this.#length) this.#buffer.fill(0, length, this.#length); // a later gap reads as zeros
    this.#length = length;
  }
}
