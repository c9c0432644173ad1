/**
 * One direction of a simulated connection: what is sent arrives in order, each item after the link's delay
 * (0 is a microtask), or never if the connection breaks first. Nothing is lost from the middle.
 */
import type { Clock } from "../seams/types.ts";

export interface LinkConditions {
  readonly clock: Clock;
  /** Milliseconds from sending to arriving, drawn for every item. */
  readonly delayMs: () => number;
  /** Milliseconds that so many bytes keep the line busy; what is sent meanwhile waits. */
  readonly busyMs: (bytes: number) => number;
  /** Whether the connection breaks at this item. */
  readonly breaks: () => boolean;
  /** Settles when the path is open (a stalled partition holds items back). */
  readonly passable: () => Promise<void> | undefined;
  /** An item has come to the other side. */
  readonly arrived: () => void;
}

export class SimLink {
  readonly #conditions: LinkConditions;
  readonly #onBreak: () => void;
  readonly #items: { readonly dueMs: number; readonly arrive: () => void }[] = [];
  #pumping = false;
  #cut = false;
  /** When the line has sent what was given to it. */
  #freeMs = 0;

  constructor(conditions: LinkConditions, onBreak: () => void) {
    this.#conditions = conditions;
    this.#onBreak = onBreak;
  }

  /** `arrive` runs on the other side, after everything that was sent before. */
  send(arrive: () => void, bytes = 0): void {
    if (this.#cut) return;
    const { clock, delayMs, busyMs } = this.#conditions;
    this.#freeMs = Math.max(this.#freeMs, clock.nowMs()) + busyMs(bytes);
    this.#items.push({ dueMs: this.#freeMs + delayMs(), arrive });
    if (!this.#pumping) void this.#pump();
  }
  /** What is under way is lost. */
  cut(): void {
    this.#cut = true;
    this.#items.length = 0;
  }

  async #pump(): Promise<void> {
    const { clock, passable, breaks, arrived } = this.#conditions;
    this.#pumping = true;
    for (;;) {
      const item = this.#items[0];
      if (item === undefined) break;
      const waitMs = item.dueMs - clock.nowMs();
      if (waitMs > 0) await clock.sleep(waitMs);
      else await undefined;
      let closed = passable();
      await closed;
      for (; closed !== undefined; closed = passable()) await closed;
      if (this.#cut) break;
      if (breaks()) {
        this.#onBreak();
        break;
      }
      this.#items.shift();
      arrived();
      item.arrive();
    }
    this.#pumping = false;
  }
}
