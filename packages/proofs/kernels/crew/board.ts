/**
 * The board of one task: who has which slice, as words of shared memory that every thread reads and changes by
 * atomic operations. A slice is free, somebody's, done or failed. Beside it stands how far it is, if that is told.
 *
 * Invariant: a slice is begun by whoever changed its word from free to their own number, so by one thread at a time;
 * only the caller takes a slice from another, and only from one that is dead or gave it back.
 */

const word = { next: 0, finished: 1, changes: 2, first: 3 } as const;
const free = 0;
const done = -1;
const failed = -2;
/** How far slices are is told in parts of this. */
const whole = 2 ** 16;
/** More slices than any task has: nobody takes one any more. */
const closed = 2 ** 30;

/** The number of the caller; helpers have higher ones. */
export const callerNumber = 1;

export class Board {
  readonly words: Int32Array;
  readonly slices: number;

  /** A new board, or another thread's view of one. */
  constructor(made: number | Int32Array) {
    this.words =
      typeof made === "number" ? new Int32Array(new SharedArrayBuffer(4 * (word.first + 2 * made))) : made;
    this.slices = (this.words.length - word.first) / 2;
  }

  get isOpen(): boolean {
    return Atomics.load(this.words, word.next) < this.slices;
  }

  /** Whether the caller gave up: what is in hand need not be ended. */
  get isClosed(): boolean {
    return Atomics.load(this.words, word.next) >= closed;
  }

  get finished(): number {
    return Atomics.load(this.words, word.finished);
  }

  /** The share of all slices that is done, those in hand with what was told of them. */
  get doneRatio(): number {
    if (this.slices === 0) return 1;
    let parts = 0;
    for (let slice = 0; slice < this.slices; slice += 1) {
      const isDone = this.#owner(slice) === done;
      parts += isDone ? whole : Atomics.load(this.words, word.first + this.slices + slice);
    }
    return parts / (whole * this.slices);
  }

  /** How far a slice is that somebody has; never falls, though it may be begun again. */
  tell(slice: number, ratio: number): void {
    const at = word.first + this.slices + slice;
    const told = Math.min(whole, Math.floor(whole * ratio));
    if (told > Atomics.load(this.words, at)) Atomics.store(this.words, at, told);
  }

  /** A slice that is now `mine`, or undefined if none was left. */
  take(mine: number): number | undefined {
    while (this.isOpen) {
      const slice = Atomics.add(this.words, word.next, 1);
      if (slice >= this.slices) return undefined;
      if (Atomics.compareExchange(this.words, word.first + slice, free, mine) === free) return slice;
    }
    return undefined;
  }

  /** Nobody begins another slice. */
  close(): void {
    Atomics.store(this.words, word.next, closed);
  }

  done(slice: number): void {
    Atomics.store(this.words, word.first + slice, done);
    Atomics.add(this.words, word.finished, 1);
    this.#change();
  }

  /** Gives back a slice that threw. */
  failed(slice: number): void {
    Atomics.store(this.words, word.first + slice, failed);
    this.#change();
  }

  #change(): void {
    Atomics.add(this.words, word.changes, 1);
    Atomics.notify(this.words, word.changes);
  }

  /**
   * For the caller: takes the first slice that failed, that nobody has, or whose helper `isLost`.
   * `isLost` is not asked when it is left out.
   */
  retake(
    isLost?: (helper: number) => boolean,
  ): { readonly slice: number; readonly failed: boolean } | undefined {
    for (let slice = 0; slice < this.slices; slice += 1) {
      const owner = Atomics.load(this.words, word.first + slice);
      if (owner === done || owner === callerNumber) continue;
      if (owner > callerNumber && isLost?.(owner) !== true) continue;
      if (Atomics.compareExchange(this.words, word.first + slice, owner, callerNumber) === owner) {
        return { slice, failed: owner === failed };
      }
    }
    return undefined;
  }

  /** Whether any helper is in the middle of a slice. */
  get isHeld(): boolean {
    for (let slice = 0; slice < this.slices; slice += 1) if (this.#owner(slice) > callerNumber) return true;
    return false;
  }

  #owner(slice: number): number {
    return Atomics.load(this.words, word.first + slice);
  }

  /** Counts what happened; to be read before looking at the board and given to `wait`. */
  get changes(): number {
    return Atomics.load(this.words, word.changes);
  }

  /** Waits for something to happen since `seen`, for a while: false when nothing did. */
  wait(seen: number, timeoutMs: number): boolean {
    return Atomics.wait(this.words, word.changes, seen, timeoutMs) !== "timed-out";
  }
}
