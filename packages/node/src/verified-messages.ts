/**
 * Messages whose signatures were verified, by their CIDs: the pool verifies each on its arrival, and whoever mines or
 * checks the block that takes it need not do so again. Invariants: a CID covers the signature and all that it signs; a
 * node has one network, so what is in here holds for all its rooms; memory is bounded, and of what is too much the
 * older half goes.
 */
import type { VerifiedMessages as Verified } from "@holdfast/consensus";
import { limits } from "./limits.ts";

export class VerifiedMessages implements Verified {
  #young = new Set<string>();
  #old: ReadonlySet<string> = new Set();
  readonly #most: number;

  constructor(most: number = limits.verifiedMessages) {
    this.#most = most;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
  has(messageCid: string): boolean {
    return this.#young.has(messageCid) || this.#old.has(messageCid);
  }
  add(messageCid: string): void {
    if (this.#young.size >= Math.max(1, this.#most >> 1)) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(messageCid);
  }
}
