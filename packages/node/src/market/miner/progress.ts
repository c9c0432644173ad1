/**
 * How fast a client gives its data: what has come, by the time in which the miner waited for it and did nothing else.
 * What the miner's own disk takes, its queue of transfers, or a machine that stood still is not held against anybody.
 */
import type { Clock } from "@holdfast/base";
import { limits } from "../../limits.ts";

interface Measure {
  bytes: number;
  waitedMs: number;
}

interface Arrival {
  readonly client: string;
  readonly atMs: number;
}

const noArrival: Arrival = { client: "", atMs: Number.NEGATIVE_INFINITY };

/** When bytes came last, and when of another client than that: whether the miner's own line works. */
export class Arrivals {
  #last = noArrival;
  #ofAnother = noArrival;

  came(client: string, atMs: number): void {
    if (client !== this.#last.client) this.#ofAnother = this.#last;
    this.#last = { client, atMs };
  }
  /** Something came of another client than this one since then. */
  isOfOthers(client: string, sinceMs: number): boolean {
    const { atMs } = this.#last.client === client ? this.#ofAnother : this.#last;
    return atMs >= sinceMs;
  }
}

export class Progress {
  readonly #clock: Clock;
  readonly #arrivals: Arrivals;
  readonly #client: string;
  /** Its source sends everything or nothing: it cannot go on where it was cut off. */
  comesWhole = false;
  /** Since when it waits for the client; undefined while it does not. */
  #sinceMs: number | undefined;
  #silentMs = 0;
  #window: Measure = { bytes: 0, waitedMs: 0 };
  #windowMs: number;
  #turn: Measure = { bytes: 0, waitedMs: 0 };
  #isDrip = false;

  constructor(clock: Clock, arrivals: Arrivals, client: string) {
    this.#clock = clock;
    this.#arrivals = arrivals;
    this.#client = client;
    this.#windowMs = clock.nowMs();
  }

  beginTurn(): void {
    this.comesWhole = false;
    this.#beginWindow();
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
    if (bytes === 0) return;
    this.#silentMs = 0;
    this.#arrivals.came(this.#client, this.#clock.nowMs());
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
    const isAlive = this.#window.bytes > 0 && this.#arrivals.isOfOthers(this.#client, this.#windowMs);
    this.#isDrip = isSlow && isAlive;
    this.#beginWindow();
    return isSlow;
  }
  /** Little came in the time that was judged last, while others' bytes came; silence may be an outage of either. */
  get isDrip(): boolean {
    return this.#isDrip;
  }
  /** Its turn was slow as a whole: who waits need not wait for the end of the piece. */
  isSlowTurn(): boolean {
    this.#settle();
    return isSlower(this.#turn, limits.transferFairBytesPerS);
  }

  #beginWindow(): void {
    this.#window = { bytes: 0, waitedMs: 0 };
    this.#windowMs = this.#clock.nowMs();
  }

  /** It is asked once in a window: what has passed beyond one is a machine that slept, and has read no socket yet. */
  #settle(): void {
    if (this.#sinceMs === undefined) return;
    const nowMs = this.#clock.nowMs();
    const passedMs = Math.min(Math.max(0, nowMs - this.#sinceMs), limits.transferWindowMs);
    this.#sinceMs = nowMs;
    this.#silentMs += passedMs;
    this.#window.waitedMs += passedMs;
    this.#turn.waitedMs += passedMs;
  }
}

function isSlower({ bytes, waitedMs }: Measure, bytesPerS: number): boolean {
  return bytes < (bytesPerS * waitedMs) / 1_000;
}
