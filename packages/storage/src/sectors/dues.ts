/**
 * When the seals of sectors are of no more use to whoever waits for them, as the storage's caller has said last: what
 * runs for them is ordered by it. In memory: the caller says it again after a restart. A sector of which nothing is
 * said comes after all that are due.
 */
import type { JobDue } from "../pool/index.ts";

/** Sectors of which it is known; the oldest are forgotten, and come last. */
const rememberedSectors = 16_384;

type DueListener = (dueMs: number | null) => void;

export class Dues {
  readonly #dues = new Map<number, number>();
  readonly #listeners = new Map<number, Set<DueListener>>();

  /** Null: nobody waits for it any more. */
  set(sectorId: number, dueMs: number | null): void {
    if ((this.#dues.get(sectorId) ?? null) === dueMs) return;
    this.#dues.delete(sectorId);
    if (dueMs !== null) this.#dues.set(sectorId, dueMs);
    const [oldest] = this.#dues.keys();
    if (this.#dues.size > rememberedSectors && oldest !== undefined) this.#dues.delete(oldest);
    for (const listener of this.#listeners.get(sectorId) ?? []) listener(dueMs);
  }

  /** Nothing is done for the sector any more. */
  forget(sectorId: number): void {
    this.#dues.delete(sectorId);
  }

  of(sectorId: number): JobDue {
    return {
      ms: () => this.#dues.get(sectorId),
      onChange: (listener) => {
        const listeners = this.#listeners.get(sectorId) ?? new Set();
        this.#listeners.set(sectorId, listeners.add(listener));
        return {
          [Symbol.dispose]: () => {
            listeners.delete(listener);
            if (listeners.size === 0) this.#listeners.delete(sectorId);
          },
        };
      },
    };
  }
}
