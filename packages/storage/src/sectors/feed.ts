/**
 * Seal events for any number of consumers. The events are rows that were written in the same transaction as
 * the move they tell of; a consumer reads on from its own cursor, so none is lost or invented by a crash,
 * and a slow consumer holds up nobody.
 */
import type { Cancel } from "@holdfast/base";
import type { SealEvent, StorageReader } from "../store/index.ts";

/** Rows read at once. */
const batchCount = 64;

export class EventFeed {
  readonly #store: StorageReader;
  readonly #end: Cancel;
  readonly #waiting = new Set<() => void>();

  /** `end` aborts when the storage closes: every consumer's loop then ends. */
  constructor(store: StorageReader, end: Cancel) {
    this.#store = store;
    this.#end = end;
    end.addEventListener("abort", () => this.announce(), { once: true });
  }

  /** Wakes the consumers: there are new rows. */
  announce(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Events with a cursor above `after`, old and new ones; ends when the signal aborts or the storage closes. */
  async *events(after: number, signal?: Cancel): AsyncGenerator<SealEvent, void, undefined> {
    const ended = () => signal?.aborted === true || this.#end.aborted;
    let cursor = after;
    while (!ended()) {
      const { promise: news, resolve: wake } = Promise.withResolvers<void>();
      this.#waiting.add(wake); // before the query, so that no announcement falls between
      signal?.addEventListener("abort", wake, { once: true });
      try {
        const batch = await this.#store.events(cursor, batchCount);
        for (const event of batch) {
          if (ended()) return;
          cursor = event.cursor;
          yield event;
        }
        if (batch.length === 0 && !ended()) await news;
      } finally {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
      }
    }
  }
}
