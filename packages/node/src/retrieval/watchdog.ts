/**
 * Notices that nothing moves. Armed only while somebody waits for the other side, so that a slow disk or a slow
 * reader of our own is never held against a peer. One sleep per period, however much moves.
 */
import type { Clock } from "@holdfast/base";

export class Watchdog implements Disposable {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #stop = new AbortController();
  #armed = false;
  #movedMs = 0;

  /** `onStall` runs once, when nothing has moved for `periodMs` while armed. */
  constructor(clock: Clock, periodMs: number, onStall: (waitedMs: number) => void) {
    this.#clock = clock;
    this.#periodMs = periodMs;
    this.#watch(onStall).catch(() => undefined); // ends by the abort of its sleep
  }

  arm(): void {
    this.#armed = true;
    this.moved();
  }
  disarm(): void {
    this.#armed = false;
  }
  moved(): void {
    this.#movedMs = this.#clock.nowMs();
  }
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #watch(onStall: (waitedMs: number) => void): Promise<void> {
    for (;;) {
      const waitedMs = this.#armed ? this.#clock.nowMs() - this.#movedMs : 0;
      if (waitedMs >= this.#periodMs) return onStall(waitedMs);
      await this.#clock.sleep(this.#periodMs - waitedMs, this.#stop.signal);
    }
  }
}
