/**
 * The accumulator in use: one update at a time, prepared, then confirmed or taken back. Proofs are made from the
 * value that the update stands on, and nobody can get between the two.
 */

import type { CessUpdate } from "./chains.ts";
import { cessErrors } from "./errors.ts";
import {
  type CessChanged,
  type CessLevels,
  type CessSaved,
  deleteCessElements,
  insertCessElements,
  savedCessLevels,
} from "./levels.ts";

export class CessAccumulator {
  #levels: CessLevels;
  #pending: CessLevels | undefined;

  constructor(levels: CessLevels) {
    this.#levels = levels;
  }

  /** What was confirmed: audits are answered from it, also while an update waits. */
  get levels(): CessLevels {
    return this.#levels;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  #prepare(change: (levels: CessLevels) => CessChanged): CessUpdate {
    if (this.#pending !== undefined) throw cessErrors.updatePending({});
    const { levels, update } = change(this.#levels);
    this.#pending = levels;
    return update;
  }

  /** Throws cess/update-pending, cess/bad-count. */
  prepareInsert(elements: readonly Uint8Array[]): CessUpdate {
    return this.#prepare((levels) => insertCessElements(levels, elements));
  }

  /** Throws cess/update-pending, cess/bad-count. */
  prepareDelete(count: number): CessUpdate {
    return this.#prepare((levels) => deleteCessElements(levels, count));
  }

  /** The verifier has taken the update. Throws cess/no-update. */
  confirm(): void {
    if (this.#pending === undefined) throw cessErrors.noUpdate({});
    this.#levels = this.#pending;
    this.#pending = undefined;
  }

  /** The update is as if it had never been prepared; nothing if there is none. */
  rollback(): void {
    this.#pending = undefined;
  }

  saved(): CessSaved {
    return savedCessLevels(this.#levels);
  }
}
