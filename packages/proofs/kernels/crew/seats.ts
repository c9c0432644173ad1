/**
 * Seats: how many threads of all crews of a process work at the same time. Every crew could have a helper for each
 * core; a helper works only while it has a seat, so that several crews share the machine instead of fighting for it.
 * A caller takes a seat too, if there is one, and works in any case.
 *
 * A seat is a word with the second up to which it is taken. Whoever has one says so again now and then; the seat of
 * a thread that was ended in the middle becomes free by itself.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** Who was silent for this time has no seat any more; longer than any slice. */
const leaseSeconds = 20;
const name = "holdfast.seats";

const nowSeconds = (): number => Math.floor(Number(process.hrtime.bigint() / 1_000_000_000n));

export const createSeats = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count));

/** All threads that this one starts from now on share these seats. */
export function shareSeats(count: number): void {
  setEnvironmentData(name, createSeats(count));
}

/** The seats that the thread which started this one shares, if it does. */
export function sharedSeats(): Int32Array | undefined {
  const seats: unknown = getEnvironmentData(name);
  return seats instanceof Int32Array ? seats : undefined;
}

/** A seat that somebody has. */
export class Seat {
  readonly #seats: Int32Array;
  readonly #index: number;
  #until: number;

  private constructor(seats: Int32Array, index: number, until: number) {
    this.#seats = seats;
    this.#index = index;
    this.#until = until;
  }

  /** A free seat, now taken, or undefined. */
  static take(seats: Int32Array): Seat | undefined {
    const now = nowSeconds();
    for (let index = 0; index < seats.length; index += 1) {
      const until = Atomics.load(seats, index);
      if (until >= now) continue;
      const seat = new Seat(seats, index, until);
      if (seat.#set(now + leaseSeconds)) return seat;
    }
    return undefined;
  }

  /** What another thread may free when this one is dead. */
  get claim(): readonly [index: number, until: number] {
    return [this.#index, this.#until];
  }

  keep(): void {
    const until = nowSeconds() + leaseSeconds;
    if (until !== this.#until) this.#set(until);
  }

  leave(): void {
    this.#set(0);
  }

  /** Changes nothing if somebody else has it by now. */
  #set(until: number): boolean {
    const isMine = Atomics.compareExchange(this.#seats, this.#index, this.#until, until) === this.#until;
    if (isMine) this.#until = until;
    return isMine;
  }
}

/** Frees the seat of a thread that is dead. */
export function freeSeat(seats: Int32Array, [index, until]: Seat["claim"]): void {
  Atomics.compareExchange(seats, index, until, 0);
}
