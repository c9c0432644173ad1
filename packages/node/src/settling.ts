/**
 * Blocks that are written as copies and made durable together, while the next ones come: to make many files durable
 * costs the disk little more than one. Invariant: after `done` everything that was added is durable; until then nothing
 * may be said to be.
 */
import type { CID } from "@holdfast/base";
import { limits } from "./limits.ts";

export class Settling {
  readonly #settle: (cids: readonly CID[]) => Promise<void>;
  #waiting: CID[] = [];
  #round: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(blocks: { settle(cids: readonly CID[]): Promise<void> }) {
    this.#settle = (cids) => blocks.settle(cids);
  }

  /** A block that has been written. */
  add(cid: CID): void {
    this.#waiting.push(cid);
    if (this.#waiting.length >= limits.settledAtOnce) this.#begin();
  }
  /** `disk/…` */
  async done(): Promise<void> {
    await this.ended();
    if (this.#failure === undefined && this.#waiting.length > 0) this.#begin();
    await this.ended();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
  /** What is under way has ended, well or not. */
  async ended(): Promise<void> {
    while (this.#round !== undefined) await this.#round;
  }

  #begin(): void {
    if (this.#round !== undefined || this.#failure !== undefined) return;
    const round = this.#waiting;
    this.#waiting = [];
    this.#round = this.#settle(round)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .then(() => {
        this.#round = undefined;
        if (this.#waiting.length >= limits.settledAtOnce) this.#begin();
      });
  }
}
