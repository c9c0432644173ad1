/**
 * Parts of a seal on their way to the sink, while the next parts are computed. A buffer that is to be used again is
 * first waited for.
 * Invariant: no promise of the sink is left without somebody who hears of its failure; the first failure is thrown
 * by whoever waits next.
 */
import type { Steps } from "../steps/index.ts";
import type { SealSink } from "./io.ts";

export class Writes {
  readonly #sink: SealSink;
  readonly #pending = new Map<Uint8Array, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(sink: SealSink) {
    this.#sink = sink;
  }

  /** Begins to write `bytes`, which lie in `buffer`. */
  start(offset: number, bytes: Uint8Array, buffer: Uint8Array = bytes): void {
    const written = this.#sink.write(offset, bytes);
    if (written === undefined) return;
    const before = this.#pending.get(buffer);
    const heard = written.catch((error: unknown) => {
      this.#failure ??= { error };
    });
    this.#pending.set(
      buffer,
      before === undefined ? heard : Promise.all([before, heard]).then(() => undefined),
    );
  }

  /** Waits until the buffer may be changed. Throws what a write has failed with. */
  *settle(buffer: Uint8Array): Steps<void> {
    const pending = this.#pending.get(buffer);
    if (pending !== undefined) yield pending;
    this.#pending.delete(buffer);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits until all is written. */
  *settleAll(): Steps<void> {
    for (const buffer of [...this.#pending.keys()]) yield* this.settle(buffer);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
