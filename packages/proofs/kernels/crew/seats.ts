/**
 * Seats: how many helpers of all crews of a process work at the same time. Every crew could start a helper for each
 * core; a helper works only while it has a seat, so several crews share the machine instead of fighting for it.
 *
 * A seat is a word with the second up to which it is taken. Whoever has one says so again now and then; the seat of
 * a thread that was ended in the middle becomes free by itself.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** A helper that was silent for this time has no seat any more; longer than any slice. */
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

/** Index of a seat that is taken now, or undefined. */
export function takeSeat(seats: Int32Array): number | undefined {
  const now = nowSeconds();
  for (let seat = 0; seat < seats.length; seat += 1) {
    const until = Atomics.load(seats, seat);
    if (until < now && Atomics.compareExchange(seats, seat, until, now + leaseSeconds) === until) return seat;
  }
  return undefined;
}

export function keepSeat(seats: Int32Array, seat: number): void {
  Atomics.store(seats, seat, nowSeconds() + leaseSeconds);
}

export function leaveSeat(seats: Int32Array, seat: number): void {
  Atomics.store(seats, seat, 0);
}
