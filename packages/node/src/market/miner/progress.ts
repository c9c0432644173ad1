/**
 * How fast a client gives its data: what has come, by the time in which the miner waited for it and did nothing else.
 * What the miner's own disk takes, or its queue of transfers, is not held against anybody.
 */
import type { Clock } from "@holdfast/base";
import { limits } from "../../limits.ts";

interface Measure {
  bytes: number;
  waitedMs: number;
}

export class Progress {
  readonly #clock: Clock;
  /** Since when it waits for the client; undefined while it does not. */
  #sinceMs: number | undefined;
  #silentMs = 0;
  #window: Measure = { bytes: 0, waitedMs: 0 };
  #turn: Measure = { bytes: 0, waitedMs: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  beginTurn(): void {
    this.#window = { bytes: 0, waitedMs: 0 };
    this.#turn = { bytes: 0, waitedMs: 0 };
  }
  /** From here on it waits for the client. */
  waits(): void {
    this.#sinceMs ??= this.#clock.nowMs();
  }
  rests(): void {
    this.#settle();
    this.#sinceMs = undefined;
  }
  came(bytes: number): void {
    this.#settle();
    this.#window.bytes += bytes;
    this.#turn.bytes += bytes;
    if (bytes > 0) this.#silentMs = 0;
  }
  /** Waited for since the last byte, over all turns. */
  get silentMs(): number {
    this.#settle();
    return this.#silentMs;
  }

  /** Below the floor since it was asked last; no word before there is a window of waiting to judge by. */
  isBelowFloor(): boolean {
    this.#settle();
    if (this.#window.waitedMs < limits.transferWindowMs / 2) return false;
    const isSlow = isSlower(this.#window, limits.transferFloorBytesPerS);
    this.#window = { bytes: 0, waitedMs: 0 };
    return isSlow;
  }
  /** Its turn was slow as a whole: who waits need not wait for the end of the piece. */
  isSlowTurn(): boolean {
    this.#settle();
    return isSlower(this.#turn, limits.transferFairBytesPerS);
  }

  #settle(): void {
    if (this.#sinceMs === undefined) return;
    const nowMs = this.#clock.nowMs();
    const passedMs = Math.max(0, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.#silentMs += passedMs;
    this.#window.waitedMs += passedMs;
    this.#turn.waitedMs += passedMs;
  }
}

function isSlower({ bytes, waitedMs }: Measure, bytesPerS: number): boolean {
  return bytes < (bytesPerS * waitedMs) / 1_000;
}
